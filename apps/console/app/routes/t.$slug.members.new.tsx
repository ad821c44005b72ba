import { randomUUID } from 'node:crypto'
import { Checkbox } from '@mantine/core'
import { type MetaFunction, redirect } from '@remix-run/node'
import { useFetcher, useLoaderData, useSearchParams } from '@remix-run/react'
import { useState } from 'react'
import { MEMBER_FIELDS, MemberFields } from '../features/people/member-form.tsx'
import { memberInput } from '../features/people/member-input.server.ts'
import { loadPlaces } from '../features/people/places.server.ts'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { ActForm, answerOf } from '../ui/form/act-form.tsx'
import { SidePanel } from '../ui/side-panel.tsx'
import { searchOf } from '../ui/table/use-table.ts'

export const meta: MetaFunction = () => [{ title: 'Add a person – Stipend' }]

export const loader = tenantLoader(async ({ api }) => ({
  places: await loadPlaces(api),
  idempotency_key: randomUUID(),
}))
export const shouldRevalidate = () => false

export const action = tenantAction(async ({ api, membership, session, context, url }, form) => {
  const kind = membership.tenant_kind === 'company' ? 'employee' : 'student'
  const made = await api.members.create({ kind, ...memberInput(form) })
  // The form's idempotency key is the adding's: inviting twice sends one mail by itself.
  const inviting = context.backend.caller(session, membership, context.facts)
  if (text(form, 'invite') !== '') await inviting.invitations.send({ member_ids: [made.id] })
  return redirect(paths.member(membership.tenant_slug, made.id, url.search))
})

export default function NewMember() {
  const { places, idempotency_key } = useLoaderData<typeof loader>()
  const { slug, words } = useTenant()
  const [search] = useSearchParams()
  const fetcher = useFetcher<typeof action>()
  const [isTouched, setTouched] = useState(false)
  const [invites, setInvites] = useState(true)
  const { refused } = answerOf<object>(fetcher.data as never)
  const what = words.person === 'person' ? 'a person' : 'an employee'
  return (
    <SidePanel title={`Add ${what}`} closeTo={paths.members(slug, searchOf(search))} openedBy="new-member">
      <div onChange={() => setTouched(true)}>
        <ActForm
          fetcher={fetcher as never}
          idempotencyKey={idempotency_key}
          sentence={
            invites
              ? 'Adds them and sends a mail with a link to choose a password.'
              : 'Adds them. They can’t sign in until they are invited.'
          }
          act={`Add ${what}`}
          isTouched={isTouched && fetcher.state === 'idle'}
          leaveTitle={`Leave without adding ${what}?`}
          refused={refused}
          fields={MEMBER_FIELDS}
        >
          <MemberFields of={{}} places={places} refused={refused} />
          <Checkbox
            name="invite"
            value="yes"
            label="Invite by mail"
            checked={invites}
            onChange={(event) => setInvites(event.currentTarget.checked)}
          />
        </ActForm>
      </div>
    </SidePanel>
  )
}

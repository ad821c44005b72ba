import { randomUUID } from 'node:crypto'
import { Button, Divider, Group, Stack, Text } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { Link, useFetcher, useLoaderData, useNavigate, useSearchParams } from '@remix-run/react'
import { useState } from 'react'
import type { ActName } from '../features/people/act-words.ts'
import { MEMBER_FIELDS, MemberFields } from '../features/people/member-form.tsx'
import { memberInput } from '../features/people/member-input.server.ts'
import { AccountBadge } from '../features/people/people-columns.tsx'
import { KINDS, ROLES } from '../features/people/people-query.ts'
import { loadPlaces } from '../features/people/places.server.ts'
import { usePeopleActs } from '../features/people/use-people-acts.tsx'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader } from '../session.server.ts'
import { Facts } from '../ui/facts.tsx'
import { ActForm, answerOf } from '../ui/form/act-form.tsx'
import { Moment } from '../ui/moment.tsx'
import { useNotify } from '../ui/notices.tsx'
import { SidePanel } from '../ui/side-panel.tsx'
import { rowLinkId } from '../ui/table/data-table.tsx'
import { searchOf } from '../ui/table/use-table.ts'

export const meta: MetaFunction = () => [{ title: 'Person – Stipend' }]

export const loader = tenantLoader(async ({ api, param }) => {
  const [member, places] = await Promise.all([api.members.get({ id: param('memberId') }), loadPlaces(api)])
  return { member, places, idempotency_key: randomUUID() }
})

export const action = tenantAction(async ({ api, param }, form) => {
  const saved = await api.members.update({ id: param('memberId'), ...memberInput(form) })
  return { saved: saved.name }
})

export default function Member() {
  const { member, places, idempotency_key } = useLoaderData<typeof loader>()
  const { slug, words, may, role: ownRole, member_id: own } = useTenant()
  const [search] = useSearchParams()
  const navigate = useNavigate()
  const notify = useNotify()
  const fetcher = useFetcher<typeof action>()
  const [isEditing, setEditing] = useState(false)
  const [isTouched, setTouched] = useState(false)
  const [seen, setSeen] = useState<unknown>()
  const closeTo = paths.members(slug, searchOf(search))
  const { ask, dialog } = usePeopleActs(places.locations, (act) => {
    if (act === 'remove') navigate(closeTo, { preventScrollReset: true })
  })
  const { refused, done } = answerOf<{ saved: string }>(fetcher.data as never)
  if (done !== null && fetcher.state === 'idle' && seen !== fetcher.data) {
    setSeen(fetcher.data)
    setEditing(false)
    setTouched(false)
    notify({ message: `${done.saved} is saved.` })
  }
  const isMightier = member.role !== 'member' && ownRole !== 'owner'
  const canChange = may('members:write') && !isMightier
  const doAct = (act: ActName) => ask({ act, people: { member_ids: [member.id] }, what: member.name })
  const names = (of: { name: string }[]) => of.map((one) => one.name).join(', ')
  return (
    <SidePanel title={member.name} sentence={member.email} closeTo={closeTo} openedBy={rowLinkId(member.id)}>
      {isEditing ? (
        <div onChange={() => setTouched(true)}>
          <ActForm
            fetcher={fetcher as never}
            idempotencyKey={idempotency_key}
            sentence={`Saves what you changed of ${member.name}.`}
            act="Save"
            isTouched={isTouched && fetcher.state === 'idle'}
            leaveTitle="Leave without saving?"
            refused={refused}
            fields={MEMBER_FIELDS}
          >
            <MemberFields of={member} places={places} refused={refused} />
          </ActForm>
          <Button variant="subtle" color="gray" fullWidth mt="xs" onClick={() => setEditing(false)}>
            Cancel
          </Button>
        </div>
      ) : (
        <Stack gap="lg">
          <Group gap="xs">
            {canChange && (
              <Button size="xs" variant="default" onClick={() => setEditing(true)}>
                Edit
              </Button>
            )}
            {canChange && member.account === 'none' && member.is_active && (
              <Button size="xs" onClick={() => doAct('invite')}>
                {member.invited_at === null ? 'Invite' : 'Send the invitation again'}
              </Button>
            )}
            {canChange && member.invited_at !== null && (
              <Button size="xs" variant="default" onClick={() => doAct('withdraw')}>
                Withdraw
              </Button>
            )}
            {may('keys:read') && (
              <Button size="xs" variant="default" component={Link} to={paths.person(slug, member.id)}>
                Keys
              </Button>
            )}
          </Group>
          <Facts
            rows={[
              ['Account', <AccountBadge key="account" of={member} />],
              ...(member.invited_at === null
                ? []
                : ([
                    ['Invited', <Moment key="invited" at={member.invited_at} />],
                    ['Invitation ends', <Moment key="ends" at={member.invitation_expires_at} />],
                  ] as [string, React.ReactNode][])),
              ['Kind', KINDS[member.kind].replace(/s$/, '')],
              [words.location, member.location_name ?? '–'],
              [words.groups, names(member.groups) || '–'],
              ...(member.leads.length === 0 ? [] : ([['Leads', names(member.leads)]] as [string, string][])),
              [
                'Role',
                member.scope_location_ids.length === 0
                  ? ROLES[member.role]
                  : `${ROLES[member.role]} of ${names(places.locations.filter((one) => member.scope_location_ids.includes(one.id)))}`,
              ],
              ...(member.external_id === null ? [] : ([['External id', member.external_id]] as [string, string][])),
              ['Added', <Moment key="added" at={member.created_at} />],
            ]}
          />
          {isMightier && may('members:write') && (
            <Text size="sm" c="dimmed">
              {member.name} has a role. Only an owner can change or remove somebody who has one.
            </Text>
          )}
          {canChange && member.id !== own && (
            <>
              <Divider />
              <Group gap="xs">
                <Button size="xs" variant="default" onClick={() => doAct('move')}>
                  Move
                </Button>
                {member.is_active ? (
                  <Button size="xs" variant="default" onClick={() => doAct('deactivate')}>
                    Deactivate
                  </Button>
                ) : (
                  <Button size="xs" variant="default" onClick={() => doAct('reactivate')}>
                    Reactivate
                  </Button>
                )}
                <Button size="xs" variant="light" color="red" onClick={() => doAct('remove')}>
                  Remove
                </Button>
              </Group>
            </>
          )}
        </Stack>
      )}
      {dialog}
    </SidePanel>
  )
}

import { randomUUID } from 'node:crypto'
import { Alert } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { useActionData, useFetcher, useLoaderData, useSearchParams } from '@remix-run/react'
import { keyButtonId } from '../features/coding/people-columns.tsx'
import { modelsOf } from '../features/connect/models.server.ts'
import { KeyForm } from '../features/keys/key-form.tsx'
import { MadeKey } from '../features/keys/made-key.tsx'
import { choicesOf } from '../features/keys/restrictions.ts'
import { readTerms } from '../features/keys/terms.server.ts'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { SidePanel } from '../ui/side-panel.tsx'

export const meta: MetaFunction = () => [{ title: 'Create a key – Stipend' }]

export const loader = tenantLoader(async ({ api, param, context, session, membership }) => {
  const permissions = context.backend.permissions(session, membership)
  const [member, allocations, { models, model_for }] = await Promise.all([
    api.members.get({ id: param('memberId') }),
    permissions.includes('allocations:read') ? api.allocations.list({ limit: 200 }) : null,
    modelsOf(api),
  ])
  return {
    member,
    allocations: allocations?.data.map(({ id, name }) => ({ id, name })) ?? [],
    choices: choicesOf(models),
    model_for,
    gateway_url: context.backend.gateway_url,
    may_write: permissions.includes('keys:write'),
    /** One form makes one key, however often it is sent. */
    idempotency_key: randomUUID(),
  }
})

// The form keeps its idempotency key, and the key once shown stays on the page.
export const shouldRevalidate = () => false

export const action = tenantAction(async ({ api, param }, form) => {
  const created = await api.keys.create({
    member_id: param('memberId'),
    ...readTerms(form),
    allocation_id: text(form, 'allocation_id') || null,
  })
  return { created }
})

export default function NewKey() {
  const { member, allocations, choices, model_for, gateway_url, idempotency_key, may_write } =
    useLoaderData<typeof loader>()
  const { slug } = useTenant()
  const [search] = useSearchParams()
  const fetcher = useFetcher<typeof action>()
  const sentPlainly = useActionData<typeof action>()
  const result = fetcher.data ?? sentPlainly
  const closeTo = paths.coding(slug, search.size === 0 ? '' : `?${search}`)
  const created = result !== undefined && 'created' in result ? result.created : null
  const refused = result !== undefined && 'error' in result ? result.error : null
  const firstName = member.name.split(' ')[0] ?? member.name

  return (
    <SidePanel
      title={created === null ? `Create a key for ${member.name}` : `The key of ${member.name}`}
      sentence={
        created === null
          ? member.groups.map((group) => group.name).join(', ') || member.location_name || member.email
          : created.name
      }
      closeTo={closeTo}
      openedBy={keyButtonId(member.id)}
    >
      {created === null ? (
        member.account === 'none' ? (
          <Alert color="yellow" title={`${member.name} has no account yet`}>
            A key can only be made for somebody who can sign in. Once {firstName} has an account, come back here.
          </Alert>
        ) : !may_write ? (
          <Alert color="gray">Your role can see keys but not make them. An administrator can.</Alert>
        ) : (
          <KeyForm
            fetcher={fetcher}
            name={firstName}
            idempotencyKey={idempotency_key}
            allocations={allocations}
            choices={choices}
            refused={refused}
          />
        )
      ) : (
        <MadeKey
          made={created}
          keyPath={paths.key(slug, member.id, created.id)}
          closeTo={closeTo}
          warning={`It is shown this once. Give it to ${firstName} in person. Send by mail is not offered: a key in a mailbox is a lost key.`}
          gateway_url={gateway_url}
          modelFor={model_for}
        />
      )}
    </SidePanel>
  )
}

import type { MetaFunction } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { actNewKeys, loadNewKeys } from '../features/classes/new-keys.server.ts'
import { NewKeys } from '../features/classes/new-keys.tsx'
import { tenantAction, tenantLoader } from '../session.server.ts'

export const meta: MetaFunction = () => [{ title: 'Create keys – Stipend' }]

export const loader = tenantLoader((call) => loadNewKeys(call, { group_id: call.param('groupId') }))

// The form keeps its idempotency key, and the keys once made stay on the page.
export const shouldRevalidate = () => false

export const action = tenantAction((call, form) => actNewKeys(call, { group_id: call.param('groupId') }, form))

export default function NewKeysOfGroup() {
  return <NewKeys {...useLoaderData<typeof loader>()} />
}

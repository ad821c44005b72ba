import type { MetaFunction } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { actNewKeys, loadNewKeys } from '../features/classes/new-keys.server.ts'
import { NewKeys } from '../features/classes/new-keys.tsx'
import { tenantAction, tenantLoader } from '../session.server.ts'

export const meta: MetaFunction = () => [{ title: 'Create keys – Stipend' }]

export const loader = tenantLoader((call) => loadNewKeys(call, { location_id: call.param('locationId') }))

// The form keeps its idempotency key, and the keys once made stay on the page.
export const shouldRevalidate = () => false

export const action = tenantAction((call, form) => actNewKeys(call, { location_id: call.param('locationId') }, form))

export default function NewKeysOfLocation() {
  return <NewKeys {...useLoaderData<typeof loader>()} />
}

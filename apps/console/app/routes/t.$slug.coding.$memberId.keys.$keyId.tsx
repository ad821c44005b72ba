import type { MetaFunction } from '@remix-run/node'
import { useLoaderData, useSearchParams } from '@remix-run/react'
import { keyButtonId } from '../features/coding/people-columns.tsx'
import { actOnKey, loadKeyPanel } from '../features/keys/key-panel.server.ts'
import { KeyPanel } from '../features/keys/key-panel.tsx'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { notFoundPage, tenantAction, tenantLoader } from '../session.server.ts'
import { searchOf } from '../ui/table/use-table.ts'

export const meta: MetaFunction = () => [{ title: 'Key – Stipend' }]

export const loader = tenantLoader(async ({ api, param, context }) => {
  const panel = await loadKeyPanel(api, param('keyId'))
  if (panel.key.member_id !== param('memberId')) throw notFoundPage(context)
  return panel
})

export const action = tenantAction(({ api, param }, form) => actOnKey(api, param('keyId'), form))

export default function CodingKey() {
  const panel = useLoaderData<typeof loader>()
  const { slug } = useTenant()
  const [search] = useSearchParams()
  return (
    <KeyPanel of={panel} closeTo={paths.coding(slug, searchOf(search))} openedBy={keyButtonId(panel.key.member_id)} />
  )
}

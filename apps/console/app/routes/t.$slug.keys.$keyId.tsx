import type { MetaFunction } from '@remix-run/node'
import { useLoaderData, useSearchParams } from '@remix-run/react'
import { actOnKey, loadKeyPanel } from '../features/keys/key-panel.server.ts'
import { KeyPanel } from '../features/keys/key-panel.tsx'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader } from '../session.server.ts'
import { rowLinkId } from '../ui/table/data-table.tsx'
import { searchOf } from '../ui/table/use-table.ts'

export const meta: MetaFunction = () => [{ title: 'Key – Stipend' }]

export const loader = tenantLoader(({ api, param }) => loadKeyPanel(api, param('keyId')))

export const action = tenantAction(({ api, param }, form) => actOnKey(api, param('keyId'), form))

export default function Key() {
  const panel = useLoaderData<typeof loader>()
  const { slug } = useTenant()
  const [search] = useSearchParams()
  return <KeyPanel of={panel} closeTo={paths.keys(slug, searchOf(search))} openedBy={rowLinkId(panel.key.id)} />
}

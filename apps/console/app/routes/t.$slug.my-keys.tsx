import { Anchor, Button, Text } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { Link, Outlet, useLoaderData, useParams, useSearchParams } from '@remix-run/react'
import { KEY_STATES } from '../features/keys/key-state.tsx'
import { OWN_KEY_COLUMNS } from '../features/keys/keys-columns.tsx'
import { readOwnKeysQuery } from '../features/keys/keys-query.ts'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantLoader } from '../session.server.ts'
import { Empty } from '../ui/empty.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { DataTable } from '../ui/table/data-table.tsx'
import { TableToolbar } from '../ui/table/toolbar.tsx'
import { searchOf } from '../ui/table/use-table.ts'
import { ZoneNote } from '../ui/zone-note.tsx'

export const meta: MetaFunction = () => [{ title: 'My keys – Stipend' }]

export const loader = tenantLoader(async ({ api, url }) => {
  const { query, cursor, isFiltered } = readOwnKeysQuery(url.searchParams)
  const [page, limits, { content }] = await Promise.all([
    api.keys.listOwn({ ...query, ...(cursor === null ? {} : { cursor }) }),
    api.keys.getOwnLimits(),
    api.tenants.get({}),
  ])
  return {
    page,
    sort: query.sort,
    isFiltered,
    may_create: limits.may_create,
    keeps_titles: content.kept === 'titles',
  }
})

export default function MyKeys() {
  const { page, sort, isFiltered, may_create, keeps_titles } = useLoaderData<typeof loader>()
  const { slug, kind } = useTenant()
  const { keyId } = useParams()
  const [search] = useSearchParams()
  const giver = kind === 'school' ? 'your school' : 'your company'
  const create = may_create && (
    <Button component={Link} to={paths.newOwnKey(slug)} id="new-own-key">
      Create a key
    </Button>
  )
  return (
    <>
      <PageHeader
        title="My keys"
        sentence={`Your keys, and what is left on them. ${kind === 'school' ? 'Your school' : 'Your company'} sees which models you use and what it costs${keeps_titles ? ', and the first words of each chat' : ''}.`}
        action={create}
      />
      {(page.data.length > 0 || isFiltered) && (
        <TableToolbar
          filters={[{ name: 'status', label: 'Status', options: KEY_STATES, isSingle: true }]}
          table={{ id: 'own_keys', columns: OWN_KEY_COLUMNS }}
        />
      )}
      <DataTable
        id="own_keys"
        label="My keys"
        columns={OWN_KEY_COLUMNS}
        page={page}
        sort={sort}
        rowTo={(key) => paths.ownKey(slug, key.id, searchOf(search))}
        openId={keyId}
        isFiltered={isFiltered}
        filterNames={['status']}
        nothingYet={
          <Empty kind="nothing_yet" title="You have no key yet" action={create}>
            {may_create
              ? 'Make one for yourself: it is shown once, and your tool is set up in a minute.'
              : `Keys are handed out by ${giver}. Ask ${kind === 'school' ? 'your teacher' : 'your administrator'} for one.`}
          </Empty>
        }
      />
      <ZoneNote />
      <Text size="sm" mt="lg">
        <Anchor component={Link} to={paths.connect(slug)} inherit>
          How to connect a tool
        </Anchor>
      </Text>
      <Text size="sm" c="dimmed" mt="xs">
        A key is shown once, when it is made. If you lost yours, open it and revoke it, then{' '}
        {may_create ? 'make' : 'ask for'} a new one.
      </Text>
      <Outlet />
    </>
  )
}

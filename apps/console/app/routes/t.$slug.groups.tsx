import { Button, Text } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { Link, Outlet, useLoaderData, useParams, useSearchParams } from '@remix-run/react'
import type { Caller } from '../../backend.ts'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantLoader } from '../session.server.ts'
import { Empty } from '../ui/empty.tsx'
import { Moment } from '../ui/moment.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import type { Column } from '../ui/table/columns.ts'
import { DataTable } from '../ui/table/data-table.tsx'
import { readTable } from '../ui/table/state.ts'
import { TableToolbar } from '../ui/table/toolbar.tsx'
import { searchOf } from '../ui/table/use-table.ts'

export const meta: MetaFunction = () => [{ title: 'Groups – Stipend' }]

type ListedGroup = Awaited<ReturnType<Caller['groups']['list']>>['data'][number]

export const loader = tenantLoader(async ({ api, url }) => {
  const { search, filters, cursor, isFiltered } = readTable(url.searchParams, {
    sorts: ['name'],
    filters: ['location'],
  })
  const [location_id] = filters.location ?? []
  const [page, locations] = await Promise.all([
    api.groups.list({
      ...(search === null ? {} : { search }),
      ...(location_id === undefined ? {} : { location_id }),
      ...(cursor === null ? {} : { cursor }),
    }),
    api.locations.list({}),
  ])
  return { page, isFiltered, locations: locations.data.map(({ id, name }) => ({ id, name })) }
})

const COLUMNS: readonly Column<ListedGroup>[] = [
  { id: 'name', header: 'Name', cell: (group) => group.name },
  { id: 'location', header: 'Location', width: 200, from: 'sm', cell: (group) => group.location_name },
  {
    id: 'leads',
    header: 'Led by',
    from: 'sm',
    cell: (group) => (
      <Text size="sm" truncate {...(group.leads.length === 0 ? { c: 'dimmed' } : {})}>
        {group.leads.map((one) => one.name).join(', ') || 'Nobody'}
      </Text>
    ),
  },
  {
    id: 'members',
    header: 'People',
    width: 90,
    align: 'end',
    cell: (group) => group.members_count.toLocaleString('en-US'),
  },
  { id: 'created_at', header: 'Added', width: 118, from: 'lg', cell: (group) => <Moment at={group.created_at} /> },
]

export default function Groups() {
  const { page, isFiltered, locations } = useLoaderData<typeof loader>()
  const { slug, words, may } = useTenant()
  const { groupId } = useParams()
  const [search] = useSearchParams()
  const canWrite = may('groups:write')
  const add = (
    <Button component={Link} to={paths.newGroup(slug, searchOf(search))} id="new-group">
      Add a {words.group.toLowerCase()}
    </Button>
  )
  return (
    <>
      <PageHeader
        title={words.groups}
        sentence={`Who works together, and who leads them: a lead sees these people and looks after their keys.`}
        action={canWrite && add}
      />
      <TableToolbar
        search="Name"
        filters={[
          {
            name: 'location',
            label: words.location,
            options: locations.length < 2 ? [] : locations.map(({ id, name }) => ({ value: id, label: name })),
            isSingle: true,
          },
        ]}
        table={{ id: 'groups', columns: COLUMNS }}
      />
      <DataTable
        id="groups"
        label={words.groups}
        columns={COLUMNS}
        page={page}
        rowTo={(group) => paths.group(slug, group.id, searchOf(search))}
        openId={groupId}
        isFiltered={isFiltered}
        filterNames={['location']}
        nothingYet={
          <Empty kind="nothing_yet" title={`No ${words.groups.toLowerCase()} yet`} action={canWrite && add}>
            Add the first one, or import people with theirs.
          </Empty>
        }
      />
      <Outlet />
    </>
  )
}

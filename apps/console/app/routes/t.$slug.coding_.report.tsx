import { Anchor, SegmentedControl } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { Link, useLoaderData } from '@remix-run/react'
import type { Caller } from '../../backend.ts'
import { readReport } from '../features/coding/report-query.ts'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantLoader } from '../session.server.ts'
import { Amount } from '../ui/amount.tsx'
import { Empty } from '../ui/empty.tsx'
import { Moment } from '../ui/moment.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import type { Column } from '../ui/table/columns.ts'
import { DataTable } from '../ui/table/data-table.tsx'
import { TableToolbar } from '../ui/table/toolbar.tsx'
import { useTable } from '../ui/table/use-table.ts'
import { ZoneNote } from '../ui/zone-note.tsx'

export const meta: MetaFunction = () => [{ title: 'Report – Stipend' }]

export const loader = tenantLoader(async ({ api, url }) => {
  const { filter, by, days, sort, cursor, isFiltered } = readReport(url.searchParams)
  const [page, { content }] = await Promise.all([
    api.coding.report({ ...filter, by, days, sort, ...(cursor === null ? {} : { cursor }) }),
    api.tenants.get(),
  ])
  return { page, by, days, sort, isFiltered, keeps_titles: content.kept === 'titles' }
})

type Row = Awaited<ReturnType<Caller['coding']['report']>>['data'][number]

const COLUMNS: readonly Column<Row>[] = [
  { id: 'name', header: 'Name', sort: { sort: 'name', begins: 'up' }, cell: (row) => row.name },
  { id: 'detail', header: 'Who', from: 'md', width: 240, cell: (row) => row.detail ?? '–' },
  {
    id: 'people',
    header: 'People',
    from: 'md',
    width: 90,
    align: 'end',
    cell: (row) => row.members_count.toLocaleString('en-US'),
  },
  {
    id: 'requests',
    header: 'Requests',
    width: 100,
    align: 'end',
    sort: { sort: 'requests', begins: 'down' },
    cell: (row) => row.requests.toLocaleString('en-US'),
  },
  {
    id: 'tokens',
    header: 'Tokens',
    from: 'lg',
    width: 120,
    align: 'end',
    cell: (row) => row.tokens.toLocaleString('en-US'),
  },
  {
    id: 'chats',
    header: 'Chats',
    from: 'sm',
    width: 80,
    align: 'end',
    cell: (row) => row.chats_count.toLocaleString('en-US'),
  },
  {
    id: 'cost',
    header: 'Cost',
    width: 100,
    align: 'end',
    sort: { sort: 'cost', begins: 'down' },
    cell: (row) => <Amount usd={row.cost_usd} />,
  },
  {
    id: 'seen',
    header: 'Last seen',
    from: 'sm',
    width: 128,
    cell: (row) => <Moment at={row.last_seen_at} never="–" />,
  },
]

const DAYS = { '7': '7 days', '30': '30 days', '90': '90 days' }

export default function Report() {
  const { page, by, days, sort, isFiltered, keeps_titles } = useLoaderData<typeof loader>()
  const { slug, words } = useTenant()
  const { set } = useTable()
  return (
    <>
      <PageHeader
        title="Report"
        sentence={`Who used their keys how much. ${
          keeps_titles
            ? 'Of chats their number, cost and first words are kept, nothing else of what was said.'
            : 'Of chats only their number and cost is kept, nothing of what was said.'
        }`}
        action={
          <Anchor component={Link} to={paths.coding(slug)} size="sm">
            Back to Coding
          </Anchor>
        }
      />
      <TableToolbar search="Name" exportTo={paths.exportReport(slug)} table={{ id: 'report', columns: COLUMNS }}>
        <SegmentedControl
          aria-label="Whose use is added up"
          size="xs"
          value={by}
          onChange={(value) => set({ by: value === 'member' ? null : value })}
          data={[
            { value: 'member', label: 'People' },
            { value: 'group', label: words.groups },
            { value: 'location', label: words.locations },
          ]}
        />
        <SegmentedControl
          aria-label="Range"
          size="xs"
          value={String(days)}
          onChange={(value) => set({ days: value === '30' ? null : value })}
          data={Object.entries(DAYS).map(([value, label]) => ({ value, label }))}
        />
      </TableToolbar>
      <DataTable
        id="report"
        label="Report"
        columns={COLUMNS}
        page={page}
        sort={sort}
        isFiltered={isFiltered}
        nothingYet={
          <Empty kind="nothing_yet" title="Nothing was used yet">
            As soon as somebody uses a key, it is added up here.
          </Empty>
        }
        {...(by === 'member' ? { rowTo: (row: Row) => paths.person(slug, row.id) } : {})}
      />
      <ZoneNote />
    </>
  )
}

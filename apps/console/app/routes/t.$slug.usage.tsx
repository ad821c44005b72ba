import { Badge, Button, Card, Group, SegmentedControl, Skeleton, Table, Text, Title } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import {
  Link,
  Outlet,
  type ShouldRevalidateFunction,
  useLoaderData,
  useNavigate,
  useNavigation,
  useSearchParams,
} from '@remix-run/react'
import { useQuery } from '@tanstack/react-query'
import type { UsageEvent } from '../../backend.ts'
import { useTenant } from '../features/tenant.ts'
import { RANGES, readUsageFilter } from '../features/usage/filter.ts'
import { OUTCOMES, OutcomeBadge, seconds } from '../features/usage/request-state.tsx'
import classes from '../features/usage/request-table.module.css'
import { SpendChart } from '../features/usage/spend-chart.tsx'
import { paths } from '../paths.ts'
import { tenantLoader } from '../session.server.ts'
import { trpcFor } from '../trpc-client.ts'
import { Amount } from '../ui/amount.tsx'
import { Empty } from '../ui/empty.tsx'
import { SearchFilter, SelectFilter, useFilters } from '../ui/filters.tsx'
import { Moment } from '../ui/moment.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { cursorOf, cursorTrail, Pager } from '../ui/pager.tsx'
import { ZoneNote } from '../ui/zone-note.tsx'
import { counted } from '../words.ts'

export const meta: MetaFunction = () => [{ title: 'Usage – Stipend' }]

const PAGE = 50
/** A new request is to be seen within two seconds. */
const REFRESH_MS = 1_500

export const loader = tenantLoader(async ({ api, membership, url, now }) => {
  const { range, days, place, filter, isFiltered } = readUsageFilter(url.searchParams, membership.time_zone, now)
  const input = { ...filter, ...cursorOf(url.searchParams), limit: PAGE }
  const [page, summary] = await Promise.all([api.usage.list(input), api.usage.summary({ days, ...place })])
  return { page, summary, input, range, isFiltered }
})

// A panel opening or closing changes nothing here.
export const shouldRevalidate: ShouldRevalidateFunction = ({ currentUrl, nextUrl }) =>
  currentUrl.search !== nextUrl.search

export default function Usage() {
  const { summary, range, input } = useLoaderData<typeof loader>()
  const { set } = useFilters()
  const [search] = useSearchParams()
  const models = summary.by_model.map(({ model }) => ({ value: model, label: model }))
  return (
    <>
      <PageHeader title="Usage" sentence="Every request made with a key: who, which model, what it cost." />
      <Card mb="md">
        <Group justify="space-between" mb={summary.requests > 0 && summary.by_day.length > 1 ? 'md' : 0}>
          <div>
            <Title order={2} fz={26} lh={1.4}>
              <Amount usd={summary.cost_usd} />
            </Title>
            <Text size="sm" c="dimmed">
              {counted(summary.requests, 'request')} · {tokens(summary.input_tokens)} tokens in ·{' '}
              {tokens(summary.output_tokens)} out · {counted(summary.active_members, 'person', 'people')}
            </Text>
          </div>
          <SegmentedControl
            aria-label="Range"
            size="xs"
            value={range}
            onChange={(days) => set({ days: days === '30' ? null : days })}
            data={Object.entries(RANGES)
              .map(([value, label]) => ({ value, label }))
              .toSorted((a, b) => Number(a.value) - Number(b.value))}
          />
        </Group>
        {summary.requests > 0 && summary.by_day.length > 1 && <SpendChart days={summary.by_day} />}
      </Card>
      <Group gap="sm" mb="md">
        <SearchFilter label="Person or request id" />
        <SelectFilter label="Model" name="model" options={models} width={220} />
        <SelectFilter
          label="Status"
          name="status"
          options={Object.entries(OUTCOMES).map(([value, { word }]) => ({ value, label: word }))}
          width={150}
        />
        {search.has('key') && (
          <Button variant="default" onClick={() => set({ key: null })} rightSection={<span aria-hidden="true">×</span>}>
            One key only
          </Button>
        )}
        {search.has('provider') && (
          <Button
            variant="default"
            onClick={() => set({ provider: null })}
            rightSection={<span aria-hidden="true">×</span>}
          >
            One provider only
          </Button>
        )}
      </Group>
      <Card p={0}>
        <Requests key={JSON.stringify(input)} />
      </Card>
      <Group mt="sm" justify="flex-end">
        <ZoneNote />
      </Group>
      <Outlet />
    </>
  )
}

function Requests() {
  const { page: loaded, input, isFiltered } = useLoaderData<typeof loader>()
  const { slug } = useTenant()
  const [search] = useSearchParams()
  const { location } = useNavigation()
  const isFirstPage = cursorTrail(search).length === 0
  // Only the first page changes by itself; those before it hold still while they are read.
  const { data: page } = useQuery({
    queryKey: ['usage.list', slug, input],
    queryFn: () => trpcFor(slug).usage.list.query(input),
    initialData: loaded,
    enabled: isFirstPage,
    refetchInterval: REFRESH_MS,
    retry: false,
  })
  if (
    location !== undefined &&
    location.pathname === paths.usage(slug) &&
    location.search.slice(1) !== search.toString()
  ) {
    return <Skeleton h={44 * Math.max(4, Math.min(page.data.length, 12))} radius={0} aria-busy="true" />
  }
  if (page.data.length === 0) {
    return isFiltered || !isFirstPage ? (
      <Empty
        kind="nothing_matches"
        title="No request matches"
        action={
          <Button component={Link} to={paths.usage(slug)} variant="default" size="xs" mt="xs">
            Clear the filters
          </Button>
        }
      >
        Nothing was requested with these filters in this range.
      </Empty>
    ) : (
      <Empty
        kind="nothing_yet"
        title="No requests yet"
        action={
          <Button component={Link} to={paths.connect(slug)} variant="default" size="xs" mt="xs">
            How to connect a tool
          </Button>
        }
      >
        As soon as somebody uses a key, each request appears here by itself.
      </Empty>
    )
  }
  return (
    <>
      <Table className={classes.table} aria-label="Requests">
        <Table.Thead>
          <Table.Tr>
            <Table.Th visibleFrom="sm" w={130}>
              Time
            </Table.Th>
            <Table.Th>Who</Table.Th>
            <Table.Th>Model</Table.Th>
            <Table.Th visibleFrom="md" ta="right" w={110}>
              Tokens in
            </Table.Th>
            <Table.Th visibleFrom="md" ta="right" w={120}>
              Tokens out
            </Table.Th>
            <Table.Th ta="right" w={84}>
              Cost
            </Table.Th>
            <Table.Th visibleFrom="xs" w={120}>
              Status
            </Table.Th>
            <Table.Th visibleFrom="md" ta="right" w={90}>
              Took
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {page.data.map((event) => (
            <RequestRow key={event.id} event={event} />
          ))}
        </Table.Tbody>
      </Table>
      <Pager next={page.next_cursor} />
    </>
  )
}

function RequestRow({ event }: { event: UsageEvent }) {
  const { slug } = useTenant()
  const [search] = useSearchParams()
  const navigate = useNavigate()
  const to = paths.request(slug, event.id, search.size === 0 ? '' : `?${search}`)
  return (
    <Table.Tr
      className={classes.row}
      data-request={event.id}
      onClick={(click) => {
        if (!(click.target as Element).closest('a, button')) navigate(to, { preventScrollReset: true })
      }}
    >
      <Table.Td visibleFrom="sm" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
        <Moment at={event.started_at} toTheMinute />
      </Table.Td>
      <Table.Td className={classes.name}>
        <Link to={to} preventScrollReset className={classes.link} id={`request-${event.id}`}>
          {event.member_name}
        </Link>
        <Text size="xs" c="dimmed" hiddenFrom="sm">
          <Moment at={event.started_at} toTheMinute />
        </Text>
      </Table.Td>
      <Table.Td>
        <Text size="sm" truncate>
          {event.model}
        </Text>
      </Table.Td>
      <Table.Td visibleFrom="md" ta="right">
        {event.input_tokens.toLocaleString('en-US')}
      </Table.Td>
      <Table.Td visibleFrom="md" ta="right">
        {event.output_tokens.toLocaleString('en-US')}
        {event.is_estimated && (
          <Badge color="gray" ml={6} title="The provider reported no usage; the tokens were counted here.">
            est.
          </Badge>
        )}
      </Table.Td>
      <Table.Td ta="right" fw={500}>
        <Amount usd={event.cost_usd} />
      </Table.Td>
      <Table.Td visibleFrom="xs">
        <OutcomeBadge of={event} />
      </Table.Td>
      <Table.Td visibleFrom="md" ta="right" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
        {seconds(event.latency_ms)}
      </Table.Td>
    </Table.Tr>
  )
}

/** 1.2 M, 12 k, 840 */
function tokens(count: number): string {
  return Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 }).format(count)
}

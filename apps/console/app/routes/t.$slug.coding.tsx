import { Accordion, Anchor, Button, Card, Group, SegmentedControl, Skeleton, Tabs, Text } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import {
  Link,
  Outlet,
  type ShouldRevalidateFunction,
  useLoaderData,
  useNavigation,
  useSearchParams,
} from '@remix-run/react'
import { displayUsd } from '@stipend/money'
import { PeopleTable, type ShownPerson } from '../features/coding/people-table.tsx'
import { readView, type View } from '../features/coding/view.ts'
import { useTenant } from '../features/tenant.ts'
import { sumUsd } from '../money.ts'
import { paths } from '../paths.ts'
import { tenantLoader } from '../session.server.ts'
import { Empty } from '../ui/empty.tsx'
import { SearchFilter, SelectFilter, useFilters } from '../ui/filters.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { cursorOf, Pager } from '../ui/pager.tsx'
import { ZoneNote } from '../ui/zone-note.tsx'
import { counted, MEMBER_KIND_WORDS } from '../words.ts'

export const meta: MetaFunction = () => [{ title: 'Coding – Stipend' }]

const PAGE = 50
/** Groups that begin unfolded when nobody has chosen. */
const OPEN_AT_FIRST = 4

export const loader = tenantLoader(async ({ api, membership, url }) => {
  const view = readView(url.searchParams, membership.tenant_kind)
  const filter = {
    kind: view.kind,
    ...(view.location_id === null ? {} : { location_id: view.location_id }),
    ...(view.search === null ? {} : { search: view.search }),
  }
  const [locations, groups] = await Promise.all([
    api.locations.list(),
    api.groups.list({ limit: 200, ...(view.location_id === null ? {} : { location_id: view.location_id }) }),
  ])
  const shared = { view, locations: locations.data, groups: groups.data }
  if (!view.is_grouped) {
    const people = await api.coding.listPeople({
      ...filter,
      ...(view.group_id === null ? {} : { group_id: view.group_id }),
      ...cursorOf(url.searchParams),
      limit: PAGE,
    })
    return { ...shared, people, sections: null }
  }
  const open = view.open ?? groups.data.slice(0, OPEN_AT_FIRST).map((group) => group.id)
  const sections = await Promise.all(
    groups.data.map(async (group) => ({
      group,
      people: open.includes(group.id)
        ? await api.coding.listPeople({ ...filter, group_id: group.id, limit: PAGE })
        : null,
    })),
  )
  return { ...shared, people: null, sections }
})

// A panel opening or closing changes nothing here; a form sent from it may.
export const shouldRevalidate: ShouldRevalidateFunction = ({
  currentUrl,
  nextUrl,
  formMethod,
  defaultShouldRevalidate,
}) =>
  formMethod !== undefined && formMethod !== 'GET' ? defaultShouldRevalidate : currentUrl.search !== nextUrl.search

export default function Coding() {
  const { view } = useLoaderData<typeof loader>()
  const { kind } = useTenant()
  const { set } = useFilters()
  return (
    <>
      <PageHeader title="Coding" sentence={SENTENCES[kind]} />
      {kind === 'school' ? (
        <Tabs
          value={view.kind}
          onChange={(tab) => set({ tab: tab === 'student' ? null : tab, group: null, open: null })}
        >
          <Tabs.List mb="md">
            {(['student', 'staff'] as const).map((tab) => (
              <Tabs.Tab key={tab} value={tab}>
                {MEMBER_KIND_WORDS[tab]}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          <Tabs.Panel value={view.kind}>
            <List />
          </Tabs.Panel>
        </Tabs>
      ) : (
        <List />
      )}
      <Outlet />
    </>
  )
}

/** The filters and what they leave. */
function List() {
  const { view, locations, groups, people, sections } = useLoaderData<typeof loader>()
  const { words } = useTenant()
  const { set } = useFilters()
  return (
    <>
      <Group gap="sm" mb="md">
        <SearchFilter label="Name or e-mail" />
        <SelectFilter label={words.location} name="location" options={asOptions(locations)} />
        <SelectFilter
          label={words.group}
          name="group"
          options={groups.map((group) => ({
            value: group.id,
            label: locations.length > 1 ? `${group.name}, ${group.location_name}` : group.name,
          }))}
          width={220}
        />
        {view.kind === 'student' && view.group_id === null && view.search === null && (
          <SegmentedControl
            aria-label="Order of the list"
            ml={{ sm: 'auto' }}
            size="xs"
            value={view.is_grouped ? 'groups' : 'names'}
            onChange={(value) => set({ view: value === 'names' ? 'names' : null })}
            data={[
              { value: 'groups', label: `By ${words.group.toLowerCase()}` },
              { value: 'names', label: 'By name' },
            ]}
          />
        )}
      </Group>
      {sections !== null ? (
        <Sections sections={sections} />
      ) : (
        <Card p={0}>
          <People people={people.data} next={people.next_cursor} view={view} />
        </Card>
      )}
      <Group mt="sm" justify="flex-end">
        <ZoneNote />
      </Group>
    </>
  )
}

const SENTENCES = {
  school: 'Hand out keys for coding tools, and see what each person has used.',
  company: 'Hand out keys for coding tools to employees, and see what each has used.',
}

function asOptions(rows: { id: string; name: string }[]) {
  return rows.map((row) => ({ value: row.id, label: row.name }))
}

function People({ people, next, view }: { people: ShownPerson[]; next: string | null; view: View }) {
  const isLoading = useIsFiltering()
  const [search] = useSearchParams()
  const { slug } = useTenant()
  if (isLoading) return <Rows count={Math.max(3, Math.min(people.length, 12))} />
  if (people.length === 0) {
    return view.search !== null || view.group_id !== null || view.location_id !== null || search.has('after') ? (
      <Empty
        kind="nothing_matches"
        title="Nobody matches"
        action={
          <Button
            component={Link}
            to={paths.coding(slug, view.kind === 'staff' ? '?tab=staff' : '')}
            variant="default"
            size="xs"
            mt="xs"
          >
            Clear the filters
          </Button>
        }
      >
        No person has this name or e-mail with these filters.
      </Empty>
    ) : (
      <Empty kind="nothing_yet" title={`No ${MEMBER_KIND_WORDS[view.kind].toLowerCase()} yet`}>
        People come in through the API, or your operator adds them. They then appear here, and you can make keys for
        them.
      </Empty>
    )
  }
  return (
    <>
      <PeopleTable people={people} caption={MEMBER_KIND_WORDS[view.kind]} withGroup={view.group_id === null} />
      <Pager next={next} />
    </>
  )
}

type Section = {
  group: { id: string; name: string; location_name: string; members_count: number }
  people: { data: ShownPerson[]; next_cursor: string | null } | null
}

function Sections({ sections }: { sections: Section[] }) {
  const { set } = useFilters()
  const { words } = useTenant()
  const opening = useOpening()
  const open = opening ?? sections.filter((section) => section.people !== null).map((section) => section.group.id)
  if (sections.length === 0) {
    return (
      <Empty kind="nothing_yet" title={`No ${words.groups.toLowerCase()} yet`}>
        Students without a {words.group.toLowerCase()} are under “By name”.
      </Empty>
    )
  }
  return (
    <Accordion
      multiple
      value={open}
      onChange={(ids) => set({ open: ids.join(',') || 'none' })}
      variant="separated"
      chevronPosition="left"
      order={2}
    >
      {sections.map(({ group, people }) => (
        <Accordion.Item key={group.id} value={group.id} bg="transparent">
          <Accordion.Control>
            <Group justify="space-between" gap="0 16px" mr="xs">
              <Text fw={600}>
                {group.name}
                <Text span c="dimmed" fw={400} size="sm" ml={8}>
                  {group.location_name}
                </Text>
              </Text>
              <Text size="sm" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
                {groupSum(group, people)}
              </Text>
            </Group>
          </Accordion.Control>
          <Accordion.Panel>
            {people === null ? (
              <Rows count={Math.min(group.members_count, 8)} />
            ) : people.data.length === 0 ? (
              <Text size="sm" c="dimmed" p="md">
                Nobody is in this {words.group.toLowerCase()}.
              </Text>
            ) : (
              <>
                <PeopleTable people={people.data} caption={group.name} withGroup={false} />
                {people.next_cursor !== null && (
                  <Group p="sm">
                    <Anchor component="button" type="button" size="sm" onClick={() => set({ group: group.id })}>
                      Show all {group.members_count.toLocaleString('en-US')}
                    </Anchor>
                  </Group>
                )}
              </>
            )}
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  )
}

/** "15 students · 9 keys · $12.30 of $45.00", as far as the group is unfolded. */
function groupSum(group: Section['group'], people: Section['people']): string {
  const size = counted(group.members_count, 'student')
  if (people === null || people.next_cursor !== null) return size
  const keys = people.data.flatMap((person) => (person.key === null ? [] : [person.key]))
  if (keys.length === 0) return `${size} · no keys`
  const spent = displayUsd(sumUsd(keys.map((key) => key.budget.spent_usd)))
  const limits = keys.flatMap((key) => (key.budget.limit_usd === null ? [] : [key.budget.limit_usd]))
  const total = limits.length < keys.length ? `${spent} used` : `${spent} of ${displayUsd(sumUsd(limits))}`
  return `${size} · ${counted(keys.length, 'key')} · ${total}`
}

/** The list is being fetched anew: for its skeleton. */
function useIsFiltering(): boolean {
  const { location } = useNavigation()
  const [search] = useSearchParams()
  return location?.pathname.endsWith('/coding') === true && location.search.slice(1) !== search.toString()
}

/** What will be unfolded once the running navigation is through. */
function useOpening(): string[] | null {
  const { location } = useNavigation()
  if (location === undefined) return null
  return new URLSearchParams(location.search).get('open')?.split(',') ?? null
}

function Rows({ count }: { count: number }) {
  return (
    <div aria-busy="true">
      {Array.from({ length: count }, (_, row) => (
        <Group key={row} h={44} px="md" gap="xl" wrap="nowrap">
          <Skeleton h={12} w="24%" />
          <Skeleton h={12} w="18%" />
          <Skeleton h={12} w="30%" />
          <Skeleton h={12} w="12%" />
        </Group>
      ))}
    </div>
  )
}

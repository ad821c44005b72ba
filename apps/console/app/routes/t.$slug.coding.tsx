import { Button, Group, SegmentedControl, Stack, Tabs } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import {
  Link,
  Outlet,
  type ShouldRevalidateFunction,
  useLoaderData,
  useParams,
  useSearchParams,
} from '@remix-run/react'
import { GroupSection, type Section, sectionId, useOpening } from '../features/coding/group-section.tsx'
import { peopleColumns, personPath } from '../features/coding/people-columns.tsx'
import { PlaceActs } from '../features/coding/place-acts.tsx'
import { CODING_FILTERS, readView, type View } from '../features/coding/view.ts'
import { KEY_STATES } from '../features/keys/key-state.tsx'
import { USED } from '../features/keys/keys-query.ts'
import { type KeysMeant, ManyKeysButtons, useManyKeys } from '../features/keys/many-keys.tsx'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantLoader } from '../session.server.ts'
import { trpcFor } from '../trpc-client.ts'
import { Empty } from '../ui/empty.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { DataTable } from '../ui/table/data-table.tsx'
import type { Selected } from '../ui/table/selection.tsx'
import { withTrail } from '../ui/table/state.ts'
import { TableToolbar } from '../ui/table/toolbar.tsx'
import { searchOf, useTable } from '../ui/table/use-table.ts'
import { ZoneNote } from '../ui/zone-note.tsx'
import { counted, MEMBER_KIND_WORDS } from '../words.ts'

export const meta: MetaFunction = () => [{ title: 'Coding – Stipend' }]

/** Classes that begin unfolded when nobody has chosen. */
const OPEN_AT_FIRST = 4

export const loader = tenantLoader(async ({ api, membership, url }) => {
  const view = readView(url.searchParams, membership.tenant_kind)
  const paging = view.cursor === null ? {} : { cursor: view.cursor }
  const { location_id } = view.place
  const groups = await api.groups.list({ limit: 200, ...(location_id === undefined ? {} : { location_id }) })
  const shared = { view, groups: groups.data }
  if (!view.isGrouped) {
    return {
      ...shared,
      sections: null,
      people: await api.coding.listPeople({ ...view.filter, ...paging, sort: view.sort }),
    }
  }
  const page = await api.coding.listGroups({ ...view.place, ...paging })
  const open = view.open ?? page.data.slice(0, OPEN_AT_FIRST).map(sectionId)
  const sections: Section[] = await Promise.all(
    page.data.map(async (group) => ({
      group,
      people: open.includes(sectionId(group))
        ? await api.coding.listPeople({
            ...view.place,
            ...(group.id === null ? { is_ungrouped: true } : { group_id: group.id }),
          })
        : null,
    })),
  )
  return { ...shared, people: null, sections: { data: sections, next_cursor: page.next_cursor } }
})

// A panel opening or closing changes nothing here; a form sent from it may.
export const shouldRevalidate: ShouldRevalidateFunction = ({
  currentUrl,
  nextUrl,
  formMethod,
  defaultShouldRevalidate,
}) =>
  (formMethod !== undefined && formMethod !== 'GET') || currentUrl.href === nextUrl.href
    ? defaultShouldRevalidate
    : currentUrl.search !== nextUrl.search

export default function Coding() {
  const { view } = useLoaderData<typeof loader>()
  const { kind, slug, may, locations } = useTenant()
  const { set } = useTable()
  const many = useManyKeys()
  const [only] = locations.length === 1 ? locations : []
  const place = locations.find((one) => one.id === view.place.location_id) ?? only
  return (
    <>
      <PageHeader
        title="Coding"
        sentence={SENTENCES[kind]}
        action={
          <Group gap="sm">
            {place !== undefined && may('keys:write') && (
              <PlaceActs
                name={place.name}
                keys={{ filter: { location_id: place.id } }}
                newKeysPath={paths.newLocationKeys(slug, place.id)}
                ask={many.ask}
              />
            )}
            {may('usage:read') && (
              <Button component={Link} to={paths.report(slug)} variant="default">
                Report
              </Button>
            )}
          </Group>
        }
      />
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
            <List many={many} />
          </Tabs.Panel>
        </Tabs>
      ) : (
        <List many={many} />
      )}
      {many.dialog}
      <Outlet />
    </>
  )
}

const SENTENCES = {
  school: 'Hand out keys for coding tools, and see what each person has used.',
  company: 'Hand out keys for coding tools to employees, and see what each has used.',
}

const KEY_OPTIONS = [
  { value: 'any', label: 'Any key' },
  { value: 'none', label: 'No key' },
  ...KEY_STATES.filter((state) => state.value !== 'revoked'),
]

/** The filters and what they leave. */
function List({ many }: Many) {
  const { view, groups, sections } = useLoaderData<typeof loader>()
  const { words, slug } = useTenant()
  const { set } = useTable()
  const columns = peopleColumns(words.group)
  const isGroupable = view.kind === 'student' && !view.isFiltered
  return (
    <>
      <TableToolbar
        search="Name or e-mail"
        filters={[
          {
            name: 'group',
            label: words.group,
            options: [
              ...groups.map((group) => ({ value: group.id, label: `${group.name}, ${group.location_name}` })),
              { value: 'none', label: `Without a ${words.group.toLowerCase()}` },
            ],
            isSingle: true,
          },
          { name: 'key', label: 'Key', options: KEY_OPTIONS, isSingle: true },
          {
            name: 'used',
            label: 'Budget used',
            options: Object.entries(USED).map(([value, label]) => ({ value, label })),
            isSingle: true,
          },
        ]}
        exportTo={paths.exportPeople(slug)}
        {...(view.isGrouped ? {} : { table: { id: 'coding', columns } })}
      >
        {isGroupable && (
          <SegmentedControl
            aria-label="Order of the list"
            size="xs"
            value={view.isGrouped ? 'groups' : 'names'}
            onChange={(value) => set({ view: value === 'names' ? 'names' : null, sort: null })}
            data={[
              { value: 'groups', label: `By ${words.group.toLowerCase()}` },
              { value: 'names', label: 'By name' },
            ]}
          />
        )}
      </TableToolbar>
      {sections !== null ? <Sections many={many} /> : <People many={many} />}
      <ZoneNote />
    </>
  )
}

type Many = { many: ReturnType<typeof useManyKeys> }

function People({ many }: Many) {
  const { view, people } = useLoaderData<typeof loader>()
  const { words, slug, may } = useTenant()
  const [params] = useSearchParams()
  const { memberId } = useParams()
  if (people === null) return null
  const keysOf = ({ ids }: Selected): KeysMeant => (ids === null ? { filter: keysFilter(view) } : { member_ids: ids })
  const canAct = may('keys:write') && view.filter.key !== 'none'
  return (
    <DataTable
      id="coding"
      label={MEMBER_KIND_WORDS[view.kind]}
      columns={peopleColumns(words.group)}
      page={people}
      sort={view.sort}
      rowTo={(person) => personPath(slug, person, searchOf(params), may('keys:write'))}
      openId={memberId}
      isFiltered={view.isFiltered}
      filterNames={CODING_FILTERS}
      {...(canAct
        ? {
            selection: {
              nouns: ['person', 'people'] as const,
              nameOf: (person: { name: string }) => person.name,
              total: async () => (await trpcFor(slug).coding.countPeople.query(view.filter)).count,
              acts: (selected: Selected) => (
                <ManyKeysButtons
                  onAct={(act) =>
                    many.ask({
                      act,
                      keys: keysOf(selected),
                      what: `the keys of ${counted(selected.count, 'person', 'people')}`,
                    })
                  }
                />
              ),
            },
          }
        : {})}
      nothingYet={<Nobody />}
    />
  )
}

/** The keys of all people that match: those in the state that is asked for, no others. */
function keysFilter({ filter }: View): KeysMeant['filter'] {
  const { key, search, ...same } = filter
  return {
    ...same,
    ...(key === undefined || key === 'any' || key === 'none' ? {} : { status: key }),
    ...(search === undefined ? {} : { member_search: search }),
  }
}

function Nobody() {
  const { view } = useLoaderData<typeof loader>()
  return (
    <Empty kind="nothing_yet" title={`No ${MEMBER_KIND_WORDS[view.kind].toLowerCase()} yet`}>
      People come in on the Members page, one by one or from a list. They then appear here, and you can make keys for
      them.
    </Empty>
  )
}

function Sections({ many }: Many) {
  const { sections } = useLoaderData<typeof loader>()
  const { set, pathname } = useTable()
  const [params] = useSearchParams()
  const opening = useOpening()
  if (sections === null) return null
  if (sections.data.length === 0) return <Nobody />
  const open = opening ?? sections.data.filter((one) => one.people !== null).map((one) => sectionId(one.group))
  const next = sections.next_cursor
  return (
    <Stack gap={0}>
      {sections.data.map((section) => {
        const id = sectionId(section.group)
        const isOpen = open.includes(id)
        return (
          <GroupSection
            key={id}
            section={section}
            isOpen={isOpen}
            onToggle={() =>
              set({
                open: (isOpen ? open.filter((one) => one !== id) : [...open, id]).join(',') || 'no',
                after: params.get('after'),
              })
            }
            ask={many.ask}
          />
        )
      })}
      {next !== null && (
        <Button
          component={Link}
          to={`${pathname}${searchOf(withTrail(params, [next]))}`}
          variant="default"
          size="xs"
          mt="sm"
          ml="auto"
        >
          Next classes
        </Button>
      )}
    </Stack>
  )
}

import { Button, Group } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import {
  Link,
  Outlet,
  type ShouldRevalidateFunction,
  useLoaderData,
  useParams,
  useSearchParams,
} from '@remix-run/react'
import { IconUpload } from '@tabler/icons-react'
import { PEOPLE_COLUMNS } from '../features/people/people-columns.tsx'
import { KINDS, PEOPLE_FILTERS, ROLES, readPeopleQuery, STATES } from '../features/people/people-query.ts'
import { loadPlaces } from '../features/people/places.server.ts'
import { PeopleButtons, type PeopleMeant, usePeopleActs } from '../features/people/use-people-acts.tsx'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantLoader } from '../session.server.ts'
import { trpcFor } from '../trpc-client.ts'
import { Empty } from '../ui/empty.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { DataTable } from '../ui/table/data-table.tsx'
import type { Selected } from '../ui/table/selection.tsx'
import { TableToolbar } from '../ui/table/toolbar.tsx'
import { searchOf } from '../ui/table/use-table.ts'
import { counted } from '../words.ts'

export const meta: MetaFunction = () => [{ title: 'People – Stipend' }]

export const loader = tenantLoader(async ({ api, url }) => {
  const { filter, sort, cursor, isFiltered } = readPeopleQuery(url.searchParams)
  const [page, places] = await Promise.all([
    api.members.list({ ...filter, sort, ...(cursor === null ? {} : { cursor }) }),
    loadPlaces(api),
  ])
  return { page, filter, sort, isFiltered, ...places }
})

// A panel that opens changes nothing here; one that closes may have changed or removed somebody.
export const shouldRevalidate: ShouldRevalidateFunction = ({
  currentUrl,
  nextUrl,
  currentParams,
  nextParams,
  formMethod,
  defaultShouldRevalidate,
}) =>
  (formMethod !== undefined && formMethod !== 'GET') || currentUrl.href === nextUrl.href
    ? defaultShouldRevalidate
    : currentUrl.search !== nextUrl.search ||
      (currentParams.memberId !== undefined && nextParams.memberId === undefined)

export default function Members() {
  const { page, filter, sort, isFiltered, groups, locations } = useLoaderData<typeof loader>()
  const { slug, words, kind, may } = useTenant()
  const { memberId } = useParams()
  const [search] = useSearchParams()
  const { ask, dialog } = usePeopleActs(locations)
  const canWrite = may('members:write')
  const options = (of: Record<string, string>) => Object.entries(of).map(([value, label]) => ({ value, label }))
  const filters = [
    ...(kind === 'school'
      ? [{ name: 'kind', label: 'Kind', options: options(KINDS).slice(0, 2), isSingle: true }]
      : []),
    {
      name: 'location',
      label: words.location,
      options: locations.length < 2 ? [] : locations.map(({ id, name }) => ({ value: id, label: name })),
      isSingle: true,
    },
    {
      name: 'group',
      label: words.group,
      options: groups.map(({ id, name, location_name }) => ({ value: id, label: `${name}, ${location_name}` })),
      isSingle: true,
    },
    { name: 'state', label: 'Account', options: options(STATES), isSingle: true },
    { name: 'role', label: 'Role', options: options(ROLES), isSingle: true },
  ]
  const meant = ({ ids }: Selected): PeopleMeant => (ids === null ? { matching: filter } : { member_ids: ids })
  const add = (
    <Group gap="xs">
      <Button component={Link} to={paths.newImport(slug)} variant="default" leftSection={<IconUpload size={16} />}>
        Import
      </Button>
      <Button component={Link} to={paths.newMember(slug, searchOf(search))} id="new-member">
        Add {words.person === 'person' ? 'a person' : 'an employee'}
      </Button>
    </Group>
  )
  return (
    <>
      <PageHeader
        title={words.people}
        sentence={`Who belongs to your organisation, where they are, and whether they can sign in.`}
        action={canWrite && add}
      />
      <TableToolbar
        search="Name or e-mail"
        filters={filters}
        exportTo={paths.exportMembers(slug)}
        table={{ id: 'people', columns: PEOPLE_COLUMNS }}
      />
      <DataTable
        id="people"
        label={words.people}
        columns={PEOPLE_COLUMNS}
        page={page}
        sort={sort}
        rowTo={(person) => paths.member(slug, person.id, searchOf(search))}
        openId={memberId}
        isFiltered={isFiltered}
        filterNames={PEOPLE_FILTERS}
        {...(canWrite
          ? {
              selection: {
                nouns: ['person', 'people'] as const,
                nameOf: (person: { name: string }) => person.name,
                total: async () => (await trpcFor(slug).members.count.query(filter)).count,
                acts: (selected: Selected) => (
                  <PeopleButtons
                    onAct={(act) =>
                      ask({
                        act,
                        people: meant(selected),
                        what: counted(selected.count, 'selected person', 'selected people'),
                      })
                    }
                  />
                ),
              },
            }
          : {})}
        nothingYet={
          <Empty kind="nothing_yet" title="Nobody yet" action={canWrite && <Group mt="xs">{add}</Group>}>
            Add people one by one, or import a file from your administration.
          </Empty>
        }
      />
      {dialog}
      <Outlet />
    </>
  )
}

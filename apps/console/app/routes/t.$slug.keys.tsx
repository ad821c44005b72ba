import { Button } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import {
  Link,
  Outlet,
  type ShouldRevalidateFunction,
  useLoaderData,
  useParams,
  useSearchParams,
} from '@remix-run/react'
import { useCopyKeys } from '../features/keys/copy-keys.ts'
import { KEY_STATES } from '../features/keys/key-state.tsx'
import { KEY_COLUMNS } from '../features/keys/keys-columns.tsx'
import { KEY_FILTERS, readKeysQuery, USED } from '../features/keys/keys-query.ts'
import { type KeysMeant, ManyKeysButtons, useManyKeys } from '../features/keys/many-keys.tsx'
import { choicesOf } from '../features/keys/restrictions.ts'
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
import { ZoneNote } from '../ui/zone-note.tsx'
import { counted } from '../words.ts'

export const meta: MetaFunction = () => [{ title: 'Keys – Stipend' }]

export const loader = tenantLoader(async ({ api, url }) => {
  const { filter, sort, cursor, isFiltered } = readKeysQuery(url.searchParams)
  const [page, groups, models, owner] = await Promise.all([
    api.keys.list({ ...filter, sort, ...(cursor === null ? {} : { cursor }) }),
    api.groups.list({ limit: 200 }),
    api.models.list(),
    filter.member_id === undefined ? null : api.members.get({ id: filter.member_id }),
  ])
  const { providers, models: served } = choicesOf(models.data)
  return {
    page,
    filter,
    sort,
    isFiltered,
    groups: groups.data,
    providers,
    models: served.map((model) => model.name),
    owner: owner === null ? null : { value: owner.id, label: owner.name },
  }
})

// A panel opening or closing changes nothing here.
export const shouldRevalidate: ShouldRevalidateFunction = ({
  currentUrl,
  nextUrl,
  formMethod,
  defaultShouldRevalidate,
}) =>
  (formMethod !== undefined && formMethod !== 'GET') || currentUrl.href === nextUrl.href
    ? defaultShouldRevalidate
    : currentUrl.search !== nextUrl.search

export default function Keys() {
  const { page, filter, sort, isFiltered, groups, providers, models, owner } = useLoaderData<typeof loader>()
  const { slug, words, may } = useTenant()
  const { keyId } = useParams()
  const [search] = useSearchParams()
  const selected = useSelectedActs(page.data, filter, sort)
  const filters = [
    { name: 'status', label: 'Status', options: KEY_STATES, isSingle: true },
    {
      name: 'owner',
      label: 'Owner',
      options: owner === null ? [] : [owner],
      isSingle: true,
      find: async (search: string) => {
        const { data } = await trpcFor(slug).members.list.query({ limit: 20, ...(search === '' ? {} : { search }) })
        return data.map(({ id, name }) => ({ value: id, label: name }))
      },
    },
    {
      name: 'used',
      label: 'Budget used',
      options: Object.entries(USED).map(([value, label]) => ({ value, label })),
      isSingle: true,
    },
    {
      name: 'group',
      label: words.group,
      options: groups.map(({ id, name, location_name }) => ({ value: id, label: `${name}, ${location_name}` })),
      isSingle: true,
    },
    {
      name: 'provider',
      label: 'Provider',
      options: providers.map(({ id, name }) => ({ value: id, label: name })),
      isSingle: true,
    },
    {
      name: 'model',
      label: 'Limited to model',
      options: models.map((name) => ({ value: name, label: name })),
      isSingle: true,
    },
  ]
  return (
    <>
      <PageHeader
        title="Keys"
        sentence="Every key there is: whose it is, what is left on it, and when it was last used."
        action={
          may('keys:write') && (
            <Button component={Link} to={paths.coding(slug)} variant="default">
              Create a key
            </Button>
          )
        }
      />
      <TableToolbar
        search="Person, name or last four"
        filters={filters}
        exportTo={paths.exportKeys(slug)}
        table={{ id: 'keys', columns: KEY_COLUMNS }}
      />
      <DataTable
        id="keys"
        label="Keys"
        columns={KEY_COLUMNS}
        page={page}
        sort={sort}
        rowTo={(key) => paths.listedKey(slug, key.id, searchOf(search))}
        openId={keyId}
        isFiltered={isFiltered}
        filterNames={KEY_FILTERS}
        {...(may('keys:write') ? { selection: selected.selection } : {})}
        nothingYet={
          <Empty
            kind="nothing_yet"
            title="No keys yet"
            action={
              <Button component={Link} to={paths.coding(slug)} variant="default" size="xs" mt="xs">
                Go to Coding
              </Button>
            }
          >
            Find somebody on the Coding page and make the first key.
          </Empty>
        }
      />
      <ZoneNote />
      {selected.dialog}
      <Outlet />
    </>
  )
}

type Loaded = Awaited<ReturnType<typeof loader>>

function useSelectedActs(rows: Loaded['page']['data'], filter: Loaded['filter'], sort: Loaded['sort']) {
  const { slug } = useTenant()
  const many = useManyKeys()
  const copy = useCopyKeys(rows, { ...filter, sort })
  const meant = ({ ids }: Selected): KeysMeant => (ids === null ? { filter } : { ids })
  return {
    dialog: many.dialog,
    selection: {
      nouns: ['key', 'keys'] as const,
      nameOf: (key: { member_name: string; masked: string }) => `the key ${key.masked} of ${key.member_name}`,
      total: async () => {
        const { keys_count, unchanged_count } = await trpcFor(slug).keys.previewMany.query({ act: 'revoke', filter })
        return keys_count + unchanged_count
      },
      acts: (selected: Selected) => (
        <ManyKeysButtons
          onCopy={() => void copy(selected)}
          onAct={(act) => many.ask({ act, keys: meant(selected), what: counted(selected.count, 'selected key') })}
        />
      ),
    },
  }
}

import { readTable } from '../../ui/table/state.ts'

const STATUSES = ['active', 'not_yet_valid', 'expired', 'disabled', 'revoked'] as const
export const USED = { '50': 'Half or more', '85': 'Nearly all', '100': 'All' } as const

export const KEY_FILTERS = ['status', 'owner', 'used', 'group', 'provider', 'model', 'location'] as const

export const KEY_SORTS = [
  '-created_at',
  'created_at',
  'name',
  '-name',
  'member_name',
  '-member_name',
  'spent',
  '-spent',
  'last_used_at',
  '-last_used_at',
  'valid_until',
  '-valid_until',
] as const

/** What the address of the Keys page says about what is shown: the filter and the order, as the operations take them. */
export function readKeysQuery(params: URLSearchParams) {
  const table = readTable(params, {
    sorts: KEY_SORTS,
    filters: KEY_FILTERS,
  })
  const status = STATUSES.find((one) => one === table.filters.status?.[0])
  const used = Object.keys(USED).find((one) => one === table.filters.used?.[0])
  const [group_id] = table.filters.group ?? []
  const [location_id] = table.filters.location ?? []
  const [member_id] = table.filters.owner ?? []
  const [provider_id] = table.filters.provider ?? []
  const [model] = table.filters.model ?? []
  const filter = {
    ...(table.search === null ? {} : { search: table.search }),
    ...(status === undefined ? {} : { status }),
    ...(used === undefined ? {} : { used_min: Number(used) }),
    ...(group_id === undefined ? {} : { group_id }),
    ...(location_id === undefined ? {} : { location_id }),
    ...(member_id === undefined ? {} : { member_id }),
    ...(provider_id === undefined ? {} : { provider_id }),
    ...(model === undefined ? {} : { model }),
  }
  return { filter, sort: table.sort, cursor: table.cursor, isFiltered: table.isFiltered }
}

/** The same of the page of one's own keys. */
export function readOwnKeysQuery(params: URLSearchParams) {
  const table = readTable(params, { sorts: KEY_SORTS, filters: ['status'] })
  const status = STATUSES.find((one) => one === table.filters.status?.[0])
  const query = { sort: table.sort, ...(status === undefined ? {} : { status }) }
  return { query, cursor: table.cursor, isFiltered: status !== undefined }
}

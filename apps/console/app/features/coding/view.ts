import { readTable } from '../../ui/table/state.ts'
import type { TenantKind } from '../../words.ts'

const KEY_STATES = ['any', 'none', 'active', 'not_yet_valid', 'expired', 'disabled'] as const
const USED_MIN = ['50', '85', '100'] as const
export const CODING_FILTERS = ['group', 'key', 'used'] as const

type Place = { kind: 'student' | 'staff' | 'employee'; location_id?: string }
export type View = {
  kind: Place['kind']
  place: Place
  /** As the operations take it. */
  filter: Place & {
    group_id?: string
    is_ungrouped?: boolean
    key?: (typeof KEY_STATES)[number]
    used_min?: number
    search?: string
  }
  sort: 'name' | '-name' | 'spent' | '-spent' | 'last_used_at' | '-last_used_at'
  cursor: string | null
  isFiltered: boolean
  /** Students by class, unless somebody is looked for or an order is asked for. */
  isGrouped: boolean
  /** Classes that are unfolded; null where nobody has chosen. */
  open: string[] | null
}

/** What the address of the Coding page says about what is shown. */
export function readView(params: URLSearchParams, tenantKind: TenantKind): View {
  const table = readTable(params, {
    sorts: ['name', '-name', 'spent', '-spent', 'last_used_at', '-last_used_at'],
    filters: CODING_FILTERS,
  })
  const kind = tenantKind === 'company' ? 'employee' : params.get('tab') === 'staff' ? 'staff' : 'student'
  const key = KEY_STATES.find((one) => one === table.filters.key?.[0])
  const used = USED_MIN.find((one) => one === table.filters.used?.[0])
  const group_id = table.filters.group?.[0]
  const location_id = params.get('location')?.trim() || undefined
  const open = params.get('open')
  const place = { kind, ...(location_id === undefined ? {} : { location_id }) } as const
  const filter = {
    ...place,
    ...(group_id === 'none' ? { is_ungrouped: true } : group_id === undefined ? {} : { group_id }),
    ...(key === undefined ? {} : { key }),
    ...(used === undefined ? {} : { used_min: Number(used) }),
    ...(table.search === null ? {} : { search: table.search }),
  }
  return {
    kind,
    place,
    filter,
    sort: table.sort,
    cursor: table.cursor,
    isFiltered: table.isFiltered,
    isGrouped: kind === 'student' && !table.isFiltered && table.sort === 'name' && params.get('view') !== 'names',
    open: open === null ? null : open.split(',').filter((id) => id !== ''),
  }
}

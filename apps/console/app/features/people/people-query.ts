import { readTable } from '../../ui/table/state.ts'

export const KINDS = { student: 'Students', staff: 'Staff', employee: 'Employees' } as const
export const STATES = {
  active: 'Active',
  no_account: 'Can’t sign in yet',
  invited: 'Invited',
  deactivated: 'Deactivated',
} as const
export const ROLES = {
  owner: 'Owner',
  admin: 'Administrator',
  auditor: 'Auditor',
  billing: 'Billing',
  member: 'Member',
} as const

export const PEOPLE_FILTERS = ['kind', 'location', 'group', 'state', 'role'] as const

/** What the address of the Members page says about what is shown, as the operations take it. */
export function readPeopleQuery(params: URLSearchParams) {
  const table = readTable(params, {
    sorts: ['name', '-name', 'email', '-email', '-created_at', 'created_at'],
    filters: PEOPLE_FILTERS,
  })
  const oneOf = <Name extends string>(names: Record<Name, string>, value: string | undefined): Name | undefined =>
    value !== undefined && Object.hasOwn(names, value) ? (value as Name) : undefined
  const { filters } = table
  const given = {
    search: table.search ?? undefined,
    kind: oneOf(KINDS, filters.kind?.[0]),
    state: oneOf(STATES, filters.state?.[0]),
    role: oneOf(ROLES, filters.role?.[0]),
    location_id: filters.location?.[0],
    group_id: filters.group?.[0],
  }
  const filter = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as unknown as Required<{ [K in keyof typeof given]: NonNullable<(typeof given)[K]> }>
  return {
    filter: filter as Partial<typeof filter>,
    sort: table.sort,
    cursor: table.cursor,
    isFiltered: table.isFiltered,
  }
}

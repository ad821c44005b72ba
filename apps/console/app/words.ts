export type TenantKind = 'school' | 'company'

/** What this kind of tenant calls its people and places. */
export const WORDS = {
  school: {
    people: 'People',
    person: 'person',
    locations: 'Locations',
    location: 'Location',
    groups: 'Groups',
    group: 'Group',
  },
  company: {
    people: 'Employees',
    person: 'employee',
    locations: 'Offices',
    location: 'Office',
    groups: 'Teams',
    group: 'Team',
  },
} as const satisfies Record<TenantKind, Record<string, string>>

export type Words = (typeof WORDS)[TenantKind]

export const MEMBER_KIND_WORDS = { student: 'Students', staff: 'Staff', employee: 'Employees' } as const

/** "1 key", "3 keys" */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`
}

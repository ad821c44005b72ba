import type { TenantKind } from '../../words.ts'

/** What the address of the Coding page says about what is shown. */
export type View = {
  kind: 'student' | 'staff' | 'employee'
  /** Students by group, unless somebody is looked for. */
  is_grouped: boolean
  location_id: string | null
  group_id: string | null
  search: string | null
  /** Groups that are unfolded; null where nobody has chosen. */
  open: string[] | null
}

export function readView(search: URLSearchParams, tenantKind: TenantKind): View {
  const given = (name: string) => search.get(name)?.trim() || null
  const kind = tenantKind === 'company' ? 'employee' : given('tab') === 'staff' ? 'staff' : 'student'
  const group_id = given('group')
  const text = given('q')
  const open = given('open')
  return {
    kind,
    is_grouped: kind === 'student' && group_id === null && text === null && given('view') !== 'names',
    location_id: given('location'),
    group_id,
    search: text,
    open: open === null ? null : open.split(','),
  }
}

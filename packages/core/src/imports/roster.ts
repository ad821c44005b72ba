import { Email, Name } from '../fields.ts'
import type { Member } from '../members/member.ts'
import type { Settings } from './import.ts'
import { isTeaching, kindOf, type Mapping, plain } from './mapping.ts'
import type { Table } from './table.ts'

/** A location or a group as a file names it: by the id of the system it comes from, by a name, or by both. */
export type Place = { external_id: string | null; name: string | null }
export type Group = Place & { location: Place | null }

/** A row about a person, whatever the file looked like. */
export type RosterRow = {
  file: string
  line: number
  external_id: string | null
  name: string
  email: string
  kind: Member['kind'] | null
  location: Place | null
  groups: Group[]
  leads: Group[]
  /** Why nothing can be done with it, if so. */
  problem: Problem | null
}

export const PROBLEMS = [
  'no_address',
  'bad_address',
  'no_name',
  'bad_name',
  'kind_unknown',
  'inactive_at_source',
  'location_unknown',
  'location_needed',
  'address_taken',
  'two_people',
  'has_role',
  'bad_external_id',
] as const
export type Problem = (typeof PROBLEMS)[number]

export type Context = { tenantKind: 'school' | 'company'; settings: Settings }

export type Format = 'csv' | 'sds_v1' | 'sds_v2'

/** School Data Sync is told by its files: their names, and the columns they must have. */
export function formatOf(tables: readonly Table[]): Format {
  if (tableNamed(tables, 'users', 'sourcedId') && tableNamed(tables, 'orgs', 'sourcedId')) return 'sds_v2'
  if (tableNamed(tables, 'student', 'SIS ID') || tableNamed(tables, 'teacher', 'SIS ID')) return 'sds_v1'
  return 'csv'
}

function tableNamed(tables: readonly Table[], name: string, column: string): Table | undefined {
  return tables.find((one) => plain(one.name.replace(/\.\w+$/, '')) === name && columnOf(one, column) >= 0)
}

function columnOf(table: Table, header: string): number {
  return (table.rows[0] ?? []).findIndex((cell) => plain(cell) === plain(header))
}

/** The rows of a CSV, read by a mapping. */
export function rosterOfCsv(tables: readonly Table[], mapping: Mapping, context: Context): RosterRow[] {
  return tables.flatMap((table) =>
    table.rows.flatMap((row, index) => {
      if (index === 0 && context.settings.has_header) return []
      const cell = (field: keyof Mapping) => (mapping[field] === undefined ? '' : (row[mapping[field]] ?? ''))
      const name =
        mapping.name === undefined
          ? [cell('first_name'), cell('infix'), cell('last_name')].filter(Boolean).join(' ')
          : turned(cell('name'))
      const location = cell('location') === '' ? null : { external_id: null, name: cell('location') }
      const groups = cell('group')
        .split(/[;|]|,(?!\d)/)
        .map((one) => one.trim())
        .filter(Boolean)
        .map((one) => ({ external_id: null, name: one, location }))
      const kind = kindIn(cell('kind'), context)
      // A school's teachers lead the class that stands beside their name.
      const isLead = (kind ?? context.settings.default_kind) === 'staff'
      return [
        checked(
          {
            file: table.name,
            line: table.lines[index] ?? 0,
            external_id: cell('external_id') || null,
            name,
            email: cell('email'),
            kind,
            location,
            groups: isLead ? [] : groups,
            leads: isLead ? groups : [],
            problem: null,
          },
          context,
          cell('kind'),
        ),
      ]
    }),
  )
}

/** `Vries, Sanne de` is how lists are sorted, not how people are called. */
function turned(name: string): string {
  const [last, first, ...more] = name.split(',').map((one) => one.trim())
  return last && first && more.length === 0 ? `${first} ${last}` : name
}

/** Null where nothing is said, or nothing that is understood. */
function kindIn(word: string, { tenantKind }: Context): Member['kind'] | null {
  return tenantKind === 'school' && word === '' ? null : kindOf(word, tenantKind)
}

type Row = (header: string) => string

function* rowsOf(table: Table | undefined): Generator<{ cell: Row; file: string; line: number }> {
  if (table === undefined) return
  const columns = new Map((table.rows[0] ?? []).map((header, at) => [plain(header), at]))
  for (const [index, row] of table.rows.entries()) {
    if (index === 0) continue
    const cell: Row = (header) => row[columns.get(plain(header)) ?? -1] ?? ''
    yield { cell, file: table.name, line: table.lines[index] ?? 0 }
  }
}

/** School Data Sync, first version: School, Section, Student, Teacher, StudentEnrollment, TeacherRoster. */
export function rosterOfSdsV1(tables: readonly Table[], context: Context): RosterRow[] {
  const named = (name: string) =>
    tableNamed(tables, name, name === 'studentenrollment' || name === 'teacherroster' ? 'Section SIS ID' : 'SIS ID')
  const schools = new Map<string, Place>()
  for (const { cell } of rowsOf(named('school'))) {
    schools.set(cell('SIS ID'), { external_id: cell('SIS ID'), name: cell('Name') || null })
  }
  const schoolOf = (id: string): Place | null =>
    id === '' ? null : (schools.get(id) ?? { external_id: id, name: null })
  const sections = new Map<string, Group>()
  for (const { cell } of rowsOf(named('section'))) {
    if (!isActive(cell('Status'))) continue
    const id = cell('SIS ID')
    sections.set(id, { external_id: id, name: cell('Section Name') || null, location: schoolOf(cell('School SIS ID')) })
  }
  const groupsOf = (table: Table | undefined) => {
    const found = new Map<string, Group[]>()
    for (const { cell } of rowsOf(table)) {
      const section = sections.get(cell('Section SIS ID'))
      const person = cell('SIS ID')
      if (section !== undefined) found.set(person, [...(found.get(person) ?? []), section])
    }
    return found
  }
  const people = (table: Table | undefined, kind: 'student' | 'staff', groups: Map<string, Group[]>) =>
    [...rowsOf(table)].map(({ cell, file, line }) => {
      const theirs = groups.get(cell('SIS ID')) ?? []
      return checked(
        {
          file,
          line,
          external_id: cell('SIS ID') || null,
          name: [cell('First Name'), cell('Last Name')].filter(Boolean).join(' '),
          email: cell('Username') || cell('Secondary Email'),
          kind: context.tenantKind === 'company' ? 'employee' : kind,
          location: schoolOf(cell('School SIS ID')),
          groups: kind === 'student' ? theirs : [],
          leads: kind === 'staff' ? theirs : [],
          problem: isActive(cell('Status')) ? null : 'inactive_at_source',
        },
        context,
        kind,
      )
    })
  return [
    ...people(named('teacher'), 'staff', groupsOf(named('teacherroster'))),
    ...people(named('student'), 'student', groupsOf(named('studentenrollment'))),
  ]
}

/** School Data Sync, second version: orgs, users, classes, enrollments. */
export function rosterOfSdsV2(tables: readonly Table[], context: Context): RosterRow[] {
  const orgs = new Map<string, Place>()
  for (const { cell } of rowsOf(tableNamed(tables, 'orgs', 'sourcedId'))) {
    orgs.set(cell('sourcedId'), { external_id: cell('sourcedId'), name: cell('name') || null })
  }
  const orgOf = (ids: string): Place | null => {
    const id = ids.split(/[,;]/)[0]?.trim() ?? ''
    return id === '' ? null : (orgs.get(id) ?? { external_id: id, name: null })
  }
  const classes = new Map<string, Group>()
  for (const { cell } of rowsOf(tableNamed(tables, 'classes', 'sourcedId'))) {
    const id = cell('sourcedId')
    if (isActive(cell('status')))
      classes.set(id, {
        external_id: id,
        name: cell('title') || null,
        location: orgOf(cell('orgSourcedId') || cell('orgSourcedIds')),
      })
  }
  const groups = new Map<string, Group[]>()
  const leads = new Map<string, Group[]>()
  for (const { cell } of rowsOf(tableNamed(tables, 'enrollments', 'classSourcedId'))) {
    const group = classes.get(cell('classSourcedId'))
    const person = cell('userSourcedId')
    const into = isTeaching(cell('role')) ? leads : groups
    if (group !== undefined) into.set(person, [...(into.get(person) ?? []), group])
  }
  return [...rowsOf(tableNamed(tables, 'users', 'sourcedId'))].map(({ cell, file, line }) => {
    const id = cell('sourcedId')
    return checked(
      {
        file,
        line,
        external_id: id || null,
        name: [cell('givenName'), cell('familyName')].filter(Boolean).join(' '),
        email: cell('email') || cell('username'),
        kind: kindIn(cell('role'), context),
        location: orgOf(cell('orgSourcedIds')),
        groups: groups.get(id) ?? [],
        leads: leads.get(id) ?? [],
        problem: isActive(cell('status')) ? null : 'inactive_at_source',
      },
      context,
      cell('role'),
    )
  })
}

function isActive(status: string): boolean {
  return !['inactive', 'delete', 'deleted', 'tobedeleted', 'archived', 'withdrawn'].includes(plain(status))
}

/** A row with its address and name as they will be kept, or with what is wrong with them. */
function checked(row: RosterRow, { settings }: Context, kindWord: string): RosterRow {
  const domain = settings.email_domain
  const raw = row.email.replace(/^mailto:/i, '')
  const full = raw !== '' && !raw.includes('@') && domain !== null ? `${raw}@${domain}` : raw
  const email = Email.safeParse(full)
  const name = Name.safeParse(row.name)
  const problem: Problem | null = (() => {
    if (row.problem !== null) return row.problem
    if (raw === '') return 'no_address'
    if (!email.success) return 'bad_address'
    if (row.name === '') return 'no_name'
    if (!name.success) return 'bad_name'
    if (row.kind === null && kindWord !== '') return 'kind_unknown'
    return (row.external_id?.length ?? 0) > 200 ? 'bad_external_id' : null
  })()
  return { ...row, email: email.success ? email.data : full, name: name.success ? name.data : row.name, problem }
}

import type { Caller } from '../../../backend.ts'

export type Import = Awaited<ReturnType<Caller['imports']['get']>>
export type ImportRow = Awaited<ReturnType<Caller['imports']['listRows']>>['data'][number]

/** What happens to a row, as filters name it. */
export const OUTCOMES = {
  add: { label: 'Added', color: 'green' },
  change: { label: 'Changed', color: 'blue' },
  skip: { label: 'Left out', color: 'red' },
  merged: { label: 'Same person', color: 'gray' },
  unchanged: { label: 'No change', color: 'gray' },
  deactivate: { label: 'Deactivated', color: 'yellow' },
} as const satisfies Record<ImportRow['outcome'], { label: string; color: string }>

/** Why a row is left out, and what to do. */
export const REASONS: Record<NonNullable<ImportRow['reason']>, string> = {
  no_address: 'There is no e-mail address.',
  bad_address: 'This is no e-mail address. If it is a user name, give the mail domain above.',
  no_name: 'There is no name.',
  bad_name: 'The name is too long, or has characters that don’t belong in one.',
  kind_unknown: 'What kind of person this is can’t be told. Use words like student, teacher or staff.',
  inactive_at_source: 'The file says that this person is not active.',
  location_unknown: 'There is no such location, or it is not one of yours.',
  location_needed: 'There is no location. Choose one above for those without.',
  address_taken: 'Somebody outside of your locations has this address or id.',
  two_people: 'The address belongs to one person and the id to another. Correct one of them in the file.',
  has_role: 'This person has a role. Only an owner can change them.',
  bad_external_id: 'The id is too long.',
}

export const FIELDS = {
  name: 'Name (whole)',
  first_name: 'First name',
  infix: 'Infix',
  last_name: 'Last name',
  email: 'E-mail address',
  kind: 'Kind',
  location: 'Location',
  group: 'Group',
  external_id: 'External id',
} as const satisfies Record<keyof Import['settings']['mapping'], string>

export const FIELD_CHANGES = {
  name: 'Name',
  email: 'E-mail',
  kind: 'Kind',
  location: 'Location',
  external_id: 'External id',
  groups: 'Groups',
  leads: 'Leads',
  state: 'Account',
} as const

export const FORMATS = {
  csv: 'A table of people',
  sds_v1: 'School Data Sync, first version',
  sds_v2: 'School Data Sync, second version',
} as const
export const DELIMITERS: Record<string, string> = { ',': 'commas', ';': 'semicolons', '\t': 'tabs', '|': 'bars' }

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Settings } from './import.ts'
import { guessMapping } from './mapping.ts'
import { type KnownMember, type Plan, planImport, type State } from './plan.ts'
import { type Context, type RosterRow, rosterOfCsv } from './roster.ts'
import { readTable } from './table.ts'

const settings: Settings = {
  has_header: true,
  mapping: {},
  default_kind: 'student',
  default_location_id: null,
  email_domain: null,
  deactivate_missing: false,
  reactivate: false,
  replace_groups: false,
}
const NOTHING: State = { members: [], locations: [], groups: [] }

function rosterOf(csv: string, more: Partial<Settings> = {}): { roster: RosterRow[]; context: Context } {
  const table = readTable({ name: 'a.csv', encoding: 'utf-8', text: csv })
  const context: Context = { tenantKind: 'school', settings: { ...settings, ...more } }
  return { roster: rosterOfCsv([table], guessMapping(table.rows, true), context), context }
}

function plan(csv: string, state: State = NOTHING, more: Partial<Settings> = {}, powers: object = {}): Plan {
  const { roster, context } = rosterOf(csv, more)
  return planImport(roster, state, context, {
    newLocations: true,
    newGroups: true,
    isConfined: false,
    newId: ids(),
    ...powers,
  })
}

function ids() {
  let count = 0
  return (kind: string) => `${kind.slice(0, 3)}_${++count}`
}

/** The state as it is once a plan was applied. */
function after(state: State, done: Plan): State {
  const joined = (id: string, of: { group_id: string; member_id: string }[], before: string[] = []) => [
    ...new Set([...before, ...of.filter((one) => one.member_id === id).map((one) => one.group_id)]),
  ]
  const known = state.members.map((one): KnownMember => {
    const changed = done.changed.find(({ id }) => id === one.id)
    const ended = done.ended.filter(({ member_id }) => member_id === one.id).map(({ group_id }) => group_id)
    return {
      ...one,
      ...(changed ?? {}),
      is_active: !done.deactivated.includes(one.id) && (one.is_active || changed?.reactivates === true),
      group_ids: joined(one.id, done.memberships, one.group_ids).filter((id) => !ended.includes(id)),
      lead_ids: joined(one.id, done.leads, one.lead_ids),
    }
  })
  const made = done.added.map(
    (one): KnownMember => ({
      ...one,
      is_active: true,
      is_visible: true,
      is_mightier: false,
      group_ids: joined(one.id, done.memberships),
      lead_ids: joined(one.id, done.leads),
    }),
  )
  const merged = <T extends { id: string }>(old: T[], changed: T[]) => [
    ...old.filter((one) => !changed.some(({ id }) => id === one.id)),
    ...changed,
  ]
  return {
    members: [...known, ...made],
    locations: merged(state.locations, done.locations),
    groups: merged(state.groups, done.groups),
  }
}

const outcomes = (of: Plan) => of.rows.map((row) => [row.line, row.outcome, row.reason])
const person = (changes: Partial<KnownMember>): KnownMember => ({
  id: 'mem_known',
  name: 'Ada',
  email: 'ada@x.example',
  kind: 'student',
  external_id: null,
  location_id: null,
  is_active: true,
  is_visible: true,
  is_mightier: false,
  group_ids: [],
  lead_ids: [],
  ...changes,
})

describe('a row', () => {
  it('adds a person, with location and groups made on first mention', () => {
    const made = plan(
      'name,email,class,school,role\nAda,Ada@X.example,3A,North,leerling\nBo,bo@x.example,3A; Chess,North,docent\n',
    )
    expect(made.locations).toEqual([{ id: expect.any(String), name: 'North', external_id: null, isNew: true }])
    expect(made.groups.map((one) => one.name)).toEqual(['3A', 'Chess'])
    expect(made.added).toMatchObject([
      { name: 'Ada', email: 'ada@x.example', kind: 'student' },
      { name: 'Bo', kind: 'staff' },
    ])
    // A teacher leads the class beside their name.
    expect(made.memberships).toHaveLength(1)
    expect(made.leads).toHaveLength(2)
    expect(made.summary).toMatchObject({ rows: 2, add: 2, new_locations: ['North'], new_groups: ['3A', 'Chess'] })
  })

  it('about somebody who is in the file already joins them: one person in two groups', () => {
    const made = plan(
      'name,email,class\nAda,ada@x.example,3A\nBo,bo@x.example,3A\nAda L,ADA@x.example,3B\n',
      {
        ...NOTHING,
        locations: [{ id: 'loc_1', name: 'North', external_id: null }],
      },
      { default_location_id: 'loc_1' },
    )
    expect(made.added).toHaveLength(2)
    expect(outcomes(made)).toEqual([
      [2, 'add', null],
      [4, 'merged', null],
      [3, 'add', null],
    ])
    expect(made.memberships).toHaveLength(3)
  })

  it.each([
    ['name,email\nAda,\n', 'no_address'],
    ['name,email\nAda,ada\n', 'bad_address'],
    ['name,email\n,ada@x.example\n', 'no_name'],
    [`name,email\n${'x'.repeat(201)},ada@x.example\n`, 'bad_name'],
    ['name,email,role\nAda,ada@x.example,dragon\n', 'kind_unknown'],
  ])('%j is left out and says why', (csv, reason) => {
    expect(outcomes(plan(csv))).toEqual([[2, 'skip', reason]])
  })

  it('completes a user name with the domain that is given', () => {
    expect(plan('name,username\nAda,ALovelace\n', NOTHING, { email_domain: 'x.example' }).added[0]?.email).toBe(
      'alovelace@x.example',
    )
  })

  it('reads names in parts and turned around', () => {
    const names = (csv: string) => plan(csv).added.map((one) => one.name)
    expect(names('voornaam,tussenvoegsel,achternaam,email\nSanne,de,Vries,s@x.example\nBo,,Li,b@x.example\n')).toEqual([
      'Sanne de Vries',
      'Bo Li',
    ])
    expect(names('name,email\n"Vries, Sanne de",s@x.example\n')).toEqual(['Sanne de Vries'])
  })
})

describe('somebody who is there', () => {
  const state: State = { ...NOTHING, members: [person({ external_id: '17' })] }

  it('is found by address or by id, and changed where the file says otherwise', () => {
    expect(plan('name,email,id\nAda,ada@x.example,17\n', state).summary).toMatchObject({ unchanged: 1, add: 0 })
    const renamed = plan('name,email,id\nAda King,king@x.example,17\n', state)
    expect(renamed.changed).toMatchObject([{ id: 'mem_known', name: 'Ada King', email: 'king@x.example' }])
    expect(renamed.rows[0]?.changes).toEqual([
      { field: 'name', before: 'Ada', after: 'Ada King' },
      { field: 'email', before: 'ada@x.example', after: 'king@x.example' },
    ])
  })

  it('keeps what the file doesn’t speak of', () => {
    const staff = { ...NOTHING, members: [person({ kind: 'staff', location_id: 'loc_1', external_id: '17' })] }
    expect(plan('name,email\nAda,ada@x.example\n', staff).rows).toMatchObject([{ outcome: 'unchanged' }])
  })

  it('is not two people', () => {
    const two = { ...NOTHING, members: [person({}), person({ id: 'mem_2', email: 'b@x.example', external_id: '18' })] }
    expect(outcomes(plan('name,email,id\nAda,ada@x.example,18\n', two))).toEqual([[2, 'skip', 'two_people']])
  })

  it('out of sight or with a role is left alone', () => {
    const with_ = (changes: Partial<KnownMember>) => ({ ...NOTHING, members: [person(changes)] })
    const csv = 'name,email\nAda King,ada@x.example\n'
    const hidden = plan(csv, with_({ is_visible: false }))
    expect(outcomes(hidden)).toEqual([[2, 'skip', 'address_taken']])
    expect(hidden.rows[0]?.member_id).toBeNull()
    expect(outcomes(plan(csv, with_({ is_mightier: true })))).toEqual([[2, 'skip', 'has_role']])
    expect(outcomes(plan('name,email\nAda,ada@x.example\n', with_({ is_mightier: true })))).toEqual([
      [2, 'unchanged', null],
    ])
  })

  it('and deactivated stays so unless asked', () => {
    const gone = { ...NOTHING, members: [person({ is_active: false })] }
    const csv = 'name,email\nAda,ada@x.example\n'
    expect(plan(csv, gone).summary.unchanged).toBe(1)
    expect(plan(csv, gone, { reactivate: true }).rows[0]?.changes).toEqual([
      { field: 'state', before: 'deactivated', after: 'active' },
    ])
  })

  it('but not in the file is left alone unless asked, and then only of its locations and kinds', () => {
    const state: State = {
      groups: [],
      locations: [
        { id: 'loc_1', name: 'North', external_id: null },
        { id: 'loc_2', name: 'South', external_id: null },
      ],
      members: [
        person({ id: 'mem_here', email: 'here@x.example', location_id: 'loc_1' }),
        person({ id: 'mem_south', email: 'south@x.example', location_id: 'loc_2' }),
        person({ id: 'mem_staff', email: 'staff@x.example', location_id: 'loc_1', kind: 'staff' }),
        person({ id: 'mem_boss', email: 'boss@x.example', location_id: 'loc_1', is_mightier: true }),
      ],
    }
    const csv = 'name,email,school\nNew,new@x.example,North\n'
    expect(plan(csv, state).deactivated).toEqual([])
    const asked = plan(csv, state, { deactivate_missing: true })
    expect(asked.deactivated).toEqual(['mem_here'])
    expect(asked.summary.deactivate).toBe(1)
    expect(asked.rows.at(-1)).toMatchObject({ outcome: 'deactivate', line: null, email: 'here@x.example' })
  })

  it('leaves groups that the file doesn’t name only where asked', () => {
    const state: State = {
      locations: [{ id: 'loc_1', name: 'North', external_id: null }],
      groups: [{ id: 'grp_old', name: '2A', external_id: null, location_id: 'loc_1' }],
      members: [person({ location_id: 'loc_1', group_ids: ['grp_old'] })],
    }
    const csv = 'name,email,class\nAda,ada@x.example,3A\n'
    expect(plan(csv, state).ended).toEqual([])
    expect(plan(csv, state, { replace_groups: true }).ended).toEqual([{ group_id: 'grp_old', member_id: 'mem_known' }])
  })
})

it('whoever may make no locations and groups is told what is missing', () => {
  const powers = { newLocations: false, newGroups: false, isConfined: true }
  const csv = 'name,email,school,class\nAda,ada@x.example,North,3A\n'
  expect(outcomes(plan(csv, NOTHING, {}, powers))).toEqual([[2, 'skip', 'location_unknown']])
  expect(outcomes(plan('name,email\nAda,ada@x.example\n', NOTHING, {}, powers))).toEqual([
    [2, 'skip', 'location_needed'],
  ])
})

describe('any file', () => {
  const word = (of: string[]) => fc.constantFrom(...of)
  const row = fc.record({
    name: word(['Ada', 'Bo', 'Zoë', '']),
    email: word(['a@x.example', 'A@x.example', 'b@x.example', 'c@x.example', 'nobody', '']),
    id: word(['', '1', '2', '3']),
    class: word(['', '3A', '3B', '3a']),
    school: word(['', 'North', 'north', 'South']),
    role: word(['', 'student', 'teacher', 'dragon']),
  })
  const file = fc
    .array(row, { minLength: 1, maxLength: 12 })
    .map((rows) => `name,email,id,class,school,role\n${rows.map((one) => Object.values(one).join(',')).join('\n')}\n`)
  const options = fc.record({
    deactivate_missing: fc.boolean(),
    reactivate: fc.boolean(),
    replace_groups: fc.boolean(),
  })

  it('done twice changes nothing the second time', () => {
    fc.assert(
      fc.property(file, file, options, (first, second, more) => {
        const newId = ids()
        let state = after(NOTHING, plan(first, NOTHING, {}, { newId }))
        const done = plan(second, state, more, { newId })
        state = after(state, done)
        const again = plan(second, state, more, { newId })
        expect(again.summary).toMatchObject({
          add: 0,
          change: 0,
          deactivate: 0,
          new_locations: [],
          new_groups_count: 0,
        })
        for (const part of [
          'locations',
          'groups',
          'added',
          'changed',
          'memberships',
          'leads',
          'ended',
          'deactivated',
        ] as const) {
          expect(again[part], part).toEqual([])
        }
      }),
      { numRuns: 300 },
    )
  })

  it('names each of its rows once, and no address twice among those who are there', () => {
    fc.assert(
      fc.property(file, (csv) => {
        const done = plan(csv)
        const { rows, ...counts } = done.summary
        expect(done.rows.filter((one) => one.line !== null)).toHaveLength(rows)
        expect(counts.add + counts.change + counts.unchanged + counts.merged + counts.skip).toBe(rows)
        const emails = after(NOTHING, done).members.map((one) => one.email)
        expect(new Set(emails).size).toBe(emails.length)
      }),
      { numRuns: 300 },
    )
  })
})

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readUploads } from './decode.ts'
import type { Settings } from './import.ts'
import { type Plan, planImport } from './plan.ts'
import { type Context, formatOf, rosterOfSdsV1, rosterOfSdsV2 } from './roster.ts'
import { readTable } from './table.ts'

const FIXTURES =
  process.env.STIPEND_FIXTURES ?? fileURLToPath(new URL('../../../../../shared/fixtures', import.meta.url))

/** Two schools in the first format of School Data Sync; somebody is in two classes, a class of one name in each school. */
const V1 = {
  'School.csv': 'SIS ID,Name\nS1,North School\nS2,South School\n',
  'Section.csv':
    'SIS ID,School SIS ID,Section Name,Status\nC1,S1,Maths,Active\nC2,S2,Maths,Active\nC3,S1,Art,Active\nC4,S1,Old,Inactive\n',
  'Student.csv':
    'SIS ID,School SIS ID,First Name,Last Name,Username,Password,Status\nP1,S1,Ada,King,AKing,secret,Active\nP2,S2,Bo,Li,bo@x.example,secret,Active\nP3,S1,Cy,Oz,COz,secret,Inactive\n',
  'Teacher.csv':
    'SIS ID,School SIS ID,First Name,Last Name,Username,Password,Status\nT1,S1,Di,Eck,DEck,secret,Active\n',
  'StudentEnrollment.csv': 'Section SIS ID,SIS ID\nC1,P1\nC3,P1\nC2,P2\nC4,P1\nC9,P1\nC1,P9\n',
  'TeacherRoster.csv': 'Section SIS ID,SIS ID\nC1,T1\nC3,T1\n',
}
const V2 = {
  'orgs.csv': 'sourcedId,name,type,parentSourcedId\nD,District,district,\nO1,North School,school,D\n',
  'users.csv':
    'sourcedId,orgSourcedIds,givenName,familyName,username,password,role,grade\nU1,O1,Ada,King,ada@x.example,secret,Student,6\nU2,O1,Di,Eck,di@x.example,secret,Professor,\nU3,O1,Al,Aide,al@x.example,secret,aide,\n',
  'classes.csv': 'sourcedId,orgSourcedId,title\nK1,O1,Maths\n',
  'enrollments.csv': 'classSourcedId,userSourcedId,role\nK1,U1,Student\nK1,U2,Professor\nK1,U3,aide\n',
}

function planOf(files: Record<string, string | Uint8Array>): { plan: Plan; format: string; text: string } {
  const uploads = Object.entries(files).map(([name, content]) => ({ name, bytes: Buffer.from(content) }))
  const tables = readUploads(uploads).map(readTable)
  const settings: Settings = {
    has_header: true,
    mapping: {},
    default_kind: 'student',
    default_location_id: null,
    email_domain: 'x.example',
    deactivate_missing: false,
    reactivate: false,
    replace_groups: false,
  }
  const context: Context = { tenantKind: 'school', settings }
  const format = formatOf(tables)
  const roster = (format === 'sds_v1' ? rosterOfSdsV1 : rosterOfSdsV2)(tables, context)
  let count = 0
  const plan = planImport(roster, { members: [], locations: [], groups: [] }, context, {
    newLocations: true,
    newGroups: true,
    isConfined: false,
    newId: (kind) => `${kind}_${++count}`,
  })
  return { plan, format, text: JSON.stringify(tables) }
}

const inGroup = (plan: Plan, of: 'memberships' | 'leads', external_id: string) =>
  plan[of]
    .filter((one) => one.group_id === plan.groups.find((group) => group.external_id === external_id)?.id)
    .map((one) => plan.added.find(({ id }) => id === one.member_id)?.name)

describe('School Data Sync', () => {
  it('of the first version is told by its files and read together', () => {
    const { plan, format, text } = planOf(V1)
    expect(format).toBe('sds_v1')
    expect(plan.summary).toMatchObject({ rows: 4, add: 3, skip: 1, new_locations: ['North School', 'South School'] })
    expect(plan.rows.find((row) => row.outcome === 'skip')).toMatchObject({ reason: 'inactive_at_source', line: 4 })
    expect(plan.added.map((one) => [one.name, one.email, one.kind, one.external_id])).toEqual([
      ['Di Eck', 'deck@x.example', 'staff', 'T1'],
      ['Ada King', 'aking@x.example', 'student', 'P1'],
      ['Bo Li', 'bo@x.example', 'student', 'P2'],
    ])
    expect(plan.groups.map((one) => one.name)).toEqual(['Maths', 'Art', 'Maths'])
    expect(inGroup(plan, 'memberships', 'C1')).toEqual(['Ada King'])
    expect(inGroup(plan, 'leads', 'C1')).toEqual(['Di Eck'])
    expect(text).not.toContain('secret')
  })

  it('of the second version too', () => {
    const { plan, format, text } = planOf(V2)
    expect(format).toBe('sds_v2')
    // Only schools that people are in become locations.
    expect(plan.summary).toMatchObject({ rows: 3, add: 3, new_locations: ['North School'], new_groups: ['Maths'] })
    expect(plan.added.map((one) => one.kind)).toEqual(['student', 'staff', 'staff'])
    expect(inGroup(plan, 'leads', 'K1')).toEqual(['Di Eck'])
    expect(inGroup(plan, 'memberships', 'K1')).toEqual(['Ada King', 'Al Aide'])
    expect(text).not.toContain('secret')
  })

  it('with two classes of one name in a school tells them apart', () => {
    const { plan } = planOf({ ...V1, 'Section.csv': V1['Section.csv'].replace('C3,S1,Art', 'C3,S1,Maths') })
    expect(plan.groups.map((one) => one.name)).toEqual(['Maths', 'Maths (C3)', 'Maths'])
  })
})

const folder = (name: string) => {
  const path = `${FIXTURES}/rosters/${name}`
  if (!existsSync(path)) return null
  return Object.fromEntries(readdirSync(path).map((file) => [file, readFileSync(`${path}/${file}`)]))
}
const [v1, v2] = [folder('sds-v1-100-users'), folder('sds-v2')]
if (v1 === null || v2 === null) {
  console.log(`No rosters in ${FIXTURES} (STIPEND_FIXTURES names their folder): only the small ones above are tested.`)
}

describe.each(v1 === null || v2 === null ? [] : [{ v1, v2 }])('samples of school systems', ({ v1, v2 }) => {
  it('a hundred people of the first version', () => {
    const { plan, format } = planOf(v1)
    expect(format).toBe('sds_v1')
    expect(plan.summary).toMatchObject({ rows: 98, add: 98, skip: 0, new_groups_count: 28 })
    expect(plan.summary.new_locations.toSorted()).toEqual(['Contoso High School', 'Fabrikam High School'])
    expect(plan.memberships).toHaveLength(602)
    expect(plan.leads).toHaveLength(28)
  })

  it('schools, colleges and their people of the second', () => {
    const { plan, format } = planOf(v2)
    expect(format).toBe('sds_v2')
    expect(plan.summary).toMatchObject({ rows: 29, add: 29, skip: 0, new_groups_count: 4 })
    expect(plan.summary.new_locations).toHaveLength(3)
    expect(plan.added.filter((one) => one.kind === 'student')).toHaveLength(22)
    expect(plan.memberships.length + plan.leads.length).toBe(29)
  })
})

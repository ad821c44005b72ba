import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { z } from 'zod'
import type { Actor } from '../actor.ts'
import * as core from '../index.ts'
import { createScene, refusalOf, type Scene } from '../testing.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
})
afterAll(() => test.drop())

type Options = Partial<z.input<typeof core.imports.create.input>>
const file = (content: string, name = 'people.csv') => ({
  name,
  content_base64: Buffer.from(content).toString('base64'),
})
const create = (of: Scene, content: string, options: Options = {}, actor?: Actor) =>
  of.run(core.imports.create, { files: [file(content)], ...options }, actor)
const people = async (of: Scene) => (await of.run(core.members.list, { limit: 200 })).data

const CLASS =
  'Name,E-mail,Class,School\nAda King,Ada@x.example,3A,Main\nBo Li,bo@x.example,3A,Main\nAda King,ada@x.example,Chess,Main\n,c@x.example,3A,Main\n'

describe('an import', () => {
  it('says what it would do and writes nobody', async () => {
    const scene = await createScene(test.database)
    const draft = await create(scene, CLASS)
    expect(draft).toMatchObject({
      status: 'draft',
      format: 'csv',
      files: [{ name: 'people.csv', encoding: 'utf-8', delimiter: ',', rows: 5 }],
      settings: { has_header: true, mapping: { name: 0, email: 1, group: 2, location: 3 } },
      summary: { rows: 4, add: 2, merged: 1, skip: 1, new_groups: ['3A', 'Chess'], new_locations: [] },
    })
    expect(draft.columns[0]).toEqual({ index: 0, header: 'Name', samples: ['Ada King', 'Bo Li', 'Ada King', ''] })
    const { data } = await scene.run(core.imports.listRows, { id: draft.id })
    expect(data.map((row) => [row.line, row.outcome, row.reason])).toEqual([
      [2, 'add', null],
      [4, 'merged', null],
      [3, 'add', null],
      [5, 'skip', 'no_name'],
    ])
    const skipped = await scene.run(core.imports.listRows, { id: draft.id, outcome: 'skip' })
    expect(skipped.data.map((row) => row.line)).toEqual([5])
    const first = await scene.run(core.imports.listRows, { id: draft.id, limit: 3 })
    const rest = await scene.run(core.imports.listRows, { id: draft.id, limit: 3, cursor: first.next_cursor ?? '' })
    expect([...first.data, ...rest.data]).toEqual(data)
    expect(rest.next_cursor).toBeNull()
    expect(await people(scene)).toEqual([])
    expect((await scene.run(core.groups.list, {})).data).toEqual([])
  })

  it('does it once, all of it, and the same file again changes nothing', async () => {
    const scene = await createScene(test.database)
    const draft = await create(scene, CLASS)
    const done = await scene.run(core.imports.run, { id: draft.id, fingerprint: draft.fingerprint })
    expect(done).toMatchObject({ status: 'applied', summary: draft.summary, applied_at: expect.any(String) })
    expect(await scene.run(core.imports.run, { id: draft.id })).toEqual(done)
    const listed = await people(scene)
    expect(listed.map((one) => [one.name, one.email, one.kind, one.groups.map((group) => group.name)])).toEqual([
      ['Ada King', 'ada@x.example', 'student', ['3A', 'Chess']],
      ['Bo Li', 'bo@x.example', 'student', ['3A']],
    ])
    // Who was left out can still be looked up; the file itself is gone.
    expect((await scene.run(core.imports.listRows, { id: draft.id })).data.map((row) => row.reason)).toEqual([
      'no_name',
    ])
    const [row] = await test.admin`select files from imports where id = ${draft.id}`
    expect(row?.files).toBeNull()
    const [entry] = (await scene.run(core.audit.list, { target_id: draft.id })).data
    expect(entry).toMatchObject({ operation: 'imports.run', after: { add: 2, added: listed.map(({ id }) => id) } })

    const again = await create(scene, CLASS, { dry_run: false })
    expect(again.summary).toMatchObject({ add: 0, change: 0, unchanged: 2, new_groups_count: 0 })
    expect(await people(scene)).toEqual(listed)
    expect((await refusalOf(scene.run(core.imports.update, { id: draft.id, settings: {} }))).code).toBe('conflict')
  })

  it('changes, moves and reactivates those it knows, and deactivates those it misses where asked', async () => {
    const scene = await createScene(test.database)
    const [known, missing] = [
      await scene.member({ name: 'Old', email: 'known@x.example' }),
      await scene.member({ name: 'Gone' }),
    ]
    await scene.run(core.members.deactivate, { member_ids: [known.id] })
    const key = await scene.key({ member_id: missing.id })
    const csv = 'Name,Mail,School,Role\nNew,KNOWN@x.example,Main,student\nNext,next@x.example,North,student\n'
    const draft = await create(scene, csv, { settings: { reactivate: true, deactivate_missing: true } })
    expect(draft.summary).toMatchObject({ add: 1, change: 1, deactivate: 1, new_locations: ['North'] })
    const { data } = await scene.run(core.imports.listRows, { id: draft.id, outcome: 'change' })
    expect(data[0]?.changes).toEqual([
      { field: 'name', before: 'Old', after: 'New' },
      { field: 'state', before: 'deactivated', after: 'active' },
    ])
    await scene.run(core.imports.run, { id: draft.id })
    expect(await scene.run(core.members.get, { id: known.id })).toMatchObject({ name: 'New', is_active: true })
    expect((await scene.run(core.members.get, { id: missing.id })).is_active).toBe(false)
    // By its person alone.
    expect(await scene.run(core.keys.get, { id: key.id })).toMatchObject({ status: 'disabled', disabled_at: null })
  })

  it('is refused when people have changed since the preview was looked at', async () => {
    const scene = await createScene(test.database)
    const draft = await create(scene, CLASS)
    await scene.member({ email: 'bo@x.example', name: 'Somebody else' })
    const refused = await refusalOf(scene.run(core.imports.run, { id: draft.id, fingerprint: draft.fingerprint }))
    expect(refused.code).toBe('conflict')
    const now = await scene.run(core.imports.get, { id: draft.id })
    expect(now.summary).toMatchObject({ add: 1, change: 1 })
    await scene.run(core.imports.run, { id: draft.id, fingerprint: now.fingerprint })
  })

  it('of the same people twice at once adds them once', async () => {
    const scene = await createScene(test.database)
    const drafts = [await create(scene, CLASS), await create(scene, CLASS), await create(scene, CLASS)]
    const answers = await Promise.allSettled(drafts.map(({ id }) => scene.run(core.imports.run, { id })))
    expect(answers.map((one) => one.status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
    expect(await people(scene)).toHaveLength(2)
  })

  it('can be corrected: columns, header, kind, domain', async () => {
    const scene = await createScene(test.database)
    const draft = await create(scene, 'who;where;login\nAda;3A;ada\n')
    expect(draft.summary).toMatchObject({ add: 0, skip: 1 })
    const settings = {
      mapping: { name: 0, group: 1, email: 2 },
      has_header: true,
      default_kind: 'staff' as const,
      default_location_id: scene.location.id,
      email_domain: '@X.example',
    }
    const corrected = await scene.run(core.imports.update, { id: draft.id, settings })
    expect(corrected.summary).toMatchObject({ add: 1, skip: 0 })
    await scene.run(core.imports.run, { id: draft.id })
    expect(await people(scene)).toMatchObject([
      { name: 'Ada', email: 'ada@x.example', kind: 'staff', groups: [], leads: [{ name: '3A' }] },
    ])
  })

  it('with wrong input says what to do', async () => {
    const scene = await createScene(test.database)
    const wrong = async (options: Options) =>
      (await refusalOf(scene.run(core.imports.create, { files: [file('name,email\n')], ...options }))).details.param
    expect(await wrong({ files: [file('')] })).toBe('files')
    expect(await wrong({ files: [{ name: 'a.csv', content_base64: '%%%' }] })).toBe('files.0.content_base64')
    expect(await wrong({ settings: { default_kind: 'employee' } })).toBe('settings.default_kind')
    expect(await wrong({ settings: { email_domain: 'nope' } })).toBe('settings.email_domain')
    expect(await wrong({ settings: { mapping: { nickname: 1 } as never } })).toBe('settings.mapping.nickname')
  })

  it('nobody applied within a day is gone', async () => {
    const scene = await createScene(test.database)
    const draft = await create(scene, CLASS)
    const later = { now: new Date(Date.now() + 25 * 3_600_000) }
    await core.forgetDrafts(test.database, new Date())
    expect((await scene.run(core.imports.get, { id: draft.id })).status).toBe('draft')
    await core.forgetDrafts(test.database, later.now)
    expect((await refusalOf(scene.run(core.imports.get, { id: draft.id }))).code).toBe('not_found')
  })

  it('of five thousand is one transaction, and of a company’s people too', async () => {
    const scene = await createScene(test.database, { kind: 'company' })
    const rows = Array.from({ length: 5000 }, (_, n) => `Person ${n},p${n}@x.example,Team ${n % 40},Office ${n % 7}`)
    const done = await create(scene, `Naam,E-mailadres,Team,Kantoor\n${rows.join('\n')}\n`, { dry_run: false })
    expect(done.summary).toMatchObject({ add: 5000, skip: 0, new_groups_count: 280 })
    expect(done.summary.new_locations).toHaveLength(7)
    expect((await scene.run(core.members.count, { kind: 'employee' })).count).toBe(5000)
  })
})

describe('an admin of some locations', () => {
  it('imports into those, and touches and learns of nobody else', async () => {
    const scene = await createScene(test.database)
    const north = await scene.run(core.locations.create, { name: 'North' })
    const hidden = await scene.member({ name: 'Hidden', email: 'hidden@x.example', external_id: 'h-1' })
    const admin = await scene.adminOf(north.id)
    const csv = [
      'Name,Mail,School,Class,Id',
      'Mine,mine@x.example,North,1A,1',
      'Far,far@x.example,Main,1A,2',
      'New place,new@x.example,Elsewhere,1A,3',
      'No place,none@x.example,,1A,4',
      'Taken,HIDDEN@x.example,North,1A,5',
      'By id,byid@x.example,North,1A,h-1',
    ].join('\n')
    const draft = await create(scene, csv, {}, admin)
    const rows = (await scene.run(core.imports.listRows, { id: draft.id }, admin)).data
    expect(rows.map((row) => [row.name, row.reason])).toEqual([
      ['Mine', null],
      ['Far', 'location_unknown'],
      ['New place', 'location_unknown'],
      ['No place', 'location_needed'],
      ['Taken', 'address_taken'],
      ['By id', 'address_taken'],
    ])
    expect(JSON.stringify(rows)).not.toContain(hidden.id)
    await scene.run(core.imports.run, { id: draft.id }, admin)
    expect((await scene.run(core.members.list, {}, admin)).data.map((one) => one.name)).toEqual(['Mine'])
    expect((await scene.run(core.members.get, { id: hidden.id })).name).toBe('Hidden')
    const main = { default_location_id: scene.location.id }
    const made_up = { default_location_id: core.newId('location') }
    expect(await refusalOf(create(scene, csv, { settings: main }, admin))).toEqual(
      await refusalOf(create(scene, csv, { settings: made_up }, admin)),
    )
    // Nor does another admin see this import.
    const other = await scene.adminOf(north.id)
    const missing = await refusalOf(scene.run(core.imports.get, { id: core.newId('import') }, other))
    for (const operation of [core.imports.get, core.imports.listRows, core.imports.run]) {
      expect(await refusalOf(scene.run(operation, { id: draft.id }, other))).toEqual(missing)
    }
  })

  it('changes nobody who leads groups elsewhere: whoever writes their address could become them', async () => {
    const scene = await createScene(test.database)
    const north = await scene.run(core.locations.create, { name: 'North' })
    const group = await scene.run(core.groups.create, { name: 'South', location_id: scene.location.id })
    const teacher = await scene.member({ kind: 'staff', location_id: north.id, external_id: 't-1', account: false })
    await scene.run(core.groups.setLeads, { group_id: group.id, member_ids: [teacher.id] })
    const admin = await scene.adminOf(north.id)
    const csv = `Name,Mail,Id\n${teacher.name},mine@evil.example,t-1\n`
    const draft = await create(scene, csv, {}, admin)
    expect((await scene.run(core.imports.listRows, { id: draft.id }, admin)).data).toMatchObject([
      { reason: 'has_role' },
    ])
  })

  it('changes nobody who has a role', async () => {
    const scene = await createScene(test.database)
    const owner = await scene.owner()
    const boss = await scene.member({ role: 'owner', kind: 'staff', email: 'boss@x.example', account: false })
    const csv = 'Name,Mail\nMallory,boss@x.example\n'
    const admin: Actor = { ...owner, role: 'admin' }
    const rows = (await scene.run(core.imports.listRows, { id: (await create(scene, csv, {}, admin)).id }, admin)).data
    expect(rows).toMatchObject([{ outcome: 'skip', reason: 'has_role', member_id: boss.id }])
    expect((await create(scene, csv, {}, owner)).summary.change).toBe(1)
  })
})

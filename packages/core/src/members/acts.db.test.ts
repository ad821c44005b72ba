import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Actor } from '../actor.ts'
import * as core from '../index.ts'
import { createScene, refusalOf, type Scene } from '../testing.ts'

let test: TestDatabase
let scene: Scene
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  scene = await createScene(test.database)
})
afterAll(() => test.drop())

const { deactivate, reactivate, move, remove } = core.members
const NOTHING = { skipped: [], skipped_count: 0, accounts: 0, keys: 0, groups: 0, requests: 0 }
const audited = async (of: Scene, target_id: string, operation: string) =>
  (await of.run(core.audit.list, { target_id })).data.filter((one) => one.operation === operation)

describe('deactivating', () => {
  it('is said first, done, and undone', async () => {
    const person = await scene.member()
    await scene.key({ member_id: person.id })
    const input = { member_ids: [person.id] }
    const said = await scene.run(deactivate, { ...input, dry_run: true })
    expect(said).toEqual({ ...NOTHING, is_done: false, people: 1, accounts: 1, keys: 1 })
    expect((await scene.run(core.members.get, { id: person.id })).is_active).toBe(true)
    expect(await audited(scene, person.id, 'members.deactivate')).toEqual([])

    expect(await scene.run(deactivate, input)).toEqual({ ...said, is_done: true })
    expect((await scene.run(core.members.get, { id: person.id })).is_active).toBe(false)
    const [entry] = await audited(scene, person.id, 'members.deactivate')
    expect(entry).toMatchObject({ before: { deactivated_at: null }, after: { deactivated_at: expect.any(String) } })
    const again = await scene.run(deactivate, input)
    expect(again).toMatchObject({ people: 0, skipped: [{ id: person.id, reason: 'already' }], skipped_count: 1 })
    expect(await scene.run(reactivate, input)).toMatchObject({ people: 1, keys: 1 })
    expect((await scene.run(core.members.get, { id: person.id })).is_active).toBe(true)
  })

  it('takes everybody who matches together with those named, each once', async () => {
    const place = await createScene(test.database)
    const group = await place.run(core.groups.create, { name: '7b', location_id: place.location.id })
    const [inGroup, named] = [await place.member({ group_ids: [group.id] }), await place.member()]
    const rest = await place.member()
    const selection = { member_ids: [named.id, inGroup.id, named.id], matching: { group_id: group.id } }
    expect((await place.run(deactivate, selection)).people).toBe(2)
    const active = (await place.run(core.members.list, { state: 'active' })).data.map((one) => one.id)
    expect(active).toEqual([rest.id])
    expect((await place.run(core.members.count, { state: 'deactivated' })).count).toBe(2)
    expect((await refusalOf(place.run(deactivate, {}))).details.param).toBe('member_ids')
  })

  it('leaves out oneself, the last owner, and for all but owners those with a role', async () => {
    const place = await createScene(test.database)
    const owner = await place.owner()
    const auditor = await place.member({ role: 'auditor', kind: 'staff' })
    const student = await place.member()
    const everybody = { matching: {}, dry_run: true }
    const left = async (actor?: Actor) =>
      Object.fromEntries((await place.run(deactivate, everybody, actor)).skipped.map((one) => [one.id, one.reason]))
    expect(await left(owner)).toEqual({ [owner.member_id]: 'yourself' })
    expect(await left()).toEqual({ [owner.member_id]: 'last_owner' })
    expect(await left({ ...owner, role: 'admin' })).toEqual({
      [owner.member_id]: 'has_role',
      [auditor.id]: 'has_role',
    })
    const second = await place.owner()
    // Of two owners one stays, whoever is taken first.
    expect(Object.values(await left())).toEqual(['last_owner'])
    expect((await place.run(deactivate, { matching: {} }, second)).people).toBe(3)
    expect((await place.run(core.members.get, { id: student.id })).is_active).toBe(false)
  })
})

describe('moving', () => {
  it('changes the location, ends groups elsewhere, and keeps keys', async () => {
    const place = await createScene(test.database)
    const north = await place.run(core.locations.create, { name: 'North' })
    const [old, there] = [
      await place.run(core.groups.create, { name: '7b', location_id: place.location.id }),
      await place.run(core.groups.create, { name: '8b', location_id: north.id }),
    ]
    const person = await place.member({ group_ids: [old.id, there.id] })
    const key = await place.key({ member_id: person.id })
    const input = { member_ids: [person.id], location_id: north.id }
    expect(await place.run(move, { ...input, dry_run: true })).toMatchObject({ people: 1, groups: 1, keys: 1 })
    await place.run(move, input)
    expect(await place.run(core.members.get, { id: person.id })).toMatchObject({
      location_id: north.id,
      groups: [{ id: there.id }],
    })
    expect((await place.run(core.keys.get, { id: key.id })).status).toBe('active')
    expect((await place.run(move, input)).skipped[0]?.reason).toBe('already')
  })
})

describe('removing', () => {
  it('ends keys, groups, account and invitation; what they did stays under their name', async () => {
    const place = await createScene(test.database)
    const group = await place.run(core.groups.create, { name: '7b', location_id: place.location.id })
    const person = await place.member({ name: 'Ada', email: 'ada@school.example', group_ids: [group.id] })
    const key = await place.key({ member_id: person.id })
    const said = await place.run(remove, { member_ids: [person.id], dry_run: true })
    expect(said).toMatchObject({ is_done: false, people: 1, accounts: 1, keys: 1, groups: 1 })
    await place.run(remove, { member_ids: [person.id] })

    const missing = await refusalOf(place.run(core.members.get, { id: core.newId('member') }))
    for (const [operation, input] of [
      [core.members.get, { id: person.id }],
      [core.members.update, { id: person.id, name: 'Back' }],
      [core.keys.create, { member_id: person.id, name: 'New', budget_usd: '1' }],
      [remove, { member_ids: [person.id] }],
    ] as const) {
      expect(await refusalOf(place.run(operation, input as never))).toEqual(missing)
    }
    expect((await place.run(core.members.list, {})).data).toEqual([])
    expect((await place.run(core.coding.listPeople, {})).data).toEqual([])
    expect((await place.run(core.groups.get, { id: group.id })).members_count).toBe(0)
    expect(await place.run(core.keys.get, { id: key.id })).toMatchObject({ status: 'revoked', member_name: 'Ada' })
    // The address is free for another.
    expect((await place.member({ email: 'ada@school.example' })).id).not.toBe(person.id)
    const [row] = await test.admin`select user_id, removed_at from members where id = ${person.id}`
    expect(row).toMatchObject({ user_id: null, removed_at: expect.anything() })
  })

  it('takes the name away where that is wanted', async () => {
    const place = await createScene(test.database)
    const person = await place.member({ name: 'Ada', email: 'ada@school.example', external_id: '17' })
    const key = await place.key({ member_id: person.id })
    await place.run(remove, { member_ids: [person.id], history: 'anonymise' })
    expect((await place.run(core.keys.get, { id: key.id })).member_name).toBe('Removed person')
    const [row] = await test.admin`select name, email, external_id from members where id = ${person.id}`
    expect(row).toEqual({ name: 'Removed person', email: `${person.id}@removed.invalid`, external_id: null })
    expect(JSON.stringify(await audited(place, person.id, 'members.remove'))).not.toContain('Ada')
  })

  it('of thousands is one act', async () => {
    const place = await createScene(test.database)
    await test.admin`insert into members (tenant_id, id, kind, role, name, email, location_id)
      select ${place.tenant_id}, 'mem_' || n || ${place.tenant_id.slice(-8)}, 'student', 'member', 'P' || n, n || '@x.example', ${place.location.id}
        from generate_series(1, 7000) n`
    expect((await place.run(remove, { matching: {} })).people).toBe(7000)
    expect((await place.run(core.members.count, {})).count).toBe(0)
    const [row] = await test.admin`
      select count(*)::int as n from audit_entries where tenant_id = ${place.tenant_id} and operation = 'members.remove'`
    expect(row?.n).toBe(7000)
  })
})

describe('an admin of some locations', () => {
  it('acts on their own people; others are not there', async () => {
    const place = await createScene(test.database)
    const north = await place.run(core.locations.create, { name: 'North' })
    const [near, far] = [await place.member({ location_id: north.id }), await place.member()]
    const admin = await place.adminOf(north.id)
    for (const operation of [deactivate, reactivate, remove]) {
      const missing = await refusalOf(place.run(operation, { member_ids: [core.newId('member')] }, admin))
      expect(missing.code).toBe('not_found')
      expect(await refusalOf(place.run(operation, { member_ids: [near.id, far.id] }, admin))).toEqual(missing)
    }
    const away = { member_ids: [near.id], location_id: place.location.id }
    const nowhere = await refusalOf(place.run(move, { ...away, location_id: core.newId('location') }, admin))
    expect(await refusalOf(place.run(move, away, admin))).toEqual(nowhere)
    expect(await place.run(deactivate, { matching: {} }, admin)).toMatchObject({ people: 1, skipped_count: 0 })
    expect((await place.run(core.members.get, { id: far.id })).is_active).toBe(true)
  })
})

import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Actor, Role } from '../actor.ts'
import * as core from '../index.ts'
import { createScene, refusalOf, type Scene } from '../testing.ts'

let test: TestDatabase
let scene: Scene
let other: Scene
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  scene = await createScene(test.database)
  other = await createScene(test.database, { kind: 'company' })
})
afterAll(() => test.drop())

let counter = 0
const person = (changes: object = {}) => {
  counter += 1
  return { name: `Person ${counter}`, email: `person-${counter}@school.example`, kind: 'student' as const, ...changes }
}
const count = async (of: Scene) => (await of.run(core.members.list, { limit: 200 })).data.length

describe('adding a person', () => {
  it('answers who they are', async () => {
    const group = await scene.run(core.groups.create, { name: '7b', location_id: scene.location.id })
    const made = await scene.run(core.members.create, {
      name: ' Ada Lovelace ',
      email: ' Ada@School.Example ',
      kind: 'student',
      location_id: scene.location.id,
      group_ids: [group.id, group.id],
    })
    expect(made).toEqual({
      id: expect.stringMatching(/^mem_/),
      name: 'Ada Lovelace',
      email: 'ada@school.example',
      kind: 'student',
      role: 'member',
      scope_location_ids: [],
      location_id: scene.location.id,
      location_name: 'Main',
      groups: [{ id: group.id, name: '7b' }],
      leads: [],
      account: 'none',
      invited_at: null,
      invitation_expires_at: null,
      external_id: null,
      is_active: true,
      created_at: expect.stringMatching(/Z$/),
    })
    expect(await scene.run(core.members.get, { id: made.id })).toEqual(made)
  })

  it('refuses an address that is taken, in whatever case, and only within the tenant', async () => {
    const first = await scene.run(core.members.create, person({ email: 'same@school.example' }))
    const again = refusalOf(scene.run(core.members.create, person({ email: 'SAME@school.example' })))
    expect(await again).toMatchObject({ code: 'conflict', details: { fields: [{ path: 'email' }] } })
    const elsewhere = await other.run(core.members.create, person({ email: 'same@school.example', kind: 'employee' }))
    expect(elsewhere.id).not.toBe(first.id)
  })

  it('makes one of several at once with one address', async () => {
    const input = person({ email: 'race@school.example' })
    const answers = await Promise.allSettled(Array.from({ length: 5 }, () => scene.run(core.members.create, input)))
    expect(answers.filter((answer) => answer.status === 'fulfilled')).toHaveLength(1)
    for (const answer of answers) {
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'conflict' })
    }
  })

  it('fits the kind of the organisation', async () => {
    const employee = refusalOf(scene.run(core.members.create, person({ kind: 'employee' })))
    expect(await employee).toMatchObject({ code: 'invalid_request', details: { param: 'kind' } })
    const student = refusalOf(other.run(core.members.create, person({ kind: 'student' })))
    expect(await student).toMatchObject({ code: 'invalid_request', details: { param: 'kind' } })
  })

  it('gives roles only where an owner does', async () => {
    const owner = await scene.owner()
    const admin: Actor = { ...owner, role: 'admin' }
    for (const role of ['owner', 'admin', 'auditor'] as const satisfies Role[]) {
      expect((await refusalOf(scene.run(core.members.create, person({ role }), admin))).code).toBe('forbidden')
      expect((await scene.run(core.members.create, person({ role, kind: 'staff' }), owner)).role).toBe(role)
    }
    expect((await scene.run(core.members.create, person(), admin)).role).toBe('member')
    const token: Actor = {
      kind: 'service_token',
      tenant_id: scene.tenant_id,
      token_id: 'tok_x',
      permissions: ['members:write'],
    }
    const byToken = refusalOf(scene.run(core.members.create, person({ role: 'owner' }), token))
    expect((await byToken).code).toBe('forbidden')
  })

  it('confines only those who have something to be confined in', async () => {
    const scope_location_ids = [scene.location.id]
    for (const role of ['member', 'owner'] as const) {
      const refused = await refusalOf(scene.run(core.members.create, person({ role, scope_location_ids })))
      expect(refused.details.param).toBe('scope_location_ids')
    }
    const confined = await scene.run(core.members.create, person({ role: 'admin', kind: 'staff', scope_location_ids }))
    const rows = await test.admin`select location_id from member_scopes where member_id = ${confined.id}`
    expect(rows.map((row) => row.location_id)).toEqual(scope_location_ids)
  })

  it('answers alike for what isn’t there and what is another’s, and adds nobody', async () => {
    const foreignGroup = await other.run(core.groups.create, { name: 'Team', location_id: other.location.id })
    const before = await count(scene)
    const refused = (changes: object) =>
      refusalOf(scene.run(core.members.create, person({ kind: 'staff', role: 'admin', ...changes })))
    for (const [mine, foreign] of [
      [{ location_id: core.newId('location') }, { location_id: other.location.id }],
      [{ scope_location_ids: [core.newId('location')] }, { scope_location_ids: [other.location.id] }],
      [{ group_ids: [core.newId('group')] }, { group_ids: [foreignGroup.id] }],
    ] as const) {
      const missing = await refused(mine)
      expect(missing.code).toBe('not_found')
      expect(await refused(foreign)).toEqual(missing)
    }
    expect(await count(scene)).toBe(before)
  })
})

describe('an admin of some locations', () => {
  it('sees and adds their own people only', async () => {
    const place = await createScene(test.database)
    const north = await place.run(core.locations.create, { name: 'North' })
    const southGroup = await place.run(core.groups.create, { name: 'South', location_id: place.location.id })
    const mine = await place.member({ location_id: north.id, name: 'Mine' })
    const theirs = await place.member({ name: 'Theirs' })
    const foreign = await other.member()
    const admin = await place.adminOf(north.id)

    const listed = async (filter: object) =>
      (await place.run(core.members.list, filter, admin)).data.map((one) => one.id)
    expect(await listed({})).toEqual([mine.id])
    expect(await listed({ search: 'Theirs' })).toEqual([])
    expect(await listed({ location_id: place.location.id })).toEqual([])
    const get = (id: string) => refusalOf(place.run(core.members.get, { id }, admin))
    const missing = await get(core.newId('member'))
    expect(missing.code).toBe('not_found')
    for (const id of [theirs.id, foreign.id]) expect(await get(id)).toEqual(missing)

    const add = (changes: object) => place.run(core.members.create, person(changes), admin)
    const added = await add({ location_id: north.id })
    expect(added.location_id).toBe(north.id)
    expect((await refusalOf(add({}))).details.param).toBe('location_id')
    const elsewhere = await refusalOf(add({ location_id: place.location.id }))
    expect(elsewhere).toEqual(await refusalOf(add({ location_id: core.newId('location') })))
    expect((await refusalOf(add({ location_id: north.id, group_ids: [southGroup.id] }))).code).toBe('not_found')
    expect((await refusalOf(add({ location_id: north.id, role: 'admin' }))).code).toBe('forbidden')
    expect(await listed({})).toEqual([mine.id, added.id])
  })
})

describe('a list of people', () => {
  it('is by name whatever the case, and paged without gaps or doubles', async () => {
    const place = await createScene(test.database)
    const names = [
      'Zoë',
      'ada',
      'Ada',
      'ADA',
      'Émile',
      'bob',
      'Bob',
      'Ångström',
      '李小龍',
      'zoe',
      "O'Neill",
      'Ada',
      'Ada',
    ]
    for (const name of names) await place.run(core.members.create, person({ name }))
    const whole = (await place.run(core.members.list, {})).data.map((one) => one.id)
    expect(whole).toHaveLength(names.length)
    for (const limit of [1, 2, 5, 12]) {
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await place.run(core.members.list, { limit, cursor })
        seen.push(...page.data.map((one) => one.id))
        cursor = page.next_cursor ?? undefined
      } while (cursor !== undefined)
      expect(seen).toEqual(whole)
    }
    const people: string[] = []
    let cursor: string | undefined
    do {
      const page = await place.run(core.coding.listPeople, { limit: 4, cursor })
      people.push(...page.data.map((one) => one.id))
      cursor = page.next_cursor ?? undefined
    } while (cursor !== undefined)
    expect(people).toEqual(whole)
  })

  it('can be narrowed', async () => {
    const place = await createScene(test.database)
    const north = await place.run(core.locations.create, { name: 'North' })
    const group = await place.run(core.groups.create, { name: '7b', location_id: north.id })
    const ada = await place.run(
      core.members.create,
      person({ name: 'Ada', location_id: north.id, group_ids: [group.id] }),
    )
    const bob = await place.run(core.members.create, person({ name: 'Bob', kind: 'staff', location_id: north.id }))
    const cy = await place.run(core.members.create, person({ name: 'Cy_100%', email: 'cy@odd.example' }))
    const ids = async (filter: object) => (await place.run(core.members.list, filter)).data.map((one) => one.id)
    expect(await ids({})).toEqual([ada.id, bob.id, cy.id])
    expect(await ids({ kind: 'student' })).toEqual([ada.id, cy.id])
    expect(await ids({ location_id: north.id })).toEqual([ada.id, bob.id])
    expect(await ids({ group_id: group.id })).toEqual([ada.id])
    expect(await ids({ location_id: north.id, kind: 'staff' })).toEqual([bob.id])
    expect(await ids({ search: 'aD' })).toEqual([ada.id])
    expect(await ids({ search: 'odd.example' })).toEqual([cy.id])
    expect(await ids({ search: '_100%' })).toEqual([cy.id])
    expect(await ids({ search: bob.id })).toEqual([bob.id])
    expect(await ids({ group_id: core.newId('group') })).toEqual([])
    expect(
      await ids({ group_id: (await other.run(core.groups.create, { name: 'T2', location_id: other.location.id })).id }),
    ).toEqual([])
  })

  it('shows in Coding who works with which key', async () => {
    const place = await createScene(test.database)
    const person = await place.member({ name: 'Ada' })
    const idle = await place.member({ name: 'Bob', account: false })
    await place.key({ member_id: person.id, name: 'First' })
    const second = await place.key({ member_id: person.id, name: 'Second' })
    const third = await place.key({ member_id: person.id, name: 'Third' })
    await place.run(core.keys.revoke, { id: third.id })
    const people = (await place.run(core.coding.listPeople, {})).data
    expect(people).toMatchObject([
      { id: person.id, account: 'linked', key: { id: second.id, status: 'active' }, keys_count: 2, requests: 0 },
      { id: idle.id, account: 'none', key: null, keys_count: 0, requests: 0 },
    ])
  })
})

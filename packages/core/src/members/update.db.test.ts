import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Actor } from '../actor.ts'
import * as core from '../index.ts'
import { createScene, refusalOf, type Scene } from '../testing.ts'

let test: TestDatabase
let scene: Scene
let other: Scene
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  scene = await createScene(test.database)
  other = await createScene(test.database)
})
afterAll(() => test.drop())

type Changes = Omit<Parameters<typeof scene.run<typeof core.members.update>>[1], 'id'>
const update = (of: Scene, id: string, changes: Changes, actor?: Actor) =>
  of.run(core.members.update, { id, ...changes }, actor)
const refused = (of: Scene, id: string, changes: Changes, actor?: Actor) => refusalOf(update(of, id, changes, actor))

describe('changing a person', () => {
  it('changes what is given and nothing else, and says before and after', async () => {
    const before = await scene.run(core.members.get, { id: (await scene.member({ name: 'Ada' })).id })
    const after = await update(scene, before.id, { name: ' Ada King ', email: 'ADA@school.example', external_id: '17' })
    expect(after).toEqual({ ...before, name: 'Ada King', email: 'ada@school.example', external_id: '17' })
    const [entry] = (await scene.run(core.audit.list, { target_id: before.id })).data
    expect(entry).toMatchObject({ operation: 'members.update', before: { name: 'Ada' }, after: { name: 'Ada King' } })
  })

  it('refuses an address or an external id that somebody has', async () => {
    const [a, b] = [await scene.member({ external_id: 'a-1' }), await scene.member()]
    expect((await refused(scene, b.id, { email: a.email.toUpperCase() })).details.fields?.[0]?.path).toBe('email')
    expect((await refused(scene, b.id, { external_id: 'a-1' })).details.fields?.[0]?.path).toBe('external_id')
    expect((await update(scene, a.id, { email: a.email, external_id: 'a-1' })).email).toBe(a.email)
  })

  it('sets groups as a whole; who moves leaves those elsewhere', async () => {
    const north = await scene.run(core.locations.create, { name: 'North' })
    const make = (name: string, location_id: string) => scene.run(core.groups.create, { name, location_id })
    const [a, b, c] = [
      await make('A', scene.location.id),
      await make('B', scene.location.id),
      await make('C', north.id),
    ]
    const { id } = await scene.member({ group_ids: [a.id] })
    const groups = async (changes: Changes) => (await update(scene, id, changes)).groups.map((one) => one.name)
    expect(await groups({ group_ids: [b.id, b.id, c.id] })).toEqual(['B', 'C'])
    expect(await groups({ name: 'Same' })).toEqual(['B', 'C'])
    expect(await groups({ location_id: north.id })).toEqual(['C'])
    expect(await groups({ group_ids: [] })).toEqual([])
  })

  it('fits the kind of the organisation, and of a lead', async () => {
    const person = await scene.member({ kind: 'staff' })
    expect((await refused(scene, person.id, { kind: 'employee' })).details.param).toBe('kind')
    const group = await scene.run(core.groups.create, { name: 'Led', location_id: scene.location.id })
    await scene.run(core.groups.setLeads, { group_id: group.id, member_ids: [person.id] })
    expect((await refused(scene, person.id, { kind: 'student' })).details.param).toBe('kind')
    expect((await scene.run(core.members.get, { id: person.id })).leads).toEqual([{ id: group.id, name: 'Led' }])
  })

  it('answers alike for what isn’t there and what is another’s', async () => {
    const [mine, foreign] = [await scene.member(), await other.member()]
    const missing = await refused(scene, core.newId('member'), { name: 'X' })
    expect(missing.code).toBe('not_found')
    expect(await refused(scene, foreign.id, { name: 'X' })).toEqual(missing)
    const group = await other.run(core.groups.create, { name: 'Theirs', location_id: other.location.id })
    for (const [made_up, theirs] of [
      [{ location_id: core.newId('location') }, { location_id: other.location.id }],
      [{ group_ids: [core.newId('group')] }, { group_ids: [group.id] }],
    ] as const) {
      expect(await refused(scene, mine.id, theirs as Changes)).toEqual(
        await refused(scene, mine.id, made_up as Changes),
      )
    }
  })
})

describe('roles', () => {
  it('are given and taken by owners, with a scope where there is something to confine', async () => {
    const owner = await scene.owner()
    const { id } = await scene.member({ kind: 'staff' })
    const scope_location_ids = [scene.location.id]
    expect(await update(scene, id, { role: 'admin', scope_location_ids }, owner)).toMatchObject({
      role: 'admin',
      scope_location_ids,
    })
    expect((await update(scene, id, { name: 'Kept' }, owner)).scope_location_ids).toEqual(scope_location_ids)
    // A role that can't be confined ends the scope with it.
    expect((await update(scene, id, { role: 'billing' }, owner)).scope_location_ids).toEqual([])
    expect((await refused(scene, id, { scope_location_ids }, owner)).details.param).toBe('scope_location_ids')
    expect((await update(scene, id, { role: 'member' }, owner)).role).toBe('member')
    const admin: Actor = { ...owner, role: 'admin' }
    for (const changes of [{ role: 'auditor' as const }, { role: 'owner' as const }]) {
      expect((await refused(scene, id, changes, admin)).code).toBe('forbidden')
    }
    expect((await update(scene, id, { name: 'By admin', role: 'member' }, admin)).name).toBe('By admin')
  })

  it('protect who has one: whoever writes their address could become them', async () => {
    const owner = await scene.owner()
    const mighty = await scene.member({ role: 'owner', kind: 'staff', account: false })
    const token: Actor = {
      kind: 'service_token',
      tenant_id: scene.tenant_id,
      token_id: 'tok_x',
      permissions: ['members:write'],
    }
    for (const actor of [{ ...owner, role: 'admin' } as Actor, token]) {
      expect((await refused(scene, mighty.id, { email: 'mine@evil.example' }, actor)).code).toBe('forbidden')
    }
    expect((await update(scene, mighty.id, { email: 'theirs@school.example' }, owner)).email).toBe(
      'theirs@school.example',
    )
  })

  it('leave at least one owner, also when two step down at once', async () => {
    const place = await createScene(test.database)
    const [a, b] = [await place.owner(), await place.owner()]
    const steps = await Promise.allSettled([a, b].map((one) => update(place, one.member_id, { role: 'member' }, one)))
    expect(steps.map((one) => one.status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const owners = (await place.run(core.members.list, { role: 'owner' })).data
    expect(owners).toHaveLength(1)
    expect((await refused(place, owners[0]?.id ?? '', { role: 'admin' })).code).toBe('conflict')
  })
})

describe('an admin of some locations', () => {
  it('changes their people within their locations, and not who leads groups elsewhere', async () => {
    const place = await createScene(test.database)
    const north = await place.run(core.locations.create, { name: 'North' })
    const [near, far] = [await place.member({ location_id: north.id }), await place.member()]
    const admin = await place.adminOf(north.id)
    expect((await update(place, near.id, { name: 'Mine' }, admin)).name).toBe('Mine')
    expect(await refused(place, far.id, { name: 'Mine' }, admin)).toEqual(
      await refused(place, core.newId('member'), { name: 'Mine' }, admin),
    )
    expect((await refused(place, near.id, { location_id: null }, admin)).details.param).toBe('location_id')
    const away = await refused(place, near.id, { location_id: place.location.id }, admin)
    expect(away).toEqual(await refused(place, near.id, { location_id: core.newId('location') }, admin))

    const south = await place.run(core.groups.create, { name: 'South', location_id: place.location.id })
    const teacher = await place.member({ kind: 'staff', location_id: north.id })
    await place.run(core.groups.addMembers, { group_id: south.id, member_ids: [near.id] })
    await place.run(core.groups.setLeads, { group_id: south.id, member_ids: [teacher.id] })
    expect((await refused(place, teacher.id, { email: 'mine@evil.example' }, admin)).code).toBe('forbidden')
    // A group they can't see is not theirs to take somebody out of.
    await update(place, near.id, { group_ids: [] }, admin)
    expect((await place.run(core.members.get, { id: near.id })).groups.map((one) => one.name)).toEqual(['South'])
  })
})

describe('the list', () => {
  it('is sorted both ways by each order, and paged without gaps or doubles', async () => {
    const place = await createScene(test.database)
    for (const [name, email] of [
      ['b', 'z'],
      ['A', 'y'],
      ['b', 'x'],
      ['ä', 'w'],
      ['C', 'v'],
    ] as const) {
      await place.member({ name, email: `${email}@x.example` })
    }
    for (const by of ['name', 'email', 'created_at'] as const) {
      const pages = async (sort: typeof by | `-${typeof by}`) => {
        const seen: string[] = []
        let cursor: string | undefined
        do {
          const page = await place.run(core.members.list, { sort, limit: 2, cursor })
          seen.push(...page.data.map((one) => one.id))
          cursor = page.next_cursor ?? undefined
        } while (cursor !== undefined)
        return seen
      }
      const up = await pages(by)
      expect(up).toHaveLength(5)
      expect(up).toEqual((await place.run(core.members.list, { sort: by })).data.map((one) => one.id))
      expect(await pages(`-${by}`)).toEqual(up.toReversed())
    }
  })

  it('is filtered by role, state and groups, and counted', async () => {
    const place = await createScene(test.database)
    const owner = await place.owner()
    const linked = await place.member()
    const none = await place.member({ account: false })
    await place.run(core.members.deactivate, { member_ids: [linked.id] })
    const listed = async (filter: object) => {
      const { data } = await place.run(core.members.list, filter)
      expect((await place.run(core.members.count, filter)).count).toBe(data.length)
      return data.map((one) => one.id).toSorted()
    }
    expect(await listed({ role: 'owner' })).toEqual([owner.member_id])
    expect(await listed({ state: 'deactivated' })).toEqual([linked.id])
    expect(await listed({ state: 'no_account' })).toEqual([none.id])
    expect(await listed({ state: 'invited' })).toEqual([])
    expect(await listed({ state: 'active' })).toEqual([none.id, owner.member_id].toSorted())
  })
})

import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
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

const create = (of: Scene, name: string, location_id = of.location.id) =>
  of.run(core.groups.create, { name, location_id })

describe('creating a group', () => {
  it('answers what it is', async () => {
    expect(await create(scene, ' 7b ')).toEqual({
      id: expect.stringMatching(/^grp_/),
      name: '7b',
      location_id: scene.location.id,
      location_name: 'Main',
      members_count: 0,
      leads: [],
      created_at: expect.stringMatching(/Z$/),
    })
  })

  it('refuses a name that the location has already, and only there', async () => {
    await create(scene, 'Twice')
    expect((await refusalOf(create(scene, 'Twice'))).code).toBe('conflict')
    const north = await scene.run(core.locations.create, { name: 'North' })
    expect((await create(scene, 'Twice', north.id)).name).toBe('Twice')
    expect((await create(other, 'Twice')).name).toBe('Twice')
  })

  it('answers alike for a location that isn’t there and one of another', async () => {
    const missing = await refusalOf(create(scene, 'Lost', core.newId('location')))
    expect(missing.code).toBe('not_found')
    expect(await refusalOf(create(scene, 'Lost', other.location.id))).toEqual(missing)
  })

  it.each(['', '  ', 'a\nb', 'a'.repeat(201)])('refuses the name %j', async (name) => {
    expect((await refusalOf(create(scene, name))).details.param).toBe('name')
  })
})

describe('putting people into a group', () => {
  it('adds those who aren’t in it, each once', async () => {
    const group = await create(scene, 'Robotics')
    const [a, b, c] = [await scene.member(), await scene.member(), await scene.member()]
    const add = async (...member_ids: string[]) =>
      (await scene.run(core.groups.addMembers, { group_id: group.id, member_ids })).added
    expect(await add(a.id, b.id, a.id)).toBe(2)
    expect(await add(b.id, c.id)).toBe(1)
    expect(await add(b.id)).toBe(0)
    const listed = await scene.run(core.groups.list, {})
    expect(listed.data.find((one) => one.id === group.id)?.members_count).toBe(3)
    const entries = await scene.run(core.audit.list, { target_id: group.id })
    expect(entries.data.filter((one) => one.operation === 'groups.add_members').map((one) => one.after)).toEqual([
      { added: [] },
      { added: [c.id] },
      { added: expect.arrayContaining([a.id, b.id]) },
    ])
  })

  it('answers alike for what isn’t there and what is another’s, and adds nobody', async () => {
    const group = await create(scene, 'Chess')
    const foreignGroup = await create(other, 'Chess')
    const mine = await scene.member()
    const foreign = await other.member()
    const add = (group_id: string, ...member_ids: string[]) =>
      refusalOf(scene.run(core.groups.addMembers, { group_id, member_ids }))
    const noMember = await add(group.id, mine.id, core.newId('member'))
    expect(noMember.code).toBe('not_found')
    expect(await add(group.id, mine.id, foreign.id)).toEqual(noMember)
    const noGroup = await add(core.newId('group'), mine.id)
    expect(noGroup.code).toBe('not_found')
    expect(await add(foreignGroup.id, mine.id)).toEqual(noGroup)
    const [row] =
      await test.admin`select count(*)::int as n from group_members where group_id in (${group.id}, ${foreignGroup.id})`
    expect(row?.n).toBe(0)
    expect((await add(group.id)).details.param).toBe('member_ids')
    expect((await add(group.id, 'mem_UPPER')).details.param).toBe('member_ids.0')
  })
})

describe('who leads a group', () => {
  it('is set as a whole, and told', async () => {
    const place = await createScene(test.database)
    const group = await create(place, 'Lab')
    const [a, b] = [
      await place.member({ kind: 'staff', name: 'Ada' }),
      await place.member({ kind: 'staff', name: 'Bo' }),
    ]
    const set = (...member_ids: string[]) => place.run(core.groups.setLeads, { group_id: group.id, member_ids })
    expect((await set(b.id, a.id, b.id)).leads).toEqual([
      { id: a.id, name: 'Ada' },
      { id: b.id, name: 'Bo' },
    ])
    expect((await set(b.id)).leads).toEqual([{ id: b.id, name: 'Bo' }])
    expect((await set()).leads).toEqual([])
    const entries = (await place.run(core.audit.list, { target_id: group.id })).data
    expect(entries[0]).toMatchObject({
      operation: 'groups.set_leads',
      before: { leads: [{ id: b.id }] },
      after: { leads: [] },
    })
  })

  it('is no student, nobody else’s, and chosen among one’s own people', async () => {
    const place = await createScene(test.database)
    const north = await place.run(core.locations.create, { name: 'North' })
    const group = await create(place, 'Lab', north.id)
    const set = (group_id: string, member_id: string, actor?: Parameters<typeof place.run>[2]) =>
      refusalOf(place.run(core.groups.setLeads, { group_id, member_ids: [member_id] }, actor))
    expect((await set(group.id, (await place.member()).id)).details.param).toBe('member_ids')
    const foreign = await other.member({ kind: 'staff' })
    const missing = await set(group.id, core.newId('member'))
    expect(missing.code).toBe('not_found')
    expect(await set(group.id, foreign.id)).toEqual(missing)
    const admin = await place.adminOf(north.id)
    const far = await place.member({ kind: 'staff' })
    expect(await set(group.id, far.id, admin)).toEqual(missing)
    const noGroup = await set(core.newId('group'), far.id, admin)
    expect(await set((await create(place, 'South')).id, far.id, admin)).toEqual(noGroup)
  })

  it('sees its people, their keys and what they use, changes their keys, and reaches nothing else', async () => {
    const place = await createScene(test.database)
    const [group, rest] = [await create(place, 'Mine'), await create(place, 'Theirs')]
    const near = await place.member({ group_ids: [group.id], name: 'Near' })
    const far = await place.member({ group_ids: [rest.id], name: 'Far' })
    const [nearKey, farKey] = [await place.key({ member_id: near.id }), await place.key({ member_id: far.id })]
    const teacher = await place.leadOf(group.id)
    const seen = async () => ({
      groups: (await place.run(core.groups.list, {}, teacher)).data.map((one) => one.name),
      members: (await place.run(core.members.list, {}, teacher)).data.map((one) => one.name),
      people: (await place.run(core.coding.listPeople, {}, teacher)).data.map((one) => one.name),
      keys: (await place.run(core.keys.list, {}, teacher)).data.map((one) => one.id),
      locations: (await place.run(core.locations.list, {}, teacher)).data.map((one) => one.name),
    })
    expect(await seen()).toEqual({
      groups: ['Mine'],
      members: ['Near'],
      people: ['Near'],
      keys: [nearKey.id],
      locations: ['Main'],
    })
    const make = (member_id: string) =>
      place.run(core.keys.create, { member_id, name: 'Lesson', budget_usd: '1' }, teacher)
    const made = await make(near.id)
    expect((await place.run(core.keys.update, { id: made.id, budget_usd: '2' }, teacher)).budget.limit_usd).toBe('2.00')
    expect((await place.run(core.keys.disable, { id: made.id }, teacher)).status).toBe('disabled')
    expect((await place.run(core.keys.revoke, { id: made.id }, teacher)).status).toBe('revoked')
    expect(await refusalOf(make(far.id))).toEqual(await refusalOf(make(core.newId('member'))))
    const missing = await refusalOf(place.run(core.keys.revoke, { id: core.newId('key') }, teacher))
    for (const operation of [core.keys.revoke, core.keys.disable, core.keys.enable, core.keys.get]) {
      expect(await refusalOf(place.run(operation, { id: farKey.id }, teacher))).toEqual(missing)
    }
    for (const [operation, input] of [
      [core.members.create, { name: 'New', email: 'new@example.org', kind: 'student' }],
      [core.groups.create, { name: 'New', location_id: place.location.id }],
      [core.groups.addMembers, { group_id: group.id, member_ids: [far.id] }],
      [core.groups.setLeads, { group_id: rest.id, member_ids: [teacher.member_id] }],
      [core.locations.create, { name: 'New' }],
      [core.balance.get, {}],
      [core.audit.list, {}],
    ] as const) {
      expect((await refusalOf(place.run(operation, input as never, teacher))).code).toBe('forbidden')
    }
    // Who moves out of the group is out of sight at once.
    await test.admin`delete from group_members where member_id = ${near.id}`
    expect(await seen()).toMatchObject({ members: [], people: [], keys: [] })
  })
})

it('an admin of some locations sees, makes and fills groups there only', async () => {
  const place = await createScene(test.database)
  const north = await place.run(core.locations.create, { name: 'North' })
  const theirs = await create(place, 'South')
  const mine = await create(place, 'Mine', north.id)
  const [near, far] = [await place.member({ location_id: north.id }), await place.member()]
  const admin = await place.adminOf(north.id)
  expect((await place.run(core.groups.list, {}, admin)).data.map((one) => one.id)).toEqual([mine.id])
  expect((await place.run(core.groups.list, { location_id: place.location.id }, admin)).data).toEqual([])
  const make = (location_id: string) => refusalOf(place.run(core.groups.create, { name: 'New', location_id }, admin))
  expect(await make(place.location.id)).toEqual(await make(core.newId('location')))
  const add = (group_id: string, member_id: string) =>
    refusalOf(place.run(core.groups.addMembers, { group_id, member_ids: [member_id] }, admin))
  expect(await add(theirs.id, near.id)).toEqual(await add(core.newId('group'), near.id))
  expect(await add(mine.id, far.id)).toEqual(await add(mine.id, core.newId('member')))
  const added = await place.run(core.groups.addMembers, { group_id: mine.id, member_ids: [near.id] }, admin)
  expect(added.added).toBe(1)
})

it('a list is by location and name, and paged without gaps or doubles', async () => {
  const place = await createScene(test.database)
  const annex = await place.run(core.locations.create, { name: 'Annex' })
  for (const name of ['b', 'a', 'C', 'ä', 'aa']) {
    await create(place, name)
    await create(place, name, annex.id)
  }
  const whole = (await place.run(core.groups.list, {})).data
  expect(whole.map((one) => one.location_name)).toEqual([...Array(5).fill('Annex'), ...Array(5).fill('Main')])
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await place.run(core.groups.list, { limit: 3, cursor })
    seen.push(...page.data.map((one) => one.id))
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined)
  expect(seen).toEqual(whole.map((one) => one.id))
  const ofAnnex = (await place.run(core.groups.list, { location_id: annex.id })).data
  expect(ofAnnex.map((one) => one.id)).toEqual(seen.slice(0, 5))
})

it('a group is renamed, emptied and deleted; its people stay', async () => {
  const place = await createScene(test.database)
  const [group, taken] = [await create(place, 'Lab'), await create(place, 'Taken')]
  expect((await place.run(core.groups.update, { id: group.id, name: 'Lab 2' })).name).toBe('Lab 2')
  expect((await refusalOf(place.run(core.groups.update, { id: group.id, name: taken.name }))).code).toBe('conflict')
  const [a, b] = [await place.member({ group_ids: [group.id] }), await place.member({ group_ids: [group.id] })]
  const take = (member_ids: string[]) => place.run(core.groups.removeMembers, { group_id: group.id, member_ids })
  expect((await take([a.id, a.id])).removed).toBe(1)
  expect((await take([a.id])).removed).toBe(0)
  await place.leadOf(group.id)
  expect(await place.run(core.groups.delete, { id: group.id })).toEqual({ id: group.id, members_count: 1 })
  expect((await refusalOf(place.run(core.groups.get, { id: group.id }))).code).toBe('not_found')
  expect((await place.run(core.members.get, { id: b.id })).groups).toEqual([])
  expect((await place.run(core.groups.list, { search: 'tak' })).data.map((one) => one.id)).toEqual([taken.id])
})

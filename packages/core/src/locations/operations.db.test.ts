import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import * as core from '../index.ts'
import { createScene, refusalOf } from '../testing.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
})
afterAll(() => test.drop())

it('a location is made, counted and listed by name', async () => {
  const scene = await createScene(test.database)
  const annex = await scene.run(core.locations.create, { name: ' Annex ' })
  expect(annex).toEqual({
    id: expect.stringMatching(/^loc_/),
    name: 'Annex',
    members_count: 0,
    groups_count: 0,
    created_at: expect.stringMatching(/Z$/),
  })
  await scene.member({ location_id: annex.id })
  await scene.member({ location_id: annex.id })
  const { data, next_cursor } = await scene.run(core.locations.list, {})
  expect(data.map((one) => [one.name, one.members_count])).toEqual([
    ['Annex', 2],
    ['Main', 0],
  ])
  expect(next_cursor).toBeNull()
})

it('a name is taken within a tenant, and says nothing about another', async () => {
  const [scene, other] = [await createScene(test.database), await createScene(test.database)]
  await scene.run(core.locations.create, { name: 'North' })
  expect((await refusalOf(scene.run(core.locations.create, { name: 'North' }))).code).toBe('conflict')
  expect((await other.run(core.locations.create, { name: 'North' })).name).toBe('North')
  expect((await other.run(core.locations.list, {})).data).toHaveLength(2)
})

it('an admin of some locations sees those, and makes none', async () => {
  const scene = await createScene(test.database)
  const north = await scene.run(core.locations.create, { name: 'North' })
  const elsewhere = await createScene(test.database)
  const admin = await scene.adminOf(north.id, elsewhere.location.id)
  expect((await scene.run(core.locations.list, {}, admin)).data.map((one) => one.id)).toEqual([north.id])
  expect((await scene.run(core.locations.list, {}, await scene.adminOf())).data).toEqual([])
  expect((await refusalOf(scene.run(core.locations.create, { name: 'Mine' }, admin))).code).toBe('forbidden')
})

it('a location is renamed, and deleted once nothing needs it', async () => {
  const scene = await createScene(test.database)
  const north = await scene.run(core.locations.create, { name: 'North' })
  expect((await scene.run(core.locations.update, { id: north.id, name: 'Nord' })).name).toBe('Nord')
  expect((await refusalOf(scene.run(core.locations.update, { id: north.id, name: 'Main' }))).code).toBe('conflict')
  const person = await scene.member({ location_id: north.id })
  const group = await scene.run(core.groups.create, { name: '7b', location_id: north.id })
  const admin = await scene.adminOf(north.id)
  await scene.run(core.members.update, { id: admin.member_id, scope_location_ids: [north.id] })
  const refusal = async () => {
    const refused = await refusalOf(scene.run(core.locations.delete, { id: north.id }))
    expect(refused.code).toBe('conflict')
    return refused.message
  }
  expect(await refusal()).toContain('1 person is here still')
  await scene.run(core.members.remove, { member_ids: [person.id] })
  expect(await refusal()).toContain('1 group is here still')
  await scene.run(core.groups.delete, { id: group.id })
  // Without their last location they would see the whole organisation.
  expect(await refusal()).toContain('1 person is confined')
  await scene.run(core.members.update, { id: admin.member_id, role: 'member' })
  await scene.run(core.locations.delete, { id: north.id })
  expect((await scene.run(core.locations.list, {})).data.map((one) => one.name)).toEqual(['Main'])
})

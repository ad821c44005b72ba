import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import * as core from '../index.ts'
import { createScene, refusalOf, type Scene } from '../testing.ts'

let test: TestDatabase
let scene: Scene
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  scene = await createScene(test.database)
})
afterAll(() => test.drop())

async function classOf(of: Scene, size: number) {
  const group = await of.run(core.groups.create, { name: core.newId('group'), location_id: of.location.id })
  const members = []
  for (let n = 0; n < size; n++) members.push(await of.member({ group_ids: [group.id] }))
  const keys = []
  for (const member of members) keys.push(await of.key({ member_id: member.id }))
  return { group, members, keys }
}
const statusOf = async (of: Scene, id: string) => (await of.run(core.keys.get, { id })).status

describe('many keys', () => {
  it('of a class are disabled, enabled again by the moment of the act, and revoked for good', async () => {
    const { group, keys } = await classOf(scene, 3)
    const other = await scene.key()
    const [first] = keys
    if (first === undefined) throw new Error('no key')
    await scene.run(core.keys.disable, { id: first.id }, scene.operator, { now: new Date('2026-11-20T10:00:00Z') })
    const filter = { group_id: group.id }
    expect(await scene.run(core.keys.previewMany, { act: 'disable', filter })).toEqual({
      keys_count: 2,
      members_count: 2,
      running_count: 0,
      unchanged_count: 1,
    })
    const done = await scene.run(core.keys.disableMany, { filter })
    expect(done.keys_count).toBe(2)
    expect(await Promise.all(keys.map((key) => statusOf(scene, key.id)))).toEqual(['disabled', 'disabled', 'disabled'])
    expect(await statusOf(scene, other.id)).toBe('active')

    // Undone is this act alone: what was disabled before stays so.
    const undone = await scene.run(core.keys.enableMany, { filter: { disabled_exactly_at: done.at } })
    expect(undone.keys_count).toBe(2)
    expect(await Promise.all(keys.map((key) => statusOf(scene, key.id)))).toEqual(['disabled', 'active', 'active'])

    expect((await scene.run(core.keys.revokeMany, { filter })).keys_count).toBe(3)
    expect((await scene.run(core.keys.revokeMany, { filter })).keys_count).toBe(0)
    expect((await scene.run(core.keys.enableMany, { filter })).keys_count).toBe(0)
    expect(await statusOf(scene, first.id)).toBe('revoked')
    const entries = await scene.run(core.audit.list, { target_id: first.id })
    expect(entries.data.map((one) => one.operation)).toEqual(['keys.revoke_many', 'keys.disable', 'keys.create'])
  })

  it('are those of the people named, all of theirs', async () => {
    const { members } = await classOf(scene, 2)
    const [one, two] = members
    if (one === undefined || two === undefined) throw new Error('nobody')
    await scene.key({ member_id: one.id })
    expect((await scene.run(core.keys.revokeMany, { member_ids: [one.id, two.id, one.id] })).keys_count).toBe(3)
  })

  it('are found by the person and not by the key’s name where people are looked for', async () => {
    const place = await createScene(test.database)
    const anna = await place.member({ name: 'Anna Coding' })
    await place.key({ member_id: anna.id, name: 'Homework' })
    await place.key({ name: 'Coding' })
    const meant = await place.run(core.keys.previewMany, { act: 'revoke', filter: { member_search: 'coding' } })
    expect(meant.keys_count).toBe(1)
  })

  it('of another tenant or of nobody are not there, in any of the three ways', async () => {
    const other = await createScene(test.database)
    const theirs = await other.key()
    const mine = await scene.key()
    const missing = await refusalOf(scene.run(core.keys.revokeMany, { ids: [mine.id, core.newId('key')] }))
    expect(missing.code).toBe('not_found')
    expect(await refusalOf(scene.run(core.keys.revokeMany, { ids: [mine.id, theirs.id] }))).toEqual(missing)
    const nobody = await refusalOf(scene.run(core.keys.disableMany, { member_ids: [core.newId('member')] }))
    expect(await refusalOf(scene.run(core.keys.disableMany, { member_ids: [theirs.member_id] }))).toEqual(nobody)
    expect((await scene.run(core.keys.revokeMany, { filter: { member_id: theirs.member_id } })).keys_count).toBe(0)
    expect(await statusOf(other, theirs.id)).toBe('active')
    expect(await statusOf(scene, mine.id)).toBe('active')
  })

  it('of other locations are out of reach of an admin of some', async () => {
    const north = await scene.run(core.locations.create, { name: core.newId('location') })
    const near = await scene.key({ member_id: (await scene.member({ location_id: north.id })).id })
    const far = await scene.key()
    const admin = await scene.adminOf(north.id)
    expect((await refusalOf(scene.run(core.keys.revokeMany, { ids: [near.id, far.id] }, admin))).code).toBe('not_found')
    expect((await scene.run(core.keys.revokeMany, { filter: {} }, admin)).keys_count).toBe(1)
    expect(await statusOf(scene, far.id)).toBe('active')
  })

  it.each([
    {},
    { ids: ['key_1'], filter: {} },
    { ids: [] },
    { member_ids: [] },
    { filter: { status: 'lost' as 'active' } },
  ])('are not meant by %j', async (input) => {
    expect((await refusalOf(scene.run(core.keys.revokeMany, input))).code).toBe('invalid_request')
  })

  it('that others change at the same time are changed once each', async () => {
    const { group, keys } = await classOf(scene, 8)
    const acts = await Promise.all(
      Array.from({ length: 6 }, () => scene.run(core.keys.revokeMany, { filter: { group_id: group.id } })),
    )
    expect(acts.reduce((sum, act) => sum + act.keys_count, 0)).toBe(keys.length)
  })
})

describe('the list of keys', () => {
  it.each(['created_at', '-created_at', 'name', '-member_name', 'spent', '-last_used_at', 'valid_until'] as const)(
    'is paged by %s without gaps or doubles',
    async (sort) => {
      const place = await createScene(test.database)
      for (const [n, name] of ['b', 'a', 'C', 'a', 'ä'].entries()) {
        await place.key({ name, valid_until: n % 2 === 0 ? null : `2099-01-0${n + 1}T00:00:00Z` })
      }
      const whole = (await place.run(core.keys.list, { sort })).data.map((one) => one.id)
      expect(whole).toHaveLength(5)
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await place.run(core.keys.list, { sort, limit: 2, cursor })
        seen.push(...page.data.map((one) => one.id))
        cursor = page.next_cursor ?? undefined
      } while (cursor !== undefined)
      expect(seen).toEqual(whole)
    },
  )

  it('refuses a cursor of another order, and one that is no number', async () => {
    const place = await createScene(test.database)
    await place.key()
    await place.key()
    const { next_cursor } = await place.run(core.keys.list, { limit: 1 })
    const other = await refusalOf(place.run(core.keys.list, { sort: 'name', cursor: next_cursor ?? '' }))
    expect(other.details.param).toBe('cursor')
    const forged = Buffer.from(JSON.stringify(['spent', 'much', 'key_1'])).toString('base64url')
    expect((await refusalOf(place.run(core.keys.list, { sort: 'spent', cursor: forged }))).code).toBe('invalid_request')
  })
})

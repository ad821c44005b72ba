import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, describe, expect, inject, it, test as plain } from 'vitest'
import * as core from '../index.ts'
import { hashSecret } from '../secrets.ts'
import { draw } from '../spend/index.ts'
import { createScene, refusalOf, type Scene } from '../testing.ts'
import { lessonState } from './lesson.ts'

let test: TestDatabase
let scene: Scene
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  scene = await createScene(test.database)
})
afterAll(() => test.drop())

async function makeClass() {
  const { id: location_id } = await scene.run(core.locations.create, { name: core.newId('location') })
  const { id: group_id } = await scene.run(core.groups.create, { name: 'Klas', location_id })
  const add = (name: string) => scene.member({ name, location_id, group_ids: [group_id] })
  return { location_id, group_id, add }
}

const lessonOf = (group_id: string, now = new Date()) =>
  scene.run(core.lessons.get, { group_id }, scene.operator, { now })

async function spend(secret: string, want: string) {
  const nanos = BigInt(Math.round(Number(want) * 1e9))
  const lease_id = core.newId('lease')
  const answer = await draw(test.database, {
    secret_hash: hashSecret(secret),
    gateway_id: 'gtw_test',
    lease_id,
    want_nanos: nanos,
    least_nanos: nanos,
    uses_balance: true,
  })
  if (answer.outcome !== 'granted') throw new Error(answer.outcome)
}

plain('the worst that is true is the state', () => {
  const key = (status: core.keys.KeyStatus, renewal: 'never' | 'when_used_up' = 'never') => ({
    status,
    paused_group_id: status === 'disabled' ? core.newId('group') : null,
    budget: { renewal },
  })
  const left = (remaining: bigint) => ({ limit: 1_000_000_000n, remaining })
  expect(lessonState(null, null, true)).toBe('no_key')
  expect(lessonState(key('disabled'), left(0n), true)).toBe('paused')
  expect(lessonState({ ...key('disabled'), paused_group_id: null }, left(0n), true)).toBe('blocked')
  expect(lessonState(key('expired'), left(0n), false)).toBe('blocked')
  expect(lessonState(key('not_yet_valid'), null, false)).toBe('blocked')
  expect(lessonState(key('active'), left(999_999n), true)).toBe('out')
  expect(lessonState(key('active'), left(1_000_000n), true)).toBe('near_end')
  expect(lessonState(key('active'), left(150_000_000n), true)).toBe('near_end')
  expect(lessonState(key('active'), left(150_000_001n), true)).toBe('working')
  expect(lessonState(key('active', 'when_used_up'), left(0n), false)).toBe('idle')
  expect(lessonState(key('active'), null, false)).toBe('idle')
})

describe('a lesson', () => {
  it('shows everybody of the group, by name, with the key they work with', async () => {
    const { group_id, add } = await makeClass()
    const sanne = await add('Sanne')
    const old = await scene.key({ member_id: sanne.id })
    const works = await scene.key({ member_id: sanne.id })
    const later = await scene.key({ member_id: sanne.id, valid_from: '2199-01-01T00:00:00Z' })
    const daan = await add('Daan')
    const { people, group_name } = await lessonOf(group_id)
    expect(group_name).toBe('Klas')
    expect(people.map((one) => [one.member_name, one.state, one.key?.id])).toEqual([
      ['Daan', 'no_key', undefined],
      ['Sanne', 'idle', works.id],
    ])
    await scene.run(core.lessons.pause, { group_id, member_ids: [sanne.id] })
    await scene.run(core.lessons.resume, { group_id })
    await scene.run(core.keys.disable, { id: works.id })
    expect((await lessonOf(group_id)).people[1]?.key?.id).toBe(old.id)
    await scene.run(core.keys.revoke, { id: old.id })
    expect((await lessonOf(group_id)).people[1]).toMatchObject({
      state: 'blocked',
      key: { id: works.id, status: 'disabled' },
      paused_group_ids: [],
    })
    await scene.run(core.keys.revoke, { id: works.id })
    expect((await lessonOf(group_id)).people[1]).toMatchObject({ state: 'blocked', key: { id: later.id } })
    expect(daan.id).toBe((await lessonOf(group_id)).people[0]?.member_id)
  })

  it('knows who is working by money drawn for them, and by what they asked in the last minute', async () => {
    const { group_id, add } = await makeClass()
    const one = await add('One')
    const key = await scene.key({ member_id: one.id })
    expect((await lessonOf(group_id)).people[0]).toMatchObject({ state: 'idle', is_working: false })
    await spend(key.secret, '0.1')
    expect((await lessonOf(group_id)).people[0]).toMatchObject({ state: 'working', is_working: true })

    await test.admin`update leases set amount_nanos = 0 where key_id = ${key.id}`
    const at = new Date()
    await test.admin`update keys set last_used_at = ${at.toISOString()} where id = ${key.id}`
    const after = (seconds: number) => lessonOf(group_id, new Date(at.getTime() + seconds * 1000))
    expect((await after(59)).people[0]?.state).toBe('working')
    expect((await after(60)).people[0]?.state).toBe('idle')
  })

  it('lets keys end at a time, all at once', async () => {
    const { group_id, add } = await makeClass()
    const first = await scene.key({ member_id: (await add('First')).id })
    const second = await scene.key({ member_id: (await add('Second')).id, valid_until: '2199-01-01T00:00:00Z' })
    await add('Without')
    const now = new Date('2026-11-24T09:00:00Z')
    const end = (ends_at: string) => scene.run(core.lessons.end, { group_id, ends_at }, scene.operator, { now })
    expect(await end('2026-11-24T10:50:00+01:00')).toEqual({ keys_count: 2, ends_at: '2026-11-24T09:50:00.000Z' })
    for (const { id } of [first, second]) {
      expect(await scene.run(core.keys.get, { id })).toMatchObject({ valid_until: '2026-11-24T09:50:00.000Z' })
    }
    expect(await refusalOf(end('2026-11-24T09:00:00Z'))).toMatchObject({ code: 'invalid_request' })
  })

  it('resumes what it paused, and nothing that was disabled for another reason or in another lesson', async () => {
    const { group_id, location_id, add } = await makeClass()
    const { id: other_id } = await scene.run(core.groups.create, { name: 'Choir', location_id })
    const [one, two, three] = [await add('One'), await add('Two'), await add('Three')]
    const [first, second, third] = [
      await scene.key({ member_id: one.id }),
      await scene.key({ member_id: two.id }),
      await scene.key({ member_id: three.id }),
    ]
    await scene.run(core.groups.addMembers, { group_id: other_id, member_ids: [three.id] })
    await scene.run(core.keys.disable, { id: first.id })
    expect(await scene.run(core.lessons.pause, { group_id: other_id })).toEqual({ keys_count: 1, members_count: 1 })
    expect(await scene.run(core.lessons.pause, { group_id })).toEqual({ keys_count: 1, members_count: 1 })
    expect((await lessonOf(group_id)).people.map((person) => person.paused_group_ids)).toEqual([
      [],
      [other_id],
      [group_id],
    ])
    const states = async () => (await lessonOf(group_id)).people.map((person) => [person.member_name, person.state])
    expect(await states()).toEqual([
      ['One', 'blocked'],
      ['Three', 'paused'],
      ['Two', 'paused'],
    ])
    expect(await scene.run(core.lessons.resume, { group_id })).toEqual({ keys_count: 1, members_count: 1 })
    expect(await states()).toEqual([
      ['One', 'blocked'],
      ['Three', 'paused'],
      ['Two', 'idle'],
    ])
    // Of somebody who is named, whatever lesson it was.
    expect(await scene.run(core.lessons.resume, { group_id, member_ids: [three.id, one.id] })).toMatchObject({
      keys_count: 1,
    })
    expect((await scene.run(core.keys.get, { id: first.id })).status).toBe('disabled')

    // What is disabled to stay so while it is paused isn’t the lesson’s any more.
    await scene.run(core.lessons.pause, { group_id })
    await scene.run(core.keys.disableMany, { ids: [second.id] })
    await scene.run(core.keys.disable, { id: third.id })
    expect(await scene.run(core.lessons.resume, { group_id })).toEqual({ keys_count: 0, members_count: 0 })
    expect(await states()).toEqual([
      ['One', 'blocked'],
      ['Three', 'blocked'],
      ['Two', 'blocked'],
    ])
    expect(await scene.run(core.keys.enable, { id: second.id })).toMatchObject({
      status: 'active',
      paused_group_id: null,
    })
  })

  it('pauses nobody of another group, nor for those who may not', async () => {
    const mine = await makeClass()
    const other = await makeClass()
    const stranger = await other.add('Stranger')
    await scene.key({ member_id: stranger.id })
    const teacher = await scene.leadOf(mine.group_id)
    for (const input of [
      { group_id: other.group_id },
      { group_id: mine.group_id, member_ids: [stranger.id] },
      { group_id: mine.group_id, member_ids: [core.newId('member')] },
    ]) {
      expect(await refusalOf(scene.run(core.lessons.pause, input, teacher))).toMatchObject({ code: 'not_found' })
      expect(await refusalOf(scene.run(core.lessons.resume, input, teacher))).toMatchObject({ code: 'not_found' })
    }
    expect((await lessonOf(other.group_id)).people[0]?.state).toBe('idle')
  })

  it('is a teacher’s for the groups they lead', async () => {
    const mine = await makeClass()
    const other = await makeClass()
    await mine.add('Mine')
    const teacher = await scene.leadOf(mine.group_id)
    expect((await scene.run(core.lessons.get, { group_id: mine.group_id }, teacher)).people).toHaveLength(1)
    const refused = scene.run(core.lessons.get, { group_id: other.group_id }, teacher)
    expect(await refusalOf(refused)).toMatchObject({ code: 'not_found' })
  })
})

describe('a dollar more', () => {
  it('raises the limit, twice for two who do it at once', async () => {
    const key = await scene.key({ budget_usd: '5' })
    await Promise.all([1, 2].map(() => scene.run(core.keys.raise, { id: key.id, by_usd: '1' })))
    const { budget } = await scene.run(core.keys.get, { id: key.id })
    expect(budget).toMatchObject({ limit_usd: '7.00', remaining_usd: '7.00' })
    // What can be drawn is more as well, also of a period that has begun.
    await spend(key.secret, '6.5')
    await scene.run(core.keys.raise, { id: key.id, by_usd: '1' })
    await spend(key.secret, '1.5')
  })

  it('is nothing to a key without a limit, and none to a revoked one', async () => {
    const unlimited = await scene.key({ budget_usd: null })
    expect(await refusalOf(scene.run(core.keys.raise, { id: unlimited.id, by_usd: '1' }))).toMatchObject({
      code: 'conflict',
    })
    const revoked = await scene.key()
    await scene.run(core.keys.revoke, { id: revoked.id })
    expect(await refusalOf(scene.run(core.keys.raise, { id: revoked.id, by_usd: '1' }))).toMatchObject({
      code: 'conflict',
    })
  })
})

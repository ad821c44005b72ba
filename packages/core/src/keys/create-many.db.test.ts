import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Actor } from '../actor.ts'
import { execute } from '../execute.ts'
import * as core from '../index.ts'
import { parseSecret } from '../secrets.ts'
import { createScene, refusalOf, type Scene } from '../testing.ts'

let test: TestDatabase
let scene: Scene
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  scene = await createScene(test.database, { balance_usd: '312.40' })
})
afterAll(() => test.drop())

/** A group of its own location with so many people who may get a key, and some who may not. */
async function makeClass(size: number) {
  const { id: location_id } = await scene.run(core.locations.create, { name: core.newId('location') })
  const { id: group_id } = await scene.run(core.groups.create, { name: 'Class', location_id })
  const add = (name: string, account = true) => scene.member({ name, location_id, group_ids: [group_id], account })
  const people = []
  for (let i = 0; i < size; i++) people.push(await add(`Pupil ${String(i).padStart(3, '0')}`))
  return { location_id, group_id, people, add }
}

const TERMS = { name: 'Coding', budget_usd: '5' }
const ofKeys = async (member_id: string) => (await scene.run(core.keys.list, { member_id })).data
const auditOf = async (target_id: string) => (await scene.run(core.audit.list, { target_id })).data

/** Like `scene.run`, with an Idempotency-Key. */
async function once(key: string, input: object, actor: Actor = scene.operator) {
  const request = { request_id: core.newId('request'), ip: null }
  return execute(core.keys.createMany, { database: test.database }, actor, input, { request, idempotency_key: key })
}

describe('the preview', () => {
  it('says who gets one, who doesn’t and why, and the most it costs against the balance', async () => {
    const { group_id, people, add } = await makeClass(2)
    const without = await add('Without account', false)
    const having = await add('Having one')
    await scene.key({ member_id: having.id })
    const waiting = await add('Waiting for a window')
    await scene.key({ member_id: waiting.id, valid_from: '2199-01-01T00:00:00Z' })
    const ended = await add('Zoë with one that ended')
    await scene.run(
      core.keys.create,
      { member_id: ended.id, name: 'Old', budget_usd: '1', valid_until: '2026-01-01T10:00:00Z' },
      scene.operator,
      { now: new Date('2026-01-01T09:00:00Z') },
    )
    const gone = await add('Gone')
    await test.admin`update members set deactivated_at = now() where id = ${gone.id}`

    const preview = await scene.run(core.keys.previewCreateMany, { group_id, budget_usd: '5' })
    expect(preview.recipients.map((one) => one.member_id)).toEqual([...people.map((one) => one.id), ended.id])
    expect(preview.left_out).toEqual([
      { member_id: gone.id, member_name: 'Gone', reason: 'deactivated' },
      { member_id: having.id, member_name: 'Having one', reason: 'has_active_key' },
      { member_id: waiting.id, member_name: 'Waiting for a window', reason: 'has_active_key' },
      { member_id: without.id, member_name: 'Without account', reason: 'no_account' },
    ])
    expect(preview).toMatchObject({ at_most_usd: '15.00', available_usd: '312.40' })

    const all = await scene.run(core.keys.previewCreateMany, { group_id, with_active_key: 'add' })
    expect(all.recipients).toHaveLength(5)
    expect(all.at_most_usd).toBeNull()
  })

  it('keeps the balance from those who may not see it', async () => {
    const { group_id, location_id } = await makeClass(1)
    const admin = await scene.adminOf(location_id)
    const preview = await scene.run(core.keys.previewCreateMany, { group_id, budget_usd: '5' }, admin)
    expect(preview).toMatchObject({ at_most_usd: '5.00', available_usd: null })
  })

  it('takes ids from a query string', async () => {
    const { people } = await makeClass(2)
    const member_ids = people.map((one) => one.id).join(',')
    expect((await scene.run(core.keys.previewCreateMany, { member_ids })).recipients).toHaveLength(2)
    expect(await refusalOf(scene.run(core.keys.previewCreateMany, { member_ids: 'a,b' }))).toMatchObject({
      code: 'invalid_request',
    })
  })

  it('wants to know for whom', async () => {
    expect(await refusalOf(scene.run(core.keys.previewCreateMany, {}))).toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('Say for whom'),
    })
  })
})

describe('keys for many', () => {
  it('makes one for each, with the same terms, and names all in one audit entry without a secret', async () => {
    const { group_id, people, add } = await makeClass(3)
    await add('No account', false)
    const made = await scene.run(core.keys.createMany, {
      ...TERMS,
      group_id,
      renewal: 'weekly',
      valid_until: '2199-01-01T00:00:00Z',
      expected_keys: 3,
    })
    expect(made.keys.map((key) => key.member_id)).toEqual(people.map((one) => one.id))
    expect(made.left_out).toHaveLength(1)
    expect(new Set(made.keys.map((key) => key.secret)).size).toBe(3)
    for (const { secret, ...key } of made.keys) {
      expect(parseSecret(secret ?? '')).toBe('key')
      expect(key).toMatchObject({
        name: 'Coding',
        status: 'active',
        masked: `sk-stp-…${secret?.slice(-4)}`,
        budget: { limit_usd: '5.00', renewal: 'weekly', spent_usd: '0.00' },
        valid_until: '2199-01-01T00:00:00.000Z',
      })
      expect(await scene.run(core.keys.get, { id: key.id })).toEqual(key)
    }

    const entries = await auditOf(group_id)
    const entry = entries.find((one) => one.operation === 'keys.create_many')
    expect(entries.filter((one) => one.operation === 'keys.create_many')).toHaveLength(1)
    expect(entry?.after).toMatchObject({ keys: made.keys.map(({ id, member_id }) => ({ id, member_id })) })
    for (const { secret } of made.keys) expect(JSON.stringify(entry)).not.toContain(secret?.slice(7, -4))
  })

  it('makes them for a location, and for chosen people of a group', async () => {
    const { location_id, group_id, people } = await makeClass(3)
    const chosen = people.slice(1).map((one) => one.id)
    const some = await scene.run(core.keys.createMany, { ...TERMS, group_id, member_ids: chosen })
    expect(some.keys.map((key) => key.member_id)).toEqual(chosen)
    const rest = await scene.run(core.keys.createMany, { ...TERMS, location_id })
    expect(rest.keys.map((key) => key.member_id)).toEqual([people[0]?.id])
    const stranger = await scene.member()
    const outside = scene.run(core.keys.createMany, { ...TERMS, group_id, member_ids: [stranger.id] })
    expect(await refusalOf(outside)).toMatchObject({ code: 'not_found' })
  })

  it('makes nothing if it would be another number than promised, or none', async () => {
    const { group_id, people } = await makeClass(2)
    const wrong = scene.run(core.keys.createMany, { ...TERMS, group_id, expected_keys: 3 })
    expect(await refusalOf(wrong)).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('2 keys now instead of 3'),
    })
    for (const { id } of people) expect(await ofKeys(id)).toEqual([])
    await scene.run(core.keys.createMany, { ...TERMS, group_id })
    expect(await refusalOf(scene.run(core.keys.createMany, { ...TERMS, group_id }))).toMatchObject({ code: 'conflict' })
  })

  it('makes all or none when it fails half way', async () => {
    const { group_id, people } = await makeClass(3)
    const accounts = async () => (await test.admin`select count(*)::int as count from accounts`)[0]?.count
    const before = await accounts()
    // No chance in it: the accounts are made, then the second key has the secret of the first and is refused.
    const randomBytes = (size: number) => Buffer.alloc(size, 7)
    const failing = scene.run(core.keys.createMany, { ...TERMS, group_id }, scene.operator, { randomBytes })
    await expect(failing).rejects.toThrow()
    expect(await accounts()).toBe(before)
    for (const { id } of people) expect(await ofKeys(id)).toEqual([])
    expect((await auditOf(group_id)).map((one) => one.operation)).not.toContain('keys.create_many')
    expect((await scene.run(core.keys.createMany, { ...TERMS, group_id })).keys).toHaveLength(3)
  })

  it('makes nothing twice on a double click, and keeps no secret for the second answer', async () => {
    const { group_id, people } = await makeClass(2)
    const input = { ...TERMS, group_id }
    const [first, second] = await Promise.all([once('click', input), once('click', input)])
    expect(first.replayed).not.toBe(second.replayed)
    const [fresh, repeated] = first.replayed ? [second, first] : [first, second]
    expect(repeated.output.keys).toEqual(fresh.output.keys.map((key) => ({ ...key, secret: null })))
    for (const { id } of people) expect(await ofKeys(id)).toHaveLength(1)
    const kept = await test.admin`select output::text from idempotency_keys where key = 'click'`
    for (const { secret } of fresh.output.keys) {
      expect(secret).not.toBeNull()
      expect(JSON.stringify(kept)).not.toContain(secret?.slice(7, -4))
    }
  })

  it('gives nobody two when two people do it at once', async () => {
    const { group_id, people } = await makeClass(4)
    const both = await Promise.allSettled([
      scene.run(core.keys.createMany, { ...TERMS, group_id }),
      scene.run(core.keys.createMany, { ...TERMS, group_id }),
    ])
    expect(both.filter((one) => one.status === 'fulfilled')).toHaveLength(1)
    for (const { id } of people) expect(await ofKeys(id)).toHaveLength(1)
  })

  it('stays within what the caller may see', async () => {
    const mine = await makeClass(1)
    const other = await makeClass(1)
    // Somebody of another location in one's own group is not one's own.
    const guest = await scene.member({ location_id: other.location_id, group_ids: [mine.group_id] })
    const admin = await scene.adminOf(mine.location_id)
    const made_up = `grp_${'0'.repeat(26)}`
    for (const input of [{ group_id: other.group_id }, { group_id: made_up }]) {
      const refused = await refusalOf(scene.run(core.keys.createMany, { ...TERMS, ...input }, admin))
      expect(refused).toEqual({ code: 'not_found', message: 'There is no such group.', details: {} })
    }
    const elsewhere = scene.run(core.keys.createMany, { ...TERMS, location_id: other.location_id }, admin)
    expect(await refusalOf(elsewhere)).toMatchObject({ code: 'not_found' })
    const { keys } = await scene.run(core.keys.createMany, { ...TERMS, group_id: mine.group_id }, admin)
    expect(keys.map((key) => key.member_id)).toEqual([mine.people[0]?.id])
    expect(await ofKeys(guest.id)).toEqual([])
  })

  it('lets a teacher do it for the groups they lead, and for no others', async () => {
    const mine = await makeClass(2)
    const other = await makeClass(1)
    const teacher = await scene.leadOf(mine.group_id)
    const refused = scene.run(core.keys.createMany, { ...TERMS, group_id: other.group_id }, teacher)
    expect(await refusalOf(refused)).toMatchObject({ code: 'not_found' })
    // Of their group's location only their own people.
    await scene.member({ location_id: mine.location_id })
    const { keys } = await scene.run(core.keys.createMany, { ...TERMS, location_id: mine.location_id }, teacher)
    expect(keys.map((key) => key.member_id)).toEqual(mine.people.map((one) => one.id))
  })

  it('makes 500 in one transaction', async () => {
    const { id: location_id } = await scene.run(core.locations.create, { name: 'Large' })
    await test.admin`
      with people as (
        select 'mem_large' || n as id, 'usr_large' || n as user_id from generate_series(1, 500) n),
      accounts as (
        insert into users (id, email, password_hash) select user_id, user_id || '@example.org', 'none' from people)
      insert into members (tenant_id, id, user_id, kind, role, name, email, location_id)
        select ${scene.tenant_id}, id, user_id, 'student', 'member', 'Pupil ' || id, id || '@example.org', ${location_id} from people`
    const { keys } = await scene.run(core.keys.createMany, { ...TERMS, location_id })
    expect(new Set(keys.map((key) => key.member_id)).size).toBe(500)
    expect(new Set(keys.map((key) => key.secret)).size).toBe(500)
  })
})

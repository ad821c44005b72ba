import { withTenant } from '@stipend/db'
import { keys as keyTable, members } from '@stipend/db/schema'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { eq } from 'drizzle-orm'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Actor } from '../actor.ts'
import * as core from '../index.ts'
import { hashSecret, parseSecret } from '../secrets.ts'
import { draw } from '../spend/index.ts'
import { createScene, refusalOf, type Scene } from '../testing.ts'
import { KEY_STATUSES, type Key, keyStatus } from './key.ts'

let test: TestDatabase
let scene: Scene
let other: Scene
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  scene = await createScene(test.database)
  other = await createScene(test.database)
})
afterAll(() => test.drop())

/** An id that was never given to anything. */
const madeUp = (kind: core.IdKind) => core.newId(kind)

async function all(of: Scene, filter: object, limit = 50, actor: Actor = of.operator, now?: Date): Promise<Key[]> {
  const found: Key[] = []
  let cursor: string | undefined
  do {
    const page = await of.run(core.keys.list, { ...filter, limit, cursor }, actor, now === undefined ? {} : { now })
    found.push(...page.data)
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined)
  return found
}

describe('the state of a key', () => {
  const AT = Date.parse('2026-11-21T09:30:00.000Z')
  // A few moments, so that many fall together: what happens at the very moment is what goes wrong.
  const moments = [-3, -2, -1, 0, 1, 2, 3].map((ms) => new Date(AT + ms))
  const often = fc.option(fc.constantFrom(...moments), { nil: null, freq: 2 })
  const seldom = fc.oneof(
    { weight: 4, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constantFrom(...moments) },
  )
  const facts = fc
    .record({
      valid_from: often,
      valid_until: often,
      disabled_at: seldom,
      revoked_at: seldom,
      is_deactivated: fc.oneof(
        { weight: 5, arbitrary: fc.constant(false) },
        { weight: 1, arbitrary: fc.constant(true) },
      ),
    })
    .filter((key) => key.valid_from === null || key.valid_until === null || key.valid_until > key.valid_from)

  it('is the same rule in SQL, in TypeScript and where money is drawn', async () => {
    const place = await createScene(test.database)
    const { id: here } = await place.member()
    const { id: gone } = await place.member()
    const secrets = new Map<string, string>()
    const seed = Date.now()
    const given = fc.sample(facts, { numRuns: 60, seed })
    for (const { is_deactivated, ...one } of given) {
      const key = await place.key({ member_id: is_deactivated ? gone : here })
      secrets.set(key.id, key.secret)
      await withTenant(test.database, place.tenant_id, (tx) =>
        tx
          .update(keyTable)
          .set(Object.fromEntries(Object.entries(one).map(([name, at]) => [name, at?.toISOString() ?? null])))
          .where(eq(keyTable.id, key.id)),
      )
    }
    await place.run(core.members.deactivate, { member_ids: [gone] })
    const stored = await withTenant(test.database, place.tenant_id, (tx) => tx.select().from(keyTable))
    const rows = stored.map((row) => ({
      ...row,
      member_deactivated_at: row.member_id === gone ? row.created_at : null,
    }))
    expect(rows).toHaveLength(60)
    const seen = new Set<string>()

    for (const now of moments) {
      const expected = new Map(rows.map((row) => [row.id, keyStatus(row, now)]))
      for (const status of KEY_STATUSES) {
        const listed = await all(place, { status }, 200, place.operator, now)
        const wanted = rows.filter((row) => expected.get(row.id) === status).map((row) => row.id)
        expect(listed.map((key) => key.id).sort(), `seed ${seed}`).toEqual(wanted.sort())
        expect(listed.every((key) => key.status === status)).toBe(true)
        if (listed.length > 0) seen.add(status)
      }
    }
    expect([...seen].sort()).toEqual([...KEY_STATUSES].sort())

    for (const row of rows) {
      const at = new Date(AT)
      const answer = await draw(test.database, {
        secret_hash: hashSecret(secrets.get(row.id) ?? ''),
        gateway_id: 'gtw_test',
        lease_id: madeUp('lease'),
        want_nanos: 0n,
        least_nanos: 0n,
        uses_balance: true,
        at,
      })
      const state = answer.outcome === 'refused' ? answer.error.code.replace(/^key_/, '') : 'active'
      expect(state, `seed ${seed}`).toBe(keyStatus(row, at))
    }
  })

  it('changes by revoking, disabling and enabling, as far as that makes sense', async () => {
    const { id } = await scene.key()
    const run = async (operation: typeof core.keys.revoke) => (await scene.run(operation, { id })).status
    expect(await run(core.keys.disable)).toBe('disabled')
    expect(await run(core.keys.disable)).toBe('disabled')
    expect(await run(core.keys.enable)).toBe('active')
    expect(await run(core.keys.enable)).toBe('active')
    expect(await run(core.keys.disable)).toBe('disabled')
    expect(await run(core.keys.revoke)).toBe('revoked')
    const revoked = await scene.run(core.keys.get, { id })
    expect(await scene.run(core.keys.revoke, { id })).toEqual(revoked)
    for (const operation of [core.keys.enable, core.keys.disable]) {
      const refused = await refusalOf(scene.run(operation, { id }))
      expect(refused).toMatchObject({ code: 'conflict', message: expect.stringContaining('revoked') })
    }
    expect(await scene.run(core.keys.get, { id })).toEqual(revoked)
    const entries = await scene.run(core.audit.list, { target_id: id })
    expect(entries.data.map((entry) => entry.operation)).toEqual([
      'keys.revoke',
      'keys.disable',
      'keys.enable',
      'keys.disable',
      'keys.create',
    ])
  })

  it('is changed once, by however many at once', async () => {
    const { id } = await scene.key()
    const answers = await Promise.all(Array.from({ length: 6 }, () => scene.run(core.keys.revoke, { id })))
    expect(new Set(answers.map((key) => key.revoked_at)).size).toBe(1)
    const entries = await scene.run(core.audit.list, { target_id: id })
    expect(entries.data.map((entry) => entry.operation)).toEqual(['keys.revoke', 'keys.create'])
  })
})

describe('creating a key', () => {
  it('answers the secret once, and it is one that works', async () => {
    const member = await scene.member()
    const now = new Date('2026-11-21T09:30:00.000Z')
    const made = await scene.run(
      core.keys.create,
      {
        member_id: member.id,
        name: '  For school ',
        budget_usd: '5',
        renewal: 'weekly',
        valid_from: '2026-11-21T10:00:00+01:00',
        valid_until: '2099-01-01T00:00:00Z',
      },
      scene.operator,
      { now },
    )
    const { secret, ...rest } = made
    expect(parseSecret(secret ?? '')).toBe('key')
    expect(rest).toEqual({
      id: expect.stringMatching(/^key_/),
      name: 'For school',
      member_id: member.id,
      member_name: member.name,
      created_by: 'operator:test',
      status: 'active',
      masked: `sk-stp-…${secret?.slice(-4)}`,
      allocation_id: null,
      provider_id: null,
      provider_name: null,
      allowed_models: null,
      allowed_ips: null,
      requests_per_minute: null,
      budget: {
        limit_usd: '5.00',
        spent_usd: '0.00',
        remaining_usd: '5.00',
        renewal: 'weekly',
        renews_at: expect.stringMatching(/T2[23]:00:00\.000Z$/),
      },
      valid_from: '2026-11-21T09:00:00.000Z',
      valid_until: '2099-01-01T00:00:00.000Z',
      created_at: '2026-11-21T09:30:00.000Z',
      last_used_at: null,
      disabled_at: null,
      paused_group_id: null,
      revoked_at: null,
    })
    expect(await scene.run(core.keys.get, { id: made.id })).toEqual(rest)
    const own: Actor = {
      kind: 'user',
      tenant_id: scene.tenant_id,
      user_id: 'usr_x',
      member_id: member.id,
      role: 'member',
      location_ids: null,
      group_ids: [],
    }
    expect((await scene.run(core.keys.listOwn, {}, own)).data).toMatchObject([rest])
  })

  it('without a budget leaves the balance as the limit', async () => {
    const { budget } = await scene.key({ budget_usd: null })
    expect(budget).toEqual({
      limit_usd: null,
      spent_usd: '0.00',
      remaining_usd: null,
      renewal: 'never',
      renews_at: null,
    })
  })

  it.each(['0.000000001', '1', '1000000000'])('accepts a budget of %s', async (budget_usd) => {
    expect(Number((await scene.key({ budget_usd })).budget.limit_usd)).toBe(Number(budget_usd))
  })

  it.each([
    ['nothing', '0'],
    ['nothing, precisely', '0.000000000'],
    ['less than nothing', '-1'],
    ['less than nothing, hidden', '-0'],
    ['too much', '1000000000.000000001'],
    ['far too much', '9'.repeat(30)],
    ['an exponent', '1e3'],
    ['too many decimals', '0.0000000001'],
    ['a comma', '5,00'],
    ['a sign', '+5'],
    ['a word', 'five'],
    ['another base', '0x10'],
    ['a space', '5 '],
    ['no text', ''],
    ['not a number', 'NaN'],
    ['infinity', 'Infinity'],
    ['other digits', '٥'],
    ['a number', 5],
    ['a list', ['5']],
  ])('refuses a budget of %s: %j', async (_, budget_usd) => {
    const { id: member_id } = await scene.member()
    const input = { member_id, name: 'Refused', budget_usd } as { member_id: string; name: string; budget_usd: string }
    const refused = await refusalOf(scene.run(core.keys.create, input))
    expect(refused.code).toBe('invalid_request')
    expect(refused.details.fields).toEqual([{ path: 'budget_usd', message: expect.stringMatching(/\w/) }])
    expect(await all(scene, { member_id })).toEqual([])
  })

  it('wants to be told of the budget: leaving it out or misspelling it makes no unlimited key', async () => {
    const { id: member_id } = await scene.member()
    const input = { member_id, name: 'Refused' } as { member_id: string; name: string; budget_usd: null }
    expect((await refusalOf(scene.run(core.keys.create, input))).details.param).toBe('budget_usd')
    const misspelt = { ...input, budget_usd: '5', budgt_usd: '1' }
    expect((await refusalOf(scene.run(core.keys.create, misspelt))).details.param).toBe('budgt_usd')
  })

  it.each([
    [
      'ends before it starts',
      { valid_from: '2099-01-02T00:00:00Z', valid_until: '2099-01-01T00:00:00Z' },
      'valid_until',
    ],
    [
      'ends as it starts',
      { valid_from: '2099-01-01T01:00:00+01:00', valid_until: '2099-01-01T00:00:00Z' },
      'valid_until',
    ],
    ['has ended', { valid_until: '2020-01-01T00:00:00Z' }, 'valid_until'],
    ['ends on no day there is', { valid_until: '2099-02-29T00:00:00Z' }, 'valid_until'],
    ['has no zone', { valid_until: '2099-01-01T00:00:00' }, 'valid_until'],
    ['starts in words', { valid_from: 'tomorrow' }, 'valid_from'],
    ['renews what has no limit', { budget_usd: null, renewal: 'daily' as const }, 'renewal'],
  ])('refuses a key that %s', async (_, change, param) => {
    const { id: member_id } = await scene.member()
    const refused = await refusalOf(
      scene.run(core.keys.create, { member_id, name: 'Refused', budget_usd: '5', ...change }),
    )
    expect(refused).toMatchObject({ code: 'invalid_request', details: { param } })
    expect(await all(scene, { member_id })).toEqual([])
  })

  it('allows a window that ended by a clock that was given, and not by another', async () => {
    const { id: member_id } = await scene.member()
    const input = { member_id, name: 'Window', budget_usd: '5', valid_until: '2026-11-21T09:30:00.000Z' }
    const at = (text: string) => scene.run(core.keys.create, input, scene.operator, { now: new Date(text) })
    expect((await refusalOf(at('2026-11-21T09:30:00.000Z'))).details.param).toBe('valid_until')
    expect((await at('2026-11-21T09:29:59.999Z')).status).toBe('active')
  })

  it('refuses a key for somebody who can’t sign in, with a sentence that names them', async () => {
    const person = await scene.member({ account: false, name: 'Ada Lovelace' })
    const refused = await refusalOf(scene.key({ member_id: person.id }))
    expect(refused).toEqual({
      code: 'conflict',
      message: 'Ada Lovelace has no account yet. Keys are made only for people who can sign in.',
      details: { fields: [{ path: 'member_id', message: 'This person has no account yet.' }] },
    })
    const gone = await scene.member()
    await withTenant(test.database, scene.tenant_id, (tx) =>
      tx.update(members).set({ deactivated_at: '2026-01-01T00:00:00.000Z' }).where(eq(members.id, gone.id)),
    )
    expect((await refusalOf(scene.key({ member_id: gone.id }))).code).toBe('conflict')
  })

  it('answers alike for what isn’t there and what is another’s', async () => {
    const { id: member_id } = await scene.member()
    const foreign = await other.member()
    const foreignPot = await other.run(core.allocations.create, { name: 'Pot', budget_usd: '5' })
    const forMember = (id: string) => refusalOf(scene.key({ member_id: id }))
    const fromPot = (allocation_id: string) => refusalOf(scene.key({ member_id, allocation_id }))
    expect(await forMember(foreign.id)).toEqual(await forMember(madeUp('member')))
    expect(await fromPot(foreignPot.id)).toEqual(await fromPot(madeUp('allocation')))
    expect((await forMember(foreign.id)).code).toBe('not_found')
    expect((await fromPot(foreignPot.id)).code).toBe('not_found')
    expect(await all(scene, { member_id })).toEqual([])
  })
})

describe('an admin of some locations', () => {
  it('sees and changes the keys of their people only', async () => {
    const place = await createScene(test.database)
    const north = await place.run(core.locations.create, { name: 'North' })
    const mine = await place.key({ member_id: (await place.member({ location_id: north.id })).id })
    const theirs = await place.key({ member_id: (await place.member()).id })
    const nowhere = await place.key({ member_id: (await place.member({ location_id: null })).id })
    const foreign = await other.key()
    const admin = await place.adminOf(north.id)

    expect((await all(place, {}, 50, admin)).map((key) => key.id)).toEqual([mine.id])
    expect(await all(place, { search: theirs.id }, 50, admin)).toEqual([])
    expect(await all(place, { member_id: theirs.member_id }, 50, admin)).toEqual([])
    expect((await place.run(core.keys.get, { id: mine.id }, admin)).id).toBe(mine.id)
    const people = await place.run(core.coding.listPeople, {}, admin)
    expect(people.data.map((person) => [person.id, person.key?.id])).toEqual([[mine.member_id, mine.id]])

    const missing = await refusalOf(place.run(core.keys.get, { id: madeUp('key') }, admin))
    expect(missing.code).toBe('not_found')
    for (const operation of [core.keys.get, core.keys.revoke, core.keys.disable, core.keys.enable]) {
      for (const id of [theirs.id, nowhere.id, foreign.id, madeUp('key')]) {
        expect(await refusalOf(place.run(operation, { id }, admin))).toEqual(missing)
      }
    }
    for (const key of [theirs, nowhere]) expect((await place.run(core.keys.get, { id: key.id })).status).toBe('active')
    expect((await other.run(core.keys.get, { id: foreign.id })).status).toBe('active')

    const creating = (member_id: string) =>
      refusalOf(place.run(core.keys.create, { member_id, name: 'Mine', budget_usd: '1' }, admin))
    const noSuch = await creating(madeUp('member'))
    for (const member_id of [theirs.member_id, nowhere.member_id, foreign.member_id]) {
      expect(await creating(member_id)).toEqual(noSuch)
    }
    expect((await place.run(core.keys.revoke, { id: mine.id }, admin)).status).toBe('revoked')
  })

  it('of none sees none', async () => {
    const admin = { ...(await scene.adminOf()), location_ids: [] }
    await scene.key()
    expect((await scene.run(core.keys.list, {}, admin)).data).toEqual([])
    expect((await scene.run(core.coding.listPeople, {}, admin)).data).toEqual([])
  })
})

describe('a list of keys', () => {
  it('finds by person, name, the end of the secret and id, whatever the case', async () => {
    const place = await createScene(test.database)
    const ada = await place.member({ name: 'Ada Lovelace' })
    const bob = await place.member({ name: 'Bob_100%' })
    const one = await place.key({ member_id: ada.id, name: 'Robots' })
    const two = await place.key({ member_id: bob.id, name: 'Back\\slash' })
    const three = await place.key({ member_id: bob.id, name: 'Essay' })
    const found = async (search: string) => (await all(place, { search })).map((key) => key.id)
    expect(await found('ROBOT')).toEqual([one.id])
    expect(await found('lovelace')).toEqual([one.id])
    expect(await found(one.masked.slice(-4))).toContain(one.id)
    expect(await found(two.id)).toEqual([two.id])
    // The characters of patterns are themselves.
    expect(await found('_100%')).toEqual([three.id, two.id])
    expect(await found('%')).toEqual([three.id, two.id])
    expect(await found('_')).toEqual([three.id, two.id])
    expect(await found('\\')).toEqual([two.id])
    expect(await found("'; drop table keys; --")).toEqual([])
    expect((await refusalOf(place.run(core.keys.list, { search: 'a\u0000b' }))).code).toBe('invalid_request')
    expect((await all(place, { member_id: bob.id, search: 'essay' })).map((key) => key.id)).toEqual([three.id])
    expect(await all(place, { member_id: madeUp('member') })).toEqual([])
    expect(await found('')).toEqual([three.id, two.id, one.id])
  })

  it('never tells a secret', async () => {
    const key = await scene.key()
    expect(JSON.stringify(await all(scene, {}))).not.toContain(key.secret)
    expect(JSON.stringify(await scene.run(core.coding.listPeople, {}))).not.toContain(key.secret)
  })

  it('is paged through without gaps or doubles while keys are made', async () => {
    const place = await createScene(test.database)
    const { id: member_id } = await place.member()
    const made: { id: string; created_at: string }[] = []
    const make = (at: number) =>
      place.run(core.keys.create, { member_id, name: 'Paged', budget_usd: '1' }, place.operator, { now: new Date(at) })
    const start = Date.parse('2026-11-21T09:00:00Z')
    // Several in one millisecond: the id then decides.
    for (let n = 0; n < 130; n++) made.push(await make(start + Math.floor(n / 4)))
    const expected = [...made]
      .sort((a, b) => (`${b.created_at}${b.id}` < `${a.created_at}${a.id}` ? -1 : 1))
      .map((key) => key.id)

    for (const limit of [7, 50, 130]) {
      const seen: string[] = []
      let cursor: string | undefined
      for (let page = 0; ; page++) {
        const { data, next_cursor } = await place.run(core.keys.list, { limit, cursor })
        seen.push(...data.map((key) => key.id))
        if (next_cursor === null) break
        expect(data).toHaveLength(limit)
        cursor = next_cursor
        if (limit === 7 && page % 3 === 0) await make(start + 3_600_000 + page)
      }
      expect(seen.filter((id) => expected.includes(id))).toEqual(expected)
      expect(new Set(seen).size).toBe(seen.length)
    }
  })

  it.each(['junk', 'WzEsMl0', Buffer.from('["not a time","key_x"]').toString('base64url'), 'a'.repeat(501)])(
    'refuses the cursor %s',
    async (cursor) => {
      expect((await refusalOf(scene.run(core.keys.list, { cursor }))).code).toBe('invalid_request')
    },
  )

  it('refuses a filter that it doesn’t have', async () => {
    const filter = { stauts: 'active' } as { status?: 'active' }
    expect((await refusalOf(scene.run(core.keys.list, filter))).details.param).toBe('stauts')
    expect((await refusalOf(scene.run(core.keys.list, { status: 'gone' as 'active' }))).details.param).toBe('status')
  })
})

import { randomUUID } from 'node:crypto'
import { type Database, EventBatch, type LeaseReturn } from '@stipend/db'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { usd } from '@stipend/money'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import * as core from '../index.ts'
import { hashSecret } from '../secrets.ts'
import { createScene, type Scene } from '../testing.ts'
import {
  auditLedger,
  type Draw,
  draw,
  type KeyFacts,
  keyRefusal,
  type Settlement,
  settle,
  settleBatch,
} from './index.ts'

let test: TestDatabase
let database: Database
let scene: Scene
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  database = test.database
  scene = await createScene(database)
})
afterAll(() => test.drop())

const GATEWAY = 'gtw_test'

/** A lease as the tests remember it: what was granted into it so far. */
type Lease = KeyFacts & { lease_id: string; gateway_id: string; amount_nanos: bigint; ends_at: Date | null }
type DrawOptions = { least?: string; at?: Date; lease_id?: string; gateway_id?: string }

function drawFor(secret: string, want: string, { least = want, at, lease_id, gateway_id }: DrawOptions = {}) {
  return draw(database, {
    secret_hash: hashSecret(secret),
    gateway_id: gateway_id ?? GATEWAY,
    lease_id: lease_id ?? core.newId('lease'),
    want_nanos: usd(want),
    least_nanos: usd(least),
    uses_balance: true,
    ...(at === undefined ? {} : { at }),
  })
}

async function drawn(secret: string, want: string, options: DrawOptions = {}): Promise<Lease> {
  const lease_id = options.lease_id ?? core.newId('lease')
  const answer = await drawFor(secret, want, { ...options, lease_id })
  if (answer.outcome !== 'granted') throw new Error(`not granted: ${codeOf(answer)}`)
  const { facts, granted_nanos: amount_nanos, ends_at } = answer
  return { ...facts, lease_id, gateway_id: options.gateway_id ?? GATEWAY, amount_nanos, ends_at }
}

function codeOf(answer: Draw): string {
  return 'error' in answer ? answer.error.code : answer.outcome
}

const refusedWith = async (secret: string, want: string, at?: Date) =>
  codeOf(await drawFor(secret, want, at === undefined ? {} : { at }))

function settlementOf(lease: Lease, cost: string, changes: Partial<Settlement> = {}): Settlement {
  return {
    id: core.newId('request'),
    started_at: new Date().toISOString(),
    gateway_id: lease.gateway_id,
    tenant_id: lease.tenant_id,
    key_id: lease.key_id,
    member_id: lease.member_id,
    allocation_id: lease.allocation_id,
    draws_on_balance: true,
    lease_id: lease.lease_id,
    model: 'sandbox-small',
    provider_id: 'prv_test',
    provider_name: 'sandbox',
    price_id: 'prc_test',
    status: 'succeeded',
    http_status: 200,
    error_code: null,
    is_streamed: false,
    is_estimated: false,
    input_tokens: 10,
    cached_input_tokens: 0,
    cache_write_tokens: 0,
    cache_write_1h_tokens: 0,
    output_tokens: 5,
    reasoning_tokens: null,
    hold_nanos: usd(cost),
    cost_nanos: usd(cost),
    excess_nanos: 0n,
    latency_ms: 1,
    first_byte_ms: null,
    ...changes,
  }
}

/** Of these leases so much is still needed; nothing unless told. */
const keeping = (keep: string, ...leases: Lease[]): LeaseReturn[] =>
  leases.map(({ tenant_id, lease_id }) => ({ tenant_id, lease_id, keep_nanos: usd(keep) }))

type Period = { limit_nanos: string; spent_nanos: string; leased_nanos: string; renewals: number }

/** The newest period of an account, as it stands. */
async function periodOf(account_id: string): Promise<Period> {
  const [row] = await test.admin<Period[]>`
    select limit_nanos, spent_nanos, leased_nanos, renewals from account_periods
     where account_id = ${account_id} order by starts_at desc limit 1`
  if (row === undefined) throw new Error('no period')
  return { ...row }
}

async function leaseAmount(lease: Lease): Promise<bigint | null> {
  const [row] = await test.admin<{ amount_nanos: string }[]>`
    select amount_nanos from leases where id = ${lease.lease_id}`
  return row === undefined ? null : BigInt(row.amount_nanos)
}

async function sound(): Promise<void> {
  expect((await auditLedger(database)).violations).toEqual([])
}

describe('drawing', () => {
  it('takes from key and balance alike, and gives the rest back when settled', async () => {
    const key = await scene.key({ budget_usd: '5' })
    const before = await scene.run(core.balance.get, {})
    const lease = await drawn(key.secret, '2', { least: '2' })
    const during = await scene.run(core.balance.get, {})
    expect(usd(during.set_aside_usd) - usd(before.set_aside_usd)).toBe(usd('2'))
    await sound()

    await settle(database, [settlementOf(lease, '0.75')], keeping('0', lease))
    const after = await scene.run(core.balance.get, {})
    expect(usd(before.available_usd) - usd(after.available_usd)).toBe(usd('0.75'))
    expect(after.set_aside_usd).toBe(before.set_aside_usd)
    expect((await scene.run(core.keys.get, { id: key.id })).budget).toMatchObject({
      limit_usd: '5.00',
      spent_usd: '0.75',
      remaining_usd: '4.25',
    })
    await sound()
  })

  it('never grants more than the tightest account has, however many ask at once', async () => {
    const key = await scene.key({ budget_usd: '0.7' })
    const answers = await Promise.all(Array.from({ length: 60 }, () => drawFor(key.secret, '0.1')))
    expect(answers.filter(({ outcome }) => outcome === 'granted')).toHaveLength(7)
    const others = answers.filter(({ outcome }) => outcome !== 'granted')
    expect(new Set(others.map(codeOf))).toEqual(new Set(['budget_exhausted']))
    await sound()
  })

  it('grants beyond the least at most an eighth of what is left, so that nobody ties up what others need', async () => {
    const key = await scene.key({ budget_usd: '8' })
    expect((await drawn(key.secret, '3', { least: '0.2' })).amount_nanos).toBe(usd('1'))
    expect((await drawn(key.secret, '3', { least: '0.2' })).amount_nanos).toBe(usd('0.875'))
    expect((await drawn(key.secret, '0.3', { least: '0.2' })).amount_nanos).toBe(usd('0.3'))
    expect((await drawn(key.secret, '3', { least: '2.5' })).amount_nanos).toBe(usd('2.5'))
    await sound()
  })

  it('counts the eighth of the tightest account of the chain', async () => {
    const poor = await createScene(database, { balance_usd: '4' })
    const unlimited = await poor.key({ budget_usd: null })
    expect((await drawn(unlimited.secret, '3', { least: '0.1' })).amount_nanos).toBe(usd('0.5'))
    const small = await poor.key({ budget_usd: '0.8' })
    expect((await drawn(small.secret, '3', { least: '0.01' })).amount_nanos).toBe(usd('0.1'))
    await sound()
  })

  it('gives the last nanodollar, and says what there is when that is too little', async () => {
    const key = await scene.key({ budget_usd: '1' })
    await drawn(key.secret, '0.7')
    const short = await drawFor(key.secret, '0.5')
    expect(short).toMatchObject({
      outcome: 'short',
      account_id: key.id,
      available_nanos: usd('0.3'),
      leased_nanos: usd('0.7'),
    })
    await drawn(key.secret, '0.3')
    expect(await drawFor(key.secret, '0.000000001')).toMatchObject({ outcome: 'short', available_nanos: 0n })
    await sound()
  })

  it('adds to a lease', async () => {
    const key = await scene.key({ budget_usd: '10' })
    const lease = await drawn(key.secret, '1')
    const more = await drawn(key.secret, '2', { lease_id: lease.lease_id })
    expect(more.amount_nanos).toBe(usd('2'))
    expect(await leaseAmount(lease)).toBe(usd('3'))
    expect(await refusedWith(key.secret, '7.5')).toBe('budget_exhausted')
    await sound()
    await settle(database, [settlementOf(lease, '2.5')], keeping('0.25', lease))
    expect(await leaseAmount(lease)).toBe(usd('0.25'))
    await sound()
  })

  it('only says who the key is when nothing is wanted', async () => {
    const key = await scene.key({ budget_usd: '1' })
    const answer = await drawFor(key.secret, '0')
    expect(answer).toMatchObject({ outcome: 'granted', granted_nanos: 0n, facts: { key_id: key.id } })
    await scene.run(core.keys.disable, { id: key.id })
    expect(await refusedWith(key.secret, '0')).toBe('key_disabled')
    expect(await test.admin`select from account_periods where account_id = ${key.id}`).toHaveLength(0)
    expect(await test.admin`select from leases where key_id = ${key.id}`).toHaveLength(0)
  })

  it('names the account that is short: key, allocation, balance', async () => {
    const poor = await createScene(database, { balance_usd: '1' })
    const allocation = await poor.run(core.allocations.create, { name: randomUUID(), budget_usd: '0.5' })
    const member = await poor.member()
    const through = (budget_usd: string | null, allocation_id: string | null) =>
      poor.key({ member_id: member.id, budget_usd, allocation_id })
    expect(await refusedWith((await through('0.1', allocation.id)).secret, '0.2')).toBe('budget_exhausted')
    expect(await refusedWith((await through('2', allocation.id)).secret, '0.6')).toBe('allocation_exhausted')
    expect(await refusedWith((await through(null, null)).secret, '1.5')).toBe('balance_exhausted')
    expect(await refusedWith((await through(null, null)).secret, '1')).toBe('granted')
    await sound()
  })

  it('says what the whole chain still pays for, not the first account that is short', async () => {
    const poor = await createScene(database, { balance_usd: '2' })
    const allocation = await poor.run(core.allocations.create, { name: randomUUID(), budget_usd: '3' })
    const key = await poor.key({ budget_usd: '5', allocation_id: allocation.id })
    expect(await drawFor(key.secret, '10')).toMatchObject({
      outcome: 'short',
      account_id: poor.tenant_id,
      available_nanos: usd('2'),
    })
    await drawn(key.secret, '2')
    await sound()
  })

  it('leaves nothing behind when a later account of the chain is short', async () => {
    const poor = await createScene(database, { balance_usd: '0.1' })
    const key = await poor.key({ budget_usd: '5', renewal: 'when_used_up' })
    expect(await refusedWith(key.secret, '7')).toBe('balance_exhausted')
    expect((await poor.run(core.keys.get, { id: key.id })).budget).toMatchObject({
      spent_usd: '0.00',
      limit_usd: '5.00',
    })
    expect(await periodOf(key.id)).toMatchObject({ limit_nanos: '5000000000', leased_nanos: '0', renewals: 0 })
    expect(await test.admin`select from leases where key_id = ${key.id}`).toHaveLength(0)
  })

  it('works without a balance for the tenant’s own providers', async () => {
    const poor = await createScene(database, { balance_usd: null })
    const key = await poor.key({ budget_usd: '5' })
    const answer = await draw(database, {
      secret_hash: hashSecret(key.secret),
      gateway_id: GATEWAY,
      lease_id: core.newId('lease'),
      want_nanos: usd('1'),
      least_nanos: usd('1'),
      uses_balance: false,
    })
    expect(answer).toMatchObject({ outcome: 'granted', granted_nanos: usd('1') })
    await sound()
  })

  it('does not mix chains in one lease', async () => {
    const allocation = await scene.run(core.allocations.create, { name: randomUUID(), budget_usd: '3' })
    const key = await scene.key({ budget_usd: '5' })
    const lease = await drawn(key.secret, '1')
    await test.admin`update keys set allocation_id = ${allocation.id} where id = ${key.id}`
    expect((await drawFor(key.secret, '1', { lease_id: lease.lease_id })).outcome).toBe('outdated')
    const second = await drawn(key.secret, '1')
    await test.admin`update keys set allocation_id = null where id = ${key.id}`
    expect((await drawFor(key.secret, '1', { lease_id: second.lease_id })).outcome).toBe('outdated')
    expect((await drawFor(key.secret, '1', { lease_id: lease.lease_id })).outcome).toBe('granted')
    await sound()
    const events = [settlementOf(lease, '0.5'), settlementOf(second, '0.75')]
    await settle(database, events, keeping('0', lease, second))
    expect(await periodOf(allocation.id)).toMatchObject({ spent_nanos: '750000000', leased_nanos: '0' })
    await sound()
  })
})

describe('the state of a key', () => {
  const AT = (text: string) => new Date(text)
  it('is checked at the very second', async () => {
    const key = await scene.key({ valid_from: '2099-11-21T10:00:00+01:00', valid_until: '2099-11-21T11:00:00+01:00' })
    expect(await refusedWith(key.secret, '0.01', AT('2099-11-21T08:59:59Z'))).toBe('key_not_yet_valid')
    expect(await refusedWith(key.secret, '0.01', AT('2099-11-21T09:00:00Z'))).toBe('granted')
    expect(await refusedWith(key.secret, '0.01', AT('2099-11-21T09:59:59.999Z'))).toBe('granted')
    expect(await refusedWith(key.secret, '0.01', AT('2099-11-21T10:00:00Z'))).toBe('key_expired')
  })

  it('says when it will work, in the tenant’s zone', async () => {
    const key = await scene.key({ valid_from: '2099-11-21T10:00:00+01:00' })
    const answer = await drawFor(key.secret, '0.01')
    expect(answer.outcome === 'refused' ? answer.error.message : '').toContain(
      '21 November 2099 at 10:00 (Europe/Amsterdam)',
    )
  })

  it('refuses what is revoked, disabled or unknown', async () => {
    const revoked = await scene.key()
    await scene.run(core.keys.revoke, { id: revoked.id })
    expect(await refusedWith(revoked.secret, '0.01')).toBe('key_revoked')
    const disabled = await scene.key()
    await scene.run(core.keys.disable, { id: disabled.id })
    expect(await refusedWith(disabled.secret, '0.01')).toBe('key_disabled')
    await scene.run(core.keys.enable, { id: disabled.id })
    expect(await refusedWith(disabled.secret, '0.01')).toBe('granted')
    const unknown = await drawFor('sk-stp-unknown', '0.01')
    expect(unknown).toMatchObject({ outcome: 'refused', facts: null, error: { code: 'invalid_api_key' } })
  })

  it('says the same in the database and in memory', async () => {
    const at = AT('2099-06-01T12:00:00Z')
    const moments = [undefined, '2099-06-01T11:59:59Z', '2099-06-01T12:00:00Z', '2099-06-01T12:00:01Z']
    for (const valid_from of moments) {
      for (const valid_until of moments) {
        if (valid_from !== undefined && valid_until !== undefined && valid_until <= valid_from) continue
        const key = await scene.key({ ...(valid_from && { valid_from }), ...(valid_until && { valid_until }) })
        const answer = await drawFor(key.secret, '0', { at })
        if (!('facts' in answer) || answer.facts === null) throw new Error('no facts')
        expect(codeOf(answer)).toBe(keyRefusal(answer.facts, at)?.code ?? 'granted')
      }
    }
  })
})

describe('renewal', () => {
  const on = (at: string) => ({ at: new Date(at) })
  it('gives the budget anew each day of the tenant’s zone, also across daylight saving', async () => {
    const key = await scene.key({ budget_usd: '1', renewal: 'daily' })
    // The night of 28 to 29 March 2026: the day has 23 hours and begins at 23:00 UTC, ends at 22:00 UTC.
    const first = await drawn(key.secret, '1', on('2026-03-28T22:59:59Z'))
    expect(first.ends_at).toEqual(new Date('2026-03-28T23:00:00Z'))
    expect(await refusedWith(key.secret, '0.01', new Date('2026-03-28T22:59:59Z'))).toBe('budget_exhausted')
    const second = await drawn(key.secret, '1', on('2026-03-28T23:00:00Z'))
    expect(second.ends_at).toEqual(new Date('2026-03-29T22:00:00Z'))
    expect(await refusedWith(key.secret, '0.01', new Date('2026-03-29T21:59:59Z'))).toBe('budget_exhausted')
    await drawn(key.secret, '1', on('2026-03-29T22:00:00Z'))
    await sound()
  })

  it('has a day of 25 hours in autumn', async () => {
    const key = await scene.key({ budget_usd: '1', renewal: 'daily' })
    const lease = await drawn(key.secret, '1', on('2026-10-24T22:00:00Z'))
    expect(lease.ends_at).toEqual(new Date('2026-10-25T23:00:00Z'))
    expect(await refusedWith(key.secret, '0.01', new Date('2026-10-25T22:59:59Z'))).toBe('budget_exhausted')
    await drawn(key.secret, '1', on('2026-10-25T23:00:00Z'))
  })

  it('begins weeks on Monday and months on the first', async () => {
    const weekly = await scene.key({ budget_usd: '1', renewal: 'weekly' })
    await drawn(weekly.secret, '1', on('2026-11-22T12:00:00Z'))
    expect(await refusedWith(weekly.secret, '1', new Date('2026-11-22T22:59:59Z'))).toBe('budget_exhausted')
    await drawn(weekly.secret, '1', on('2026-11-22T23:00:00Z'))
    const monthly = await scene.key({ budget_usd: '1', renewal: 'monthly' })
    await drawn(monthly.secret, '1', on('2026-11-30T22:59:59Z'))
    await drawn(monthly.secret, '1', on('2026-11-30T23:00:00Z'))
    await sound()
  })

  it('says when a spent budget renews', async () => {
    const key = await scene.key({ budget_usd: '1', renewal: 'daily' })
    await drawn(key.secret, '1', on('2026-11-21T12:00:00Z'))
    const answer = await drawFor(key.secret, '1', on('2026-11-21T12:00:01Z'))
    expect(answer.outcome === 'short' ? answer.error.message : '').toContain(
      'renews on 22 November 2026 at 00:00 (Europe/Amsterdam)',
    )
  })

  it('makes one new period however many draw at the moment it begins', async () => {
    const key = await scene.key({ budget_usd: '1', renewal: 'daily' })
    await drawn(key.secret, '1', on('2026-05-01T12:00:00Z'))
    const at = new Date('2026-05-01T22:00:00Z')
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) => drawFor(key.secret, '0.1', { at, gateway_id: `gtw_${i % 3}` })),
    )
    expect(answers.filter(({ outcome }) => outcome === 'granted')).toHaveLength(10)
    expect(await test.admin`select from account_periods where account_id = ${key.id}`).toHaveLength(2)
    await sound()
  })

  it('does not add to a lease of the period before, which is charged where it was drawn', async () => {
    const key = await scene.key({ budget_usd: '1', renewal: 'daily' })
    const old = await drawn(key.secret, '0.4', on('2026-05-03T12:00:00Z'))
    const next = new Date('2026-05-04T12:00:00Z')
    expect((await drawFor(key.secret, '0.1', { lease_id: old.lease_id, at: next })).outcome).toBe('outdated')
    expect(await leaseAmount(old)).toBe(usd('0.4'))
    await drawn(key.secret, '1', { at: next })
    await settle(database, [settlementOf(old, '0.3')], keeping('0', old))
    const rows = await test.admin`
      select spent_nanos, leased_nanos from account_periods where account_id = ${key.id} order by starts_at`
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { spent_nanos: '300000000', leased_nanos: '0' },
      { spent_nanos: '0', leased_nanos: '1000000000' },
    ])
    await sound()
  })

  it('renews when used up, without stranding what was left, and shows the newest budget', async () => {
    const key = await scene.key({ budget_usd: '1', renewal: 'when_used_up' })
    const first = await drawn(key.secret, '0.8')
    await settle(database, [settlementOf(first, '0.8')])
    const second = await drawn(key.secret, '0.5')
    await settle(database, [settlementOf(second, '0.5')])
    expect((await scene.run(core.keys.get, { id: key.id })).budget).toMatchObject({
      limit_usd: '1.00',
      spent_usd: '0.30',
      remaining_usd: '0.70',
    })
    await sound()
  })

  it('renews when used up as often as it may, exactly, however many see it', async () => {
    const key = await scene.key({ budget_usd: '1', renewal: 'when_used_up' })
    await test.admin`update accounts set renewals_max = 2 where id = ${key.id}`
    const answers = await Promise.all(
      Array.from({ length: 45 }, (_, i) => drawFor(key.secret, '0.1', { gateway_id: `gtw_${i % 3}` })),
    )
    expect(answers.filter(({ outcome }) => outcome === 'granted')).toHaveLength(30)
    expect(await periodOf(key.id)).toMatchObject({ renewals: 2, limit_nanos: usd('3').toString() })
    await sound()
  })

  it('counts what was spent beyond a lowered budget against the next ones, at once or one by one', async () => {
    const key = await scene.key({ budget_usd: '1', renewal: 'when_used_up' })
    await test.admin`update accounts set renewals_max = 2 where id = ${key.id}`
    const first = await drawn(key.secret, '1')
    await settle(database, [settlementOf(first, '1')])
    await scene.run(core.keys.update, { id: key.id, budget_usd: '0.6' })
    expect(await refusedWith(key.secret, '0.81')).toBe('budget_exhausted')
    await drawn(key.secret, '0.2')
    expect(await refusedWith(key.secret, '0.61')).toBe('budget_exhausted')
    await drawn(key.secret, '0.6')
    expect(await refusedWith(key.secret, '0.000000001')).toBe('budget_exhausted')
    await sound()
  })

  it('gives several budgets at once to a request that needs them', async () => {
    const key = await scene.key({ budget_usd: '1', renewal: 'when_used_up' })
    await drawn(key.secret, '0.4')
    await drawn(key.secret, '3.5')
    expect(await periodOf(key.id)).toMatchObject({ renewals: 3, limit_nanos: usd('4').toString() })
    await sound()
  })
})

describe('settling', () => {
  it('charges a request once, however often and however many at once tell it', async () => {
    const key = await scene.key({ budget_usd: '5' })
    const lease = await drawn(key.secret, '2')
    const settlement = settlementOf(lease, '0.5')
    await Promise.all(Array.from({ length: 8 }, () => settle(database, [settlement])))
    expect((await scene.run(core.keys.get, { id: key.id })).budget.spent_usd).toBe('0.50')
    expect(await test.admin`select from usage_events where id = ${settlement.id}`).toHaveLength(1)
    expect(await leaseAmount(lease)).toBe(usd('1.5'))
    await sound()
  })

  it('of requests told for the first time refuses what it knows, and changes nothing', async () => {
    const key = await scene.key({ budget_usd: '5' })
    const lease = await drawn(key.secret, '2')
    const [known, fresh] = [settlementOf(lease, '0.5'), settlementOf(lease, '0.25')]
    const told = await Promise.allSettled(
      Array.from({ length: 8 }, () => settleBatch(database, EventBatch.of([known]), [], { isFirst: true })),
    )
    expect(told.filter((one) => one.status === 'fulfilled')).toHaveLength(1)
    const refused = told.find((one) => one.status === 'rejected')
    expect(refused?.reason).toMatchObject({ code: '23505' })
    await expect(settleBatch(database, EventBatch.of([fresh, known]), [], { isFirst: true })).rejects.toMatchObject({
      code: '23505',
    })
    expect((await scene.run(core.keys.get, { id: key.id })).budget.spent_usd).toBe('0.50')
    // Told again, what is new in it is charged, and what stands in it twice once.
    for (const _ of [1, 2]) await settle(database, [fresh, known, fresh])
    expect((await scene.run(core.keys.get, { id: key.id })).budget.spent_usd).toBe('0.75')
    expect(await leaseAmount(lease)).toBe(usd('1.25'))
    await sound()
  })

  it('charges at most what the lease holds', async () => {
    const key = await scene.key({ budget_usd: '1' })
    const lease = await drawn(key.secret, '1')
    await settle(database, [settlementOf(lease, '1', { excess_nanos: usd('3') })], keeping('0', lease))
    expect((await scene.run(core.keys.get, { id: key.id })).budget.remaining_usd).toBe('0.00')
    expect(await leaseAmount(lease)).toBe(null)
    await sound()
  })

  it('keeps of a lease what is held and takes the rest, however often it is told, in any order', async () => {
    const key = await scene.key({ budget_usd: '8' })
    const lease = await drawn(key.secret, '8')
    const [a, b, c] = [settlementOf(lease, '0.5'), settlementOf(lease, '0.25'), settlementOf(lease, '1')]
    // What a gateway says while 3 are held, after a, after a and b: the last word may come before the first.
    const tellings: (() => Promise<void>)[] = [
      () => settle(database, [a], keeping('4.25', lease)),
      () => settle(database, [a, b], keeping('4', lease)),
      () => settle(database, [b, a]),
      () => settle(database, [], keeping('4', lease)),
      () => settle(database, [b, a, b]),
    ]
    for (const tell of [...tellings, ...tellings.toReversed()]) {
      await tell()
      await sound()
    }
    expect(await leaseAmount(lease)).toBe(usd('4'))
    for (let times = 0; times < 3; times++) await settle(database, [c, a, b], keeping('0', lease))
    expect(await leaseAmount(lease)).toBe(null)
    expect(await periodOf(key.id)).toMatchObject({ spent_nanos: usd('1.75').toString(), leased_nanos: '0' })
    await sound()
  })

  it('settles many keys, allocations and tenants in one batch', async () => {
    const other = await createScene(database)
    const leases: Lease[] = []
    for (const each of [scene, other]) {
      const allocation = await each.run(core.allocations.create, { name: randomUUID(), budget_usd: '50' })
      const member = await each.member()
      for (const allocation_id of [null, allocation.id, allocation.id]) {
        const key = await each.key({ member_id: member.id, allocation_id })
        leases.push(await drawn(key.secret, '1'), await drawn(key.secret, '0.5'))
      }
    }
    const events = leases.flatMap((lease) => [settlementOf(lease, '0.2'), settlementOf(lease, '0.1')])
    for (const batch of [events, events.toReversed(), events]) {
      await settle(database, batch, keeping('0', ...leases))
      await sound()
    }
    for (const { key_id } of leases) {
      expect(await periodOf(key_id)).toMatchObject({ spent_nanos: usd('0.6').toString(), leased_nanos: '0' })
    }
  })

  it('does not deadlock with batches of other gateways, with draws and with changes', async () => {
    const members = [await scene.member(), await scene.member()]
    const allocations = await Promise.all(
      [1, 2].map(() => scene.run(core.allocations.create, { name: randomUUID(), budget_usd: '50' })),
    )
    const keys = await Promise.all(
      [0, 1, 2, 3, 4, 5].map((i) =>
        scene.key({ member_id: members[i % 2]?.id ?? '', allocation_id: allocations[i % 3]?.id ?? null }),
      ),
    )
    const before = await deadlocks()
    for (let round = 0; round < 12; round++) {
      const leases = await Promise.all(
        ['gtw_a', 'gtw_b', 'gtw_c'].flatMap((gateway_id) =>
          keys.map(({ secret }) => drawn(secret, '0.01', { gateway_id })),
        ),
      )
      const of = (gateway_id: string) => leases.filter((lease) => lease.gateway_id === gateway_id)
      // Every third round one gateway was given up for dead before it told what it had measured.
      if (round % 3 === 0) await test.admin`select app.give_back_all('gtw_b')`
      const batch = (mine: Lease[]) =>
        settle(
          database,
          mine.map((lease) => settlementOf(lease, '0.004')),
          keeping('0', ...mine),
        )
      await Promise.all([
        batch(of('gtw_a')),
        batch(of('gtw_b').toReversed()),
        batch(of('gtw_c').toSorted(() => (round % 2) - 0.5)),
        ...keys.map(({ secret }) => drawn(secret, '0.005', { gateway_id: 'gtw_d' })),
        ...keys.map(({ id }, i) => scene.run(core.keys.update, { id, budget_usd: `${5 + ((round + i) % 2)}` })),
      ])
      await sound()
    }
    expect(await deadlocks()).toBe(before)
  })

  it('holds the limit even when the lease was given back meanwhile', async () => {
    const key = await scene.key({ budget_usd: '1' })
    const lost = await drawn(key.secret, '0.9')
    await test.admin`select app.give_back_all(${GATEWAY})`
    await sound()
    const again = await drawn(key.secret, '0.4')
    await settle(database, [settlementOf(again, '0.4')], keeping('0', again))
    for (const late of [settlementOf(lost, '0.9')])
      for (let times = 0; times < 3; times++) await settle(database, [late])
    const { budget } = await scene.run(core.keys.get, { id: key.id })
    expect(budget).toMatchObject({ spent_usd: '1.00', remaining_usd: '0.00' })
    const events = await test.admin`
      select cost_nanos, excess_nanos from usage_events where key_id = ${key.id} and excess_nanos > 0`
    expect(events.map((row) => ({ ...row }))).toEqual([
      { cost_nanos: usd('0.6').toString(), excess_nanos: usd('0.3').toString() },
    ])
    await sound()
  })

  it('gives back all of a gateway but what it uses', async () => {
    const key = await scene.key({ budget_usd: '5' })
    const [one, two] = [
      await drawn(key.secret, '1', { gateway_id: 'gtw_gone' }),
      await drawn(key.secret, '1', { gateway_id: 'gtw_gone' }),
    ]
    await test.admin`select app.give_back_all('gtw_gone', array[${two.lease_id}])`
    expect(await leaseAmount(one)).toBe(null)
    expect(await leaseAmount(two)).toBe(usd('1'))
    await sound()
  })

  it('takes nothing back below what is held when a limit is lowered, and grants nothing more', async () => {
    const key = await scene.key({ budget_usd: '5' })
    const lease = await drawn(key.secret, '3')
    await settle(database, [settlementOf(lease, '1')])
    await scene.run(core.keys.update, { id: key.id, budget_usd: '0.5' })
    await sound()
    expect(await refusedWith(key.secret, '0.000000001')).toBe('budget_exhausted')
    await settle(database, [settlementOf(lease, '1.5')], keeping('0', lease))
    expect(await periodOf(key.id)).toMatchObject({ spent_nanos: usd('2.5').toString(), leased_nanos: '0' })
    expect(await refusedWith(key.secret, '0.000000001')).toBe('budget_exhausted')
    await scene.run(core.keys.update, { id: key.id, budget_usd: '2.6' })
    expect(await refusedWith(key.secret, '0.11')).toBe('budget_exhausted')
    expect(await refusedWith(key.secret, '0.1')).toBe('granted')
    await sound()
  })

  it('keeps usage events and ledger entries as they are, even from their owner', async () => {
    for (const table of ['usage_events', 'ledger_entries', 'audit_entries']) {
      await expect(test.admin.unsafe(`update ${table} set tenant_id = tenant_id`)).rejects.toThrow(/append-only/)
      await expect(test.admin.unsafe(`delete from ${table}`)).rejects.toThrow(/append-only/)
    }
  })

  it('is found out by the audit when something is wrong', async () => {
    const key = await scene.key({ budget_usd: '1' })
    await drawn(key.secret, '0.5')
    await test.admin`update account_periods set leased_nanos = leased_nanos - 1 where account_id = ${key.id}`
    const { violations } = await auditLedger(database)
    expect(violations.map((one) => one.subject)).toContain(key.id)
    await test.admin`update account_periods set leased_nanos = leased_nanos + 1 where account_id = ${key.id}`
    await sound()
  })
})

async function deadlocks(): Promise<number> {
  await test.admin`select pg_stat_force_next_flush()`
  const [row] = await test.admin<{ deadlocks: number }[]>`
    select deadlocks::int from pg_stat_database where datname = current_database()`
  return row?.deadlocks ?? 0
}

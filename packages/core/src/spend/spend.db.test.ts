import { randomUUID } from 'node:crypto'
import type { Database } from '@stipend/db'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { usd } from '@stipend/money'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import * as core from '../index.ts'
import { hashSecret } from '../secrets.ts'
import { createScene, type Scene } from '../testing.ts'
import { auditLedger, type DrawnLease, draw, type Settlement, settle } from './index.ts'

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

function drawFor(secret: string, want: string, least = want, at?: Date) {
  return draw(database, {
    secret_hash: hashSecret(secret),
    gateway_id: GATEWAY,
    lease_id: core.newId('lease'),
    want_nanos: usd(want),
    least_nanos: usd(least),
    uses_balance: true,
    ...(at === undefined ? {} : { at }),
  })
}

async function drawn(secret: string, want: string, least = want, at?: Date): Promise<DrawnLease> {
  const answer = await drawFor(secret, want, least, at)
  if (!answer.ok) throw new Error(`refused: ${answer.refusal.code}`)
  return answer.lease
}

async function refusedWith(secret: string, want: string, at?: Date): Promise<string> {
  const answer = await drawFor(secret, want, want, at)
  return answer.ok ? 'granted' : answer.refusal.code
}

function settlementOf(lease: DrawnLease, cost: string, changes: Partial<Settlement> = {}): Settlement {
  return {
    id: core.newId('request'),
    started_at: new Date().toISOString(),
    gateway_id: GATEWAY,
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
    hold_nanos: lease.amount_nanos,
    cost_nanos: usd(cost),
    excess_nanos: 0n,
    release_nanos: lease.amount_nanos - usd(cost),
    latency_ms: 1,
    first_byte_ms: null,
    ...changes,
  }
}

async function sound(): Promise<void> {
  expect((await auditLedger(database)).violations).toEqual([])
}

describe('drawing', () => {
  it('takes from key and balance alike, and gives the rest back when settled', async () => {
    const key = await scene.key({ budget_usd: '5' })
    const before = await scene.run(core.balance.get, {})
    const lease = await drawn(key.secret, '2')
    const during = await scene.run(core.balance.get, {})
    expect(usd(during.set_aside_usd) - usd(before.set_aside_usd)).toBe(usd('2'))
    await sound()

    expect(await settle(database, [settlementOf(lease, '0.75')])).toEqual(['settled'])
    const after = await scene.run(core.balance.get, {})
    expect(usd(before.available_usd) - usd(after.available_usd)).toBe(usd('0.75'))
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
    expect(answers.filter((answer) => answer.ok)).toHaveLength(7)
    for (const answer of answers) if (!answer.ok) expect(answer.refusal.code).toBe('budget_exhausted')
    await sound()
  })

  it('grants less than wanted, down to the least that is of use', async () => {
    const key = await scene.key({ budget_usd: '1' })
    expect((await drawn(key.secret, '3', '0.2')).amount_nanos).toBe(usd('1'))
    const answer = await drawFor(key.secret, '3', '0.2')
    expect(answer).toMatchObject({ ok: false, refusal: { code: 'budget_exhausted', available_nanos: 0n } })
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

  it('leaves nothing behind when a later account of the chain is short', async () => {
    const poor = await createScene(database, { balance_usd: '0.1' })
    const key = await poor.key({ budget_usd: '5', renewal: 'when_used_up' })
    expect(await refusedWith(key.secret, '7')).toBe('balance_exhausted')
    expect((await poor.run(core.keys.get, { id: key.id })).budget).toMatchObject({
      spent_usd: '0.00',
      limit_usd: '5.00',
    })
    const rows =
      await test.admin`select limit_nanos, leased_nanos, renewals from account_periods where account_id = ${key.id}`
    expect(rows.map((row) => ({ ...row }))).toEqual([{ limit_nanos: '5000000000', leased_nanos: '0', renewals: 0 }])
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
    expect(answer.ok).toBe(true)
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
    expect(answer.ok ? '' : answer.refusal.error.message).toContain('21 November 2099 at 10:00 (Europe/Amsterdam)')
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
    expect(await refusedWith('sk-stp-unknown', '0.01')).toBe('invalid_api_key')
  })
})

describe('renewal', () => {
  it('gives the budget anew each day of the tenant’s zone, also across daylight saving', async () => {
    const key = await scene.key({ budget_usd: '1', renewal: 'daily' })
    // The night of 28 to 29 March 2026: the day has 23 hours and begins at 23:00 UTC, ends at 22:00 UTC.
    await drawn(key.secret, '1', '1', new Date('2026-03-28T22:59:59Z'))
    expect(await refusedWith(key.secret, '0.01', new Date('2026-03-28T22:59:59Z'))).toBe('budget_exhausted')
    await drawn(key.secret, '1', '1', new Date('2026-03-28T23:00:00Z'))
    expect(await refusedWith(key.secret, '0.01', new Date('2026-03-29T21:59:59Z'))).toBe('budget_exhausted')
    await drawn(key.secret, '1', '1', new Date('2026-03-29T22:00:00Z'))
    await sound()
  })

  it('begins weeks on Monday and months on the first', async () => {
    const weekly = await scene.key({ budget_usd: '1', renewal: 'weekly' })
    await drawn(weekly.secret, '1', '1', new Date('2026-11-22T12:00:00Z'))
    expect(await refusedWith(weekly.secret, '1', new Date('2026-11-22T22:59:59Z'))).toBe('budget_exhausted')
    await drawn(weekly.secret, '1', '1', new Date('2026-11-22T23:00:00Z'))
    const monthly = await scene.key({ budget_usd: '1', renewal: 'monthly' })
    await drawn(monthly.secret, '1', '1', new Date('2026-11-30T22:59:59Z'))
    await drawn(monthly.secret, '1', '1', new Date('2026-11-30T23:00:00Z'))
    await sound()
  })

  it('says when a spent budget renews', async () => {
    const key = await scene.key({ budget_usd: '1', renewal: 'daily' })
    await drawn(key.secret, '1', '1', new Date('2026-11-21T12:00:00Z'))
    const answer = await drawFor(key.secret, '1', '1', new Date('2026-11-21T12:00:01Z'))
    expect(answer.ok ? '' : answer.refusal.error.message).toContain(
      'renews on 22 November 2026 at 00:00 (Europe/Amsterdam)',
    )
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
})

describe('settling', () => {
  it('charges a request once, however often it is told', async () => {
    const key = await scene.key({ budget_usd: '5' })
    const lease = await drawn(key.secret, '2')
    const settlement = settlementOf(lease, '0.5')
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => settle(database, [settlement])))
    expect(outcomes.flat().filter((outcome) => outcome === 'settled')).toHaveLength(1)
    expect((await scene.run(core.keys.get, { id: key.id })).budget.spent_usd).toBe('0.50')
    await sound()
  })

  it('charges at most what the lease holds', async () => {
    const key = await scene.key({ budget_usd: '1' })
    const lease = await drawn(key.secret, '1')
    await settle(database, [
      settlementOf(lease, '1', { cost_nanos: usd('1'), excess_nanos: usd('3'), release_nanos: 0n }),
    ])
    expect((await scene.run(core.keys.get, { id: key.id })).budget.remaining_usd).toBe('0.00')
    await sound()
  })

  it('holds the limit even when the lease was given back meanwhile', async () => {
    const key = await scene.key({ budget_usd: '1' })
    const lost = await drawn(key.secret, '0.9')
    await test.admin`select app.give_back_all(${GATEWAY})`
    await sound()
    const again = await drawn(key.secret, '0.4')
    await settle(database, [settlementOf(again, '0.4')])
    expect(await settle(database, [settlementOf(lost, '0.9')])).toEqual(['settled'])
    const { budget } = await scene.run(core.keys.get, { id: key.id })
    expect(budget).toMatchObject({ spent_usd: '1.00', remaining_usd: '0.00' })
    const [event] =
      await test.admin`select cost_nanos, excess_nanos from usage_events where key_id = ${key.id} and excess_nanos > 0`
    expect({ ...event }).toEqual({ cost_nanos: usd('0.6').toString(), excess_nanos: usd('0.3').toString() })
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

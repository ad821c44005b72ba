import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import * as core from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import { auditLedger, type KeyFacts, type Settlement } from '@stipend/core/spend'
import { createScene, type Scene } from '@stipend/core/testing'
import { close, connect, type Database } from '@stipend/db'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { formatUsd } from '@stipend/money'
import { createLog } from '@stipend/runtime'
import fc from 'fast-check'
import { Journal, type Written } from '../src/journal.ts'
import type { Hold, HoldOptions } from '../src/lease.ts'
import type { Purse } from '../src/purse.ts'
import { Purses } from '../src/purses.ts'
import { Cable } from './cable.ts'

/*
 * Several gateways against one database, each with purses, a ledger and a journal of its own and a network that fails, put through
 * random histories. No HTTP and no provider: what a request cost is made up. After each step the ledger must be sound; when all
 * is quiet every request must have been charged exactly what it cost, and what is left must be spendable to the last nanodollar.
 */

const GATEWAYS = 3
const log = createLog({ app: 'gateway', level: 'silent' })
const A_DAY_MS = 24 * 60 * 60 * 1000
const MODEL = { model: 'made-up', provider_id: 'prv_x', provider_name: 'made up', price_id: 'prc_x' }

type Request = {
  gateway: Gateway
  purse: Purse
  facts: KeyFacts
  hold: Hold
  journalled: Settlement
  heldIn: Written | null
}
type Key = { id: string; secret: string; isRevoked: boolean }

/** One gateway's state that dies with its process; what outlives it is the folder and the id. */
class Gateway {
  readonly id: string
  readonly dir = mkdtempSync(path.join(os.tmpdir(), 'stipend-model-'))
  readonly #databaseUrl: string
  readonly requests: Request[] = []
  isRunning = false
  isConnected = true
  cable!: Cable
  database!: Database
  journal!: Journal
  purses!: Purses

  constructor(id: string, databaseUrl: string) {
    this.id = id
    this.#databaseUrl = databaseUrl
  }

  async start(): Promise<void> {
    this.cable = await Cable.to(this.#databaseUrl)
    this.database = connect(this.cable.url, { max: 4, applicationName: this.id })
    this.journal = new Journal(this.dir)
    const ready = Promise.withResolvers<void>()
    const { id: gatewayId, database, journal } = this
    this.purses = new Purses({
      database,
      gatewayId,
      journal,
      log,
      onCatalogue: () => ready.resolve(),
      onRules: () => {},
    })
    await this.purses.ledger.recover()
    await ready.promise
    this.isRunning = true
    this.isConnected = true
  }

  /** As kill -9 does: nothing is told to anybody. What the process had in memory is never looked at again. */
  async crash(): Promise<void> {
    this.isRunning = false
    await this.cable.close()
    await this.#stopTimers()
  }

  async shutDown(): Promise<void> {
    this.isRunning = false
    await this.purses.close(AbortSignal.timeout(10_000))
    this.journal.close()
    await close(this.database, 1)
    await this.cable.close()
  }

  async #stopTimers(): Promise<void> {
    await this.purses.close(AbortSignal.abort()).catch(() => {})
    await close(this.database, 0)
  }
}

class World {
  readonly test: TestDatabase
  readonly scene: Scene
  readonly gateways: Gateway[]
  readonly keys: Key[]
  readonly allocations: string[]
  /** What each request must have been charged when all is over. */
  readonly owed = new Map<string, bigint>()

  private constructor(test: TestDatabase, scene: Scene, gateways: Gateway[], keys: Key[], allocations: string[]) {
    this.test = test
    this.scene = scene
    this.gateways = gateways
    this.keys = keys
    this.allocations = allocations
  }

  static async build(cluster: { adminUrl: string; appPassword: string }): Promise<World> {
    const test = await createTestDatabase(cluster)
    // The database's clock, to be moved: functions of the ledger find this one before the real one.
    await test.admin.unsafe(`
      create schema clock;
      create table clock.shift as select 0::bigint as ms;
      create function clock.clock_timestamp() returns timestamptz language sql volatile as
        'select pg_catalog.clock_timestamp() + (select ms from clock.shift) * interval ''1 ms''';
      grant usage on schema clock to public;
      grant select on clock.shift to public;
      do $$ begin execute format('alter database %I set search_path = clock, pg_catalog, public', current_database()); end $$`)
    const scene = await createScene(test.database, { balance_usd: '0.000006' })
    const member = await scene.member()
    const allocations: string[] = []
    for (const budget_usd of ['0.000004', '0.000002']) {
      allocations.push((await scene.run(core.allocations.create, { name: randomUUID(), budget_usd })).id)
    }
    const wishes = [
      { budget_usd: '0.000003' },
      { budget_usd: '0.000001', renewal: 'daily' as const, allocation_id: allocations[0] },
      { budget_usd: '0.0000004', renewal: 'when_used_up' as const, allocation_id: allocations[0] },
      { budget_usd: null, allocation_id: allocations[1] },
    ]
    const keys: Key[] = []
    for (const { allocation_id = null, ...wish } of wishes) {
      const { id, secret } = await scene.key({ member_id: member.id, allocation_id, ...wish })
      keys.push({ id, secret, isRevoked: false })
    }
    await test.admin`update accounts set renewals_max = 3 where id = ${keys[2]?.id ?? ''}`
    const gateways: Gateway[] = []
    for (let i = 0; i < GATEWAYS; i++) gateways.push(new Gateway(core.newId('gateway'), test.url))
    await Promise.all(gateways.map((gateway) => gateway.start()))
    return new World(test, scene, gateways, keys, allocations)
  }

  at<T>(list: readonly T[], i: number): T {
    const one = list[i % list.length]
    assert(one !== undefined)
    return one
  }

  running(i: number): Gateway {
    return this.at(
      this.gateways.filter((gateway) => gateway.isRunning),
      i,
    )
  }

  requestOf(i: number): Request | undefined {
    const all = this.gateways.filter((gateway) => gateway.isRunning).flatMap((gateway) => gateway.requests)
    return all.length === 0 ? undefined : all[i % all.length]
  }

  /** A request comes in: money is set aside, and the promise goes to the journal. */
  async begin(gateway: Gateway, key: Key, want: bigint, least: bigint, how: HoldOptions): Promise<Hold | null> {
    const purse = gateway.purses.find(key.secret)
    let hold: Awaited<ReturnType<Purse['hold']>>
    try {
      hold = await purse.hold(want, least, how)
    } catch (error) {
      assert(error instanceof DomainError, `a bug, not a refusal: ${String(error)}`)
      const codes = ['key_revoked', 'key_disabled', 'metering_unavailable']
      assert(codes.includes(error.code), error.code)
      if (error.code === 'metering_unavailable') assert(this.hasTrouble(gateway), 'unavailable without a reason')
      if (error.code === 'key_revoked') assert(key.isRevoked)
      return null
    }
    if (!('lease' in hold)) return null
    assert(hold.amount >= least && hold.amount <= want, `held ${hold.amount} of ${least} to ${want}`)
    const { facts } = purse
    assert(facts !== null)
    const journalled = this.settlement(gateway, facts, hold, hold.amount / 4n, 'interrupted')
    const disk = Promise.withResolvers<void>()
    const heldIn = gateway.journal.hold(journalled, null, (error) =>
      error === null ? disk.resolve() : disk.reject(error),
    )
    await disk.promise
    gateway.requests.push({ gateway, purse, facts, hold, journalled, heldIn })
    return hold
  }

  async extend(request: Request, by: bigint, least: bigint): Promise<void> {
    const { gateway, purse, hold } = request
    const before = hold.amount
    const extended = await purse.extendByDrawing(hold, by, least).catch(onlyRefusals)
    if (hold.lease.id !== request.journalled.lease_id) {
      request.journalled = { ...request.journalled, lease_id: hold.lease.id }
      request.heldIn = gateway.journal.hold(request.journalled, request.heldIn, () => {})
      gateway.journal.flush()
    }
    assert(extended ? hold.amount >= before + least : hold.amount === before)
  }

  /** It is over: it cost so many hundredths of what was held for it. */
  finish(request: Request, percent: number): void {
    const { gateway, facts, hold, journalled, heldIn } = request
    gateway.requests.splice(gateway.requests.indexOf(request), 1)
    const cost = (hold.amount * BigInt(percent)) / 100n
    const settlement = this.settlement(gateway, facts, hold, cost, 'succeeded')
    const { id, started_at } = journalled
    this.owed.set(id, cost)
    gateway.purses.ledger.record({ ...settlement, id, started_at }, hold, heldIn)
  }

  settlement(
    gateway: Gateway,
    facts: KeyFacts,
    hold: Hold,
    cost_nanos: bigint,
    status: Settlement['status'],
  ): Settlement {
    return {
      ...MODEL,
      id: core.newId('request'),
      started_at: new Date().toISOString(),
      gateway_id: gateway.id,
      tenant_id: facts.tenant_id,
      key_id: facts.key_id,
      member_id: facts.member_id,
      allocation_id: facts.allocation_id,
      draws_on_balance: hold.lease.chain.usesBalance,
      lease_id: hold.lease.id,
      status,
      http_status: 200,
      error_code: null,
      is_streamed: false,
      is_estimated: false,
      input_tokens: 1,
      cached_input_tokens: 0,
      cache_write_tokens: 0,
      cache_write_1h_tokens: 0,
      output_tokens: 1,
      reasoning_tokens: null,
      hold_nanos: hold.amount,
      cost_nanos,
      excess_nanos: 0n,
      latency_ms: 1,
      first_byte_ms: null,
    }
  }

  hasTrouble(gateway: Gateway): boolean {
    return !gateway.isConnected || this.#recentTrouble.has(gateway)
  }

  readonly #recentTrouble = new Set<Gateway>()
  noteTrouble(gateway: Gateway): void {
    this.#recentTrouble.add(gateway)
  }

  async crash(gateway: Gateway): Promise<void> {
    for (const { journalled } of gateway.requests.splice(0)) this.owed.set(journalled.id, journalled.cost_nanos)
    await gateway.crash()
  }

  async moveTime(ms: number): Promise<void> {
    await this.test.admin`update clock.shift set ms = ms + ${ms}`
    await this.test.admin`update gateways set last_seen_at = last_seen_at + ${ms} * interval '1 ms'`
    // Clocks go on evenly for everyone: each gateway hears of it.
    for (const gateway of this.gateways) {
      if (!gateway.isRunning || !gateway.isConnected) continue
      const purse = gateway.purses.find(this.at(this.keys, 0).secret)
      purse.invalidate()
      await purse.revalidate()
    }
  }

  async setLimit(account_id: string, limit: bigint): Promise<void> {
    await this.test.admin.begin(async (sql) => {
      await sql`update accounts set limit_nanos = ${limit.toString()} where id = ${account_id}`
      await sql`
        update account_periods set limit_nanos = ${limit.toString()},
          overhang_nanos = greatest(0, spent_nanos + leased_nanos - ${limit.toString()}::bigint)
         where account_id = ${account_id}`
    })
  }

  async sound(): Promise<void> {
    const { violations } = await auditLedger(this.test.database)
    assert.deepEqual(violations, [])
  }

  /** All is repaired, all requests end, all gateways go: then every figure is known. */
  async settleAll(): Promise<void> {
    const repair = async (gateway: Gateway) => {
      gateway.cable.loseNothing()
      gateway.cable.plugIn()
      if (!gateway.isRunning) await gateway.start()
    }
    await Promise.all(this.gateways.map(repair))
    for (const gateway of this.gateways) for (const request of [...gateway.requests]) this.finish(request, 50)
    await Promise.all(this.gateways.map((gateway) => gateway.shutDown()))
    await this.sound()
    const events = await this.test.admin<{ id: string; cost_nanos: string; excess_nanos: string }[]>`
      select id, cost_nanos, excess_nanos from usage_events`
    const charged = new Map(events.map((event) => [event.id, BigInt(event.cost_nanos)]))
    assert.equal(charged.size, events.length, 'a request was charged twice')
    assert.deepEqual(charged, this.owed)
    assert.deepEqual(
      events.filter((event) => event.excess_nanos !== '0').map((event) => event.id),
      [],
    )
    const [{ leases, leased } = {}] = await this.test.admin`
      select (select count(*)::int from leases) as leases, (select coalesce(sum(leased_nanos), 0)::int from account_periods) as leased`
    assert.deepEqual({ leases, leased }, { leases: 0, leased: 0 }, 'money that nobody has any more')
  }

  /** What is left of each key, to the last nanodollar, can be spent; and nothing beyond. */
  async spendTheRest(): Promise<void> {
    const gateway = new Gateway(core.newId('gateway'), this.test.url)
    await gateway.start()
    for (const key of this.keys.filter((one) => !one.isRevoked)) {
      await this.test.admin`update keys set disabled_at = null where id = ${key.id}`
      // What the balance doesn't pay for, a provider of the tenant's own may still be asked.
      for (const usesBalance of [true, false]) {
        const left = await this.leftOf(key, usesBalance)
        if (left === null) continue
        const how = { usesBalance, patient: true }
        if (left > 0n) {
          // What lies unused in a lease of the other kind is part of it.
          const other = await this.begin(gateway, key, 1n, 1n, { usesBalance: !usesBalance, patient: true })
          if (other !== null) this.finish(this.at(gateway.requests, 0), 0)
          const hold = await this.begin(gateway, key, left, left, how)
          if (hold?.amount !== left) await this.explain(`${left} left of ${key.id}, and not to be had`)
          assert(hold !== null)
          this.finish(this.at(gateway.requests, 0), 100)
          await gateway.purses.ledger.flushNow()
        }
        assert.equal(await this.begin(gateway, key, 1n, 1n, how), null, 'something beyond the limit')
      }
    }
    await gateway.shutDown()
    await this.sound()
    rmSync(gateway.dir, { recursive: true, force: true })
  }

  /** Null: without a limit. */
  async leftOf(key: Key, usesBalance: boolean): Promise<bigint | null> {
    const rows = await this.test.admin<{ left_nanos: string | null }[]>`
      select case when a.limit_nanos is null then null
                  else greatest(0, coalesce(p.limit_nanos, a.limit_nanos) - coalesce(p.spent_nanos, 0)
                       + case when a.renewal = 'when_used_up' then (a.renewals_max - coalesce(p.renewals, 0)) * a.limit_nanos else 0 end)
             end as left_nanos
        from keys k
        join tenants t on t.id = k.tenant_id
        join accounts a on a.tenant_id = k.tenant_id and a.id in (k.id, k.allocation_id, case when ${usesBalance} then k.tenant_id end)
        left join account_periods p on p.tenant_id = a.tenant_id and p.account_id = a.id
             and p.starts_at = app.period_start(a.renewal, t.time_zone, clock.clock_timestamp())
       where k.id = ${key.id}`
    return rows
      .flatMap(({ left_nanos }) => (left_nanos === null ? [] : [BigInt(left_nanos)]))
      .reduce<bigint | null>((least, one) => (least === null || one < least ? one : least), null)
  }

  async explain(what: string): Promise<never> {
    const rows = await this.test.admin`
      select a.id, a.renewal, a.limit_nanos as budget, a.renewals_max, p.starts_at, p.limit_nanos, p.spent_nanos, p.leased_nanos,
             p.overhang_nanos, p.renewals, k.allocation_id, k.disabled_at
        from accounts a left join account_periods p on p.account_id = a.id left join keys k on k.id = a.id order by a.kind, a.id`
    throw new Error([what, ...rows.map((row) => JSON.stringify(row))].join('\n'))
  }

  async tearDown(): Promise<void> {
    for (const gateway of this.gateways) {
      if (gateway.isRunning) await gateway.crash()
      rmSync(gateway.dir, { recursive: true, force: true })
    }
    await this.test.drop()
  }
}

function onlyRefusals(error: unknown): false {
  const codes = ['metering_unavailable', 'key_disabled', 'key_revoked']
  assert(error instanceof DomainError && codes.includes(error.code), String(error))
  return false
}

// --- what may happen --------------------------------------------------------------------------------------------------

type Step = { say: string; run: (world: World) => Promise<void> }

const index = fc.nat({ max: 11 })
const amount = fc
  .oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 80 }) }, fc.integer({ min: 1, max: 700 }))
  .map(BigInt)
const limit = fc.integer({ min: 1, max: 4_000 }).map(BigInt)
const percent = fc.oneof(fc.constant(100), fc.constant(0), fc.integer({ min: 0, max: 100 }))

const step = <T extends unknown[]>(
  name: string,
  arbitraries: { [I in keyof T]: fc.Arbitrary<T[I]> },
  run: (world: World, ...values: T) => Promise<void>,
): fc.Arbitrary<Step> =>
  fc.tuple(...arbitraries).map((values) => ({
    say: `${name}(${values.join(', ')})`,
    [fc.toStringMethod]: () => `${name}(${values.join(', ')})`,
    run: (world) => run(world, ...(values as T)),
  }))

/** Whether the provider is the platform's. */
const usesBalance = fc.constantFrom(true, true, false)
const beginOne = step<[number, number, bigint, bigint, boolean, boolean]>(
  'begin',
  [index, index, amount, amount, usesBalance, fc.boolean()],
  async (world, g, k, a, b, usesBalance, patient) => {
    const [want, least] = a > b ? [a, b] : [b, a]
    await world.begin(world.running(g), world.at(world.keys, k), want, least, { usesBalance, patient })
  },
)
const beginMany = step<[number, bigint, number, boolean]>(
  'begin at once',
  [index, amount, fc.integer({ min: 2, max: 9 }), fc.boolean()],
  async (world, k, want, count, isMixed) => {
    const key = world.at(world.keys, k)
    const begin = (i: number) => {
      const how = { usesBalance: !isMixed || i % 3 !== 0, patient: i % 2 === 0 }
      return world.begin(world.running(i), key, want, want / 2n + 1n, how)
    }
    await Promise.all(Array.from({ length: count }, (_, i) => begin(i)))
  },
)
const extendOne = step<[number, bigint]>('extend', [index, amount], async (world, r, by) => {
  const request = world.requestOf(r)
  if (request !== undefined) await world.extend(request, by, by / 3n + 1n)
})
const finishOne = step<[number, number]>('finish', [index, percent], async (world, r, share) => {
  const request = world.requestOf(r)
  if (request !== undefined) world.finish(request, share)
})
const hangUpDuringExtension = step<[number, bigint]>(
  'hang up while extending',
  [index, amount],
  async (world, r, by) => {
    const request = world.requestOf(r)
    if (request === undefined) return
    const extending = request.purse.extendByDrawing(request.hold, by, by).catch(onlyRefusals)
    world.finish(request, 30)
    const settled = request.hold.amount
    await extending
    assert.equal(request.hold.amount, settled, 'a hold that is over grew')
  },
)
const flush = step<[number]>('flush', [index], (world, g) => world.running(g).purses.ledger.flushNow())
const retire = step<[number, number]>('go idle', [index, index], async (world, g, k) => {
  world.running(g).purses.find(world.at(world.keys, k).secret).retire()
})
const renew = step<[number]>('time passes', [fc.constantFrom(1_000, A_DAY_MS / 2, A_DAY_MS)], (world, ms) =>
  world.moveTime(ms),
)
const topUp = step<[bigint]>('top up', [amount], async (world, nanos) => {
  await world.scene.run(core.balance.credit, { amount_usd: formatUsd(nanos), cause: 'model' })
})
const setKeyLimit = step<[number, bigint]>(
  'set the budget of key',
  [fc.constantFrom(0, 2), limit],
  async (world, k, nanos) => {
    const { id, isRevoked } = world.at(world.keys, k)
    if (!isRevoked) await world.scene.run(core.keys.update, { id, budget_usd: formatUsd(nanos) })
  },
)
const setAllocationLimit = step<[number, bigint]>('set the limit of allocation', [index, limit], (world, a, nanos) =>
  world.setLimit(world.at(world.allocations, a), nanos),
)
const moveKey = step<[number, number]>('move key', [fc.nat({ max: 3 }), fc.nat({ max: 2 })], async (world, k, a) => {
  const { id } = world.at(world.keys, k)
  await world.test.admin`update keys set allocation_id = ${world.allocations[a] ?? null} where id = ${id}`
})
const disable = step<[number, boolean]>(
  'switch key',
  [fc.nat({ max: 3 }), fc.constantFrom(true, true, false)],
  async (world, k, on) => {
    const { id, isRevoked } = world.at(world.keys, k)
    if (!isRevoked) await world.scene.run(on ? core.keys.enable : core.keys.disable, { id })
  },
)
const revoke = step<[number]>('revoke key', [fc.nat({ max: 3 })], async (world, k) => {
  const key = world.at(world.keys, k)
  if (!key.isRevoked) await world.scene.run(core.keys.revoke, { id: key.id })
  key.isRevoked = true
})
const crash = step<[number, boolean]>('crash', [index, fc.boolean()], async (world, g, comesBack) => {
  if (world.gateways.filter((one) => one.isRunning).length === 1) return
  const gateway = world.running(g)
  await world.crash(gateway)
  if (comesBack) await gateway.start()
})
const comeBack = step<[number]>('come back', [index], async (world, g) => {
  const gateway = world.at(world.gateways, g)
  if (!gateway.isRunning) await gateway.start()
})
const loseAnswer = step<[number, 'draw' | 'settle', number, bigint]>(
  'lose the answer',
  [index, fc.constantFrom('draw' as const, 'settle' as const), index, amount],
  async (world, g, what, k, want) => {
    const gateway = world.running(g)
    if (!gateway.isConnected) return
    world.noteTrouble(gateway)
    if (what === 'draw') {
      gateway.cable.loseAnswerTo('lea_')
      await world.begin(gateway, world.at(world.keys, k), want, want, { usesBalance: true, patient: false })
    } else {
      gateway.cable.loseAnswerTo('keep_nanos')
      for (const request of gateway.requests.slice(0, 2)) world.finish(request, 70)
      gateway.purses.find(world.at(world.keys, k).secret).retire()
      await gateway.purses.ledger.flushNow()
    }
    gateway.cable.loseNothing()
  },
)
const outage = step<[number]>('pull the cable', [index], async (world, g) => {
  const gateway = world.running(g)
  world.noteTrouble(gateway)
  gateway.isConnected = false
  gateway.cable.pullOut()
})
const repair = step<[number]>('plug it in', [index], async (world, g) => {
  const gateway = world.at(world.gateways, g)
  if (!gateway.isRunning) return
  gateway.isConnected = true
  gateway.cable.plugIn()
})

const anyStep = fc.oneof(
  { weight: 10, arbitrary: beginOne },
  { weight: 5, arbitrary: beginMany },
  { weight: 6, arbitrary: extendOne },
  { weight: 10, arbitrary: finishOne },
  { weight: 2, arbitrary: hangUpDuringExtension },
  { weight: 5, arbitrary: flush },
  { weight: 4, arbitrary: retire },
  { weight: 3, arbitrary: renew },
  { weight: 2, arbitrary: topUp },
  { weight: 3, arbitrary: setKeyLimit },
  { weight: 2, arbitrary: setAllocationLimit },
  { weight: 1, arbitrary: moveKey },
  { weight: 2, arbitrary: disable },
  { weight: 1, arbitrary: revoke },
  { weight: 3, arbitrary: crash },
  { weight: 2, arbitrary: comeBack },
  { weight: 3, arbitrary: loseAnswer },
  { weight: 1, arbitrary: outage },
  { weight: 3, arbitrary: repair },
)

/** Throws with the shortest history found that breaks something. */
export async function proveLeases(
  cluster: { adminUrl: string; appPassword: string },
  options: { seed: number; runs: number; stepsMax: number; path?: string; tell?: (line: string) => void },
): Promise<void> {
  const { seed, runs, stepsMax, path: replay, tell = () => {} } = options
  let run = 0
  const property = fc.asyncProperty(
    fc.array(anyStep, { minLength: stepsMax / 2, maxLength: stepsMax }),
    async (steps) => {
      const startedAt = performance.now()
      const world = await World.build(cluster)
      const done: string[] = []
      try {
        for (const { say, run: perform } of steps) {
          done.push(say)
          await perform(world)
          await world.sound()
        }
        done.push('all ends')
        await world.settleAll()
        done.push('the rest is spent')
        await world.spendTheRest()
        tell(
          `history ${++run}: ${steps.length} steps, ${world.owed.size} requests, ${Math.round(performance.now() - startedAt)} ms`,
        )
      } catch (error) {
        tell(String(error))
        throw new Error(`broken after:\n  ${done.join('\n  ')}`, { cause: error })
      } finally {
        await world.tearDown()
      }
    },
  )
  await fc.assert(property, {
    seed,
    numRuns: runs,
    endOnFailure: true,
    ...(replay === undefined ? {} : { path: replay }),
  })
}

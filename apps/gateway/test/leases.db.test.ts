import { setTimeout as sleep } from 'node:timers/promises'
import * as core from '@stipend/core'
import { auditLedger } from '@stipend/core/spend'
import { tellGateways } from '@stipend/db'
import { costOf, formatUsd, modelPrice, usd } from '@stipend/money'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { Cable } from './cable.ts'
import { buildHouse, type House } from './harness.ts'
import { type Answer, call } from './http.ts'

const PRICE = modelPrice({ input: '2.50', output: '15' })
const A_DAY_MS = 24 * 60 * 60 * 1000

let house: House
/** Three gateways on one database; the last one's connections go through the cable. */
let urls: [string, string, string]
let cable: Cable
beforeAll(async () => {
  house = await buildHouse(inject('testCluster'), { price: PRICE, output_tokens_max: 32_768 })
  await installClock()
  cable = await Cable.to(house.test.url)
  urls = [await house.start(), await house.start(), await house.start({ databaseUrl: cable.url })]
})
afterAll(async () => {
  cable.plugIn()
  await house.close()
  await cable.close()
})
afterEach(async () => {
  expect((await auditLedger(house.test.database)).violations).toEqual([])
})

/** The database's clock, to be moved, for programs that connect from now on. */
async function installClock(): Promise<void> {
  await house.test.admin.unsafe(`
    create schema clock;
    create table clock.shift as select 0::bigint as ms;
    create function clock.clock_timestamp() returns timestamptz language sql volatile as
      'select pg_catalog.clock_timestamp() + (select ms from clock.shift) * interval ''1 ms''';
    grant usage on schema clock to public;
    grant select on clock.shift to public;
    do $$ begin execute format('alter database %I set search_path = clock, pg_catalog, public', current_database()); end $$`)
}

type Asked = { tokens?: number; max?: number; stream?: boolean; more?: string; leaveWhen?: (text: string) => boolean }

function ask(
  url: string,
  key: string,
  { tokens = 10, max = tokens, stream = false, more = '', leaveWhen }: Asked = {},
) {
  const content = `Question 1 [[sandbox:tokens=${tokens} ${more}]]`
  const body = { model: 'sandbox-small', stream, max_tokens: max, messages: [{ role: 'user', content }] }
  return call(url, { key, body, ...(leaveWhen === undefined ? {} : { leaveWhen }) })
}

const codeOf = (answer: Answer): string =>
  answer.status === 200 ? 'ok' : ((JSON.parse(answer.text) as { error: { code: string } }).error.code ?? '')

/** How a stream ended, or what its last event was. */
function endOf({ text }: Answer) {
  const finish = /"finish_reason":"(\w+)"/.exec(text)?.[1] ?? text.slice(-300)
  return { finish, isDone: text.trimEnd().endsWith('data: [DONE]') }
}

/** What a whole answer cost, by what the provider says in it. */
function costIn(answer: Answer): bigint {
  const { usage } = JSON.parse(answer.text) as { usage: { prompt_tokens: number; completion_tokens: number } }
  const cached = { cached_input_tokens: 0, cache_write_tokens: 0, cache_write_1h_tokens: 0, reasoning_tokens: null }
  return costOf({ input_tokens: usage.prompt_tokens, output_tokens: usage.completion_tokens, ...cached }, PRICE)
}

type Money = { limit: bigint | null; spent: bigint; leased: bigint }
async function moneyOf(account_id: string): Promise<Money> {
  const [row] = await house.test.admin`
    select limit_nanos, spent_nanos, leased_nanos from account_periods
     where account_id = ${account_id} order by starts_at desc limit 1`
  return {
    limit: row?.limit_nanos === null ? null : BigInt(row?.limit_nanos ?? 0),
    spent: BigInt(row?.spent_nanos ?? 0),
    leased: BigInt(row?.leased_nanos ?? 0),
  }
}

/** All that gateways hold of an account comes home. */
async function comesHome(account_id: string): Promise<Money> {
  return vi.waitFor(
    async () => {
      // Again and again: what was being drawn when it was first said came after it.
      await tellGateways(house.test.database, `recall ${account_id} nobody`)
      const money = await moneyOf(account_id)
      expect(money.leased).toBe(0n)
      return money
    },
    { timeout: 8_000, interval: 20 },
  )
}

const eventsOf = async (key_id: string) => (await house.scene.run(core.usage.list, { key_id, limit: 200 })).data

/** A key, what one answer of ten tokens costs on it, and what is left of its money. */
async function costOfOne(): Promise<bigint> {
  const key = await house.scene.key({ budget_usd: '1' })
  return costIn(await ask(urls[0], key.secret))
}

describe('the database', () => {
  it('hears at most twenty times of a thousand requests on warm keys', { timeout: 60_000 }, async () => {
    const keys = [await house.scene.key({ budget_usd: '20' }), await house.scene.key({ budget_usd: '20' })]
    const thousand = async (count: number) => {
      let next = 0
      const worker = async () => {
        while (next < count) {
          const key = keys[next++ % keys.length]
          expect((await ask(urls[2], key?.secret ?? '')).status).toBe(200)
        }
      }
      await Promise.all(Array.from({ length: 16 }, worker))
    }
    await thousand(300)
    const [before] = await house.test.admin`select count(*)::int as events from usage_events`
    const statements = cable.statements
    await thousand(1_000)
    await vi.waitFor(
      async () => {
        const [now] = await house.test.admin`select count(*)::int as events from usage_events`
        expect(now?.events - before?.events).toBeGreaterThanOrEqual(1_000)
      },
      { timeout: 5_000, interval: 50 },
    )
    expect(cable.statements - statements).toBeLessThanOrEqual(20)
  })
})

describe('three gateways and one key', () => {
  it('serve together all it pays for and nothing beyond', { timeout: 60_000 }, async () => {
    const price = await costOfOne()
    const key = await house.scene.key({ budget_usd: formatUsd(price * 50n + price / 2n) })
    let answered = 0
    const worker = async (url: string) => {
      for (let i = 0; i < 12; i++) {
        const answer = await ask(url, key.secret)
        expect(['ok', 'budget_exhausted']).toContain(codeOf(answer))
        if (answer.status === 200) answered++
      }
    }
    await Promise.all(urls.flatMap((url) => [worker(url), worker(url), worker(url)]))
    for (const url of urls) {
      while ((await ask(url, key.secret)).status === 200) answered++
    }
    expect(answered).toBe(50)
    const { spent, limit } = await comesHome(key.id)
    expect(spent).toBe(price * 50n)
    expect((limit ?? 0n) - spent).toBeLessThan(price)
    expect(await eventsOf(key.id)).toHaveLength(50)
  })

  it('pass money to the one that needs it', async () => {
    const key = await house.scene.key({ budget_usd: '0.01' })
    expect((await ask(urls[0], key.secret)).status).toBe(200)
    expect((await moneyOf(key.id)).leased).toBeGreaterThan(usd('0.0005'))
    const answer = await ask(urls[1], key.secret, { max: 4_000 })
    expect(answer.status).toBe(200)
    // The first answer's cost is gone, and this prompt's: everything else was to be had.
    const left = usd('0.01') - costIn(answer) - costIn(answer)
    const affordable = Number(left / 15_000n)
    const told = Number(answer.headers['x-stipend-output-tokens-max'])
    expect(told).toBeGreaterThan(affordable - 5)
    expect(told).toBeLessThanOrEqual(affordable + 20)
    await comesHome(key.id)
  })

  it('give back what nobody uses', { timeout: 30_000 }, async () => {
    const key = await house.scene.key({ budget_usd: '1' })
    expect((await ask(urls[0], key.secret)).status).toBe(200)
    await vi.waitFor(async () => expect((await moneyOf(key.id)).spent).toBeGreaterThan(0n), { timeout: 3_000 })
    expect((await moneyOf(key.id)).leased).toBeGreaterThan(0n)
    await vi.waitFor(async () => expect((await moneyOf(key.id)).leased).toBe(0n), { timeout: 15_000, interval: 200 })
  })

  it('begin a new day once, at its very moment', { timeout: 30_000 }, async () => {
    const price = await costOfOne()
    const key = await house.scene.key({ budget_usd: formatUsd(price * 9n), renewal: 'daily' })
    const spendAll = async () => {
      const answers = await Promise.all(urls.flatMap((url) => Array.from({ length: 6 }, () => ask(url, key.secret))))
      let answered = answers.filter(({ status }) => status === 200).length
      for (const url of urls) while ((await ask(url, key.secret)).status === 200) answered++
      return answered
    }
    const shift = async (ms: number) => {
      await house.test.admin`update clock.shift set ms = ${Math.round(ms)}`
      // For so long a shortage is believed.
      await sleep(250)
    }
    const [clock] = await house.test.admin`
      select extract(epoch from app.period_end('daily', 'Europe/Amsterdam', now()) - now()) * 1000 as until_midnight`
    const untilMidnight = Number(clock?.until_midnight)
    expect(await spendAll()).toBe(9)
    await shift(untilMidnight - 60_000)
    expect(await spendAll()).toBe(0)
    await shift(untilMidnight + 1_000)
    expect(await spendAll()).toBe(9)
    expect((await comesHome(key.id)).spent).toBe(price * 9n)
    await shift(untilMidnight + 1_000 + A_DAY_MS)
    expect(await spendAll()).toBe(9)
    expect(await house.test.admin`select from account_periods where account_id = ${key.id}`).toHaveLength(3)
    await shift(0)
  })
})

describe('changes', () => {
  it('revoking cuts running streams everywhere, with an error at their end', async () => {
    const key = await house.scene.key({ budget_usd: '1' })
    const streams = urls.map((url) => ask(url, key.secret, { tokens: 2_000, stream: true, more: 'chunk_delay=20' }))
    await vi.waitFor(() => expect(house.sandbox.stats().open).toBe(3))
    await sleep(200)
    await house.scene.run(core.keys.revoke, { id: key.id })
    const answers = await Promise.race([Promise.all(streams), sleep(3_000)])
    if (answers === undefined) throw new Error('streams go on after the key was revoked')
    for (const answer of answers) {
      expect(answer.end).toBe('clean')
      const last = answer.text.trimEnd().split('\n\n').at(-1) ?? ''
      expect(last).toContain('"code":"key_revoked"')
    }
    for (const url of urls) expect(codeOf(await ask(url, key.secret))).toBe('key_revoked')
    await vi.waitFor(() => expect(house.sandbox.stats().open).toBe(0))
    const { spent } = await comesHome(key.id)
    expect(spent).toBeGreaterThan(0n)
    expect(spent).toBeLessThan(usd('0.01'))
  })

  it('disabling, the end of the window and lower limits take effect on warm keys, and so do their opposites', async () => {
    const key = await house.scene.key({ budget_usd: '1' })
    const everyone = async (code: string) => {
      for (const url of urls) {
        await vi.waitFor(async () => expect(codeOf(await ask(url, key.secret))).toBe(code), {
          timeout: 1_500,
          interval: 20,
        })
      }
    }
    await everyone('ok')
    await house.scene.run(core.keys.disable, { id: key.id })
    await everyone('key_disabled')
    await house.scene.run(core.keys.enable, { id: key.id })
    await everyone('ok')
    await house.scene.run(core.keys.update, { id: key.id, valid_until: new Date(Date.now() + 700).toISOString() })
    await everyone('ok')
    await sleep(700)
    await everyone('key_expired')
    await house.scene.run(core.keys.update, { id: key.id, valid_until: null })
    await everyone('ok')
    await house.scene.run(core.keys.update, { id: key.id, budget_usd: '0.000001' })
    await everyone('budget_exhausted')
    await house.scene.run(core.keys.update, { id: key.id, budget_usd: '1' })
    await everyone('ok')
    await comesHome(key.id)
  })

  it('a top-up is used at once, and running streams go on through it', { timeout: 40_000 }, async () => {
    const key = await house.scene.key({ budget_usd: '1' })
    const stream = ask(urls[0], key.secret, { tokens: 5_000, stream: true, more: 'burst=4 first_byte=50' })
    for (let i = 0; i < 6; i++) {
      await house.scene.run(core.balance.credit, { amount_usd: '0.5', cause: 'top-up' })
      await tellGateways(house.test.database, `recall ${key.id} nobody`)
      await sleep(40)
    }
    const answer = await stream
    expect(endOf(answer)).toEqual({ finish: 'stop', isDone: true })
    await comesHome(key.id)
    const [event] = await eventsOf(key.id)
    expect(event).toMatchObject({ status: 'succeeded', error_code: null, output_tokens: 5_000 })
  })

  it('what was changed while a gateway could not hear it is honoured at the next request', async () => {
    const key = await house.scene.key({ budget_usd: '1' })
    for (const url of urls) expect((await ask(url, key.secret)).status).toBe(200)
    await house.test.admin.begin(async (sql) => {
      // Gone before the key is revoked, not only told to go.
      const lost = await sql`
        select pg_terminate_backend(pid, 5000) from pg_stat_activity
         where datname = current_database() and application_name like 'stipend gateway%' and query in ('listen stipend', 'select 1')`
      expect(lost.length).toBeGreaterThanOrEqual(3)
      await sql`update keys set revoked_at = now() where id = ${key.id}`
    })
    for (const url of urls) expect(codeOf(await ask(url, key.secret))).toBe('key_revoked')
    await comesHome(key.id)
  })
})

describe('while the database is away', () => {
  it('keys with a lease go on, others are told to come back, and all that was measured arrives once', {
    timeout: 40_000,
  }, async () => {
    const [warm, cold] = [await house.scene.key({ budget_usd: '5' }), await house.scene.key({ budget_usd: '5' })]
    let answered = 0
    for (let i = 0; i < 120; i++) answered += Number((await ask(urls[2], warm.secret)).status === 200)
    expect(answered).toBe(120)
    cable.pullOut()
    const until = performance.now() + 4_000
    while (performance.now() < until) {
      const answer = await ask(urls[2], warm.secret)
      // Until the lease is used up.
      if (codeOf(answer) === 'metering_unavailable') break
      expect(codeOf(answer)).toBe('ok')
      answered++
      await sleep(100)
    }
    expect(answered).toBeGreaterThan(122)
    const refused = await ask(urls[2], cold.secret)
    expect(refused.status).toBe(503)
    expect(codeOf(refused)).toBe('metering_unavailable')
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    cable.plugIn()
    await vi.waitFor(async () => expect((await ask(urls[2], cold.secret)).status).toBe(200), { timeout: 5_000 })
    await vi.waitFor(async () => expect(await eventsOf(warm.id)).toHaveLength(answered), { timeout: 10_000 })
    await vi.waitFor(async () => void (await comesHome(warm.id)), { timeout: 10_000 })
    expect(new Set((await eventsOf(warm.id)).map(({ id }) => id)).size).toBe(answered)
  })
})

describe('money that is drawn ahead', () => {
  it.each([3, 8, 20, 45])(
    'lasts for a while, should the database go away after %i requests',
    {
      timeout: 30_000,
    },
    async (before) => {
      const key = await house.scene.key({ budget_usd: '5' })
      for (let i = 0; i < before; i++) expect((await ask(urls[2], key.secret)).status).toBe(200)
      // What is being drawn arrives.
      await sleep(50)
      cable.pullOut()
      try {
        for (let i = 0; i < before / 2; i++) expect(codeOf(await ask(urls[2], key.secret))).toBe('ok')
      } finally {
        cable.plugIn()
      }
      await vi.waitFor(async () => void (await comesHome(key.id)), { timeout: 10_000 })
    },
  )

  it('ties up no more of a small budget than an eighth of what is left each time', async () => {
    const price = await costOfOne()
    const key = await house.scene.key({ budget_usd: formatUsd(price * 40n) })
    for (let i = 0; i < 5; i++) expect((await ask(urls[0], key.secret)).status).toBe(200)
    await sleep(50)
    const { leased, spent, limit } = await moneyOf(key.id)
    expect(leased).toBeLessThan(((limit ?? 0n) - spent) / 2n)
    await comesHome(key.id)
  })
})

describe('streams', () => {
  it('are held in stretches: a small key pays for a large limit', async () => {
    const key = await house.scene.key({ budget_usd: '0.05' })
    const answer = await ask(urls[0], key.secret, { tokens: 300, max: 32_000, stream: true })
    expect(answer.status).toBe(200)
    expect(answer.headers['x-stipend-output-tokens-max']).toBeUndefined()
    expect(endOf(answer)).toEqual({ finish: 'stop', isDone: true })
    await comesHome(key.id)
  })

  it('end properly where the money ends', { timeout: 40_000 }, async () => {
    house.sandbox.reset()
    const key = await house.scene.key({ budget_usd: '0.05' })
    const answer = await ask(urls[0], key.secret, { tokens: 20_000, max: 32_000, stream: true, more: 'burst=8' })
    expect(answer.end).toBe('clean')
    expect(endOf(answer)).toEqual({ finish: 'length', isDone: true })
    await vi.waitFor(() => expect(house.sandbox.stats()).toMatchObject({ open: 0, aborted_by_peer: 1 }))
    const { spent } = await comesHome(key.id)
    expect(spent).toBeLessThanOrEqual(usd('0.05'))
    expect(spent).toBeGreaterThan(usd('0.045'))
    const [event] = await eventsOf(key.id)
    expect(event?.error_code).toBe('budget_exhausted')
  })

  it('lower what the provider may produce where the money pays for less, and say so', async () => {
    const key = await house.scene.key({ budget_usd: '0.003' })
    const answer = await ask(urls[0], key.secret, { tokens: 10, max: 4_000 })
    const told = Number(answer.headers['x-stipend-output-tokens-max'])
    expect(told).toBeGreaterThan(150)
    expect(told).toBeLessThan(200)
    expect(JSON.parse(house.sandbox.lastRequest()?.body ?? '{}')).toMatchObject({ max_tokens: told })
    const tiny = await house.scene.key({ budget_usd: '0.0001' })
    house.sandbox.reset()
    expect(codeOf(await ask(urls[0], tiny.secret, { tokens: 10, max: 4_000 }))).toBe('budget_exhausted')
    expect(house.sandbox.stats().requests).toBe(0)
    await comesHome(key.id)
  })
})

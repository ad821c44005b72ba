import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { usd } from '@stipend/money'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Actor } from '../actor.ts'
import * as core from '../index.ts'
import { auditLedger, type Settlement, settle } from '../spend/index.ts'
import { createScene, refusalOf, type Scene } from '../testing.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
})
afterAll(() => test.drop())

type Place = Scene & { key_id: string; member_id: string }
async function placeIn(time_zone: string): Promise<Place> {
  const scene = await createScene(test.database, { time_zone })
  const key = await scene.key({ budget_usd: null })
  return { ...scene, key_id: key.id, member_id: key.member_id }
}

/** A request that began at this moment. Its lease is gone, so that no draw is needed before. */
function requestAt(place: Place, at: string | Date, changes: Partial<Settlement> = {}): Settlement {
  return {
    id: core.newId('request'),
    started_at: new Date(at).toISOString(),
    gateway_id: 'gtw_test',
    tenant_id: place.tenant_id,
    key_id: place.key_id,
    member_id: place.member_id,
    allocation_id: null,
    draws_on_balance: true,
    lease_id: 'lea_gone',
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
    hold_nanos: usd('0.01'),
    cost_nanos: usd('0.01'),
    excess_nanos: 0n,
    latency_ms: 1,
    first_byte_ms: null,
    ...changes,
  }
}

const summaryOf = (place: Scene, days: number, now: string | Date, actor: Actor = place.operator) =>
  place.run(core.usage.summary, { days }, actor, { now: new Date(now) })

/** The day of a moment on the wall calendar of a zone. */
const dayIn = (time_zone: string, at: Date) =>
  new Intl.DateTimeFormat('en-CA', { timeZone: time_zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(
    at,
  )

describe('days', () => {
  it('are those of the tenant’s zone, also when one of them has 23 or 25 hours', async () => {
    const place = await placeIn('Europe/Amsterdam')
    await settle(
      test.database,
      [
        // The clock goes forward on the 29th of March: the day is from 23:00 to 22:00 UTC.
        '2026-03-28T22:59:59.999Z',
        '2026-03-28T23:00:00.000Z',
        '2026-03-29T21:59:59.999Z',
        '2026-03-29T22:00:00.000Z',
        // And back on the 25th of October: from 22:00 to 23:00 UTC.
        '2026-10-24T21:59:59.999Z',
        '2026-10-24T22:00:00.000Z',
        '2026-10-25T00:30:00.000Z',
        '2026-10-25T01:30:00.000Z',
        '2026-10-25T22:59:59.999Z',
        '2026-10-25T23:00:00.000Z',
      ].map((at) => requestAt(place, at)),
    )
    const spring = await summaryOf(place, 4, '2026-03-30T12:00:00Z')
    expect(spring.by_day.map((one) => [one.day, one.requests])).toEqual([
      ['2026-03-27', 0],
      ['2026-03-28', 1],
      ['2026-03-29', 2],
      ['2026-03-30', 1],
    ])
    const autumn = await summaryOf(place, 3, '2026-10-26T12:00:00Z')
    expect(autumn.by_day.map((one) => [one.day, one.requests])).toEqual([
      ['2026-10-24', 1],
      ['2026-10-25', 4],
      ['2026-10-26', 1],
    ])
    expect(autumn).toMatchObject({
      requests: 6,
      input_tokens: 60,
      output_tokens: 30,
      cost_usd: '0.06',
      active_members: 1,
    })
  })

  it('begin and end at midnight of the wall clock, at the very moment', async () => {
    const place = await placeIn('Europe/Amsterdam')
    const today = async (now: string) => (await summaryOf(place, 1, now)).by_day.map((one) => one.day)
    expect(await today('2026-11-20T22:59:59.999Z')).toEqual(['2026-11-20'])
    expect(await today('2026-11-20T23:00:00.000Z')).toEqual(['2026-11-21'])
  })

  it('begin half past an hour of UTC in India', async () => {
    const place = await placeIn('Asia/Kolkata')
    await settle(test.database, [
      requestAt(place, '2026-11-20T18:29:59.999Z'),
      requestAt(place, '2026-11-20T18:30:00.000Z'),
      requestAt(place, '2026-11-20T18:59:59.999Z'),
    ])
    const { by_day } = await summaryOf(place, 2, '2026-11-20T20:00:00Z')
    expect(by_day.map((one) => [one.day, one.requests])).toEqual([
      ['2026-11-20', 1],
      ['2026-11-21', 2],
    ])
    expect(await summaryOf(place, 1, '2026-11-20T20:00:00Z')).toMatchObject({ requests: 2 })
  })

  const ZONES = [
    'UTC',
    'Europe/Amsterdam',
    'America/New_York',
    'America/St_Johns',
    'Asia/Kolkata',
    'Asia/Kathmandu',
    'Australia/Lord_Howe',
    'Africa/Cairo',
    'Pacific/Chatham',
    'Pacific/Kiritimati',
    'Pacific/Pago_Pago',
  ]
  it.each(ZONES)('agree in %s with the calendar and with the list', async (zone) => {
    const place = await placeIn(zone)
    // Around the changes of the clock in both halves of the world, and at the quarters of hours where zones begin.
    const from = fc.constantFrom(
      ...['2026-03-27', '2026-04-03', '2026-10-23', '2026-10-30', '2026-11-20'].map((day) => Date.parse(day)),
    )
    const at = fc
      .tuple(from, fc.integer({ min: 0, max: 3 * 96 }))
      .map(([start, quarters]) => new Date(start + quarters * 900_000))
    const requests = fc.record({
      at,
      cost: fc.bigInt(0n, 10_000_000n),
      tokens: fc.nat(1000),
      model: fc.constantFrom('small', 'large'),
    })
    const seed = Date.now()
    const made = fc.sample(requests, { numRuns: 60, seed })
    await settle(
      test.database,
      made.map(({ at, cost, tokens, model }) =>
        requestAt(place, at, { cost_nanos: cost, hold_nanos: cost, input_tokens: tokens, model }),
      ),
    )

    for (const now of fc.sample(at, { numRuns: 3, seed })) {
      for (const days of [1, 3, 30]) {
        const summary = await summaryOf(place, days, now)
        const shown = summary.by_day.map((one) => one.day)
        expect(shown).toHaveLength(days)
        expect(shown.at(-1)).toBe(dayIn(zone, now))
        const inRange = made.filter((one) => dayIn(zone, one.at) >= (shown[0] ?? ''))
        for (const one of summary.by_day) {
          const ofDay = inRange.filter((request) => dayIn(zone, request.at) === one.day)
          expect(
            [one.day, one.requests, one.input_tokens, usd(one.cost_usd)],
            `seed ${seed}, now ${now.toISOString()}`,
          ).toEqual([
            one.day,
            ofDay.length,
            ofDay.reduce((sum, request) => sum + request.tokens, 0),
            ofDay.reduce((sum, request) => sum + request.cost, 0n),
          ])
        }
        // All of the range, what is still to come by this clock included: a model's sums and the whole agree with the list.
        expect(summary.requests).toBe(inRange.length)
        expect(summary.by_model.reduce((sum, one) => sum + usd(one.cost_usd), 0n)).toBe(usd(summary.cost_usd))
        for (const one of summary.by_model) {
          const listed = inRange.filter((request) => request.model === one.model)
          expect(usd(one.cost_usd)).toBe(listed.reduce((sum, request) => sum + request.cost, 0n))
        }
        const costs = summary.by_model.map((one) => usd(one.cost_usd))
        expect(costs).toEqual([...costs].sort((a, b) => (a > b ? -1 : 1)))
      }
    }
  })

  it('leave a sound ledger', async () => {
    expect((await auditLedger(test.database)).violations).toEqual([])
  })

  it('are at least one and at most a year', async () => {
    const place = await placeIn('UTC')
    for (const days of [0, -1, 367, 1.5, 'many' as unknown as number]) {
      expect((await refusalOf(place.run(core.usage.summary, { days }))).details.param).toBe('days')
    }
    expect((await place.run(core.usage.summary, { days: 366 })).by_day).toHaveLength(366)
    const empty = await place.run(core.usage.summary, {})
    expect(empty.by_day).toHaveLength(30)
    expect(empty).toMatchObject({ requests: 0, cost_usd: '0.00', active_members: 0, by_model: [] })
  })
})

describe('the list of requests', () => {
  it('adds up to the summary, page by page, newest first', async () => {
    const place = await placeIn('Europe/Amsterdam')
    const costs = Array.from({ length: 23 }, (_, n) => BigInt(n * n * 1_000 + 1))
    await settle(
      test.database,
      costs.map((cost, n) =>
        requestAt(place, new Date(Date.parse('2026-11-20T10:00:00Z') + Math.floor(n / 3)), {
          cost_nanos: cost,
          hold_nanos: cost,
        }),
      ),
    )
    const seen: { id: string; started_at: string; cost_usd: string }[] = []
    let cursor: string | undefined
    do {
      const page = await place.run(core.usage.list, { limit: 5, cursor })
      seen.push(...page.data)
      cursor = page.next_cursor ?? undefined
    } while (cursor !== undefined)
    expect(new Set(seen.map((one) => one.id)).size).toBe(23)
    const order = seen.map((one) => `${one.started_at} ${one.id}`)
    expect(order).toEqual([...order].sort().reverse())
    const summary = await summaryOf(place, 2, '2026-11-21T12:00:00Z')
    expect(seen.reduce((sum, one) => sum + usd(one.cost_usd), 0n)).toBe(usd(summary.cost_usd))
    expect(summary.requests).toBe(23)
  })

  it('finds a key’s requests among those of its person, with whom it stays', async () => {
    const place = await placeIn('UTC')
    const second = await place.key({ member_id: place.member_id })
    const other = await place.member()
    const made = [place.key_id, second.id, place.key_id].map((key_id) =>
      requestAt(place, '2026-11-20T10:00:00Z', { key_id }),
    )
    await settle(test.database, made)
    const ids = async (input: { key_id?: string; member_id?: string }) =>
      new Set((await place.run(core.usage.list, input)).data.map((one) => one.id))
    expect(await ids({ key_id: second.id })).toEqual(new Set([made[1]?.id]))
    expect(await ids({ key_id: place.key_id })).toEqual(new Set([made[0]?.id, made[2]?.id]))
    expect(await ids({ member_id: place.member_id })).toEqual(new Set(made.map((one) => one.id)))
    const handedOver = test.admin`update keys set member_id = ${other.id} where id = ${second.id}`
    await expect(handedOver).rejects.toThrow('stays with the person it was made for')
  })

  it('can be narrowed', async () => {
    const place = await placeIn('Europe/Amsterdam')
    const other = await place.key({ member_id: (await place.member({ name: 'Grace Hopper' })).id })
    const [a, b, c] = [
      requestAt(place, '2026-11-20T10:00:00Z'),
      requestAt(place, '2026-11-20T11:00:00Z', {
        model: 'large',
        status: 'failed',
        http_status: 502,
        error_code: 'provider_error',
      }),
      requestAt({ ...place, key_id: other.id, member_id: other.member_id }, '2026-11-20T12:00:00Z', {
        status: 'canceled',
      }),
    ] as const
    await settle(test.database, [a, b, c])
    const ids = async (filter: object) => (await place.run(core.usage.list, filter)).data.map((one) => one.id)
    expect(await ids({})).toEqual([c.id, b.id, a.id])
    expect(await ids({ from: '2026-11-20T11:00:00Z' })).toEqual([c.id, b.id])
    expect(await ids({ to: '2026-11-20T12:00:00+01:00' })).toEqual([a.id])
    expect(await ids({ key_id: other.id })).toEqual([c.id])
    expect(await ids({ member_id: place.member_id })).toEqual([b.id, a.id])
    expect(await ids({ model: 'large' })).toEqual([b.id])
    expect(await ids({ status: 'canceled' })).toEqual([c.id])
    expect(await ids({ search: 'grace' })).toEqual([c.id])
    expect(await ids({ search: a.id })).toEqual([a.id])
    expect(await ids({ member_id: core.newId('member') })).toEqual([])
    expect((await refusalOf(place.run(core.usage.list, { from: 'yesterday' }))).details.param).toBe('from')
  })

  it('and the sums are of an admin’s own locations only', async () => {
    const place = await placeIn('Europe/Amsterdam')
    const north = await place.run(core.locations.create, { name: 'North' })
    const key = await place.key({ member_id: (await place.member({ location_id: north.id })).id })
    const mine = requestAt({ ...place, key_id: key.id, member_id: key.member_id }, '2026-11-20T10:00:00Z', {
      cost_nanos: 7n,
    })
    await settle(test.database, [mine, requestAt(place, '2026-11-20T10:00:00Z')])
    const admin = await place.adminOf(north.id)
    expect((await place.run(core.usage.list, {}, admin)).data.map((one) => one.id)).toEqual([mine.id])
    expect((await place.run(core.usage.list, { member_id: place.member_id }, admin)).data).toEqual([])
    const summary = await summaryOf(place, 2, '2026-11-20T12:00:00Z', admin)
    expect(summary).toMatchObject({ requests: 1, cost_usd: '0.000000007', active_members: 1 })
    expect(summary.by_day.map((one) => one.requests)).toEqual([0, 1])
    expect(summary.by_model).toHaveLength(1)
    const elsewhere = await createScene(test.database)
    expect((await elsewhere.run(core.usage.list, {})).data).toEqual([])
    expect((await summaryOf(elsewhere, 30, '2026-11-20T12:00:00Z')).requests).toBe(0)
  })
})

it('is that of the people of one location, where one is asked for, and never of one outside of the actor’s', async () => {
  const place = await placeIn('Europe/Amsterdam')
  const now = new Date('2026-11-20T20:00:00Z')
  await settle(test.database, [requestAt(place, '2026-11-20T10:00:00Z')])
  const elsewhere = await place.run(core.locations.create, { name: 'Elsewhere' })
  const admin = await place.adminOf(elsewhere.id)
  const requests = async (location_id: string, actor: Actor = place.operator) => [
    (await place.run(core.usage.summary, { days: 2, location_id }, actor, { now })).requests,
    (await place.run(core.usage.list, { location_id }, actor)).data.length,
  ]
  expect(await requests(place.location.id)).toEqual([1, 1])
  expect(await requests(elsewhere.id)).toEqual([0, 0])
  expect(await requests(place.location.id, admin)).toEqual([0, 0])
})

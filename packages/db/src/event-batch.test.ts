import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventBatch, type UsageEvent } from './event-batch.ts'

const name = fc.string({ minLength: 1, maxLength: 6 })
const nanos = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })
const count = fc.nat(1_000_000_000)
const event: fc.Arbitrary<UsageEvent> = fc
  .record({
    id: fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }),
    started_at: fc.date({ noInvalidDate: true, min: new Date(0) }).map((date) => date.toISOString()),
    tenant_id: fc.constantFrom('ten_1', 'ten_2', 'ten_3'),
    gateway_id: fc.constant('gtw_1'),
    lease_id: fc.constantFrom('lea_1', 'lea_2'),
    key_id: name,
    member_id: name,
    allocation_id: fc.option(name),
    draws_on_balance: fc.boolean(),
    model: name,
    provider_id: name,
    provider_name: name,
    price_id: name,
    status: fc.constantFrom('succeeded', 'failed', 'canceled', 'interrupted'),
    http_status: fc.integer({ min: 200, max: 599 }),
    error_code: fc.option(name),
    is_streamed: fc.boolean(),
    is_estimated: fc.boolean(),
    input_tokens: count,
    cached_input_tokens: count,
    cache_write_tokens: count,
    cache_write_1h_tokens: count,
    output_tokens: count,
    reasoning_tokens: fc.option(count),
    hold_nanos: nanos,
    cost_nanos: nanos,
    excess_nanos: nanos,
    latency_ms: count,
    first_byte_ms: fc.option(count),
  })
  .chain((whole) =>
    fc.option(name, { nil: undefined }).map((thread) => (thread === undefined ? whole : { ...whole, thread })),
  )

/** The elements of an array in PostgreSQL's notation without quotes. */
const elements = (array: string) => (array === '{}' ? [] : array.slice(1, -1).split(','))

describe('a batch of events', () => {
  it('gives back each as it was added, to the nanodollar', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        const batch = EventBatch.of(events)
        expect(batch.length).toBe(events.length)
        expect(events.map((_, place) => batch.at(place))).toEqual(events)
      }),
    )
  })

  it('tells all columns in one order, those of a tenant beside each other', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        const { places, kinds, figures, nanos: column } = EventBatch.of(events).columns()
        const named = JSON.parse(kinds) as { n: number; tenant_id: string }[]
        const theirs = elements(figures('kind')).map((n) => named.find((kind) => kind.n === Number(n))?.tenant_id)
        const ordered = Object.entries(JSON.parse(places) as Record<string, [number, number]>).flatMap(
          ([tenant_id, [first, last]]) => {
            const between = theirs.slice(first - 1, last)
            expect(new Set(between)).toEqual(new Set([tenant_id]))
            return events.filter((one) => one.tenant_id === tenant_id)
          },
        )
        expect(ordered).toHaveLength(events.length)
        expect(elements(column('cost_nanos'))).toEqual(ordered.map((one) => one.cost_nanos.toString()))
        expect(elements(figures('output_tokens'))).toEqual(ordered.map((one) => `${one.output_tokens}`))
        expect(elements(figures('reasoning_tokens'))).toEqual(ordered.map((one) => `${one.reasoning_tokens ?? 'NULL'}`))
        expect(elements(figures('started_ms'))).toEqual(ordered.map((one) => `${Date.parse(one.started_at)}`))
      }),
    )
  })

  it('cuts an excess that no column holds, and does not let it turn into another figure', () => {
    const [one] = fc.sample(event, 1)
    if (one === undefined) throw new Error('no event was made')
    for (const excess_nanos of [2n ** 63n, 2n ** 64n, 2n ** 64n + 5n, 2n ** 80n]) {
      expect(EventBatch.of([{ ...one, excess_nanos }]).at(0).excess_nanos).toBe(2n ** 63n - 1n)
    }
  })

  it('takes no more than it has room for', () => {
    const [one] = fc.sample(event, 1)
    if (one === undefined) throw new Error('no event was made')
    const batch = new EventBatch(1)
    expect(batch.isFull).toBe(false)
    batch.add(one)
    expect(batch.isFull).toBe(true)
    expect(() => batch.add(one)).toThrow(RangeError)
    expect(() => batch.at(1)).toThrow(RangeError)
  })
})

import { auditLedger } from '@stipend/core/spend'
import { costOf, type ModelPrice } from '@stipend/money'
import { expect, vi } from 'vitest'
import type { House } from './harness.ts'

/** A usage event as it stands in the ledger. */
export type Event = {
  id: string
  status: string
  http_status: number
  error_code: string | null
  is_streamed: boolean
  is_estimated: boolean
  input_tokens: number
  output_tokens: number
  hold_nanos: bigint
  cost_nanos: bigint
  excess_nanos: bigint
}

type Books = Pick<House, 'test'>

/** The events of a key, oldest first, read past all policies. */
export async function eventsOf({ test }: Books, keyId: string): Promise<Event[]> {
  const rows = await test.admin`
    select id, status, http_status, error_code, is_streamed, is_estimated, input_tokens::int, output_tokens::int,
           hold_nanos, cost_nanos, excess_nanos
      from usage_events where key_id = ${keyId} order by started_at, id`
  return rows.map((row) => ({
    ...(row as unknown as Event),
    hold_nanos: BigInt(row.hold_nanos),
    cost_nanos: BigInt(row.cost_nanos),
    excess_nanos: BigInt(row.excess_nanos),
  }))
}

/** Everything that spending could have written: equal before and after means that nothing was. */
export async function written({ test }: Books): Promise<Record<string, string>> {
  const [row] = await test.admin`
    select (select count(*) from usage_events) as events, (select count(*) from leases) as leases,
           (select count(*) from lease_periods) as lease_periods, (select count(*) from ledger_entries) as ledger_entries,
           coalesce(sum(spent_nanos), 0) as spent, coalesce(sum(leased_nanos), 0) as leased
      from account_periods`
  return { ...row } as Record<string, string>
}

export async function spentOf({ test }: Books, accountId: string): Promise<bigint> {
  const [row] = await test.admin`
    select coalesce(sum(spent_nanos), 0) as spent from account_periods where account_id = ${accountId}`
  return BigInt(row?.spent ?? 0)
}

/** Asks gateways to give back what they don't use: what stays set aside then is for requests. */
async function recall({ test }: Books): Promise<void> {
  await test.admin`
    select pg_notify('stipend', 'recall ' || account_id || ' nobody')
      from (select id as account_id from tenants union select key_id from leases) those`
}

/** Asks again and again until it is so. How long that takes says nothing: machines are busy. */
export function soon<T>(check: () => T | Promise<T>, timeout = 10_000): Promise<T> {
  return vi.waitFor(check, { timeout, interval: 10 })
}

/** Waits until the key has so many events and no money is set aside any more. None of them cost more than was set aside for it. */
export async function settled(books: Books, keyId: string, count: number, timeout = 10_000): Promise<Event[]> {
  const events = await soon(async () => {
    await recall(books)
    const found = await eventsOf(books, keyId)
    expect(found).toHaveLength(count)
    expect(await written(books)).toMatchObject({ leased: '0', leases: '0' })
    return found
  }, timeout)
  for (const event of events) {
    expect(event.cost_nanos <= event.hold_nanos, `${event.id} cost more than its hold`).toBe(true)
  }
  return events
}

/** Nothing is set aside for anybody once gateways gave back what they don't use, and every invariant holds. */
export async function balanced(books: Books): Promise<void> {
  await soon(async () => {
    await recall(books)
    expect(await written(books)).toMatchObject({ leased: '0', leases: '0' })
  })
  expect((await auditLedger(books.test.database)).violations).toEqual([])
}

/** What plain tokens cost. */
export function costAt(price: ModelPrice, usage: Pick<Event, 'input_tokens' | 'output_tokens'>): bigint {
  const { input_tokens, output_tokens } = usage
  const none = { cached_input_tokens: 0, cache_write_tokens: 0, cache_write_1h_tokens: 0, reasoning_tokens: null }
  return costOf({ input_tokens, output_tokens, ...none }, price)
}

/** The events of a key by request, each charged what its tokens cost, and the key charged their sum, to the nanodollar. */
export async function accountFor(books: Books, key: { id: string }, price: ModelPrice): Promise<Map<string, Event>> {
  await balanced(books)
  const events = await eventsOf(books, key.id)
  for (const event of events) {
    expect(event.cost_nanos).toBe(costAt(price, event))
    expect(event.cost_nanos <= event.hold_nanos).toBe(true)
    expect(event.excess_nanos).toBe(0n)
  }
  expect(await spentOf(books, key.id)).toBe(events.reduce((sum, event) => sum + event.cost_nanos, 0n))
  const byId = new Map(events.map((event) => [event.id, event]))
  expect(byId.size).toBe(events.length)
  return byId
}

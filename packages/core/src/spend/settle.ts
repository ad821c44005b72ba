import { type Database, EventBatch, type LeaseReturn, settleUsage } from '@stipend/db'
import type { Nanodollars, TokenUsage } from '@stipend/money'
import type { UsageStatus } from '../usage/usage.ts'

/** What a gateway knows of a request when it is over. `id` is the request's: settling it again changes nothing. */
export type Settlement = TokenUsage & {
  id: string
  started_at: string
  gateway_id: string
  tenant_id: string
  key_id: string
  member_id: string
  allocation_id: string | null
  draws_on_balance: boolean
  lease_id: string
  model: string
  provider_id: string
  provider_name: string
  price_id: string
  status: UsageStatus
  http_status: number
  error_code: string | null
  is_streamed: boolean
  is_estimated: boolean
  /** The conversation of the key it belongs to, where the tool said so. */
  thread?: string
  /** What was set aside for this request. */
  hold_nanos: Nanodollars
  /** What to charge: at most the hold. */
  cost_nanos: Nanodollars
  /** What the provider reported beyond the hold. */
  excess_nanos: Nanodollars
  latency_ms: number
  first_byte_ms: number | null
}

/**
 * Writes usage events, moves their money from leased to spent, and gives back what leases don't need any more: all of it or
 * nothing, each once however often it is told. One round trip.
 *
 * `isFirst`: none of them has been told before. That takes half the time, and where one was told all the same nothing is done, and
 * the database's `unique_violation` is thrown.
 */
export async function settleBatch(
  database: Database,
  batch: EventBatch,
  returns: readonly LeaseReturn[] = [],
  { isFirst = false }: { isFirst?: boolean } = {},
): Promise<void> {
  await settleUsage(database, batch, returns, isFirst)
}

/** The same for events that are at hand one by one, some of which may have been told before. */
export async function settle(
  database: Database,
  settlements: readonly Settlement[],
  returns: readonly LeaseReturn[] = [],
): Promise<void> {
  await settleBatch(database, EventBatch.of(settlements), returns)
}

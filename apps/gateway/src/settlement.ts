import type { PricedModel } from '@stipend/core'
import type { KeyFacts, Settlement } from '@stipend/core/spend'
import { costOf, type ModelPrice, type TokenUsage } from '@stipend/money'
import type { Hold } from './lease.ts'
import { estimate, type Metered } from './meter/meter.ts'

/** nginx's word for "the client closed the request". */
const CLIENT_CLOSED = 499

/** How a request ended. */
export type Outcome = Pick<Settlement, 'status' | 'http_status' | 'error_code'>

export const failedMidway: Outcome = { status: 'failed', http_status: 200, error_code: 'provider_error' }
export const succeeded: Outcome = { status: 'succeeded', http_status: 200, error_code: null }
export const canceled: Outcome = { status: 'canceled', http_status: CLIENT_CLOSED, error_code: null }
export const INTERRUPTED: Outcome = { status: 'interrupted', http_status: 500, error_code: null }

export const estimated = (usage: TokenUsage): Metered => ({ usage, is_estimated: true })
export const NOTHING: Metered = { usage: estimate(0), is_estimated: false }

type Circumstances = {
  id: string
  gatewayId: string
  facts: KeyFacts
  model: PricedModel
  hold: Hold
  isStreamed: boolean
  thread: string | undefined
  startedAt: number
  firstByteAt: number | null
  /** What another model costs that the provider called in, by its name there. */
  priceOf: (name: string) => ModelPrice
}

/** What the ledger is told of a request: charged what it cost, up to what was set aside for it; the rest is the provider's excess. */
export function settlementOf(metered: Metered, outcome: Outcome, around: Circumstances): Settlement {
  const { usage, is_estimated, other_models = [] } = metered
  const { facts, model, hold, startedAt, firstByteAt } = around
  let full = costOf(usage, model.price)
  for (const other of other_models) full += costOf(other.usage, around.priceOf(other.model))
  const cost_nanos = full < hold.amount ? full : hold.amount
  return {
    id: around.id,
    started_at: isoOf(startedAt),
    gateway_id: around.gatewayId,
    tenant_id: facts.tenant_id,
    key_id: facts.key_id,
    member_id: facts.member_id,
    allocation_id: facts.allocation_id,
    draws_on_balance: hold.lease.chain.usesBalance,
    lease_id: hold.lease.id,
    model: model.name,
    provider_id: model.provider.id,
    provider_name: model.provider.name,
    price_id: model.price_id,
    status: outcome.status,
    http_status: outcome.http_status,
    error_code: outcome.error_code,
    is_streamed: around.isStreamed,
    is_estimated,
    ...(around.thread === undefined ? {} : { thread: around.thread }),
    input_tokens: usage.input_tokens,
    cached_input_tokens: usage.cached_input_tokens,
    cache_write_tokens: usage.cache_write_tokens,
    cache_write_1h_tokens: usage.cache_write_1h_tokens,
    output_tokens: usage.output_tokens,
    reasoning_tokens: usage.reasoning_tokens,
    hold_nanos: hold.amount,
    cost_nanos,
    excess_nanos: full - cost_nanos,
    latency_ms: Date.now() - startedAt,
    first_byte_ms: firstByteAt === null ? null : firstByteAt - startedAt,
  }
}

let lastMs = Number.NaN
let lastText = ''

/** In ISO 8601. Many requests begin within the same millisecond. */
function isoOf(ms: number): string {
  if (ms !== lastMs) {
    lastMs = ms
    lastText = new Date(ms).toISOString()
  }
  return lastText
}

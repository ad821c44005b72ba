import { type Database, inner } from './connect.ts'
import type { EventBatch } from './event-batch.ts'

/** What is to stay in a lease, once the events told with it are charged; the rest of it is free again. */
export type LeaseReturn = { tenant_id: string; lease_id: string; keep_nanos: bigint }

/**
 * `app.settle`: usage events and returns, all of them or none, in one statement. Thousands of events a second go through here: they
 * are told as one array for each column, in PostgreSQL's own notation, which it reads far faster than JSON. `isFirst`: none of them has
 * been told before, or all are refused.
 */
export async function settleUsage(
  database: Database,
  events: EventBatch,
  returns: readonly LeaseReturn[],
  isFirst: boolean,
): Promise<void> {
  const { places, kinds, ids, figures, nanos } = events.columns()
  const kept = JSON.stringify(returns.map((one) => ({ ...one, keep_nanos: one.keep_nanos.toString() })))
  await inner(database).client`
    select app.settle(
      ${places}::text::jsonb, ${kinds}::text::jsonb, ${figures('kind')}::text::int[], ${ids}::text::text[],
      ${figures('started_ms')}::text::bigint[], ${figures('input_tokens')}::text::bigint[],
      ${figures('cached_input_tokens')}::text::bigint[], ${figures('cache_write_tokens')}::text::bigint[],
      ${figures('cache_write_1h_tokens')}::text::bigint[], ${figures('output_tokens')}::text::bigint[],
      ${figures('reasoning_tokens')}::text::bigint[], ${nanos('hold_nanos')}::text::bigint[],
      ${nanos('cost_nanos')}::text::bigint[], ${nanos('excess_nanos')}::text::bigint[],
      ${figures('latency_ms')}::text::int[], ${figures('first_byte_ms')}::text::int[], ${kept}::text::jsonb,
      ${!isFirst})`
}

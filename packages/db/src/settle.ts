import { type Database, inner } from './connect.ts'

/** What is to stay in a lease, once the events told with it are charged; the rest of it is free again. */
export type LeaseReturn = { tenant_id: string; lease_id: string; keep_nanos: bigint }

/** What few usage events of a batch differ in: it crosses the wire once for all events that share it. */
export type EventKind = {
  tenant_id: string
  gateway_id: string
  lease_id: string
  key_id: string
  member_id: string
  allocation_id: string | null
  draws_on_balance: boolean
  model: string
  provider_id: string
  provider_name: string
  price_id: string
  status: string
  http_status: number
  error_code: string | null
  is_streamed: boolean
  is_estimated: boolean
  /** The conversation of the key it belongs to, where the tool said so. */
  thread?: string
}

/** A row of usage_events, but for when it was settled. */
export type UsageEvent = EventKind & {
  id: string
  /** ISO 8601, to the millisecond. */
  started_at: string
  input_tokens: number
  cached_input_tokens: number
  cache_write_tokens: number
  cache_write_1h_tokens: number
  output_tokens: number
  reasoning_tokens: number | null
  hold_nanos: bigint
  cost_nanos: bigint
  excess_nanos: bigint
  latency_ms: number
  first_byte_ms: number | null
}

/**
 * `app.settle`: usage events and returns, all of them or none, in one statement. Thousands of events a second go through here: they
 * are told as one array for each column, in PostgreSQL's own notation, which it reads far faster than JSON. `isFirst`: none of them has
 * been told before, or all are refused.
 */
export async function settleUsage(
  database: Database,
  events: readonly UsageEvent[],
  returns: readonly LeaseReturn[],
  isFirst: boolean,
): Promise<void> {
  const kinds = new EventKinds()
  const { rows, places } = byTenant(events)
  const kind = `{${rows.map((row) => kinds.numberOf(row)).join()}}`
  const id = `{${rows.map((row) => quoted(row.id)).join()}}`
  const started = `{${rows.map((row) => Date.parse(row.started_at)).join()}}`
  const column = (name: keyof UsageEvent) => `{${rows.map((row) => row[name] ?? 'NULL').join()}}`
  const told = JSON.stringify(kinds.list.map((one, i) => ({ ...one, n: i + 1 })))
  const kept = JSON.stringify(returns.map((one) => ({ ...one, keep_nanos: one.keep_nanos.toString() })))
  await inner(database).client`
    select app.settle(
      ${JSON.stringify(places)}::text::jsonb, ${told}::text::jsonb, ${kind}::text::int[], ${id}::text::text[],
      ${started}::text::bigint[], ${column('input_tokens')}::text::bigint[], ${column('cached_input_tokens')}::text::bigint[],
      ${column('cache_write_tokens')}::text::bigint[], ${column('cache_write_1h_tokens')}::text::bigint[],
      ${column('output_tokens')}::text::bigint[], ${column('reasoning_tokens')}::text::bigint[],
      ${column('hold_nanos')}::text::bigint[], ${column('cost_nanos')}::text::bigint[], ${column('excess_nanos')}::text::bigint[],
      ${column('latency_ms')}::text::int[], ${column('first_byte_ms')}::text::int[], ${kept}::text::jsonb,
      ${!isFirst})`
}

/** Those of a tenant beside each other, and from where to where, counted from 1, they stand. */
function byTenant(events: readonly UsageEvent[]): { rows: UsageEvent[]; places: Record<string, [number, number]> } {
  const rows: UsageEvent[] = []
  const places: Record<string, [number, number]> = {}
  for (const [tenant_id, theirs] of Map.groupBy(events, (event) => event.tenant_id)) {
    places[tenant_id] = [rows.length + 1, rows.length + theirs.length]
    for (const event of theirs) rows.push(event)
  }
  return { rows, places }
}

/** The kinds of events seen so far, each by its number, from 1 on. */
export class EventKinds {
  readonly list: EventKind[] = []
  readonly #ofLeases = new Map<string, { kind: EventKind; number: number }[]>()

  /** A lease is of one key and rarely pays for more than a few models: what few there are is looked through. */
  numberOf(event: EventKind): number {
    const name = event.thread === undefined ? event.lease_id : `${event.lease_id} ${event.thread}`
    let known = this.#ofLeases.get(name)
    if (known === undefined) {
      known = []
      this.#ofLeases.set(name, known)
    }
    for (const { kind, number } of known) if (isOfKind(event, kind)) return number
    const kind = kindOf(event)
    const number = this.list.push(kind)
    known.push({ kind, number })
    return number
  }
}

const isOfKind = (event: EventKind, kind: EventKind): boolean =>
  event.status === kind.status &&
  event.model === kind.model &&
  event.thread === kind.thread &&
  event.http_status === kind.http_status &&
  event.error_code === kind.error_code &&
  event.is_streamed === kind.is_streamed &&
  event.is_estimated === kind.is_estimated &&
  event.price_id === kind.price_id &&
  event.provider_id === kind.provider_id &&
  event.provider_name === kind.provider_name &&
  event.tenant_id === kind.tenant_id &&
  event.gateway_id === kind.gateway_id &&
  event.key_id === kind.key_id &&
  event.member_id === kind.member_id &&
  event.allocation_id === kind.allocation_id &&
  event.draws_on_balance === kind.draws_on_balance

function kindOf(event: EventKind): EventKind {
  const { tenant_id, gateway_id, lease_id, key_id, member_id, allocation_id, draws_on_balance, model } = event
  const { provider_id, provider_name, price_id, status, http_status, error_code, is_streamed, is_estimated } = event
  const whose = { tenant_id, gateway_id, lease_id, key_id, member_id, allocation_id, draws_on_balance }
  const what = { model, provider_id, provider_name, price_id }
  const thread = event.thread === undefined ? {} : { thread: event.thread }
  return { ...whose, ...what, status, http_status, error_code, is_streamed, is_estimated, ...thread }
}

/** As an element of an array's notation. */
function quoted(text: string): string {
  return /^\w+$/.test(text) ? text : `"${text.replace(/[\\"]/g, '\\$&')}"`
}

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

/** Figures of an event that are no money, beside each other in memory. */
const FIGURES = [
  'kind',
  'started_ms',
  'input_tokens',
  'cached_input_tokens',
  'cache_write_tokens',
  'cache_write_1h_tokens',
  'output_tokens',
  'reasoning_tokens',
  'latency_ms',
  'first_byte_ms',
] as const
const NANOS = ['hold_nanos', 'cost_nanos', 'excess_nanos'] as const

/** The most that a column holds. */
const NANOS_MAX = 2n ** 63n - 1n

/**
 * Usage events that are to be told, column by column. Thousands of them wait at a time: as objects they were all moved about by the
 * collector, which took a fifth of the time of a request.
 */
export class EventBatch {
  readonly #capacity: number
  readonly #kinds = new EventKinds()
  readonly #ids: string[] = []
  /** NaN where there is none. */
  readonly #figures: Float64Array
  readonly #nanos: BigInt64Array
  #length = 0
  #lastStarted = ''
  #lastStartedMs = Number.NaN

  constructor(capacity: number) {
    this.#capacity = capacity
    this.#figures = new Float64Array(capacity * FIGURES.length)
    this.#nanos = new BigInt64Array(capacity * NANOS.length)
  }

  static of(events: readonly UsageEvent[]): EventBatch {
    const batch = new EventBatch(events.length)
    for (const event of events) batch.add(event)
    return batch
  }

  get length(): number {
    return this.#length
  }

  get isFull(): boolean {
    return this.#length === this.#capacity
  }

  add(event: UsageEvent): void {
    if (this.isFull) throw new RangeError('more events than there is room for')
    const i = this.#length++
    this.#ids.push(event.id)
    const figures = this.#figures
    let at = i * FIGURES.length
    figures[at++] = this.#kinds.numberOf(event)
    // Many begin within the same millisecond.
    if (event.started_at !== this.#lastStarted) {
      this.#lastStarted = event.started_at
      this.#lastStartedMs = Date.parse(event.started_at)
    }
    figures[at++] = this.#lastStartedMs
    figures[at++] = event.input_tokens
    figures[at++] = event.cached_input_tokens
    figures[at++] = event.cache_write_tokens
    figures[at++] = event.cache_write_1h_tokens
    figures[at++] = event.output_tokens
    figures[at++] = event.reasoning_tokens ?? Number.NaN
    figures[at++] = event.latency_ms
    figures[at] = event.first_byte_ms ?? Number.NaN
    at = i * NANOS.length
    this.#nanos[at++] = event.hold_nanos
    this.#nanos[at++] = event.cost_nanos
    // What a provider claims may be anything.
    this.#nanos[at] = event.excess_nanos < NANOS_MAX ? event.excess_nanos : NANOS_MAX
  }

  /** The event with this place, counted from 0, as it was added, but for an excess that no column holds. */
  at(place: number): UsageEvent {
    const figure = (name: (typeof FIGURES)[number]) =>
      this.#figures[place * FIGURES.length + FIGURES.indexOf(name)] ?? Number.NaN
    const orNull = (value: number) => (Number.isNaN(value) ? null : value)
    const kind = this.#kinds.list[figure('kind') - 1]
    const id = this.#ids[place]
    if (kind === undefined || id === undefined) throw new RangeError('no event has this place')
    return {
      ...kind,
      id,
      started_at: new Date(figure('started_ms')).toISOString(),
      input_tokens: figure('input_tokens'),
      cached_input_tokens: figure('cached_input_tokens'),
      cache_write_tokens: figure('cache_write_tokens'),
      cache_write_1h_tokens: figure('cache_write_1h_tokens'),
      output_tokens: figure('output_tokens'),
      reasoning_tokens: orNull(figure('reasoning_tokens')),
      hold_nanos: this.#nanosAt(place, 'hold_nanos'),
      cost_nanos: this.#nanosAt(place, 'cost_nanos'),
      excess_nanos: this.#nanosAt(place, 'excess_nanos'),
      latency_ms: figure('latency_ms'),
      first_byte_ms: orNull(figure('first_byte_ms')),
    }
  }

  #nanosAt(place: number, name: (typeof NANOS)[number]): bigint {
    return this.#nanos[place * NANOS.length + NANOS.indexOf(name)] ?? 0n
  }

  /**
   * As PostgreSQL writes arrays, one for each column, events of a tenant beside each other: `places` says from where to where, counted
   * from 1, they stand. `kinds`: JSON of what many of them share, by its number `n`.
   */
  columns() {
    const { order, places } = this.#byTenant()
    const figures = (name: (typeof FIGURES)[number]) => {
      const offset = FIGURES.indexOf(name)
      let text = '{'
      for (const place of order) {
        const value = this.#figures[place * FIGURES.length + offset] ?? Number.NaN
        text += `${text.length === 1 ? '' : ','}${Number.isNaN(value) ? 'NULL' : value}`
      }
      return `${text}}`
    }
    const nanos = (name: (typeof NANOS)[number]) => `{${order.map((place) => this.#nanosAt(place, name)).join()}}`
    return {
      places: JSON.stringify(places),
      kinds: JSON.stringify(this.#kinds.list.map((one, i) => ({ ...one, n: i + 1 }))),
      ids: `{${order.map((place) => quoted(this.#ids[place] ?? '')).join()}}`,
      figures,
      nanos,
    }
  }

  #byTenant(): { order: number[]; places: Record<string, [number, number]> } {
    const ofTenants = new Map<string, number[]>()
    for (let place = 0; place < this.#length; place++) {
      const tenant_id = this.#kinds.list[(this.#figures[place * FIGURES.length] ?? 0) - 1]?.tenant_id ?? ''
      const known = ofTenants.get(tenant_id)
      if (known === undefined) ofTenants.set(tenant_id, [place])
      else known.push(place)
    }
    const order: number[] = []
    const places: Record<string, [number, number]> = {}
    for (const [tenant_id, theirs] of ofTenants) {
      places[tenant_id] = [order.length + 1, order.length + theirs.length]
      for (const place of theirs) order.push(place)
    }
    return { order, places }
  }
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

import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { CardBehaviour } from './cards.ts'

type Base = { id: string; object: string; created: number; livemode: boolean; metadata: Record<string, string> }

export type Customer = Base & {
  object: 'customer'
  name: string | null
  email: string | null
  tax_ids: { type: string; value: string }[]
  address: Record<string, string | null> | null
}

export type PaymentMethod = Base & {
  object: 'payment_method'
  type: 'card' | 'sepa_debit' | 'ideal'
  customer: string | null
  card?: { brand: string; last4: string; exp_month: number; exp_year: number }
  sepa_debit?: { last4: string }
  /** Ours: never shown by the API. */
  behaviour: CardBehaviour
}

export type IntentStatus =
  | 'requires_payment_method'
  | 'requires_confirmation'
  | 'requires_action'
  | 'processing'
  | 'succeeded'
  | 'canceled'

export type PaymentIntent = Base & {
  object: 'payment_intent'
  amount: number
  amount_received: number
  currency: string
  customer: string | null
  description: string | null
  payment_method: string | null
  status: IntentStatus
  latest_charge: string | null
  last_payment_error: Record<string, unknown> | null
  next_action: Record<string, unknown> | null
  setup_future_usage: string | null
  canceled_at: number | null
  /** Ours: where its owner is sent back to after confirming, and the session it is paid in. */
  return_url: string | null
  session: string | null
}

export type Charge = Base & {
  object: 'charge'
  amount: number
  amount_refunded: number
  currency: string
  customer: string | null
  payment_intent: string
  payment_method: string
  status: 'succeeded' | 'failed' | 'pending'
  paid: boolean
  refunded: boolean
  disputed: boolean
  receipt_url: string | null
  failure_code: string | null
  failure_message: string | null
}

export type Refund = Base & {
  object: 'refund'
  amount: number
  currency: string
  charge: string
  payment_intent: string
  status: 'pending' | 'succeeded' | 'failed' | 'canceled'
  reason: string | null
}

export type DisputeStatus = 'warning_needs_response' | 'needs_response' | 'under_review' | 'won' | 'lost'
export type Dispute = Base & {
  object: 'dispute'
  amount: number
  currency: string
  charge: string
  payment_intent: string
  reason: string
  status: DisputeStatus
}

export type CheckoutSession = Base & {
  object: 'checkout.session'
  mode: 'payment' | 'setup'
  status: 'open' | 'complete' | 'expired'
  payment_status: 'unpaid' | 'paid' | 'no_payment_required'
  amount_total: number | null
  currency: string | null
  customer: string | null
  client_reference_id: string | null
  payment_intent: string | null
  setup_intent: string | null
  invoice: string | null
  success_url: string
  cancel_url: string | null
  expires_at: number
  url: string | null
  /** Ours: what the intent it makes gets, and what the page shows. */
  intent: { metadata: Record<string, string>; setup_future_usage: string | null; description: string | null }
  title: string
  makes_invoice: boolean
  asks_tax_id: boolean
}

export type SetupIntent = Base & {
  object: 'setup_intent'
  status: 'succeeded'
  customer: string | null
  payment_method: string
}

export type Invoice = Base & {
  object: 'invoice'
  number: string
  customer: string | null
  amount_paid: number
  currency: string
  status: 'paid'
  hosted_invoice_url: string
  invoice_pdf: string
}

export type Event = {
  id: string
  object: 'event'
  api_version: string
  created: number
  livemode: boolean
  type: string
  data: { object: Record<string, unknown> }
  pending_webhooks: number
  request: { id: string | null; idempotency_key: string | null }
}

export type Stored =
  | Customer
  | PaymentMethod
  | PaymentIntent
  | Charge
  | Refund
  | Dispute
  | CheckoutSession
  | SetupIntent
  | Invoice

/** An answer that a repeated Idempotency-Key gets again. */
export type Kept = { request: string; status: number; body: string }

export type Store = {
  objects: Map<string, Stored>
  events: Map<string, Event>
  kept: Map<string, Kept>
  newId(prefix: string): string
  /** Seconds since 1970. */
  now(): number
  /** Writes everything to the file, if there is one. */
  save(): void
}

/** All objects there are, in memory, and in `file` if one is given: a demo that is started again finds its customers. */
export function createStore(file: string | null): Store {
  const read: { objects: Stored[]; events: Event[]; kept: [string, Kept][] } =
    file !== null && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { objects: [], events: [], kept: [] }
  const objects = new Map(read.objects.map((one) => [one.id, one]))
  const events = new Map(read.events.map((one) => [one.id, one]))
  const kept = new Map(read.kept)
  return {
    objects,
    events,
    kept,
    newId: (prefix) => `${prefix}_${randomBytes(12).toString('hex')}`,
    now: () => Math.floor(Date.now() / 1000),
    save() {
      if (file === null) return
      const content = JSON.stringify({ objects: [...objects.values()], events: [...events.values()], kept: [...kept] })
      writeFileSync(`${file}.new`, content, { mode: 0o600 })
      renameSync(`${file}.new`, file)
    },
  }
}

export function findObject<O extends Stored['object']>(
  store: Store,
  object: O,
  id: string | null | undefined,
): Extract<Stored, { object: O }> | undefined {
  const found = id === null || id === undefined ? undefined : store.objects.get(id)
  return found?.object === object ? (found as Extract<Stored, { object: O }>) : undefined
}

/** Of one kind, newest first. */
export function allOf<O extends Stored['object']>(store: Store, object: O): Extract<Stored, { object: O }>[] {
  const found = [...store.objects.values()].filter((one) => one.object === object)
  return (found as Extract<Stored, { object: O }>[]).reverse()
}

const HIDDEN = new Set([
  'behaviour',
  'return_url',
  'session',
  'intent',
  'title',
  'makes_invoice',
  'asks_tax_id',
  'tax_ids',
])

/** As the API shows it: without what is ours. */
export function shown(stored: Stored): Record<string, unknown> {
  return Object.fromEntries(Object.entries(stored).filter(([name]) => !HIDDEN.has(name)))
}

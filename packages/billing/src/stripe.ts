import { DomainError } from '@stipend/core/errors'
import type { Nanodollars } from '@stipend/money'
import Stripe from 'stripe'

/** How to reach Stripe. The mode (live or test) is that of the key. */
export type StripeSettings = {
  secret_key: string
  webhook_secret: string
  /** Where Stripe is, for the sandbox; undefined: Stripe itself. */
  api_url?: string | undefined
}

/** A card or an account that can be charged again, with words for people. */
export type SavedMethod = { id: string; label: string }

/** What Stripe has of one payment. */
export type IntentTruth = {
  id: string
  /** Ours, from its metadata; null: we didn't make it. */
  payment_id: string | null
  customer: string | null
  is_live: boolean
  created_at: string
  status: 'open' | 'processing' | 'needs_confirmation' | 'succeeded' | 'failed' | 'canceled'
  /** Null where it isn't in US dollars: then nothing of it may be booked. */
  received_nanos: Nanodollars | null
  amount_nanos: Nanodollars | null
  method: SavedMethod | null
  /** Whether the payer agreed to be charged this way again. */
  saves_method: boolean
  failure_code: string | null
  failure_message: string | null
  receipt_url: string | null
  refunds: { id: string; amount_nanos: Nanodollars; counts: boolean }[]
  /** Whether the money is gone for now or for good. */
  disputes: { id: string; amount_nanos: Nanodollars; counts: boolean }[]
}

export type SessionTruth = {
  id: string
  payment_id: string | null
  customer: string | null
  is_live: boolean
  status: 'open' | 'complete' | 'expired'
  payment_intent: string | null
  url: string | null
  invoice: { number: string | null; url: string | null } | null
  /** Of one that only saves a way to pay. */
  saved: SavedMethod | null
}

export type NewCheckout = {
  payment_id: string
  customer: string
  amount_nanos: Nanodollars
  description: string
  save_method: boolean
  success_url: string
  cancel_url: string
}

export type NewCharge = {
  payment_id: string
  customer: string
  amount_nanos: Nanodollars
  payment_method: string
  description: string
}

/** An event whose signature was right. Of what it says only the pointer is used. */
export type Notice = { id: string; type: string; object_id: string | null; is_live: boolean; happened_at: string }

/** The whole of Stripe as the rest of this package knows it. Each call is one request or a few; none runs inside a transaction. */
export type StripePort = ReturnType<typeof connectStripe>

const TIMEOUT_MS = 20_000
const TOLERANCE_SECONDS = 300
const NANOS_PER_CENT = 10_000_000n
/** Amounts that Stripe takes are whole cents. */
export const isWholeCents = (nanos: Nanodollars): boolean => nanos % NANOS_PER_CENT === 0n

export function connectStripe(settings: StripeSettings) {
  const { secret_key, webhook_secret, api_url } = settings
  const at = api_url === undefined ? undefined : new URL(api_url)
  const stripe = new Stripe(secret_key, {
    timeout: TIMEOUT_MS,
    maxNetworkRetries: 1,
    telemetry: false,
    ...(at === undefined
      ? {}
      : {
          host: at.hostname,
          port: at.port === '' ? (at.protocol === 'https:' ? '443' : '80') : at.port,
          protocol: at.protocol === 'https:' ? ('https' as const) : ('http' as const),
        }),
  })
  const is_live = /^(?:sk|rk)_live_/.test(secret_key)

  /** Every PaymentIntent with its refunds and disputes, whole. */
  async function truthOf(intent: Stripe.PaymentIntent): Promise<IntentTruth> {
    const charge = typeof intent.latest_charge === 'object' ? intent.latest_charge : null
    const isPaid = intent.status === 'succeeded'
    const [refunds, disputes] = isPaid
      ? await Promise.all([
          stripe.refunds.list({ payment_intent: intent.id, limit: 100 }).autoPagingToArray({ limit: 1_000 }),
          charge?.disputed === false
            ? []
            : stripe.disputes.list({ payment_intent: intent.id, limit: 100 }).autoPagingToArray({ limit: 1_000 }),
        ])
      : [[], []]
    const error = intent.last_payment_error
    return {
      id: intent.id,
      payment_id: intent.metadata.payment_id ?? null,
      customer: idOf(intent.customer),
      is_live: intent.livemode,
      created_at: fromUnix(intent.created),
      status: statusOf(intent),
      amount_nanos: nanosOf(intent.amount, intent.currency),
      received_nanos: nanosOf(isPaid ? intent.amount_received : 0, intent.currency),
      method: methodOf(intent.payment_method ?? error?.payment_method ?? null),
      saves_method: intent.setup_future_usage === 'off_session',
      failure_code: error?.code ?? null,
      failure_message: error?.message ?? null,
      receipt_url: charge?.receipt_url ?? null,
      refunds: refunds.map((one) => ({
        id: one.id,
        amount_nanos: BigInt(one.amount) * NANOS_PER_CENT,
        counts: one.status === 'succeeded' || one.status === 'pending' || one.status === 'requires_action',
      })),
      disputes: disputes.map((one) => ({
        id: one.id,
        amount_nanos: BigInt(one.amount) * NANOS_PER_CENT,
        counts: one.status === 'needs_response' || one.status === 'under_review' || one.status === 'lost',
      })),
    }
  }

  return {
    is_live,

    /** Checks the signature on the body as it came, and its age. Throws `invalid_request`. */
    readNotice(body: Buffer, signature: string): Notice {
      // With an empty secret anybody could sign.
      if (webhook_secret === '') throw new Error('events are taken in without a webhook secret')
      let event: Stripe.Event
      try {
        event = stripe.webhooks.constructEvent(body, signature, webhook_secret, TOLERANCE_SECONDS)
      } catch (error) {
        throw new DomainError('invalid_request', 'The signature of this event is not right.', {}, error)
      }
      return {
        id: event.id,
        type: event.type,
        object_id: pointerOf(event.data.object as unknown as Record<string, unknown>),
        is_live: event.livemode,
        happened_at: fromUnix(event.created),
      }
    },

    async createCustomer(tenant: { id: string; name: string }): Promise<string> {
      const customer = await stripe.customers.create(
        { name: tenant.name, metadata: { tenant_id: tenant.id } },
        { idempotencyKey: `customer-${tenant.id}` },
      )
      return customer.id
    },

    /** No way to pay is named: which are offered is set in Stripe. */
    async createCheckout(checkout: NewCheckout): Promise<{ id: string; url: string | null }> {
      const { payment_id, customer, amount_nanos, description } = checkout
      const metadata = { payment_id }
      const session = await stripe.checkout.sessions.create(
        {
          mode: 'payment',
          customer,
          client_reference_id: payment_id,
          metadata,
          line_items: [
            {
              quantity: 1,
              price_data: { currency: 'usd', unit_amount: cents(amount_nanos), product_data: { name: description } },
            },
          ],
          payment_intent_data: {
            description,
            metadata,
            ...(checkout.save_method ? { setup_future_usage: 'off_session' as const } : {}),
          },
          invoice_creation: { enabled: true, invoice_data: { description, metadata } },
          billing_address_collection: 'auto',
          tax_id_collection: { enabled: true },
          customer_update: { name: 'auto', address: 'auto' },
          success_url: checkout.success_url,
          cancel_url: checkout.cancel_url,
        },
        { idempotencyKey: payment_id },
      )
      return { id: session.id, url: session.url }
    },

    /** A checkout that pays nothing and saves a way to pay. */
    async createSetup(setup: { customer: string; key: string; success_url: string; cancel_url: string }) {
      const { customer, key, success_url, cancel_url } = setup
      const session = await stripe.checkout.sessions.create(
        { mode: 'setup', currency: 'usd', customer, success_url, cancel_url },
        { idempotencyKey: key },
      )
      return { id: session.id, url: session.url }
    },

    async readSession(id: string): Promise<SessionTruth> {
      const session = await stripe.checkout.sessions.retrieve(id, {
        expand: ['invoice', 'setup_intent.payment_method'],
      })
      const invoice = typeof session.invoice === 'object' ? session.invoice : null
      const setup = typeof session.setup_intent === 'object' ? session.setup_intent : null
      return {
        id: session.id,
        payment_id: session.metadata?.payment_id ?? null,
        customer: idOf(session.customer),
        is_live: session.livemode,
        status: sessionStatus(session.status),
        payment_intent: idOf(session.payment_intent),
        url: session.url,
        invoice: invoice === null ? null : { number: invoice.number ?? null, url: invoice.hosted_invoice_url ?? null },
        saved: setup === null ? null : methodOf(setup.payment_method),
      }
    },

    async readIntent(id: string): Promise<IntentTruth> {
      return truthOf(await stripe.paymentIntents.retrieve(id, { expand: ['latest_charge', 'payment_method'] }))
    },

    /** Charges a saved way to pay while nobody is there. Answers the intent's id even where the card refuses. */
    async charge(charge: NewCharge): Promise<string> {
      const { payment_id, customer, payment_method, description } = charge
      try {
        const intent = await stripe.paymentIntents.create(
          {
            amount: cents(charge.amount_nanos),
            currency: 'usd',
            customer,
            payment_method,
            description,
            metadata: { payment_id },
            confirm: true,
            off_session: true,
          },
          { idempotencyKey: payment_id },
        )
        return intent.id
      } catch (error) {
        const refused = error instanceof Stripe.errors.StripeCardError ? error.payment_intent?.id : undefined
        if (refused !== undefined) return refused
        throw error
      }
    },

    /** Has the owner of the way to pay confirm it. Answers where to send them; null where there was nothing to confirm. */
    async confirm(id: string, payment_method: string, return_url: string): Promise<string | null> {
      try {
        const intent = await stripe.paymentIntents.confirm(id, { payment_method, return_url })
        return intent.next_action?.redirect_to_url?.url ?? null
      } catch (error) {
        if (error instanceof Stripe.errors.StripeCardError) return null
        throw error
      }
    },

    async cancelIntent(id: string): Promise<void> {
      await stripe.paymentIntents.cancel(id)
    },

    async expireSession(id: string): Promise<void> {
      await stripe.checkout.sessions.expire(id)
    },

    /** All payments of a customer since then (or all there are), newest first, with what became of them. */
    async listIntents(customer: string | null, since: Date): Promise<IntentTruth[]> {
      const intents = await stripe.paymentIntents
        .list({
          ...(customer === null ? {} : { customer }),
          created: { gte: Math.floor(since.getTime() / 1000) },
          limit: 100,
          expand: ['data.latest_charge', 'data.payment_method'],
        })
        .autoPagingToArray({ limit: 10_000 })
      const truths: IntentTruth[] = []
      for (const intent of intents) truths.push(await truthOf(intent))
      return truths
    },
  }
}

/** Whether Stripe says that there is no such thing, which asking again won't change. */
export function isMissing(error: unknown): boolean {
  return error instanceof Stripe.errors.StripeInvalidRequestError && error.code === 'resource_missing'
}

/** What went wrong with a call of Stripe, in words for people. What Stripe said goes into `cause`, for the log. */
export function asPaymentError(error: unknown): unknown {
  if (error instanceof Stripe.errors.StripeConnectionError || error instanceof Stripe.errors.StripeAPIError) {
    const words = 'Our payment provider can’t be reached at the moment. Nothing was charged; try again in a minute.'
    return new DomainError('unavailable', words, { retry_after_seconds: 60 }, error)
  }
  if (error instanceof Stripe.errors.StripeInvalidRequestError && error.code === 'amount_too_large') {
    return new DomainError('invalid_request', 'This is more than can be paid at once.', { param: 'amount_usd' }, error)
  }
  return error
}

function statusOf(intent: Stripe.PaymentIntent): IntentTruth['status'] {
  switch (intent.status) {
    case 'succeeded':
      return 'succeeded'
    case 'processing':
    case 'requires_capture':
      return 'processing'
    case 'requires_action':
      return 'needs_confirmation'
    case 'canceled':
      return 'canceled'
    case 'requires_payment_method': {
      const code = intent.last_payment_error?.code
      if (code === undefined) return 'open'
      return code === 'authentication_required' ? 'needs_confirmation' : 'failed'
    }
    default:
      return 'open'
  }
}

function sessionStatus(status: string | null): SessionTruth['status'] {
  return status === 'complete' || status === 'expired' ? status : 'open'
}

/** Events are about a session, a payment, or something of a payment: a charge, a refund, a dispute. */
function pointerOf(object: Record<string, unknown>): string | null {
  const { object: kind, id, payment_intent } = object
  if ((kind === 'checkout.session' || kind === 'payment_intent') && typeof id === 'string') return id
  if (typeof payment_intent === 'string') return payment_intent
  return null
}

function methodOf(method: string | Stripe.PaymentMethod | null): SavedMethod | null {
  if (method === null || typeof method === 'string') return null
  const { id, type, card, sepa_debit } = method
  if (card) return { id, label: `${BRANDS[card.brand] ?? 'Card'} ending in ${card.last4}` }
  if (sepa_debit) return { id, label: `SEPA account ending in ${sepa_debit.last4 ?? '…'}` }
  return { id, label: type.replaceAll('_', ' ') }
}

const BRANDS: Record<string, string> = {
  amex: 'American Express',
  discover: 'Discover',
  jcb: 'JCB',
  mastercard: 'Mastercard',
  unionpay: 'UnionPay',
  visa: 'Visa',
}

function cents(nanos: Nanodollars): number {
  if (!isWholeCents(nanos)) throw new Error('an amount for Stripe that is not in whole cents')
  // Stripe's numbers are JSON's; the most that may be paid at once is far below what they hold.
  return Number.parseInt((nanos / NANOS_PER_CENT).toString(), 10)
}

const nanosOf = (amount: number, currency: string): Nanodollars | null =>
  currency === 'usd' ? BigInt(amount) * NANOS_PER_CENT : null
const idOf = (value: string | { id: string } | null): string | null =>
  typeof value === 'string' ? value : (value?.id ?? null)
const fromUnix = (seconds: number): string => new Date(seconds * 1000).toISOString()

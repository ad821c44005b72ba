import { type CardBehaviour, type Decline, declineOf, findCard } from './cards.ts'
import { ApiError, wrong } from './errors.ts'
import {
  type Charge,
  type CheckoutSession,
  type Dispute,
  type DisputeStatus,
  type Event,
  findObject,
  type PaymentIntent,
  type PaymentMethod,
  type Refund,
  type Store,
  type Stored,
  shown,
} from './store.ts'

/** What happens to money here. Each step changes the objects and says so in events, as Stripe does. */
export type Payments = ReturnType<typeof createPayments>

export type PaysWith = { card: string } | { method: 'sepa_debit' | 'ideal' }

export function createPayments(store: Store, url: () => string, happened: (event: Event) => void) {
  const base = (prefix: string, metadata: Record<string, string> = {}) => ({
    id: store.newId(prefix),
    created: store.now(),
    livemode: false,
    metadata,
  })
  const keep = <T extends Stored>(one: T): T => {
    store.objects.set(one.id, one)
    return one
  }
  const tell = (type: string, subject: Stored) => {
    const event: Event = {
      id: store.newId('evt'),
      object: 'event',
      api_version: '2026-10-28.endive',
      created: store.now(),
      livemode: subject.livemode,
      type,
      data: { object: shown(subject) },
      pending_webhooks: 1,
      request: { id: null, idempotency_key: null },
    }
    store.events.set(event.id, event)
    happened(event)
  }

  function methodFor(pays: PaysWith, customer: string | null): PaymentMethod {
    if ('method' in pays) {
      const details = pays.method === 'sepa_debit' ? { sepa_debit: { last4: '3000' } } : {}
      const behaviour = 'succeeds' as CardBehaviour
      return keep({ ...base('pm'), object: 'payment_method', type: pays.method, customer, behaviour, ...details })
    }
    const card = findCard(pays.card)
    if (card === undefined) {
      throw new ApiError(402, 'card_error', 'Your card number is incorrect.', { code: 'incorrect_number' })
    }
    return keep({
      ...base('pm'),
      object: 'payment_method',
      type: 'card',
      customer,
      card: { brand: card.brand, last4: card.number.slice(-4), exp_month: 12, exp_year: 2030 },
      behaviour: card.behaviour,
    })
  }

  function newCharge(intent: PaymentIntent, method: PaymentMethod, decline: Decline | null, status: Charge['status']) {
    const charge = keep<Charge>({
      ...base('ch', intent.metadata),
      object: 'charge',
      amount: intent.amount,
      amount_refunded: 0,
      currency: intent.currency,
      customer: intent.customer,
      payment_intent: intent.id,
      payment_method: method.id,
      status,
      paid: status === 'succeeded',
      refunded: false,
      disputed: false,
      receipt_url: null,
      failure_code: decline?.code ?? null,
      failure_message: decline?.message ?? null,
    })
    charge.receipt_url = `${url()}/receipts/${charge.id}`
    intent.latest_charge = charge.id
    return charge
  }

  function fail(intent: PaymentIntent, method: PaymentMethod, decline: Decline): ApiError {
    newCharge(intent, method, decline, 'failed')
    intent.status = 'requires_payment_method'
    intent.payment_method = null
    intent.next_action = null
    const error = {
      type: 'card_error',
      code: decline.code,
      decline_code: decline.decline_code,
      message: decline.message,
      payment_method: shown(method),
    }
    intent.last_payment_error = error
    tell('payment_intent.payment_failed', intent)
    return new ApiError(402, 'card_error', decline.message, { ...error, payment_intent: shown(intent) })
  }

  function succeed(intent: PaymentIntent, method: PaymentMethod): void {
    const pending = findObject(store, 'charge', intent.latest_charge)
    const charge = pending?.status === 'pending' ? pending : newCharge(intent, method, null, 'succeeded')
    Object.assign(charge, { status: 'succeeded', paid: true })
    intent.status = 'succeeded'
    intent.amount_received = intent.amount
    intent.next_action = null
    intent.last_payment_error = null
    if (intent.setup_future_usage !== null) method.customer = intent.customer
    tell('charge.succeeded', charge)
    tell('payment_intent.succeeded', intent)
    if (method.behaviour === 'disputed') dispute(intent.id, 'needs_response')
  }

  /** Charges an intent. Throws the 402 that the API answers where the card refuses. */
  function charge(intent: PaymentIntent, method: PaymentMethod, { off_session }: { off_session: boolean }): void {
    intent.payment_method = method.id
    if (method.type === 'sepa_debit') {
      newCharge(intent, method, null, 'pending')
      intent.status = 'processing'
      tell('payment_intent.processing', intent)
      return
    }
    const decline = declineOf(method.behaviour, { off_session })
    if (decline !== null) throw fail(intent, method, decline)
    if (method.behaviour === 'authenticates') {
      intent.status = 'requires_action'
      intent.next_action = {
        type: 'redirect_to_url',
        redirect_to_url: { url: `${url()}/confirm/${intent.id}`, return_url: intent.return_url },
      }
      tell('payment_intent.requires_action', intent)
      return
    }
    succeed(intent, method)
  }

  /** The owner of a card answers their bank. */
  function authenticate(intent: PaymentIntent, isConfirmed: boolean): void {
    const method = findObject(store, 'payment_method', intent.payment_method)
    if (intent.status !== 'requires_action' || method === undefined) return
    if (isConfirmed) succeed(intent, method)
    else {
      fail(intent, method, {
        code: 'payment_intent_authentication_failure',
        decline_code: null,
        message:
          'We are unable to authenticate your payment method. Please choose a different payment method and try again.',
      })
    }
    const session = findObject(store, 'checkout.session', intent.session)
    if (session !== undefined && isConfirmed) complete(session, intent)
  }

  /** A direct debit that was on its way arrives, or bounces. */
  function arrive(intentId: string, isPaid: boolean): void {
    const intent = findObject(store, 'payment_intent', intentId)
    const method = findObject(store, 'payment_method', intent?.payment_method)
    if (intent?.status !== 'processing' || method === undefined) throw wrong('payment_intent', 'It is not on its way.')
    if (isPaid) succeed(intent, method)
    else {
      const message = 'The customer’s account has insufficient funds.'
      fail(intent, method, { code: 'charge_declined', decline_code: 'insufficient_funds', message })
    }
    const session = findObject(store, 'checkout.session', intent.session)
    if (session === undefined) return
    if (isPaid) session.payment_status = 'paid'
    tell(`checkout.session.async_payment_${isPaid ? 'succeeded' : 'failed'}`, session)
  }

  function newIntent(fields: Pick<PaymentIntent, 'amount' | 'currency' | 'customer'> & Partial<PaymentIntent>) {
    const intent = keep<PaymentIntent>({
      ...base('pi'),
      object: 'payment_intent',
      amount_received: 0,
      description: null,
      payment_method: null,
      status: 'requires_payment_method',
      latest_charge: null,
      last_payment_error: null,
      next_action: null,
      setup_future_usage: null,
      canceled_at: null,
      return_url: null,
      session: null,
      ...fields,
    })
    tell('payment_intent.created', intent)
    return intent
  }

  function complete(session: CheckoutSession, intent: PaymentIntent): void {
    session.status = 'complete'
    session.payment_status = intent.status === 'succeeded' ? 'paid' : 'unpaid'
    session.payment_intent = intent.id
    session.url = null
    if (session.makes_invoice && session.payment_status === 'paid') {
      const invoice = keep({
        ...base('in', intent.metadata),
        object: 'invoice' as const,
        number: `SANDBOX-${String(store.objects.size).padStart(4, '0')}`,
        customer: session.customer,
        amount_paid: intent.amount,
        currency: intent.currency,
        status: 'paid' as const,
        hosted_invoice_url: `${url()}/invoices/${intent.id}`,
        invoice_pdf: `${url()}/invoices/${intent.id}`,
      })
      session.invoice = invoice.id
    }
    tell('checkout.session.completed', session)
  }

  /** What the hosted page does when somebody pays. Throws what the page then says. Answers where to send them. */
  function payInSession(session: CheckoutSession, pays: PaysWith): string {
    if (session.status !== 'open') throw wrong('session', 'This checkout is over.')
    const method = methodFor(pays, null)
    if (session.mode === 'setup') {
      method.customer = session.customer
      const setup = keep({
        ...base('seti', session.intent.metadata),
        object: 'setup_intent' as const,
        status: 'succeeded' as const,
        customer: session.customer,
        payment_method: method.id,
      })
      Object.assign(session, {
        status: 'complete',
        payment_status: 'no_payment_required',
        setup_intent: setup.id,
        url: null,
      })
      tell('checkout.session.completed', session)
      return returnUrl(session)
    }
    const earlier = findObject(store, 'payment_intent', session.payment_intent)
    const intent =
      earlier ??
      newIntent({
        amount: session.amount_total ?? 0,
        currency: session.currency ?? 'usd',
        customer: session.customer,
        metadata: session.intent.metadata,
        setup_future_usage: session.intent.setup_future_usage,
        description: session.intent.description,
        session: session.id,
      })
    session.payment_intent = intent.id
    intent.return_url = returnUrl(session)
    charge(intent, method, { off_session: false })
    if (intent.status === 'requires_action') return `${url()}/confirm/${intent.id}`
    complete(session, intent)
    return returnUrl(session)
  }

  const returnUrl = (session: CheckoutSession) => session.success_url.replaceAll('{CHECKOUT_SESSION_ID}', session.id)

  function expire(session: CheckoutSession): void {
    if (session.status !== 'open') throw wrong('session', 'Only open sessions can be expired.')
    session.status = 'expired'
    session.url = null
    tell('checkout.session.expired', session)
  }

  function cancel(intent: PaymentIntent): void {
    if (intent.status === 'succeeded' || intent.status === 'canceled' || intent.status === 'processing') {
      throw wrong('intent', `This PaymentIntent is ${intent.status}.`, 'payment_intent_unexpected_state')
    }
    Object.assign(intent, { status: 'canceled', canceled_at: store.now(), next_action: null })
    tell('payment_intent.canceled', intent)
  }

  function refund(intentId: string, amount?: number, metadata: Record<string, string> = {}): Refund {
    const intent = findObject(store, 'payment_intent', intentId)
    const paid = findObject(store, 'charge', intent?.latest_charge)
    if (intent === undefined || paid?.status !== 'succeeded')
      throw wrong('payment_intent', 'There is nothing to refund.')
    const left = paid.amount - paid.amount_refunded
    const given = amount ?? left
    if (given <= 0 || given > left) {
      throw wrong('amount', `Refund amount (${given}) is greater than unrefunded amount on charge (${left})`)
    }
    paid.amount_refunded += given
    paid.refunded = paid.amount_refunded === paid.amount
    const made = keep<Refund>({
      ...base('re', metadata),
      object: 'refund',
      amount: given,
      currency: intent.currency,
      charge: paid.id,
      payment_intent: intent.id,
      status: 'succeeded',
      reason: null,
    })
    tell('refund.created', made)
    tell('charge.refunded', paid)
    return made
  }

  /** A refund that the bank sends back. */
  function failRefund(id: string): void {
    const made = findObject(store, 'refund', id)
    const paid = findObject(store, 'charge', made?.charge)
    if (made?.status !== 'succeeded' || paid === undefined) throw wrong('refund', 'There is no such refund to fail.')
    made.status = 'failed'
    paid.amount_refunded -= made.amount
    paid.refunded = false
    tell('refund.failed', made)
  }

  function dispute(intentId: string, status: DisputeStatus, amount?: number): Dispute {
    const intent = findObject(store, 'payment_intent', intentId)
    const paid = findObject(store, 'charge', intent?.latest_charge)
    if (intent === undefined || paid?.status !== 'succeeded')
      throw wrong('payment_intent', 'There is nothing to dispute.')
    paid.disputed = true
    const made = keep<Dispute>({
      ...base('dp'),
      object: 'dispute',
      amount: amount ?? paid.amount - paid.amount_refunded,
      currency: intent.currency,
      charge: paid.id,
      payment_intent: intent.id,
      reason: 'fraudulent',
      status,
    })
    tell('charge.dispute.created', made)
    return made
  }

  function changeDispute(id: string, status: DisputeStatus): void {
    const made = findObject(store, 'dispute', id)
    if (made === undefined) throw wrong('dispute', 'There is no such dispute.')
    made.status = status
    tell(status === 'won' || status === 'lost' ? 'charge.dispute.closed' : 'charge.dispute.updated', made)
  }

  return {
    arrive,
    authenticate,
    base,
    cancel,
    changeDispute,
    charge,
    dispute,
    expire,
    failRefund,
    keep,
    newIntent,
    payInSession,
    refund,
    tell,
  }
}

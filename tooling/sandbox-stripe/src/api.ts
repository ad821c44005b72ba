import { ApiError, missing, wrong } from './errors.ts'
import { type Fields, fieldsOf, listOf, textOf, type Value } from './form.ts'
import type { Payments } from './payments.ts'
import { allOf, type CheckoutSession, type Customer, findObject, type Store, type Stored, shown } from './store.ts'

export type Call = { method: string; path: string; fields: Fields }
type Answer = Record<string, unknown>
type Handler = (call: { id: string; fields: Fields }) => Answer

const DAY = 86_400
const AMOUNT_MAX = 99_999_999

/** The part of Stripe's API that is here. Answers an object, or throws an `ApiError`. */
export function createApi(store: Store, payments: Payments, url: () => string): (call: Call) => Answer {
  const get = <O extends Stored['object']>(object: O, id: string) => {
    const found = findObject(store, object, id)
    if (found === undefined) throw missing(object.replace('.', '_'), id)
    return found
  }

  const view = (one: Stored, fields: Fields): Answer => {
    const expand = listOf(fields.expand).filter((name) => typeof name === 'string')
    const seen = shown(one)
    for (const path of expand) expandPath(seen, path.split('.'))
    return seen
  }
  const expandPath = (into: Answer, [first = '', ...rest]: string[]): void => {
    const value = into[first]
    if (typeof value === 'string') {
      const found = store.objects.get(value)
      if (found === undefined) return
      into[first] = shown(found)
    }
    const next = into[first]
    if (rest.length > 0 && typeof next === 'object' && next !== null) expandPath(next as Answer, rest)
  }

  /** A page of one kind: `limit`, `starting_after`, `created`, and the fields that must be equal. */
  const list = <O extends Stored['object']>(
    object: O,
    path: string,
    equal: readonly string[],
    fields: Fields,
  ): Answer => {
    const created = fieldsOf(fields.created)
    const at = (name: string) =>
      textOf(created[name]) === undefined ? undefined : wholeNumber(created[name], `created[${name}]`)
    const [gte, gt, lte, lt] = [at('gte'), at('gt'), at('lte'), at('lt')]
    const all = allOf(store, object).filter(
      (one) =>
        equal.every((name) => fields[name] === undefined || (one as Record<string, unknown>)[name] === fields[name]) &&
        (gte === undefined || one.created >= gte) &&
        (gt === undefined || one.created > gt) &&
        (lte === undefined || one.created <= lte) &&
        (lt === undefined || one.created < lt),
    )
    const limit = fields.limit === undefined ? 10 : wholeNumber(fields.limit, 'limit')
    if (limit < 1 || limit > 100) throw wrong('limit', 'This value must be between 1 and 100.')
    const after = textOf(fields.starting_after)
    const from = after === undefined ? 0 : all.findIndex((one) => one.id === after) + 1
    const expand = listOf(fields.expand).flatMap((one) => (typeof one === 'string' ? [one.replace(/^data\./, '')] : []))
    const data = all.slice(from, from + limit).map((one) => view(one, { expand }))
    return { object: 'list', url: path, has_more: all.length > from + limit, data }
  }

  const routes: [method: string, pattern: RegExp, handler: Handler][] = [
    ['POST', /^\/v1\/customers$/, ({ fields }) => shown(newCustomer(fields))],
    ['GET', /^\/v1\/customers\/([^/]+)$/, ({ id, fields }) => view(get('customer', id), fields)],
    [
      'POST',
      /^\/v1\/customers\/([^/]+)$/,
      ({ id, fields }) => {
        const customer = get('customer', id)
        Object.assign(customer, named(fields))
        return view(customer, fields)
      },
    ],
    ['POST', /^\/v1\/checkout\/sessions$/, ({ fields }) => view(newSession(fields), fields)],
    [
      'GET',
      /^\/v1\/checkout\/sessions$/,
      ({ fields }) =>
        list('checkout.session', '/v1/checkout/sessions', ['customer', 'payment_intent', 'status'], fields),
    ],
    ['GET', /^\/v1\/checkout\/sessions\/([^/]+)$/, ({ id, fields }) => view(get('checkout.session', id), fields)],
    [
      'POST',
      /^\/v1\/checkout\/sessions\/([^/]+)\/expire$/,
      ({ id, fields }) => {
        const session = get('checkout.session', id)
        payments.expire(session)
        return view(session, fields)
      },
    ],
    ['POST', /^\/v1\/payment_intents$/, ({ fields }) => newIntent(fields)],
    [
      'GET',
      /^\/v1\/payment_intents$/,
      ({ fields }) => list('payment_intent', '/v1/payment_intents', ['customer'], fields),
    ],
    ['GET', /^\/v1\/payment_intents\/([^/]+)$/, ({ id, fields }) => view(get('payment_intent', id), fields)],
    [
      'POST',
      /^\/v1\/payment_intents\/([^/]+)\/confirm$/,
      ({ id, fields }) => {
        const intent = get('payment_intent', id)
        if (!['requires_payment_method', 'requires_confirmation', 'requires_action'].includes(intent.status)) {
          throw wrong('intent', `This PaymentIntent is ${intent.status}.`, 'payment_intent_unexpected_state')
        }
        const method = get('payment_method', textOf(fields.payment_method) ?? intent.payment_method ?? '')
        intent.return_url = textOf(fields.return_url) ?? intent.return_url
        payments.charge(intent, method, { off_session: fields.off_session === 'true' })
        return view(intent, fields)
      },
    ],
    [
      'POST',
      /^\/v1\/payment_intents\/([^/]+)\/cancel$/,
      ({ id, fields }) => {
        const intent = get('payment_intent', id)
        payments.cancel(intent)
        return view(intent, fields)
      },
    ],
    ['GET', /^\/v1\/payment_methods\/([^/]+)$/, ({ id, fields }) => view(get('payment_method', id), fields)],
    [
      'POST',
      /^\/v1\/payment_methods\/([^/]+)\/detach$/,
      ({ id, fields }) => {
        const method = get('payment_method', id)
        method.customer = null
        return view(method, fields)
      },
    ],
    ['GET', /^\/v1\/refunds$/, ({ fields }) => list('refund', '/v1/refunds', ['payment_intent', 'charge'], fields)],
    [
      'POST',
      /^\/v1\/refunds$/,
      ({ fields }) => {
        const amount = fields.amount === undefined ? undefined : wholeNumber(fields.amount, 'amount')
        return shown(payments.refund(textOf(fields.payment_intent) ?? '', amount, metadataOf(fields.metadata)))
      },
    ],
    ['GET', /^\/v1\/refunds\/([^/]+)$/, ({ id, fields }) => view(get('refund', id), fields)],
    ['GET', /^\/v1\/disputes$/, ({ fields }) => list('dispute', '/v1/disputes', ['payment_intent', 'charge'], fields)],
    ['GET', /^\/v1\/disputes\/([^/]+)$/, ({ id, fields }) => view(get('dispute', id), fields)],
    ['GET', /^\/v1\/invoices\/([^/]+)$/, ({ id, fields }) => view(get('invoice', id), fields)],
    [
      'GET',
      /^\/v1\/events\/([^/]+)$/,
      ({ id }) => {
        const event = store.events.get(id)
        if (event === undefined) throw missing('event', id)
        return event
      },
    ],
    [
      'GET',
      /^\/v1\/events$/,
      () => ({
        object: 'list',
        url: '/v1/events',
        has_more: false,
        data: [...store.events.values()].reverse().slice(0, 100),
      }),
    ],
  ]

  function newCustomer(fields: Fields): Customer {
    const customer: Customer = {
      ...payments.base('cus', metadataOf(fields.metadata)),
      object: 'customer',
      name: null,
      email: null,
      tax_ids: [],
      address: null,
      ...named(fields),
    }
    payments.keep(customer)
    payments.tell('customer.created', customer)
    return customer
  }

  function newSession(fields: Fields): CheckoutSession {
    const mode = textOf(fields.mode)
    if (mode !== 'payment' && mode !== 'setup') throw wrong('mode', 'Invalid mode: must be payment or setup here.')
    const success_url = absolute(fields.success_url, 'success_url')
    const customer = textOf(fields.customer) ?? null
    if (customer !== null) get('customer', customer)
    const items = listOf(fields.line_items).map((item) => priceOf(fieldsOf(item)))
    if (mode === 'payment' && items.length === 0) throw wrong('line_items', 'line_items is required in payment mode.')
    const amount_total = items.reduce((sum, item) => sum + item.amount, 0)
    if (mode === 'payment' && amount_total < 50) {
      throw wrong(
        'line_items',
        'The Checkout Session’s total amount must convert to at least 50 cents.',
        'amount_too_small',
      )
    }
    const intent = fieldsOf(mode === 'payment' ? fields.payment_intent_data : fields.setup_intent_data)
    const expires_at =
      fields.expires_at === undefined ? store.now() + DAY : wholeNumber(fields.expires_at, 'expires_at')
    if (expires_at < store.now() + 1_800 || expires_at > store.now() + DAY + 60) {
      throw wrong('expires_at', 'The `expires_at` timestamp must be between 30 minutes and 24 hours from now.')
    }
    const base = payments.base('cs_test', metadataOf(fields.metadata))
    const session: CheckoutSession = {
      ...base,
      object: 'checkout.session',
      mode,
      status: 'open',
      payment_status: 'unpaid',
      amount_total: mode === 'payment' ? amount_total : null,
      currency: mode === 'payment' ? (items[0]?.currency ?? null) : (textOf(fields.currency) ?? null),
      customer,
      client_reference_id: textOf(fields.client_reference_id) ?? null,
      payment_intent: null,
      setup_intent: null,
      invoice: null,
      success_url,
      cancel_url: fields.cancel_url === undefined ? null : absolute(fields.cancel_url, 'cancel_url'),
      expires_at,
      url: `${url()}/pay/${base.id}`,
      intent: {
        metadata: metadataOf(intent.metadata),
        setup_future_usage: textOf(intent.setup_future_usage) ?? null,
        description: textOf(intent.description) ?? null,
      },
      title: items[0]?.name ?? 'Save a way to pay',
      makes_invoice: fieldsOf(fields.invoice_creation).enabled === 'true',
      asks_tax_id: fieldsOf(fields.tax_id_collection).enabled === 'true',
    }
    return payments.keep(session)
  }

  function newIntent(fields: Fields): Answer {
    const amount = wholeNumber(fields.amount, 'amount')
    if (amount < 50 || amount > AMOUNT_MAX)
      throw wrong('amount', 'Amount must be at least 50 cents.', 'amount_too_small')
    const currency = textOf(fields.currency)
    if (currency === undefined) throw wrong('currency', 'Missing required param: currency.', 'parameter_missing')
    const customer = textOf(fields.customer) ?? null
    if (customer !== null) get('customer', customer)
    const intent = payments.newIntent({
      amount,
      currency,
      customer,
      metadata: metadataOf(fields.metadata),
      description: textOf(fields.description) ?? null,
      return_url: textOf(fields.return_url) ?? null,
    })
    if (fields.confirm === 'true') {
      const method = get('payment_method', textOf(fields.payment_method) ?? '')
      if (method.customer !== customer) {
        throw wrong('payment_method', 'The PaymentMethod does not belong to the Customer you supplied.')
      }
      payments.charge(intent, method, { off_session: fields.off_session === 'true' })
    }
    return view(intent, fields)
  }

  return ({ method, path, fields }) => {
    for (const [wanted, pattern, handler] of routes) {
      const match = wanted === method ? pattern.exec(path) : null
      if (match !== null) return handler({ id: decodeURIComponent(match[1] ?? ''), fields })
    }
    throw new ApiError(404, 'invalid_request_error', `Unrecognized request URL (${method}: ${path}).`)
  }
}

function named(fields: Fields): Partial<Customer> {
  const { name, email, metadata } = fields
  return {
    ...(name === undefined ? {} : { name: textOf(name) ?? null }),
    ...(email === undefined ? {} : { email: textOf(email) ?? null }),
    ...(metadata === undefined ? {} : { metadata: metadataOf(metadata) }),
  }
}

function metadataOf(value: Value | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fieldsOf(value)).flatMap(([name, one]) => (typeof one === 'string' ? [[name, one]] : [])),
  )
}

function priceOf(item: Fields): { name: string; amount: number; currency: string } {
  const price = fieldsOf(item.price_data)
  const unit = wholeNumber(price.unit_amount, 'line_items[0][price_data][unit_amount]')
  const quantity = item.quantity === undefined ? 1 : wholeNumber(item.quantity, 'line_items[0][quantity]')
  if (unit * quantity > AMOUNT_MAX)
    throw wrong('line_items', 'Amount must be no more than $999,999.99.', 'amount_too_large')
  const currency = textOf(price.currency)
  if (currency === undefined) throw wrong('line_items[0][price_data][currency]', 'Missing required param.')
  return { name: textOf(fieldsOf(price.product_data).name) ?? '', amount: unit * quantity, currency }
}

function wholeNumber(value: Value | undefined, param: string): number {
  const text = textOf(value)
  if (text === undefined) throw wrong(param, `Missing required param: ${param}.`, 'parameter_missing')
  if (!/^\d{1,12}$/.test(text)) throw wrong(param, `Invalid integer: ${text}`, 'parameter_invalid_integer')
  return Number(text)
}

function absolute(value: Value | undefined, param: string): string {
  const text = textOf(value) ?? ''
  if (!URL.canParse(text)) throw wrong(param, 'Not a valid URL', 'url_invalid')
  return text
}

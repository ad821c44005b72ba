import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import Stripe from 'stripe'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type SandboxStripe, sign, startSandboxStripe } from './index.ts'

let sandbox: SandboxStripe
let stripe: Stripe
const connectTo = (port: number, key = 'sk_test_x') =>
  new Stripe(key, { host: '127.0.0.1', port, protocol: 'http', telemetry: false, maxNetworkRetries: 0 })

beforeEach(async () => {
  sandbox = await startSandboxStripe()
  stripe = connectTo(sandbox.port)
})
afterEach(() => sandbox.close())

const types = () => sandbox.events().map((event) => event.type)

async function checkout(more: Partial<Stripe.Checkout.SessionCreateParams> = {}) {
  const customer = await stripe.customers.create({ name: 'Lindenhof' })
  return stripe.checkout.sessions.create({
    mode: 'payment',
    customer: customer.id,
    line_items: [
      { quantity: 1, price_data: { currency: 'usd', unit_amount: 2_500, product_data: { name: 'Top-up' } } },
    ],
    success_url: 'https://console.example/back?session={CHECKOUT_SESSION_ID}',
    payment_intent_data: { metadata: { payment_id: 'pay_1' }, setup_future_usage: 'off_session' },
    invoice_creation: { enabled: true },
    ...more,
  })
}
const page = (url: string, fields?: Record<string, string>) =>
  fetch(url, {
    redirect: 'manual',
    ...(fields === undefined ? {} : { method: 'POST', body: new URLSearchParams(fields) }),
  })

it('a checkout is paid on its page, and the official client reads it all', async () => {
  const session = await checkout()
  expect(session).toMatchObject({ status: 'open', payment_status: 'unpaid', payment_intent: null, amount_total: 2_500 })
  expect(await (await page(session.url ?? '')).text()).toContain('$25.00')
  const paid = await page(session.url ?? '', { card: '4242 4242 4242 4242' })
  expect([paid.status, paid.headers.get('location')]).toEqual([
    303,
    `https://console.example/back?session=${session.id}`,
  ])
  const after = await stripe.checkout.sessions.retrieve(session.id, {
    expand: ['payment_intent.latest_charge', 'invoice'],
  })
  expect(after).toMatchObject({
    status: 'complete',
    payment_status: 'paid',
    url: null,
    payment_intent: {
      status: 'succeeded',
      amount_received: 2_500,
      metadata: { payment_id: 'pay_1' },
      latest_charge: { object: 'charge', paid: true, receipt_url: expect.stringContaining('/receipts/') },
    },
    invoice: { status: 'paid', number: expect.stringMatching(/^SANDBOX-/) },
  })
  expect(types()).toEqual([
    'customer.created',
    'payment_intent.created',
    'charge.succeeded',
    'payment_intent.succeeded',
    'checkout.session.completed',
  ])
  expect(JSON.stringify(after)).not.toContain('behaviour')
  expect((await page(`${sandbox.url}/pay/${session.id}`, { card: '4242424242424242' })).status).toBe(200)
  expect(types()).toHaveLength(5)
})

it('a card that is declined says so, and another one pays', async () => {
  const session = await checkout()
  expect(await (await page(session.url ?? '', { card: '4000000000000002' })).text()).toContain(
    'Your card was declined.',
  )
  expect(await (await page(session.url ?? '', { card: '1234' })).text()).toContain('Your card number is incorrect.')
  expect((await page(session.url ?? '', { card: '5555555555554444' })).status).toBe(303)
  const { data } = await stripe.paymentIntents.list({ customer: session.customer as string })
  expect(data).toMatchObject([{ status: 'succeeded' }])
})

it('a card that wants to be confirmed asks its owner', async () => {
  const session = await checkout()
  const asked = await page(session.url ?? '', { card: '4000002760003184' })
  const bank = asked.headers.get('location') ?? ''
  expect(bank).toContain('/confirm/pi_')
  expect((await page(bank, { answer: 'yes' })).headers.get('location')).toContain('back?session=')
  expect((await stripe.checkout.sessions.retrieve(session.id)).payment_status).toBe('paid')
})

it('a saved card is charged without its owner, once for an idempotency key; what it is declined with is an error of the client', async () => {
  const saved = async (card: string) => {
    const session = await checkout({
      mode: 'setup',
      line_items: undefined,
      payment_intent_data: undefined,
      invoice_creation: undefined,
      currency: 'usd',
    } as never)
    sandbox.pay(session.id, { card })
    const { setup_intent } = await stripe.checkout.sessions.retrieve(session.id, { expand: ['setup_intent'] })
    return {
      customer: session.customer as string,
      payment_method: (setup_intent as Stripe.SetupIntent).payment_method as string,
    }
  }
  const charge = (who: { customer: string; payment_method: string }, idempotencyKey: string, amount = 5_000) =>
    stripe.paymentIntents.create(
      { amount, currency: 'usd', confirm: true, off_session: true, ...who },
      { idempotencyKey },
    )

  const good = await saved('4242424242424242')
  const first = await charge(good, 'a')
  expect(first.status).toBe('succeeded')
  expect((await charge(good, 'a')).id).toBe(first.id)
  await expect(charge(good, 'a', 1_000)).rejects.toMatchObject({ type: 'StripeIdempotencyError' })
  expect((await charge(good, 'b')).id).not.toBe(first.id)

  await expect(charge(await saved('4000000000000341'), 'c')).rejects.toMatchObject({ code: 'card_declined' })
  const careful = await saved('4000002760003184')
  const refused = (await charge(careful, 'd').catch((error: unknown) => error)) as Stripe.errors.StripeCardError
  expect(refused.code).toBe('authentication_required')
  const id = refused.payment_intent?.id ?? ''
  const again = await stripe.paymentIntents.confirm(id, {
    payment_method: careful.payment_method,
    return_url: 'https://console.example/done',
  })
  expect(again.status).toBe('requires_action')
  const answered = await page(again.next_action?.redirect_to_url?.url ?? '', { answer: 'yes' })
  expect(answered.headers.get('location')).toBe('https://console.example/done')
  expect((await stripe.paymentIntents.retrieve(id)).status).toBe('succeeded')
})

it('direct debits arrive later; refunds and disputes are found by their payment', async () => {
  const session = await checkout()
  sandbox.pay(session.id, { method: 'sepa_debit' })
  const { payment_intent } = await stripe.checkout.sessions.retrieve(session.id)
  const intent = payment_intent as string
  expect((await stripe.paymentIntents.retrieve(intent)).status).toBe('processing')
  sandbox.payments.arrive(intent, true)
  sandbox.payments.refund(intent, 500)
  sandbox.payments.dispute(intent, 'needs_response')
  expect((await stripe.refunds.list({ payment_intent: intent })).data).toMatchObject([
    { amount: 500, status: 'succeeded' },
  ])
  expect((await stripe.disputes.list({ payment_intent: intent })).data).toMatchObject([
    { amount: 2_000, status: 'needs_response' },
  ])
  expect(types().slice(-3)).toEqual(['refund.created', 'charge.refunded', 'charge.dispute.created'])
})

it('calls fail as told, and what was done before an answer was lost is not done again', async () => {
  sandbox.fail({ status: 500, when: 'after' })
  const create = () => stripe.customers.create({ name: 'Once' }, { idempotencyKey: 'same' })
  await expect(create()).rejects.toMatchObject({ type: 'StripeAPIError' })
  const { id } = await create()
  // The client itself tries once more when a connection breaks.
  sandbox.fail({ hang_up: true }, 2)
  await expect(stripe.customers.retrieve(id)).rejects.toMatchObject({ type: 'StripeConnectionError' })
  expect(types()).toEqual(['customer.created'])
  await expect(stripe.customers.retrieve('cus_none')).rejects.toMatchObject({
    code: 'resource_missing',
    statusCode: 404,
  })
  expect(sandbox.calls()[0]).toMatchObject({ method: 'POST', path: '/v1/customers', idempotency_key: 'same' })
})

it('events are signed as Stripe signs them, and sent again until they are taken', async () => {
  const secret = 'whsec_test'
  const taken: string[] = []
  let refusals = 2
  const enough = Promise.withResolvers<void>()
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const body = Buffer.concat(parts)
    const event = stripe.webhooks.constructEvent(body, String(request.headers['stripe-signature']), secret)
    refusals -= 1
    if (refusals < 0) {
      taken.push(event.id)
      if (taken.length === 3) enough.resolve()
    }
    response.writeHead(refusals >= 0 ? 500 : 200).end()
  }
  const endpoint = createServer((request, response) => void take(request, response)).listen(0)
  await once(endpoint, 'listening')
  const { port } = endpoint.address() as AddressInfo
  const other = await startSandboxStripe({
    webhook: { url: `http://127.0.0.1:${port}`, secret },
    retry_ms: [0, 0, 0, 0],
  })
  await connectTo(other.port).customers.create({ name: 'A' })
  await other.webhooks.settled()
  other.webhooks.configure({ repeat: 2 })
  await connectTo(other.port).customers.create({ name: 'B' })
  await enough.promise
  await other.webhooks.settled()
  const [a, b] = other.events()
  expect(taken).toEqual([a?.id, b?.id, b?.id])
  expect(() =>
    stripe.webhooks.constructEvent(sign(a as never, 'other').body, sign(a as never, 'other').signature, secret),
  ).toThrow()
  await other.close()
  endpoint.close()
})

it('keeps what it has across starts, where it is given a file', async () => {
  const file = path.join(mkdtempSync(path.join(os.tmpdir(), 'sandbox-stripe-')), 'stripe.json')
  const first = await startSandboxStripe({ file, secret_key: 'sk_test_own' })
  const { id } = await connectTo(first.port, 'sk_test_own').customers.create({ name: 'Kept' })
  await expect(connectTo(first.port).customers.retrieve(id)).rejects.toMatchObject({
    type: 'StripeAuthenticationError',
  })
  await first.close()
  const second = await startSandboxStripe({ file })
  expect(await connectTo(second.port).customers.retrieve(id)).toMatchObject({ name: 'Kept' })
  await second.close()
})

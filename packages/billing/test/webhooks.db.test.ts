import { balance, execute } from '@stipend/core'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { sign } from '@stipend/sandbox-stripe'
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from 'vitest'
import { createQueue, receiveEvent } from '../src/inbox.ts'
import { topUps } from '../src/index.ts'
import type { TopUp } from '../src/payment.ts'
import { createHouse, type House, WEBHOOK_SECRET } from './house.ts'

let test: TestDatabase
let house: House
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
})
afterAll(() => test.drop())
beforeEach(async () => {
  house = await createHouse(test)
})
afterEach(async () => {
  await house.sound()
  await house.close()
})

const lastEvent = (type: string) => {
  const event = house.sandbox.events().findLast((one) => one.type === type)
  if (event === undefined) throw new Error(`there was no ${type}`)
  return event
}

it('a top-up is paid at Stripe, and the balance rises when the signed event is processed', async () => {
  const begun = (await house.run(topUps.create, { amount_usd: '25.00' })) as TopUp
  expect(begun).toMatchObject({ status: 'open', amount_usd: '25.00', credited_usd: '0.00' })
  expect(begun.checkout_url).toContain(house.sandbox.url)
  const back = house.sandbox.pay(begun.checkout_url?.split('/').at(-1) ?? '', { card: '4242424242424242' })
  expect(back).toBe(`https://console.example/t/${house.scene.tenant.slug}/billing/top-ups/${begun.id}`)
  // That somebody came back from there says nothing.
  expect((await house.run(topUps.get, { id: begun.id })) as TopUp).toMatchObject({ status: 'open' })
  expect(await house.available()).toBe('0.00')

  expect(await house.deliver(lastEvent('checkout.session.completed'))).toBe('done')
  expect(await house.available()).toBe('25.00')
  expect(await house.deliver(lastEvent('payment_intent.succeeded'))).toBe('done')
  expect(await house.deliver(lastEvent('payment_intent.succeeded'))).toBe('nothing to do')
  expect(await house.available()).toBe('25.00')
  expect((await house.run(topUps.get, { id: begun.id })) as TopUp).toMatchObject({
    status: 'succeeded',
    credited_usd: '25.00',
    receipt_url: expect.stringContaining('/receipts/'),
    invoice_number: expect.stringMatching(/^SANDBOX-/),
    checkout_url: null,
  })
})

it('the page that asks learns the truth before any event does', async () => {
  const topUp = await house.paid('50')
  expect(await house.check(topUp.id)).toMatchObject({ status: 'succeeded', credited_usd: '50.00' })
  for (const event of house.sandbox.events()) await house.deliver(event)
  expect(await house.available()).toBe('50.00')
})

const createOnce = async () => {
  const dependencies = { database: test.database, outside: house.outside }
  const request = { request_id: 'req_x', ip: null }
  const options = { request, idempotency_key: 'same' }
  return (await execute(topUps.create, dependencies, house.owner, { amount_usd: '25' }, options)).output
}

it('a repeated request with one Idempotency-Key makes one checkout', async () => {
  const [first, second] = [await createOnce(), await createOnce()]
  expect(second).toEqual(first)
  expect(second.checkout_url).not.toBeNull()
  const made = house.sandbox.calls().filter((call) => call.path === '/v1/checkout/sessions' && call.method === 'POST')
  expect(made).toHaveLength(1)
})

it('where the answer of Stripe got lost, repeating the request finds the checkout that was made', async () => {
  house.sandbox.fail({ hang_up: true, when: 'after', path: '/v1/checkout/sessions' }, 9)
  await expect(createOnce()).rejects.toMatchObject({ code: 'unavailable' })
  house.sandbox.heal()
  const listed = (await house.run(topUps.list, {})) as { data: TopUp[] }
  expect(listed.data).toMatchObject([{ status: 'created' }])
  const found = await createOnce()
  expect(found).toMatchObject({ id: listed.data[0]?.id, status: 'open' })
  house.sandbox.pay(found.checkout_url?.split('/').at(-1) ?? '', { card: '4242424242424242' })
  const paid = house.sandbox.events().filter((event) => event.type === 'payment_intent.created')
  expect(paid).toHaveLength(1)
  expect(await house.check(found.id)).toMatchObject({ status: 'succeeded' })
})

it.each(['4', '4.99', '10000.01', '5.001', '0', '-5', 'abc'])('refuses to top up by %j', async (amount_usd) => {
  await expect(house.run(topUps.create, { amount_usd })).rejects.toMatchObject({
    code: 'invalid_request',
    details: { param: 'amount_usd' },
  })
  expect(house.sandbox.calls()).toEqual([])
})

it('only owners and those who look after the money may', async () => {
  for (const role of ['admin', 'auditor', 'member'] as const) {
    const actor = { ...house.owner, role }
    await expect(house.run(topUps.create, { amount_usd: '25' }, actor)).rejects.toMatchObject({ code: 'forbidden' })
    await expect(house.run(topUps.list, {}, actor)).rejects.toMatchObject({ code: 'forbidden' })
  }
  const made = await house.run(topUps.create, { amount_usd: '25' }, { ...house.owner, role: 'billing' })
  expect(made).toMatchObject({ status: 'open' })
})

it('a direct debit is on its way until it arrives, or bounces', async () => {
  const begin = async () => {
    const topUp = (await house.run(topUps.create, { amount_usd: '100' })) as TopUp
    house.sandbox.pay(topUp.checkout_url?.split('/').at(-1) ?? '', { method: 'sepa_debit' })
    await house.deliver(lastEvent('checkout.session.completed'))
    expect(await house.check(topUp.id)).toMatchObject({ status: 'processing', credited_usd: '0.00' })
    return topUp
  }
  const good = await begin()
  house.sandbox.payments.arrive(house.intent(), true)
  await house.deliver(lastEvent('checkout.session.async_payment_succeeded'))
  expect(await house.run(topUps.get, { id: good.id })).toMatchObject({ status: 'succeeded' })
  const bad = await begin()
  house.sandbox.payments.arrive(house.intent(), false)
  await house.deliver(lastEvent('checkout.session.async_payment_failed'))
  expect(await house.run(topUps.get, { id: bad.id })).toMatchObject({
    status: 'failed',
    failure: 'The customer’s account has insufficient funds.',
  })
  expect(await house.available()).toBe('100.00')
})

it('refunds and disputes lower the balance, also below what is left; what fails or is won comes back', async () => {
  await house.paid('50')
  await house.deliver(lastEvent('payment_intent.succeeded'))
  const intent = house.intent()
  const refund = house.sandbox.payments.refund(intent, 2_000)
  await house.deliver(lastEvent('refund.created'))
  await house.deliver(lastEvent('charge.refunded'))
  expect(await house.available()).toBe('30.00')
  const dispute = house.sandbox.payments.dispute(intent, 'warning_needs_response')
  await house.deliver(lastEvent('charge.dispute.created'))
  expect(await house.available()).toBe('30.00')
  house.sandbox.payments.changeDispute(dispute.id, 'needs_response')
  await house.deliver(lastEvent('charge.dispute.updated'))
  expect(await house.available()).toBe('0.00')
  house.sandbox.payments.changeDispute(dispute.id, 'won')
  await house.deliver(lastEvent('charge.dispute.closed'))
  expect(await house.available()).toBe('30.00')
  house.sandbox.payments.failRefund(refund.id)
  await house.deliver(lastEvent('refund.failed'))
  expect(await house.available()).toBe('50.00')
  const kinds = (await house.run(balance.listLedger, {})) as { data: { kind: string }[] }
  expect(kinds.data.map((one) => one.kind)).toEqual([
    'refund_reversal',
    'dispute_reversal',
    'dispute',
    'refund',
    'top_up',
  ])
})

it('an event that is not signed, signed by another, changed or old is refused and leaves no trace', async () => {
  await house.paid('25')
  const event = lastEvent('payment_intent.succeeded')
  const { body, signature } = sign(event, WEBHOOK_SECRET)
  const refused = { code: 'invalid_request' }
  const at = Math.floor(Date.now() / 1000)
  await expect(house.receive(event, 'whsec_another')).rejects.toMatchObject(refused)
  await expect(house.receive(event, WEBHOOK_SECRET, at - 600)).rejects.toMatchObject(refused)
  for (const bad of ['', 'nonsense', `t=${at}`, signature.replace(/.$/, (last) => (last === '0' ? '1' : '0'))])
    await expect(receiveEvent(house.deps, Buffer.from(body), bad)).rejects.toMatchObject(refused)
  await expect(
    receiveEvent(house.deps, Buffer.from(body.replace('succeeded', 'Succeeded')), signature),
  ).rejects.toMatchObject(refused)
  const [row] = await test.admin`select count(*)::int as n from stripe_events where id = ${event.id}`
  expect(row?.n).toBe(0)
  expect(await house.available()).toBe('0.00')
})

it('events of another mode, of strangers, of nothing and of what is gone are kept, logged, and change nothing', async () => {
  await house.paid('25')
  const event = lastEvent('payment_intent.succeeded')
  const outcome = async (id: string) =>
    (await test.admin`select outcome, processed_at is not null as over from stripe_events where id = ${id}`)[0]
  await house.deliver({ ...event, id: 'evt_live', livemode: true })
  expect(await outcome('evt_live')).toEqual({ outcome: 'another mode', over: true })
  await house.deliver({ ...event, id: 'evt_other', type: 'customer.updated' })
  expect(await outcome('evt_other')).toEqual({ outcome: 'not looked at', over: true })
  await house.deliver({ ...event, id: 'evt_gone', data: { object: { object: 'payment_intent', id: 'pi_gone' } } })
  expect(await outcome('evt_gone')).toEqual({ outcome: 'gone at Stripe', over: true })
  expect(await house.available()).toBe('0.00')

  // The organisation was deleted: nobody is that customer any more.
  await test.admin`update billing_accounts set stripe_customer = 'cus_of_before' where tenant_id = ${house.tenant_id}`
  await house.deliver(event)
  expect(await outcome(event.id)).toEqual({ outcome: 'no such organisation', over: true })
  expect(house.lines.filter((line) => line.message === 'a Stripe event that nothing can be booked for')).toHaveLength(2)
  expect(await house.available()).toBe('0.00')
})

it('what the body of an event says is not believed', async () => {
  await house.paid('25')
  const event = lastEvent('payment_intent.succeeded')
  const lie = { ...event.data.object, amount: 999_900, amount_received: 999_900, metadata: { payment_id: 'pay_other' } }
  await house.deliver({ ...event, data: { object: lie } })
  expect(await house.available()).toBe('25.00')
})

it('an event whose processing failed is done by the worker, however late', async () => {
  await house.paid('25')
  const event = lastEvent('payment_intent.succeeded')
  house.sandbox.fail({ status: 500, path: '/v1/payment_intents' }, 2)
  await expect(house.deliver(event)).rejects.toMatchObject({ type: 'StripeAPIError' })
  expect(await house.worker(new Date())).toBe(0)
  expect(await house.worker(new Date(Date.now() + 60_000))).toBe(1)
  expect(await house.available()).toBe('25.00')
})

it('a payment that our database has forgotten is written down again', async () => {
  const topUp = await house.paid('25')
  await test.admin`delete from payments where id = ${topUp.id}`
  await house.deliver(lastEvent('payment_intent.succeeded'))
  expect(await house.available()).toBe('25.00')
  expect(await house.run(topUps.get, { id: topUp.id })).toMatchObject({ status: 'succeeded', credited_usd: '25.00' })
})

it('a thousand events at once are taken in, and each payment counts once', async () => {
  for (const amount of ['25', '50', '100']) await house.paid(amount)
  house.sandbox.payments.refund(house.intent(), 1_000)
  const real = house.sandbox.events().filter((event) => /^(payment_intent|charge|checkout|refund)/.test(event.type))
  const queue = createQueue(house.deps)
  const events = Array.from({ length: 1_000 }, (_, n) => {
    const event = real[n % real.length] as (typeof real)[number]
    // Eight hundred different ones, and two hundred that come again.
    return { ...event, id: `evt_flood_${n % 800}` }
  })
  const ids = await Promise.all(events.map((event) => house.receive(event)))
  for (const id of ids) if (id !== null) queue.add(id)
  await queue.settled()
  expect(ids.filter((id) => id !== null)).toHaveLength(800)
  expect(await house.available()).toBe('165.00')
  const [left] =
    await test.admin`select count(*)::int as n from stripe_events where processed_at is null and id like 'evt_flood_%'`
  expect(left?.n).toBe(0)
})

import * as core from '@stipend/core'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from 'vitest'
import { billing, topUps } from '../src/index.ts'
import { createHouse, type House } from './house.ts'

let test: TestDatabase
let house: House
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
})
afterAll(() => test.drop())
beforeEach(async () => {
  house = await createHouse(test, { balance_usd: '4' })
})
afterEach(async () => {
  await house.sound()
  await house.close()
})

const TERMS = { threshold_usd: '10', amount_usd: '20', monthly_max_usd: '50' }
const begin = async (card?: string) => {
  await house.saveCard(card)
  return (await house.run(billing.setAutomatic, TERMS)) as billing.Billing
}
const charges = () => house.sandbox.events().filter((event) => event.type === 'payment_intent.created').length
const later = (minutes: number) => new Date(Date.now() + minutes * 60_000)

it('needs a saved way to pay, and terms that make sense', async () => {
  await expect(house.run(billing.setAutomatic, TERMS)).rejects.toMatchObject({ code: 'conflict' })
  expect((await house.saveCard()).payment_method).toBe('Visa ending in 4242')
  await expect(house.run(billing.setAutomatic, { ...TERMS, monthly_max_usd: '19' })).rejects.toMatchObject({
    details: { param: 'monthly_max_usd' },
  })
  expect((await house.settings()).automatic.state).toBe('off')
  expect(await house.topUpShort()).toEqual({ wait: 'off' })
})

it('charges once for one shortage, again after the next, and no more than the month allows', async () => {
  await begin()
  const all = await Promise.all([house.topUpShort(), house.topUpShort(), house.topUpShort()])
  expect(all.filter((one) => !('wait' in one)).length).toBeGreaterThanOrEqual(1)
  expect(charges()).toBe(1)
  expect(await house.available()).toBe('24.00')
  expect(await house.topUpShort()).toEqual({ wait: 'enough' })

  house.sandbox.payments.refund(house.intent())
  for (const event of house.sandbox.events()) await house.deliver(event)
  expect(await house.available()).toBe('4.00')
  expect(await house.topUpShort()).toEqual({ wait: 'cooling down' })
  expect(await house.topUpShort(later(61))).not.toHaveProperty('wait')
  house.sandbox.payments.refund(house.intent())
  for (const event of house.sandbox.events()) await house.deliver(event)
  expect(await house.topUpShort(later(200))).toEqual({ wait: 'ceiling reached' })
  expect(charges()).toBe(2)
  expect((await house.settings()).automatic).toMatchObject({ state: 'on', spent_this_month_usd: '40.00' })
})

it('a card that fails stops it, with the reason, until somebody starts it again', async () => {
  await begin('4000000000000341')
  await house.topUpShort()
  expect((await house.settings()).automatic).toMatchObject({ state: 'stopped', reason: 'Your card was declined.' })
  for (const minutes of [61, 500, 5_000]) expect(await house.topUpShort(later(minutes))).toEqual({ wait: 'off' })
  expect(charges()).toBe(1)

  expect((await house.saveCard()).payment_method).toBe('Visa ending in 4242')
  await house.run(billing.setAutomatic, TERMS)
  await house.topUpShort(later(61))
  expect(charges()).toBe(2)
  expect(await house.available()).toBe('24.00')
})

it('a bank that wants to be asked gets its answer over a link, and it goes on by itself', async () => {
  await begin('4000002760003184')
  await house.topUpShort()
  const waiting = (await house.settings()).automatic
  expect(waiting).toMatchObject({ state: 'needs_confirmation', unconfirmed_top_up_id: expect.stringMatching(/^pay_/) })
  expect(await house.topUpShort(later(5_000))).toEqual({ wait: 'off' })
  await expect(house.run(billing.setAutomatic, TERMS)).rejects.toMatchObject({ code: 'conflict' })

  const { url } = (await house.run(billing.confirm, {})) as { url: string }
  const answered = await fetch(url, {
    method: 'POST',
    body: new URLSearchParams({ answer: 'yes' }),
    redirect: 'manual',
  })
  expect(answered.headers.get('location')).toContain(`/billing/top-ups/${waiting.unconfirmed_top_up_id}`)
  for (const event of house.sandbox.events()) await house.deliver(event)
  expect(await house.available()).toBe('24.00')
  expect((await house.settings()).automatic).toMatchObject({ state: 'on', reason: null, unconfirmed_top_up_id: null })
  expect(charges()).toBe(1)
})

it('one that waits for the bank can be given up', async () => {
  await begin('4000002760003184')
  await house.topUpShort()
  const id = (await house.settings()).automatic.unconfirmed_top_up_id
  expect(await house.run(topUps.cancel, { id: id ?? '' })).toMatchObject({ status: 'canceled' })
  expect((await house.settings()).automatic).toMatchObject({ state: 'stopped', unconfirmed_top_up_id: null })
})

it('an answer that got lost does not charge twice, not even when Stripe has forgotten the key', async () => {
  await begin()
  house.sandbox.fail({ hang_up: true, when: 'after', path: '/v1/payment_intents' }, 9)
  await expect(house.topUpShort()).rejects.toMatchObject({ type: 'StripeConnectionError' })
  house.sandbox.heal()
  expect(charges()).toBe(1)
  await house.topUpShort(later(30 * 60))
  expect(charges()).toBe(1)
  expect(await house.available()).toBe('24.00')
  const posts = house.sandbox.calls().filter((call) => call.method === 'POST' && call.path === '/v1/payment_intents')
  expect(new Set(posts.map((call) => call.idempotency_key)).size).toBe(1)
})

it('stopped by hand, it charges nothing', async () => {
  await begin()
  await house.run(billing.stopAutomatic, {})
  expect(await house.topUpShort()).toEqual({ wait: 'off' })
  expect(charges()).toBe(0)
  expect(((await house.run(core.audit.list, {})) as { data: { operation: string }[] }).data[0]?.operation).toBe(
    'billing.stop_automatic',
  )
})

import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { Ajv, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { billing, topUps } from '../src/index.ts'
import { createHouse, type House } from './house.ts'

/** Stripe's own description of its API, where it is at hand. */
const FIXTURES = process.env.STIPEND_FIXTURES ?? path.join(import.meta.dirname, '../../../../shared/fixtures')
const SPEC = path.join(FIXTURES, 'stripe/spec3-2023-08-16-pruned.json')

type Schema = Record<string, unknown>
type Operation = {
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}
type Spec = { paths: Record<string, Record<string, Operation>> }

/** What there is of the paths we use, written down here for where Stripe's description isn't: their fields, by name. */
const OWN: Record<string, string[]> = {
  'POST /v1/customers': ['name', 'metadata'],
  'POST /v1/checkout/sessions': [
    ...['mode', 'customer', 'client_reference_id', 'metadata', 'line_items', 'payment_intent_data', 'invoice_creation'],
    ...['billing_address_collection', 'tax_id_collection', 'customer_update', 'success_url', 'cancel_url', 'currency'],
  ],
  'GET /v1/checkout/sessions/{session}': ['expand'],
  'POST /v1/checkout/sessions/{session}/expire': [],
  'POST /v1/payment_intents': [
    ...['amount', 'currency', 'customer', 'payment_method', 'description', 'metadata', 'confirm', 'off_session'],
  ],
  'GET /v1/payment_intents': ['customer', 'created', 'limit', 'expand'],
  'GET /v1/payment_intents/{intent}': ['expand'],
  'POST /v1/payment_intents/{intent}/confirm': ['payment_method', 'return_url'],
  'POST /v1/payment_intents/{intent}/cancel': [],
  'GET /v1/refunds': ['payment_intent', 'limit'],
}
/** Stripe has it; the description at hand, cut down to the paths of other objects, doesn't. */
const LATER: Record<string, string[]> = { 'GET /v1/disputes': ['payment_intent', 'limit'] }

let test: TestDatabase
let house: House
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  house = await createHouse(test, { balance_usd: '1' })
})
afterAll(async () => {
  await house.close()
  await test.drop()
})

/** Everything this package ever asks of Stripe, once. */
async function askEverything(): Promise<void> {
  const topUp = await house.paid('25', undefined, { save_method: true })
  await house.check(topUp.id)
  house.sandbox.payments.refund(house.intent(), 100)
  house.sandbox.payments.dispute(house.intent(), 'lost')
  await house.check(topUp.id)
  const { id } = (await house.run(topUps.create, { amount_usd: '50' })) as { id: string }
  await house.run(topUps.cancel, { id })
  await house.saveCard('4000002760003184')
  await house.run(billing.setAutomatic, { threshold_usd: '500', amount_usd: '20', monthly_max_usd: '90' })
  await house.topUpShort()
  await house.run(billing.confirm, {})
  const waiting = (await house.settings()).automatic.unconfirmed_top_up_id ?? ''
  await house.run(topUps.cancel, { id: waiting })
  await house.stripe.listIntents(null, new Date(0))
  await house.stripe.listIntents('cus_x', new Date(0))
}

function templateOf(paths: readonly string[], asked: string): string | undefined {
  return paths
    .filter((one) => new RegExp(`^${one.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(asked))
    .toSorted((a, b) => a.split('{').length - b.split('{').length)[0]
}

it('every request we send is one that Stripe’s description of its API allows', async () => {
  await askEverything()
  const calls = house.sandbox.calls()
  const paths = Object.keys(OWN).map((one) => one.split(' ')[1] ?? '')
  const names = new Set(calls.map(({ method, path: asked }) => `${method} ${templateOf(paths, asked) ?? asked}`))
  expect([...names].toSorted()).toEqual([...Object.keys(OWN), ...Object.keys(LATER)].toSorted())
  for (const call of calls) {
    const name = `${call.method} ${templateOf(paths, call.path) ?? call.path}`
    const known = OWN[name] ?? LATER[name]
    expect(known, name).toEqual(expect.arrayContaining(Object.keys(call.fields)))
    if (call.method === 'POST') expect(call.idempotency_key, name).toBeTruthy()
  }
  if (!existsSync(SPEC)) {
    console.log('Stripe’s description of its API is not at hand: requests were compared with the list in this file.')
    return
  }

  const spec = JSON.parse(readFileSync(SPEC, 'utf8')) as Spec
  // What travels in a form is text: numbers and booleans are read from it.
  const ajv = new Ajv({ strict: false, coerceTypes: true, allErrors: true })
  formats.default(ajv)
  ajv.addSchema({ $id: 'stripe', ...spec })
  const validators = new Map<string, ValidateFunction>()
  const validatorOf = (method: string, asked: string): ValidateFunction | null => {
    const template = templateOf(Object.keys(spec.paths), asked)
    const operation = template === undefined ? undefined : spec.paths[template]?.[method.toLowerCase()]
    if (operation === undefined) return null
    const name = `${method} ${template}`
    const there = validators.get(name)
    if (there !== undefined) return there
    const query = (operation.parameters ?? []).filter((one) => one.in === 'query')
    const schema: Schema =
      method === 'GET'
        ? {
            type: 'object',
            additionalProperties: false,
            properties: Object.fromEntries(query.map((one) => [one.name, one.schema])),
          }
        : (operation.requestBody?.content['application/x-www-form-urlencoded']?.schema ?? {})
    const made = ajv.compile(schema)
    validators.set(name, made)
    return made
  }
  const unknown: string[] = []
  for (const { method, path: asked, fields } of calls) {
    const validate = validatorOf(method, asked)
    if (validate === null) unknown.push(`${method} ${asked}`)
    else expect(validate(structuredClone(fields)) ? null : validate.errors, `${method} ${asked}`).toBeNull()
  }
  expect(new Set(unknown)).toEqual(new Set(Object.keys(LATER)))
  // It would say so: a field that doesn't exist is refused.
  const strict = validatorOf('POST', '/v1/checkout/sessions')
  expect(strict?.({ mode: 'payment', success_url: 'https://x', amount_of_money: '1' })).toBe(false)
})

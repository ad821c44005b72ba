import { createPayments, topUps } from '@stipend/billing'
import * as core from '@stipend/core'
import { createScene } from '@stipend/core/testing'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { createLog } from '@stipend/runtime'
import { type SandboxStripe, startSandboxStripe } from '@stipend/sandbox-stripe'
import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest'
import { createServer } from '../src/server.ts'

const secret = 'whsec_only_for_tests'
let test: TestDatabase
let stripe: SandboxStripe
let server: ReturnType<typeof createServer>
const said: string[] = []
const payments = (api_url: string) =>
  createPayments({ secret_key: 'sk_test_x', webhook_secret: secret, api_url, console_url: 'https://console.example' })

beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  const log = createLog({ app: 'test', level: 'info', destination: { write: (line) => said.push(line) } })
  // Each needs the other's address: the one that only sends is moved behind it.
  const probe = await startSandboxStripe()
  const { port } = probe
  await probe.close()
  server = createServer({ database: test.database, log, payments: payments(`http://127.0.0.1:${port}`) })
  const url = `${await server.listen({ host: '127.0.0.1', port: 0 })}/webhooks/stripe`
  stripe = await startSandboxStripe({ port, webhook: { url, secret } })
})
afterAll(async () => {
  await stripe.close()
  await server.close()
  await test.drop()
})

it('an event that Stripe sends raises the balance, and gateways are told', async () => {
  const scene = await createScene(test.database, { balance_usd: null })
  const listener = await test.admin.listen('stipend', (message) => void heard.push(message))
  const heard: string[] = []
  const dependencies = { database: test.database, outside: { billing: payments(stripe.url) as never } }
  const request = { request_id: 'req_x', ip: null }
  const owner = await scene.owner()
  const { output } = await core.execute(topUps.create, dependencies, owner, { amount_usd: '25' }, { request })
  stripe.webhooks.configure({ repeat: 3 })
  stripe.pay(output.checkout_url?.split('/').at(-1) ?? '', { card: '4242424242424242' })
  await vi.waitUntil(async () => (await scene.run(core.balance.get, {})).available_usd === '25.00', { timeout: 10_000 })
  await stripe.webhooks.settled()
  expect(stripe.webhooks.deliveries().every((one) => one.status === 200)).toBe(true)
  expect((await scene.run(core.balance.get, {})).available_usd).toBe('25.00')
  expect(heard).toContain(`account ${scene.tenant_id}`)
  await listener.unlisten()
})

it.each([
  ['without a signature', {}, 'null'],
  ['with one that is not right', { 'stripe-signature': 't=1,v1=00' }, '{"id":"evt_1"}'],
  ['with a body that is no JSON', { 'stripe-signature': `t=${Math.floor(Date.now() / 1000)},v1=00` }, '{'],
])('an event %s is refused, whatever it says', async (_, headers, payload) => {
  const answer = await server.inject({
    method: 'POST',
    url: '/webhooks/stripe',
    headers: { 'content-type': 'application/json', ...(headers as Record<string, string>) },
    payload,
  })
  expect([answer.statusCode, answer.json().code]).toEqual([400, 'invalid_request'])
  expect(said.join()).not.toContain(secret)
})

it('without a key there are no payments, and nothing listens for events', async () => {
  const log = createLog({ app: 'test', level: 'silent' })
  const bare = createServer({ database: test.database, log })
  const answer = await bare.inject({ method: 'POST', url: '/webhooks/stripe', payload: {} })
  expect(answer.statusCode).toBe(404)
  await bare.close()
})

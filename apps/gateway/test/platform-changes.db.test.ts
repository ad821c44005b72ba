import { type Actor, type AnyOperation, execute, newId, providers } from '@stipend/core'
import { modelPrice } from '@stipend/money'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import type { z } from 'zod'
import { balanced, costAt, settled, soon } from './books.ts'
import { buildHouse, CREDENTIAL, type House, MASTER_KEY } from './harness.ts'
import { call, prompt } from './http.ts'

type Tokens = Parameters<typeof costAt>[1]

let house: House
let url: string
beforeAll(async () => {
  house = await buildHouse(inject('testCluster'))
  url = await house.start()
})
afterAll(async () => {
  await balanced(house)
  await house.close()
})

/** The operator at the command line, in another process than the gateway. */
const OPERATOR: Actor = { kind: 'operator', tenant_id: null, name: 'test' }
async function operate<O extends AnyOperation>(operation: O, input: z.input<O['input']>) {
  const deps = { database: house.test.database, masterKeys: [MASTER_KEY] as const }
  const request = { request_id: newId('request'), ip: null }
  return (await execute(operation, deps, OPERATOR, input, { request })).output as z.output<O['output']>
}

it('what an operator changes of a provider of the platform holds for requests to running gateways', async () => {
  const key = await house.scene.key()
  const ask = () => call(url, { key: key.secret, body: prompt('output_tokens=20', { model: 'ours' }) })
  expect((await ask()).status).toBe(404)

  const base_url = `${house.sandbox.url}/v1`
  const made = { name: 'later', kind: 'openai_compatible' as const, base_url, credential: CREDENTIAL }
  const { id } = await operate(providers.create, made)
  const price = { input_usd_per_million: '2', output_usd_per_million: '8' }
  await operate(providers.setModels, { id, models: [{ name: 'ours', upstream_name: 'sandbox-small', price }] })
  await soon(async () => expect((await ask()).status).toBe(200))
  const [first] = await settled(house, key.id, 1)
  expect(first?.cost_nanos).toBe(costAt(modelPrice({ input: '2', output: '8' }), first as Tokens))

  await operate(providers.setMarkup, { id, markup_percent: '50' })
  const dearer = modelPrice({ input: '3', output: '12' })
  await soon(async () => {
    const other = await house.scene.key()
    await call(url, { key: other.secret, body: prompt('output_tokens=20', { model: 'ours' }) })
    const [event] = await settled(house, other.id, 1)
    expect(event?.cost_nanos).toBe(costAt(dearer, event as Tokens))
  })

  await operate(providers.rotateCredential, { id, credential: 'sk-revoked-by-the-provider' })
  await soon(async () => expect((await ask()).status).toBe(502))
  await operate(providers.rotateCredential, { id, credential: CREDENTIAL })
  await soon(async () => expect((await ask()).status).toBe(200))

  await operate(providers.update, { id, is_enabled: false })
  await soon(async () => expect((await ask()).status).toBe(404))
})

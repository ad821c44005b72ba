import { randomBytes, randomUUID } from 'node:crypto'
import * as core from '@stipend/core'
import { DIALECTS, type Dialect } from '@stipend/core'
import { hashSecret, newSecret } from '@stipend/core/secrets'
import { draw } from '@stipend/core/spend'
import { createScene } from '@stipend/core/testing'
import { giveBackLeases } from '@stipend/db'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { balanced, settled, written } from './books.ts'
import { Cable } from './cable.ts'
import { buildHouse, type House } from './harness.ts'
import { type Answer, call } from './http.ts'

/** Every address that costs money × every way to have none: nobody gets through to a provider, and nothing is written down. */

let house: House
beforeAll(async () => {
  house = await buildHouse(inject('testCluster'), { models: ['sandbox-small', 'sandbox-embedding'] })
})
afterAll(async () => {
  await balanced(house)
  await house.close()
})
beforeEach(() => house.sandbox.reset())

const model = 'sandbox-small'
const messages = [{ role: 'user', content: 'Say hello.' }]

type Route = { dialect: Dialect; path: string; body: object }
const both = (dialect: Dialect, path: string, body: object): Route[] => [
  { dialect, path, body },
  { dialect, path, body: { ...body, stream: true } },
]
const ROUTES: readonly Route[] = [
  ...both('chat', '/v1/chat/completions', { model, messages }),
  { dialect: 'chat', path: '/v1/chat/completions', body: { model, messages, max_tokens: 1, n: 2 } },
  ...both('chat', '/work', { model, messages }),
  ...both('chat', '/api/openai/v1/chat/completions', { model, messages }),
  ...both('completions', '/v1/completions', { model, prompt: 'Say hello.' }),
  { dialect: 'embeddings', path: '/v1/embeddings', body: { model: 'sandbox-embedding', input: 'Say hello.' } },
  ...both('responses', '/v1/responses', { model, input: 'Say hello.' }),
  ...both('messages', '/v1/messages', { model, messages, max_tokens: 100 }),
]

type Way = {
  name: string
  status: number
  code: string
  secret: () => Promise<string | undefined>
  after?: () => Promise<unknown>
}

const ELSEWHERE = core.newId('gateway')

const keyAfter = async (change: (id: string, member_id: string) => Promise<unknown>): Promise<string> => {
  const key = await house.scene.key()
  await change(key.id, key.member_id)
  return key.secret
}

/** A key with all of its budget spent, to the nanodollar. */
async function spent(budget: Parameters<House['scene']['key']>[0]): Promise<{ id: string; secret: string }> {
  const key = await house.scene.key({ budget_usd: '0.0006', ...budget })
  const all = { model, messages: [{ role: 'user', content: '[[sandbox: output_tokens=4000]]' }] }
  expect((await call(house.url, { key: key.secret, body: all })).status).toBe(200)
  await settled(house, key.id, 1)
  return key
}

async function allocation(budget_usd: string): Promise<string> {
  return (await house.scene.run(core.allocations.create, { name: randomUUID(), budget_usd, renewal: 'never' })).id
}

const no = { status: 402 }
const refused = { status: 401 }
const WAYS: readonly Way[] = [
  { name: 'no key', ...refused, code: 'invalid_api_key', secret: async () => undefined },
  {
    name: 'a key nobody handed out',
    ...refused,
    code: 'invalid_api_key',
    secret: async () => newSecret('key', randomBytes),
  },
  {
    name: 'a key of another service',
    ...refused,
    code: 'invalid_api_key',
    secret: async () => 'another-service-0123456789',
  },
  {
    name: 'a revoked key',
    ...refused,
    code: 'key_revoked',
    secret: () => keyAfter((id) => house.scene.run(core.keys.revoke, { id })),
  },
  {
    name: 'a disabled key',
    ...refused,
    code: 'key_disabled',
    secret: () => keyAfter((id) => house.scene.run(core.keys.disable, { id })),
  },
  {
    name: 'a key of somebody who has left',
    ...refused,
    code: 'key_disabled',
    secret: () =>
      keyAfter((_, member_id) => house.test.admin`update members set deactivated_at = now() where id = ${member_id}`),
  },
  {
    name: 'a key whose time is over',
    ...refused,
    code: 'key_expired',
    secret: () =>
      keyAfter((id) => house.test.admin`update keys set valid_until = now() - interval '1 s' where id = ${id}`),
  },
  {
    name: 'a key whose time is yet to come',
    ...refused,
    code: 'key_not_yet_valid',
    secret: async () => (await house.scene.key({ valid_from: '2099-01-01T00:00:00Z' })).secret,
  },
  {
    name: 'a budget that is too small',
    ...no,
    code: 'budget_exhausted',
    secret: async () => (await house.scene.key({ budget_usd: '0.000000001' })).secret,
  },
  { name: 'a budget that is spent', ...no, code: 'budget_exhausted', secret: async () => (await spent({})).secret },
  {
    name: 'a daily budget that is spent',
    ...no,
    code: 'budget_exhausted',
    secret: async () => (await spent({ renewal: 'daily' })).secret,
  },
  {
    name: 'a budget that was renewed as often as it may be',
    ...no,
    code: 'budget_exhausted',
    secret: async () => {
      const key = await house.scene.key({ budget_usd: '0.000000001', renewal: 'when_used_up' })
      await house.test.admin`update accounts set renewals_max = 0 where id = ${key.id}`
      return key.secret
    },
  },
  {
    name: 'a budget lowered below what is spent',
    ...no,
    code: 'budget_exhausted',
    secret: async () => {
      const key = await house.scene.key({ budget_usd: '1' })
      await call(house.url, { key: key.secret, body: { model, messages } })
      await settled(house, key.id, 1)
      await house.scene.run(core.keys.update, { id: key.id, budget_usd: '0.000000001' })
      return key.secret
    },
  },
  {
    name: 'a budget that another gateway has set aside',
    ...no,
    code: 'budget_exhausted',
    secret: async () => {
      const { secret } = await house.scene.key({ budget_usd: '1' })
      const all = 1_000_000_000n
      const lease = { gateway_id: ELSEWHERE, lease_id: core.newId('lease'), uses_balance: true }
      const drawn = await draw(house.test.database, {
        secret_hash: hashSecret(secret),
        want_nanos: all,
        least_nanos: all,
        ...lease,
      })
      expect(drawn.outcome).toBe('granted')
      return secret
    },
    after: () => giveBackLeases(house.test.database, ELSEWHERE),
  },
  {
    name: 'an allocation that is too small',
    ...no,
    code: 'allocation_exhausted',
    secret: async () => (await house.scene.key({ allocation_id: await allocation('0.000000001') })).secret,
  },
  {
    name: 'an allocation that others have spent',
    ...no,
    code: 'allocation_exhausted',
    secret: async () => {
      const allocation_id = await allocation('0.0006')
      await spent({ budget_usd: null, allocation_id })
      return (await house.scene.key({ budget_usd: null, allocation_id })).secret
    },
  },
  {
    name: 'a balance that is used up',
    ...no,
    code: 'balance_exhausted',
    secret: async () => {
      const poor = await createScene(house.test.database, { balance_usd: '0.000000001' })
      return (await poor.key({ budget_usd: null })).secret
    },
  },
  {
    name: 'a balance that was never topped up',
    ...no,
    code: 'balance_exhausted',
    secret: async () => (await (await createScene(house.test.database, { balance_usd: null })).key()).secret,
  },
]

function expectNo(answer: Answer, route: Route, { status, code }: { status: number; code: string }): void {
  expect(answer).toMatchObject({ status, end: 'clean' })
  const told = JSON.parse(answer.text)
  if (route.dialect === 'messages')
    expect(told).toMatchObject({ type: 'error', error: { message: expect.any(String) } })
  else expect(told).toMatchObject({ error: { code } })
}

const ask = (base: string, { path, body }: Route, key: string | undefined) =>
  call(base.replace(/\/v1$/, ''), { path, body, ...(key === undefined ? {} : { key }) })

it('knows every dialect', () => {
  expect(new Set(ROUTES.map(({ dialect }) => dialect))).toEqual(new Set(DIALECTS))
})

describe('nobody is asked for an answer', () => {
  it.each(WAYS)('with $name', async ({ secret, after, ...way }) => {
    const key = await secret()
    house.sandbox.reset()
    const before = await written(house)
    // One after the other, and then all at once.
    for (const route of ROUTES) expectNo(await ask(house.url, route, key), route, way)
    const answers = await Promise.all(
      ROUTES.map(async (route) => ({ route, answer: await ask(house.url, route, key) })),
    )
    for (const { route, answer } of answers) expectNo(answer, route, way)
    expect(house.sandbox.stats()).toMatchObject({ requests: 0, failed: 0, open: 0 })
    expect(await written(house)).toEqual(before)
    await after?.()
  })

  it('while the ledger is away and nothing is set aside', async () => {
    const key = await house.scene.key()
    const cable = await Cable.to(house.test.url)
    const url = await house.start({ databaseUrl: cable.url })
    cable.pullOut()
    for (const route of ROUTES) {
      const answer = await ask(url, route, key.secret)
      expectNo(answer, route, { status: 503, code: 'metering_unavailable' })
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    }
    expect(house.sandbox.stats()).toMatchObject({ requests: 0, failed: 0, open: 0 })
    cable.plugIn()
  })
})

it('the same requests are answered where there is money', async () => {
  const key = await house.scene.key()
  for (const route of ROUTES) expect((await ask(house.url, route, key.secret)).status).toBe(200)
  expect(house.sandbox.stats().requests).toBe(ROUTES.length)
  await settled(house, key.id, ROUTES.length)
})

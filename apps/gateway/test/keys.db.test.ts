import { randomBytes } from 'node:crypto'
import * as core from '@stipend/core'
import { newSecret } from '@stipend/core/secrets'
import { createScene } from '@stipend/core/testing'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import { balanced, eventsOf, settled, written } from './books.ts'
import { buildHouse, type House } from './harness.ts'
import { type Answer, call, errorOf } from './http.ts'

let house: House
beforeAll(async () => {
  house = await buildHouse(inject('testCluster'))
})
afterAll(async () => {
  await balanced(house)
  await house.close()
})
beforeEach(() => house.sandbox.reset())

const ASK = { model: 'sandbox-small', messages: [{ role: 'user' as const, content: 'Hello' }] }

/** A client that counts what it sends and tries again as the official one does unless told otherwise. */
function countingClient(apiKey: string | null) {
  const counted = { requests: 0 }
  const client = new OpenAI({
    baseURL: house.url,
    apiKey: apiKey ?? 'unused',
    maxRetries: 2,
    ...(apiKey === null ? { defaultHeaders: { authorization: null } } : {}),
    fetch: (url, init) => {
      counted.requests += 1
      return fetch(url, init)
    },
  })
  return { client, counted }
}

type Refused = { status: number; code: string; sentence: RegExp }

function expectRefusal(answer: Answer, { status, code, sentence }: Refused): void {
  expect(answer.end).toBe('clean')
  expect(answer.status).toBe(status)
  const error = errorOf(answer)
  expect(error).toMatchObject({ code, param: null })
  expect(error.message).toMatch(sentence)
  expect(error.type).toBe(status === 402 ? 'insufficient_quota' : 'invalid_request_error')
  expect(answer.headers['x-should-retry']).toBe('false')
  expect(answer.headers['x-request-id']).toMatch(/^req_[0-9a-z]{26}$/)
  expect(answer.headers).not.toHaveProperty('retry-after')
}

type State = Refused & { name: string; secret: () => Promise<string | null> }
const invalid = { status: 401, code: 'invalid_api_key' }

async function keyWith(change: (id: string, member_id: string) => Promise<unknown>): Promise<string> {
  const key = await house.scene.key()
  await change(key.id, key.member_id)
  return key.secret
}

const STATES: State[] = [
  { name: 'none', ...invalid, sentence: /No API key was sent.*Authorization: Bearer/, secret: async () => null },
  {
    name: 'of somebody else',
    ...invalid,
    sentence: /not a Stipend API key.*begins with sk-stp-/,
    secret: async () => 'sk-proj-abcdefghijklmnopqrstuvwxyz0123456789',
  },
  {
    name: 'mistyped',
    ...invalid,
    sentence: /not a Stipend API key/,
    secret: async () => {
      const { secret } = await house.scene.key()
      return secret.slice(0, -1) + (secret.endsWith('A') ? 'B' : 'A')
    },
  },
  {
    name: 'cut short',
    ...invalid,
    sentence: /Check that you pasted all of it/,
    secret: async () => (await house.scene.key()).secret.slice(0, -4),
  },
  {
    name: 'well-formed but never handed out',
    ...invalid,
    sentence: /not known here/,
    secret: async () => newSecret('key', randomBytes),
  },
  {
    name: 'a service token',
    ...invalid,
    sentence: /not a Stipend API key/,
    secret: async () => {
      const token = await house.scene.run(core.serviceTokens.create, { name: 'Script', scopes: ['keys:read'] })
      if (token.secret === null) throw new Error('no secret')
      return token.secret
    },
  },
  {
    name: 'revoked',
    status: 401,
    code: 'key_revoked',
    sentence: /was revoked.*Ask for a new key/,
    secret: () => keyWith((id) => house.scene.run(core.keys.revoke, { id })),
  },
  {
    name: 'disabled',
    status: 401,
    code: 'key_disabled',
    sentence: /disabled at the moment/,
    secret: () => keyWith((id) => house.scene.run(core.keys.disable, { id })),
  },
  {
    name: 'revoked and disabled and expired',
    status: 401,
    code: 'key_revoked',
    sentence: /was revoked/,
    secret: () =>
      keyWith(async (id) => {
        await house.scene.run(core.keys.disable, { id })
        await house.scene.run(core.keys.revoke, { id })
        await house.test.admin`update keys set valid_until = now() - interval '1 hour' where id = ${id}`
      }),
  },
  {
    name: 'expired',
    status: 401,
    code: 'key_expired',
    sentence: /ended on 21 March 2026 at 10:00 \(Europe\/Amsterdam\)/,
    secret: () => keyWith((id) => house.test.admin`update keys set valid_until = '2026-03-21 09:00Z' where id = ${id}`),
  },
  {
    name: 'not yet valid',
    status: 401,
    code: 'key_not_yet_valid',
    sentence: /works from 1 July 2099 at 08:30 \(Europe\/Amsterdam\) on/,
    secret: async () => (await house.scene.key({ valid_from: '2099-07-01T06:30:00Z' })).secret,
  },
  {
    name: 'of somebody who left',
    status: 401,
    code: 'key_disabled',
    sentence: /disabled/,
    secret: () => keyWith((_, id) => house.test.admin`update members set deactivated_at = now() where id = ${id}`),
  },
]

const DOORS = [
  { door: 'an answer', method: 'POST', path: '/chat/completions', body: ASK },
  { door: 'a stream', method: 'POST', path: '/chat/completions', body: { ...ASK, stream: true } },
  { door: 'the models', method: 'GET', path: '/models' },
]

describe('a key that is', () => {
  for (const state of STATES) {
    it(`${state.name} gets nothing, in words, at every door and in either header`, async () => {
      const secret = await state.secret()
      const before = await written(house)
      const ways = secret === null ? [{}] : [{ authorization: `Bearer ${secret}` }, { 'x-api-key': secret }]
      for (const headers of ways) {
        for (const { door: _, ...door } of DOORS) expectRefusal(await call(house.url, { ...door, headers }), state)
      }
      expect(house.sandbox.stats()).toMatchObject({ requests: 0, failed: 0 })
      expect(await written(house)).toEqual(before)
      if (secret !== null) expect(house.logged()).not.toContain(secret)
    })

    it(`${state.name} is tried once by the official client`, async () => {
      const { client, counted } = countingClient(await state.secret())
      const error = await client.chat.completions.create(ASK).catch((caught: unknown) => caught)
      expect(error).toBeInstanceOf(OpenAI.AuthenticationError)
      expect(error).toMatchObject({ status: 401, code: state.code, message: expect.stringMatching(state.sentence) })
      expect(counted.requests).toBe(1)
      await expect(client.models.list()).rejects.toMatchObject({ status: 401, code: state.code })
      expect(counted.requests).toBe(2)
    })
  }
})

describe('a header', () => {
  it('may spell bearer in any case, with blanks, or be x-api-key', async () => {
    const key = await house.scene.key()
    const ways = [
      { authorization: `Bearer ${key.secret}` },
      { authorization: `bearer ${key.secret}` },
      { authorization: `BEARER   ${key.secret}` },
      { authorization: `  bEaReR ${key.secret}  ` },
      { 'x-api-key': key.secret },
      { 'X-API-KEY': ` ${key.secret} ` },
    ]
    for (const headers of ways) {
      const answer = await call(house.url, { headers, body: { ...ASK, max_tokens: 5 } })
      expect(answer.status, JSON.stringify(Object.keys(headers))).toBe(200)
      expect((await call(house.url, { method: 'GET', path: '/models', headers })).status).toBe(200)
    }
    expect(await settled(house, key.id, ways.length)).toHaveLength(ways.length)
    expect(JSON.stringify(house.sandbox.lastRequest()?.headers)).not.toContain(key.secret)
  })

  it('of another form is no key, even around a good one', async () => {
    const { secret } = await house.scene.key()
    const before = await written(house)
    const refused = { ...invalid, sentence: /not a Stipend API key/ }
    const ways: Record<string, string | string[]>[] = [
      { authorization: secret },
      { authorization: 'Bearer' },
      { authorization: `Basic ${Buffer.from(`key:${secret}`).toString('base64')}` },
      { authorization: `Bearer ${secret} ${secret}` },
      { authorization: `Bearer ${secret},` },
      { authorization: `Bearer "${secret}"` },
      { 'x-api-key': [secret, secret] },
      { 'x-api-key': `Bearer ${secret}` },
    ]
    for (const headers of ways) expectRefusal(await call(house.url, { headers, body: ASK }), refused)
    expect(house.sandbox.stats()).toMatchObject({ requests: 0, failed: 0 })
    expect(await written(house)).toEqual(before)
  })

  it('names the key again within a second of its being enabled', async () => {
    const key = await house.scene.key()
    await house.scene.run(core.keys.disable, { id: key.id })
    expect((await call(house.url, { key: key.secret, body: ASK })).status).toBe(401)
    await house.scene.run(core.keys.enable, { id: key.id })
    const again = async () => expect((await call(house.url, { key: key.secret, body: ASK })).status).toBe(200)
    await vi.waitFor(again, { timeout: 1_000, interval: 20 })
    await settled(house, key.id, 1)
  })
})

describe('money that is not there', () => {
  const EXHAUSTED = [
    {
      code: 'budget_exhausted',
      sentence: /API key has spent its budget.*Ask whoever gave it to you/,
      secret: async () => (await house.scene.key({ budget_usd: '0.000001' })).secret,
    },
    {
      code: 'allocation_exhausted',
      sentence: /The allocation that this API key draws from/,
      secret: async () => {
        const pot = { name: `Pot ${randomBytes(4).toString('hex')}`, budget_usd: '0.000001', renewal: 'never' as const }
        const allocation = await house.scene.run(core.allocations.create, pot)
        return (await house.scene.key({ allocation_id: allocation.id })).secret
      },
    },
    {
      code: 'balance_exhausted',
      sentence: /balance of your organisation is used up.*administrator/,
      secret: async () => {
        const poor = await createScene(house.test.database, { balance_usd: '0.000001' })
        return (await poor.key({ budget_usd: null })).secret
      },
    },
  ]

  for (const { code, sentence, secret } of EXHAUSTED) {
    it(`is 402 ${code} before anybody is contacted, and tried once`, async () => {
      const key = await secret()
      const before = await written(house)
      for (const stream of [false, true]) {
        const answer = await call(house.url, { key, body: { ...ASK, stream } })
        expectRefusal(answer, { status: 402, code, sentence })
      }
      const { client, counted } = countingClient(key)
      const error = await client.chat.completions.create(ASK).catch((caught: unknown) => caught)
      expect(error).toMatchObject({ status: 402, code, message: expect.stringMatching(sentence) })
      expect(counted.requests).toBe(1)
      expect(house.sandbox.stats()).toMatchObject({ requests: 0, failed: 0, open: 0 })
      expect(await written(house)).toEqual(before)

      const { data } = await client.models.list()
      expect(data.map((model) => model.id)).toEqual(['sandbox-small'])
    })
  }

  it('says when a budget renews and what is left', async () => {
    const { secret } = await house.scene.key({ budget_usd: '0.000001', renewal: 'daily' })
    const { message } = errorOf(await call(house.url, { key: secret, body: ASK }))
    expect(message).toMatch(/It renews on \d{1,2} \w+ \d{4} at 00:00 \(Europe\/Amsterdam\)/)
    expect(message).toMatch(/is left/)
  })

  it('shortens an answer to what it pays for, tells so, and is then used up', async () => {
    const key = await house.scene.key({ budget_usd: '0.0006' })
    const long = { ...ASK, messages: [{ role: 'user', content: '[[sandbox: output_tokens=4000]]' }] }
    const answer = await call(house.url, { key: key.secret, body: long })
    expect(answer.status).toBe(200)
    const most = Number(answer.headers['x-stipend-output-tokens-max'])
    expect(most).toBeGreaterThan(16)
    const { usage, choices } = JSON.parse(answer.text)
    expect(usage.completion_tokens).toBe(most)
    expect(choices[0].finish_reason).toBe('length')
    expectRefusal(await call(house.url, { key: key.secret, body: long }), {
      status: 402,
      code: 'budget_exhausted',
      sentence: /spent its budget/,
    })
    const [event] = await settled(house, key.id, 1)
    expect(event).toMatchObject({ status: 'succeeded', excess_nanos: 0n, output_tokens: most })
  })
})

it('gives every request an id of its own, whatever the client says', async () => {
  const key = await house.scene.key()
  const headers = { 'x-request-id': 'req_mine', 'idempotency-key': 'once', 'x-client-request-id': 'mine' }
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => call(house.url, { key: key.secret, headers, body: { ...ASK, max_tokens: 5 } })),
  )
  const ids = new Set(answers.map((answer) => answer.headers['x-request-id']))
  expect(ids.size).toBe(20)
  await settled(house, key.id, 20)
  expect(new Set((await eventsOf(house, key.id)).map((event) => event.id))).toEqual(ids)
})

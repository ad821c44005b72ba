import type Anthropic from '@anthropic-ai/sdk'
import { modelPrice } from '@stipend/money'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { accountFor, balanced, costAt, settled } from './books.ts'
import { buildHouse, type House } from './harness.ts'
import { call, eventData } from './http.ts'

/** Every endpoint through the official clients, with the money to the nanodollar. */
const PRICE = modelPrice({ input: '3', output: '15' })
let house: House
beforeAll(async () => {
  const models = ['sandbox-small', 'sandbox-reasoning', 'sandbox-embedding']
  house = await buildHouse(inject('testCluster'), { price: PRICE, models })
})
afterAll(async () => {
  await balanced(house)
  await house.close()
})
beforeEach(() => house.sandbox.reset())

const model = 'sandbox-small'
const text = 'Say hello.'
const messages = [{ role: 'user' as const, content: text }]
const chatTool = {
  type: 'function' as const,
  function: {
    name: 'write_file',
    parameters: { type: 'object', properties: { path: { type: 'string' }, content: { type: 'string' } } },
  },
}

type Clients = { openai: ReturnType<House['client']>; anthropic: Anthropic }
type Use = (clients: Clients) => Promise<unknown>

async function drained(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const seen: unknown[] = []
  for await (const one of stream) seen.push(one)
  expect(seen.length).toBeGreaterThan(1)
  return seen
}

const USES: Record<string, Use> = {
  'chat, whole': ({ openai }) => openai.chat.completions.create({ model, messages }),
  'chat, streamed': async ({ openai }) =>
    drained(await openai.chat.completions.create({ model, messages, stream: true })),
  'chat, two answers': ({ openai }) => openai.chat.completions.create({ model, messages, n: 2 }),
  'chat, calling a tool': async ({ openai }) => {
    const ask = [{ role: 'user' as const, content: 'Create hello.txt' }]
    const answer = await openai.chat.completions.create({ model, messages: ask, tools: [chatTool] })
    expect(answer.choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { name: 'write_file' } })
  },
  'completions, whole': ({ openai }) => openai.completions.create({ model, prompt: [text, 'And once more.'], n: 2 }),
  'completions, streamed': async ({ openai }) =>
    drained(await openai.completions.create({ model, prompt: text, stream: true })),
  embeddings: async ({ openai }) => {
    const { data } = await openai.embeddings.create({ model: 'sandbox-embedding', input: [text, 'more'] })
    expect(data).toHaveLength(2)
  },
  'embeddings, base64': ({ openai }) =>
    openai.embeddings.create({ model: 'sandbox-embedding', input: text, encoding_format: 'base64' }),
  'responses, whole': async ({ openai }) => {
    const answer = await openai.responses.create({ model, input: text })
    expect(answer.output_text.length).toBeGreaterThan(3)
  },
  'responses, streamed': async ({ openai }) => {
    const events = await drained(await openai.responses.create({ model, input: text, stream: true }))
    expect(events.at(-1)).toMatchObject({ type: 'response.completed' })
  },
  'responses, with thoughts': async ({ openai }) => {
    const answer = await openai.responses.create({
      model: 'sandbox-reasoning',
      input: text,
      reasoning: { effort: 'low' },
    })
    expect(answer.usage?.output_tokens_details.reasoning_tokens).toBeGreaterThan(0)
  },
  'messages, whole': async ({ anthropic }) => {
    const answer = await anthropic.messages.create({ model, messages, max_tokens: 200 })
    expect(answer.content[0]).toMatchObject({ type: 'text' })
  },
  'messages, streamed': async ({ anthropic }) => {
    const answer = await anthropic.messages.stream({ model, messages, max_tokens: 200 }).finalMessage()
    expect(answer.stop_reason).toBe('end_turn')
  },
  'messages, with a tool': async ({ anthropic }) => {
    const tools = [
      {
        name: 'write_file',
        input_schema: {
          type: 'object' as const,
          properties: { path: { type: 'string' }, content: { type: 'string' } },
        },
      },
    ]
    const ask = [{ role: 'user' as const, content: 'Create hello.txt' }]
    const answer = await anthropic.messages.stream({ model, messages: ask, tools, max_tokens: 500 }).finalMessage()
    expect(answer.stop_reason).toBe('tool_use')
  },
}

describe('an official client', () => {
  it.each(Object.entries(USES))('is served and charged exactly: %s', async (_, use) => {
    const key = await house.scene.key({ budget_usd: '5' })
    await use({ openai: house.client(key.secret), anthropic: house.anthropic(key.secret) })
    const [event] = await settled(house, key.id, 1)
    const { input_tokens, output_tokens } = house.sandbox.stats()
    expect(event).toMatchObject({
      status: 'succeeded',
      is_estimated: false,
      input_tokens,
      output_tokens,
      excess_nanos: 0n,
    })
    expect(event?.cost_nanos).toBe(costAt(PRICE, { input_tokens, output_tokens }))
    await accountFor(house, key, PRICE)
  })

  it('counts tokens without paying for it', async () => {
    const key = await house.scene.key({ budget_usd: '0.000001' })
    const anthropic = house.anthropic(key.secret)
    const { input_tokens } = await anthropic.messages.countTokens({ model, messages })
    expect(input_tokens).toBeGreaterThan(3)
    await settled(house, key.id, 0)
  })

  it('is told in its own words that the money is spent', async () => {
    const key = await house.scene.key({ budget_usd: '0.000001' })
    await expect(house.client(key.secret).responses.create({ model, input: text })).rejects.toMatchObject({
      status: 402,
      code: 'budget_exhausted',
      type: 'insufficient_quota',
    })
    const refused = house.anthropic(key.secret).messages.create({ model, messages, max_tokens: 100 })
    await expect(refused).rejects.toMatchObject({
      status: 402,
      error: { type: 'error', error: { type: 'billing_error' } },
    })
    expect(house.sandbox.stats()).toMatchObject({ requests: 0, failed: 0 })
  })
})

describe('a stream whose money runs out', () => {
  const long = 'Write. [[sandbox: output_tokens=3000 chunk_delay=1]]'
  const ENDS: [string, object, RegExp][] = [
    [
      '/chat/completions',
      { messages: [{ role: 'user', content: long }], stream_options: { include_usage: true } },
      /"finish_reason":"length"/,
    ],
    ['/completions', { prompt: long, max_tokens: 3_000 }, /"finish_reason":"length"/],
    ['/responses', { input: long }, /"type":"response.incomplete".*"reason":"max_output_tokens"/s],
    ['/messages', { messages: [{ role: 'user', content: long }], max_tokens: 4_000 }, /"stop_reason":"max_tokens"/],
  ]
  it.each(ENDS)('ends properly: %s', async (path, body, end) => {
    const key = await house.scene.key({ budget_usd: '0.02' })
    const answer = await call(house.url, { path, key: key.secret, body: { model, stream: true, ...body } })
    expect(answer).toMatchObject({ status: 200, end: 'clean' })
    expect(answer.text).toMatch(end)
    const [event] = await settled(house, key.id, 1)
    expect(event?.cost_nanos).toBeLessThanOrEqual(20_000_000n)
    expect(event?.cost_nanos).toBeGreaterThan(15_000_000n)
    // No more than what was on its way when the money ended.
    expect(event?.excess_nanos).toBeLessThan(64n * 15_000n)
  })
})

describe('an answer of the provider', () => {
  const SAME: [string, object][] = [
    ['/chat/completions', { messages }],
    ['/completions', { prompt: text }],
    ['/embeddings', { model: 'sandbox-embedding', input: text }],
    ['/responses', { input: text }],
    ['/messages', { messages, max_tokens: 50 }],
  ]
  const unlike = (body: string) =>
    body.replace(/"(id|item_id|created|created_at|completed_at|obfuscation)":("[^"]*"|\d+)/g, '"$1":0')

  it.each(
    SAME.flatMap(
      ([path, body]) =>
        [
          [path, body],
          [
            path,
            {
              ...body,
              stream: true,
              ...(path.includes('completions') ? { stream_options: { include_usage: true } } : {}),
            },
          ],
        ] as [string, object][],
    ),
  )('arrives as it is: %s %j', async (path, body) => {
    const key = await house.scene.key({ budget_usd: '5' })
    const request = { path, body: { model, ...body }, headers: { 'anthropic-version': '2023-06-01' } }
    const through = await call(house.url, { ...request, key: key.secret })
    const direct = await call(`${house.sandbox.url}/v1`, { ...request, key: 'sandbox-credential-for-tests' })
    expect(through.status, through.text).toBe(200)
    expect(unlike(through.text)).toBe(unlike(direct.text))
    expect(through.headers['content-type']?.split(';')[0]).toBe(direct.headers['content-type']?.split(';')[0])
    await settled(house, key.id, 1)
  })

  it('is the same at each of an address’s names', async () => {
    const key = await house.scene.key({ budget_usd: '5' })
    const root = house.url.replace(/\/v1$/, '')
    for (const path of ['/v1/chat/completions', '/api/openai/v1/chat/completions', '/work', '/work?x=1']) {
      const answer = await call(root, { path, key: key.secret, body: { model, messages } })
      expect(answer.status, path).toBe(200)
    }
    for (const path of ['/api/openai/v1/models', '/v1/models']) {
      expect((await call(root, { method: 'GET', path, key: key.secret })).status).toBe(200)
    }
    const answer = await call(root, {
      path: '/v1/messages?beta=true',
      headers: { 'x-api-key': key.secret },
      body: { model, messages, max_tokens: 9 },
    })
    expect(answer.status).toBe(200)
    expect(eventData(answer.text)).toEqual([])
    await settled(house, key.id, 5)
  })
})

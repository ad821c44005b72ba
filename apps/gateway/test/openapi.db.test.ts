import { createProvider } from '@stipend/core/testing'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { buildHouse, CREDENTIAL, type House, MASTER_KEY } from './harness.ts'
import { type Answer, call, eventData } from './http.ts'
import { openapi } from './openapi.ts'

const check = openapi()
let house: House
let key: string
let poor: string
beforeAll(async () => {
  house = await buildHouse(inject('testCluster'))
  const where = { base_url: `${house.sandbox.url}/v1`, masterKey: MASTER_KEY, credential: CREDENTIAL }
  const dialects = ['chat', 'completions', 'responses'] as const
  await createProvider(house.test.database, {
    ...where,
    name: 'thinker',
    models: ['sandbox-reasoning'],
    dialects: [...dialects],
  })
  await createProvider(house.test.database, {
    ...where,
    name: 'embedder',
    models: ['sandbox-embedding'],
    dialects: ['embeddings'],
  })
  key = (await house.scene.key({ budget_usd: '50' })).secret
  poor = (await house.scene.key({ budget_usd: '0.000001' })).secret
})
afterAll(() => house.close())

/** Holds a value against the document; without it nothing is known to be wrong. */
function expectValid(schema: string, value: unknown): void {
  const wrong = check?.(schema, value) ?? []
  expect(wrong.length === 0 ? [] : [...wrong, JSON.stringify(value)]).toEqual([])
}

const ask = (path: string, body: object, secret = key) => call(house.url, { path, key: secret, body })
const events = (answer: Answer): Record<string, unknown>[] =>
  eventData(answer.text)
    .filter((data) => data !== '[DONE]')
    .map((data) => JSON.parse(data))

const model = 'sandbox-reasoning'
const messages = [{ role: 'user', content: 'Please create hello.txt with a greeting.' }]
const input = 'Please create hello.txt with a greeting.'
const parameters = {
  type: 'object',
  properties: { path: { type: 'string' }, content: { type: 'string' } },
  required: ['path', 'content'],
}

describe('chat completions', () => {
  const tools = [{ type: 'function', function: { name: 'write_file', parameters } }]
  it.each([
    ['text', {}],
    ['two answers', { n: 2 }],
    ['a tool', { tools }],
    ['cut short', { max_completion_tokens: 40 }],
    ['JSON', { response_format: { type: 'json_object' } }],
  ])('are as the document says: %s', async (_, more) => {
    const body = { model, messages, ...more }
    expectValid('CreateChatCompletionResponse', JSON.parse((await ask('/chat/completions', body)).text))
    for (const options of [undefined, { include_usage: true }]) {
      const chunks = events(await ask('/chat/completions', { ...body, stream: true, stream_options: options }))
      expect(chunks.length).toBeGreaterThan(3)
      for (const chunk of chunks) expectValid('CreateChatCompletionStreamResponse', chunk)
    }
  })

  it('end as the document says when the money runs out', async () => {
    const { secret } = await house.scene.key({ budget_usd: '0.02' })
    const body = { model, messages: [{ role: 'user', content: 'Hi [[sandbox: tokens=9000 burst=500]]' }], stream: true }
    const chunks = events(await ask('/chat/completions', body, secret))
    for (const chunk of chunks) expectValid('CreateChatCompletionStreamResponse', chunk)
    expect(JSON.stringify(chunks.at(-1))).toContain('"finish_reason":"length"')
  })
})

describe('completions', () => {
  it('are as the document says', async () => {
    const body = { model, prompt: ['Once', 'Twice'] }
    expectValid('CreateCompletionResponse', JSON.parse((await ask('/completions', body)).text))
    // The document knows whole answers only: in a stream, what is yet to come is null.
    const known = (chunk: object) =>
      JSON.parse(JSON.stringify(chunk), (name, value) =>
        name === 'finish_reason' ? (value ?? 'stop') : name === 'usage' ? (value ?? undefined) : value,
      )
    const chunks = events(await ask('/completions', { ...body, stream: true, stream_options: { include_usage: true } }))
    expect(chunks.length).toBeGreaterThan(3)
    for (const chunk of chunks) expectValid('CreateCompletionResponse', known(chunk))
  })
})

describe('embeddings', () => {
  it('are as the document says', async () => {
    const body = { model: 'sandbox-embedding', input: ['Hello', 'Goodbye'], dimensions: 8 }
    expectValid('CreateEmbeddingResponse', JSON.parse((await ask('/embeddings', body)).text))
    // In base64 they are a text, of which the document says nothing.
    const coded = JSON.parse((await ask('/embeddings', { ...body, encoding_format: 'base64' })).text)
    expect(coded.data[0].embedding).toMatch(/^[\w+/]+=*$/)
    expectValid('CreateEmbeddingResponse', {
      ...coded,
      data: coded.data.map((one: object) => ({ ...one, embedding: [0.1] })),
    })
  })
})

describe('responses', () => {
  const write = { type: 'function', name: 'write_file', strict: true, parameters }
  it.each([
    ['text', {}],
    ['a tool', { tools: [write] }],
    ['a custom tool', { tools: [{ type: 'custom', name: 'apply_patch' }] }],
    ['a tool of a namespace', { tools: [{ type: 'namespace', name: 'files', description: 'Files.', tools: [write] }] }],
    ['thoughts', { reasoning: { effort: 'low', summary: 'auto' }, include: ['reasoning.encrypted_content'] }],
    ['cut short', { max_output_tokens: 40 }],
    ['not stored', { store: false, instructions: 'Be kind.', metadata: { lesson: '7' } }],
  ])('are as the document says: %s', async (_, more) => {
    const body = { model, input, ...more }
    const whole = JSON.parse((await ask('/responses', body)).text)
    expectValid('Response', whole)
    const streamed = events(await ask('/responses', { ...body, stream: true }))
    expect(streamed.length).toBeGreaterThan(5)
    for (const event of streamed) expectValid('ResponseStreamEvent', event)
  })

  it('end as the document says when the money runs out', async () => {
    const { secret } = await house.scene.key({ budget_usd: '0.02' })
    const body = { model, input: 'Hi [[sandbox: tokens=9000 burst=500]]', stream: true }
    const streamed = events(await ask('/responses', body, secret))
    for (const event of streamed) expectValid('ResponseStreamEvent', event)
    expect(streamed.at(-1)).toMatchObject({ type: 'response.incomplete' })
  })

  it('that were kept are as the document says', async () => {
    const get = async (path: string) => JSON.parse((await call(house.url, { method: 'GET', path, key })).text)
    const whole = JSON.parse((await ask('/responses', { model, input })).text)
    expect(await get(`/responses/${whole.id}`)).toEqual(whole)
    expectValid('ResponseItemList', await get(`/responses/${whole.id}/input_items`))
  })

  it('fail in mid-stream as the document says', async () => {
    const body = { model, input: 'Hi [[sandbox: error=3]]', stream: true }
    for (const event of events(await ask('/responses', body))) expectValid('ResponseStreamEvent', event)
  })
})

it('models are as the document says', async () => {
  const list = JSON.parse((await call(house.url, { method: 'GET', path: '/models', key })).text)
  expect(list.data.length).toBe(3)
  expectValid('ListModelsResponse', list)
  expectValid('Model', JSON.parse((await call(house.url, { method: 'GET', path: `/models/${model}`, key })).text))
})

describe('errors are as the document says', () => {
  const body = { model, messages }
  it.each<[string, number, () => Promise<Answer>]>([
    ['no key', 401, () => call(house.url, { body })],
    ['a wrong key', 401, () => ask('/chat/completions', body, 'sk-stp-wrong')],
    ['no money', 402, () => ask('/chat/completions', body, poor)],
    ['no such model', 404, () => ask('/responses', { model: 'gpt-99', input })],
    ['no such address', 404, () => call(house.url, { path: '/nothing', key, body })],
    ['not JSON', 400, () => call(house.url, { key, body: '{' })],
    ['no messages', 400, () => ask('/chat/completions', { model })],
    ['what the provider refuses', 400, () => ask('/responses', { model, input: [{ role: 'teacher', content: 'x' }] })],
    [
      'a provider that fails',
      502,
      () => ask('/embeddings', { model: 'sandbox-embedding', input: '[[sandbox: status=500]]' }),
    ],
    ['a provider with too much to do', 429, () => ask('/completions', { model, prompt: '[[sandbox: status=429]]' })],
  ])('%s', async (_, status, asked) => {
    const answer = await asked()
    expect(answer.status).toBe(status)
    expectValid('ErrorResponse', JSON.parse(answer.text))
  })
})

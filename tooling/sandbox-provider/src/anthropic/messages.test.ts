import Anthropic, { APIError } from '@anthropic-ai/sdk'
import type {
  Message,
  MessageCreateParams,
  MessageParam,
  RawMessageStreamEvent,
  Tool,
} from '@anthropic-ai/sdk/resources/messages'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type SandboxProvider, startSandboxProvider } from '../index.ts'
import { post } from '../testing.ts'

let provider: SandboxProvider
let client: Anthropic

beforeAll(async () => {
  provider = await startSandboxProvider({ credential: 'sk-sandbox-of-these-tests' })
  client = new Anthropic({ baseURL: provider.url, apiKey: 'sk-sandbox-of-these-tests', maxRetries: 0 })
})
afterAll(() => provider.close())
beforeEach(() => provider.reset())

const HELLO: MessageParam[] = [{ role: 'user', content: 'Say hello to the class.' }]
const FIRST = { model: 'sandbox-small', messages: HELLO, max_tokens: 1_000 }

type Params = Partial<Omit<MessageCreateParams, 'stream'>>

function create(params: Params = {}): Promise<Message> {
  return client.messages.create({ ...FIRST, ...params, stream: false })
}

/** Events as they came, and the message that the official client makes of them. */
async function stream(params: Params = {}): Promise<{ events: RawMessageStreamEvent[]; message: Message }> {
  const streamed = client.messages.stream({ ...FIRST, ...params })
  const events: RawMessageStreamEvent[] = []
  for await (const event of streamed) events.push(structuredClone(event))
  return { events, message: await streamed.finalMessage() }
}

const WRITE: Tool = {
  name: 'Write',
  description: 'Writes a file.',
  input_schema: {
    type: 'object',
    properties: {
      file_path: { type: 'string', description: 'The absolute path to the file (must be absolute, not relative)' },
      content: { type: 'string' },
    },
    required: ['file_path', 'content'],
  },
}
const CREATE: MessageParam[] = [
  {
    role: 'user',
    content: [
      { type: 'text', text: '<system-reminder>Working directory: /home/ada/project</system-reminder>' },
      { type: 'text', text: 'create hello.txt' },
    ],
  },
]

describe('a message', () => {
  it('has text, usage as it can be counted, and the shape of the API', async () => {
    const message = await create({ system: 'Be kind.' })
    const text = message.content[0]?.type === 'text' ? message.content[0].text : ''
    const input = 3 + 1 + countTokens('Be kind.') + 3 + 1 + countTokens('Say hello to the class.') + 3
    expect(text).toContain('Say hello to the class.')
    expect(message).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'sandbox-small',
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: {
        input_tokens: input,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 0,
        output_tokens: countTokens(text),
      },
    })
    expect(message.id).toMatch(/^msg_\w+$/)
    expect(provider.stats()).toMatchObject({ reported_input_tokens: input, output_tokens: countTokens(text) })
  })

  it('says the same in a stream', async () => {
    const { events, message } = await stream()
    const whole = await create()
    expect(message.content).toEqual(whole.content)
    expect(message.usage).toMatchObject({ ...whole.usage })
    const kinds = events.map((event) => event.type).filter((type, at, all) => type !== all[at - 1])
    expect(kinds).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    expect(events[0]).toMatchObject({ message: { content: [], stop_reason: null, usage: { output_tokens: 1 } } })
    const stats = provider.stats()
    expect(stats).toMatchObject({ completed: 2, reported_output_tokens: stats.output_tokens })
  })

  it('ends at max_tokens exactly, and at a stop sequence', async () => {
    const { message } = await stream({ max_tokens: 9 })
    expect(message).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 9 } })
    expect(await create({ stop_sequences: ['sandbox'] })).toMatchObject({
      content: [{ type: 'text', text: 'This is the ' }],
      stop_reason: 'stop_sequence',
      stop_sequence: 'sandbox',
    })
  })

  it('thinks when it is asked to, and knows its thoughts again', async () => {
    const model = 'sandbox-reasoning'
    expect((await create({ model })).content.map((block) => block.type)).toEqual(['text'])
    const { events, message } = await stream({ model, thinking: { type: 'enabled', budget_tokens: 999 } })
    const [thought] = message.content
    if (thought?.type !== 'thinking') throw new Error('did not think')
    expect(countTokens(thought.thinking)).toBe(32)
    expect(provider.stats().reasoning_tokens).toBe(32)
    expect(events.filter((event) => JSON.stringify(event).includes('signature_delta'))).toHaveLength(1)

    const goOn = (content: MessageParam['content']) =>
      create({ model, messages: [...HELLO, { role: 'assistant', content }, { role: 'user', content: 'And now?' }] })
    expect((await goOn(message.content)).stop_reason).toBe('end_turn')
    await expect(goOn([{ ...thought, thinking: 'I thought otherwise.' }])).rejects.toMatchObject({ status: 400 })
    await expect(goOn([{ ...thought, signature: 'EuY=' }])).rejects.toThrow('Invalid `signature`')
  })

  it('keeps what it is told to keep, and charges for writing it', async () => {
    const long = 'Be kind to everyone you meet. '.repeat(300)
    const ask = async (question: string, ttl: '5m' | '1h', text = long) =>
      (
        await create({
          system: [{ type: 'text', text, cache_control: { type: 'ephemeral', ttl } }],
          messages: [{ role: 'user', content: question }],
        })
      ).usage
    const written = await ask('Why?', '1h')
    const kept = written.cache_creation_input_tokens ?? 0
    expect(kept).toBeGreaterThan(1_024)
    expect(written).toMatchObject({
      cache_read_input_tokens: 0,
      cache_creation: { ephemeral_1h_input_tokens: kept, ephemeral_5m_input_tokens: 0 },
    })
    const read = await ask('And how?', '5m')
    expect(read).toMatchObject({ cache_creation_input_tokens: 0, cache_read_input_tokens: kept })
    expect(read.input_tokens).toBeLessThan(150)
    expect((await ask('Why?', '5m', 'Be kind.')).cache_creation_input_tokens).toBe(0)
    expect(provider.stats()).toMatchObject({ cached_input_tokens: kept, cache_write_tokens: kept })
    const unmarked = await create({ system: long })
    expect(unmarked.usage).toMatchObject({ cache_read_input_tokens: 0, cache_creation_input_tokens: 0 })
  })
})

describe('tools', () => {
  it('are called in pieces, and their result is answered with text', async () => {
    const { events, message } = await stream({ messages: CREATE, tools: [WRITE] })
    expect(message.stop_reason).toBe('tool_use')
    const [call] = message.content
    if (call?.type !== 'tool_use') throw new Error('no tool was called')
    expect(call.id).toMatch(/^toolu_\w{20,}$/)
    expect(call.input).toEqual({
      file_path: '/home/ada/project/hello.txt',
      content: 'Hello from the sandbox model.\n',
    })
    expect(events.filter((event) => event.type === 'content_block_delta').length).toBeGreaterThan(5)
    expect((await create({ messages: CREATE, tools: [WRITE] })).content).toMatchObject([
      { name: 'Write', input: call.input },
    ])

    const answered: MessageParam[] = [
      ...CREATE,
      { role: 'assistant', content: message.content },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: call.id, content: [{ type: 'text', text: 'Wrote 30 bytes.' }] },
          { type: 'text', text: '<system-reminder>Todo list is empty.</system-reminder>' },
        ],
      },
    ]
    const after = await create({ messages: answered, tools: [WRITE] })
    expect(after).toMatchObject({ stop_reason: 'end_turn', content: [{ text: expect.stringContaining('Wrote 30') }] })
  })

  it('are chosen as asked', async () => {
    const search = { type: 'web_search_20250305' as const, name: 'web_search' as const }
    const called = async (params: Params) => (await create({ tools: [search, WRITE], ...params })).content[0]?.type
    expect(await called({ messages: HELLO })).toBe('text')
    expect(await called({ tool_choice: { type: 'any' } })).toBe('tool_use')
    expect(await called({ tool_choice: { type: 'tool', name: 'Write' } })).toBe('tool_use')
    expect(await called({ messages: CREATE, tool_choice: { type: 'none' } })).toBe('text')
  })
})

it('counts the tokens of a message, for nothing', async () => {
  const request = { system: 'Be kind.', messages: CREATE, tools: [WRITE] }
  const counted = await client.messages.countTokens({ model: 'sandbox-small', ...request })
  expect(provider.stats()).toMatchObject({
    requests: 0,
    completed: 0,
    input_tokens: 0,
    reported_input_tokens: 0,
    open: 0,
  })
  expect(counted).toEqual({ input_tokens: (await create(request)).usage.input_tokens })
})

it('lists its models', async () => {
  const page = await client.models.list()
  expect(page.data.map((model) => model.id)).toEqual(['sandbox-small', 'sandbox-large', 'sandbox-reasoning'])
  expect(page.has_more).toBe(false)
  expect(await client.models.retrieve('sandbox-large')).toMatchObject({ type: 'model', display_name: 'sandbox-large' })
  await expect(client.models.retrieve('claude-99')).rejects.toMatchObject({ status: 404 })
})

describe('refusals', () => {
  async function refusal(params: object): Promise<APIError> {
    const error = await create(params).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (!(error instanceof APIError)) throw new Error(`not refused: ${JSON.stringify(params)}`)
    return error
  }
  const use = { type: 'tool_use', id: 'toolu_1', name: 'Write', input: {} }
  const result = { type: 'tool_result', tool_use_id: 'toolu_1', content: 'ok' }

  it.each<[string, object, string]>([
    ['no model', { model: undefined }, 'model: Field required'],
    ['no max_tokens', { max_tokens: undefined }, 'max_tokens: Field required'],
    ['max_tokens 0', { max_tokens: 0 }, 'greater than or equal to 1'],
    ['no messages', { messages: undefined }, 'messages: Field required'],
    ['empty messages', { messages: [] }, 'at least one message'],
    ['an unknown role', { messages: [{ role: 'tool', content: 'x' }] }, "Input should be 'user' or 'assistant'"],
    [
      'a block without type',
      { messages: [{ role: 'user', content: [{ text: 'x' }] }] },
      'content.0.type: Field required',
    ],
    ['a tool without schema', { tools: [{ name: 'x' }] }, 'tools.0.input_schema: Field required'],
    ['a tool choice that is not there', { tools: [WRITE], tool_choice: { type: 'tool', name: 'x' } }, 'not found'],
    ['more thoughts than tokens', { thinking: { type: 'enabled', budget_tokens: 1_000 } }, 'must be greater than'],
    [
      'a call nobody answered',
      { messages: [...HELLO, { role: 'assistant', content: [use] }, ...HELLO] },
      'messages.1: `tool_use` ids were found without',
    ],
    ['a result nobody asked for', { messages: [{ role: 'user', content: [result] }] }, 'unexpected `tool_use_id`'],
  ])('refuse %s', async (_, params, words) => {
    const error = await refusal(params)
    expect(error).toMatchObject({ status: 400, error: { type: 'error', error: { type: 'invalid_request_error' } } })
    expect(error.message).toContain(words)
    expect(provider.stats()).toMatchObject({ requests: 0, failed: 1, open: 0 })
  })

  it('have a type by their status, and an id', async () => {
    expect(await refusal({ model: 'claude-99' })).toMatchObject({
      status: 404,
      error: {
        error: { type: 'not_found_error', message: 'model: claude-99' },
        request_id: expect.stringMatching(/^req_/),
      },
    })
    const bearer = await post(`${provider.url}/v1/messages`, FIRST, {
      authorization: 'Bearer sk-sandbox-of-these-tests',
    })
    expect(bearer.status).toBe(200)
    const wrong = await post(`${provider.url}/v1/messages`, FIRST, { 'x-api-key': 'sk-somebody-elses' })
    expect(wrong.status).toBe(401)
    expect(JSON.parse(wrong.body.toString())).toMatchObject({ error: { type: 'authentication_error' } })
  })
})

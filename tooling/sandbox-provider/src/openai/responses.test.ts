import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import OpenAI, { APIError } from 'openai'
import type {
  Response,
  ResponseCreateParams,
  ResponseInputItem,
  ResponseStreamEvent,
  Tool,
} from 'openai/resources/responses/responses'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type SandboxProvider, startSandboxProvider } from '../index.ts'

let provider: SandboxProvider
let client: OpenAI

beforeAll(async () => {
  provider = await startSandboxProvider({ credential: 'sk-sandbox-of-these-tests' })
  client = new OpenAI({ baseURL: `${provider.url}/v1`, apiKey: 'sk-sandbox-of-these-tests', maxRetries: 0 })
})
afterAll(() => provider.close())
beforeEach(() => provider.reset())

type Params = Partial<Omit<ResponseCreateParams, 'stream'>>
const FIRST = { model: 'sandbox-small', input: 'Say hello to the class.' }

function create(params: Params = {}): Promise<Response> {
  return client.responses.create({ ...FIRST, ...params, stream: false })
}

async function stream(params: Params = {}): Promise<{ events: ResponseStreamEvent[]; response: Response }> {
  const streamed = client.responses.stream({ ...FIRST, ...params } as Parameters<typeof client.responses.stream>[0])
  const events: ResponseStreamEvent[] = []
  for await (const event of streamed) events.push(event)
  return { events, response: await streamed.finalResponse() }
}

/** Types of events, each once where it comes several times in a row. */
const kinds = (events: ResponseStreamEvent[]) =>
  events.map((event) => event.type.replace('response.', '')).filter((type, at, all) => type !== all[at - 1])

const WRITE: Tool = {
  type: 'function',
  name: 'write_file',
  strict: null,
  parameters: {
    type: 'object',
    properties: { path: { type: 'string' }, content: { type: 'string' } },
    required: ['path', 'content'],
  },
}
const CREATE = 'Please create hello.txt with a greeting.'

describe('a response', () => {
  it('has text, usage as it can be counted, and the shape of the API', async () => {
    const response = await create({ instructions: 'Be kind.', metadata: { lesson: '7' } })
    const input = 3 + 1 + countTokens('Be kind.') + 3 + 1 + countTokens(FIRST.input) + 3
    const output = countTokens(response.output_text)
    expect(response.output_text).toContain(FIRST.input)
    expect(response).toMatchObject({
      object: 'response',
      status: 'completed',
      model: 'sandbox-small',
      instructions: 'Be kind.',
      metadata: { lesson: '7' },
      error: null,
      incomplete_details: null,
      output: [{ type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text' }] }],
      usage: {
        input_tokens: input,
        output_tokens: output,
        total_tokens: input + output,
        output_tokens_details: { reasoning_tokens: 0 },
      },
    })
  })

  it('says the same in a stream, event by event', async () => {
    const { events, response } = await stream()
    const whole = await create()
    expect(response.output_text).toBe(whole.output_text)
    expect(response.usage).toEqual(whole.usage)
    expect(kinds(events)).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      'content_part.added',
      'output_text.delta',
      'output_text.done',
      'content_part.done',
      'output_item.done',
      'completed',
    ])
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index))
    expect(provider.stats()).toMatchObject({ completed: 2, output_tokens: 2 * (whole.usage?.output_tokens ?? 0) })
  })

  it('ends at max_output_tokens exactly', async () => {
    for (const { response } of [
      await stream({ max_output_tokens: 20 }),
      { response: await create({ max_output_tokens: 20 }) },
    ]) {
      expect(response).toMatchObject({
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
        output: [{ status: 'incomplete' }],
        usage: { output_tokens: 20 },
      })
    }
  })

  it('of a reasoning model has its thoughts, as a summary and sealed', async () => {
    const asked: Params = { model: 'sandbox-reasoning', include: ['reasoning.encrypted_content'], store: false }
    const { events, response } = await stream({ ...asked, reasoning: { effort: 'low', summary: 'auto' } })
    expect(kinds(events).slice(2, 8)).toEqual([
      'output_item.added',
      'reasoning_summary_part.added',
      'reasoning_summary_text.delta',
      'reasoning_summary_text.done',
      'reasoning_summary_part.done',
      'output_item.done',
    ])
    const [thought] = response.output
    if (thought?.type !== 'reasoning') throw new Error('did not think')
    expect(countTokens(thought.summary[0]?.text ?? '')).toBe(16)
    expect(response.usage?.output_tokens_details.reasoning_tokens).toBe(16)

    const goOn = (item: ResponseInputItem) =>
      create({ ...asked, input: [{ role: 'user', content: 'Hi' }, item, { role: 'user', content: 'And now?' }] })
    expect((await goOn(thought)).status).toBe('completed')
    await expect(goOn({ ...thought, encrypted_content: `${thought.encrypted_content}x` })).rejects.toMatchObject({
      status: 400,
      code: 'invalid_encrypted_content',
    })

    const plain = await create({ model: 'sandbox-reasoning', reasoning: { effort: 'low' } })
    expect(plain.output[0]).toEqual({ id: expect.stringMatching(/^rs_/), type: 'reasoning', summary: [] })
    expect(plain.usage?.output_tokens_details.reasoning_tokens).toBe(16)
  })

  it('is JSON when asked for', async () => {
    const schema = { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] }
    const shaped = await create({ text: { format: { type: 'json_schema', name: 'graded', schema } } })
    expect(JSON.parse(shaped.output_text)).toEqual({ answer: expect.stringContaining('Say hello') })
  })
})

describe('tools', () => {
  it('are called in pieces, and answered with text', async () => {
    const { events, response } = await stream({ input: CREATE, tools: [WRITE] })
    const [call] = response.output
    if (call?.type !== 'function_call') throw new Error('no function was called')
    expect(call.call_id).toMatch(/^call_\w{20,}$/)
    expect(JSON.parse(call.arguments)).toEqual({ path: 'hello.txt', content: 'Hello from the sandbox model.\n' })
    expect(kinds(events).slice(2, -1)).toEqual([
      'output_item.added',
      'function_call_arguments.delta',
      'function_call_arguments.done',
      'output_item.done',
    ])
    const after = await create({
      tools: [WRITE],
      input: [
        { role: 'user', content: CREATE },
        call,
        { type: 'function_call_output', call_id: call.call_id, output: 'Wrote 30 bytes.' },
      ],
    })
    expect(after.output_text).toContain('Wrote 30 bytes.')
  })

  it('may be custom, in a namespace, or come among the input', async () => {
    const patch: Tool = { type: 'custom', name: 'apply_patch', format: { type: 'text' } }
    const { events, response } = await stream({ input: CREATE, tools: [patch, { type: 'web_search' }] })
    expect(response.output[0]).toMatchObject({
      type: 'custom_tool_call',
      name: 'apply_patch',
      input: '*** Begin Patch\n*** Add File: hello.txt\n+Hello from the sandbox model.\n*** End Patch\n',
    })
    expect(kinds(events)).toContain('custom_tool_call_input.done')

    const script: Tool = {
      type: 'custom',
      name: 'exec',
      description: 'Runs JavaScript. declare const tools: { apply_patch(input: string): Promise<unknown> }',
    }
    expect((await create({ input: CREATE, tools: [script] })).output[0]).toMatchObject({
      input: expect.stringMatching(/^text\(await tools\.apply_patch\("\*\*\* Begin Patch\\n/),
    })

    const files = { type: 'namespace', name: 'files', description: 'Files.', tools: [WRITE] } as Tool
    const added: ResponseInputItem = { type: 'additional_tools', role: 'developer', tools: [files] }
    for (const params of [
      { input: CREATE, tools: [files] },
      { input: [added, { role: 'user' as const, content: CREATE }] },
    ]) {
      expect((await create(params)).output[0]).toMatchObject({ name: 'write_file', namespace: 'files' })
    }
  })

  it('are chosen as asked', async () => {
    const called = async (params: Params) => (await create({ tools: [WRITE], ...params })).output[0]?.type
    expect(await called({})).toBe('message')
    expect(await called({ tool_choice: 'required' })).toBe('function_call')
    expect(await called({ tool_choice: { type: 'function', name: 'write_file' } })).toBe('function_call')
    expect(await called({ input: CREATE, tool_choice: 'none' })).toBe('message')
  })
})

describe('stored responses', () => {
  it('are found, listed, continued and removed', async () => {
    const first = await create({ input: 'My name is Ada.' })
    expect((await client.responses.retrieve(first.id)).output_text).toBe(first.output_text)
    const second = await create({ previous_response_id: first.id, input: 'Who am I?' })
    const said = [
      3 + 1 + countTokens('My name is Ada.'),
      3 + 1 + countTokens(first.output_text),
      3 + 1 + countTokens('Who am I?'),
    ]
    expect(second.usage?.input_tokens).toBe(said.reduce((sum, tokens) => sum + tokens, 3))
    const listed = await client.responses.inputItems.list(second.id)
    expect(listed.data.map((item) => 'role' in item && item.role)).toEqual(['user', 'assistant', 'user'])
    await client.responses.delete(first.id)
    await expect(client.responses.retrieve(first.id)).rejects.toMatchObject({ status: 404 })
    await expect(create({ previous_response_id: first.id })).rejects.toMatchObject({
      status: 400,
      code: 'previous_response_not_found',
    })
  })

  it('are named by their items, unless they were not to be stored', async () => {
    const { response } = await stream({ model: 'sandbox-reasoning' })
    const input = (id = ''): ResponseInputItem[] => [
      { role: 'user', content: 'Hi' },
      { type: 'item_reference', id },
      { role: 'user', content: 'And now?' },
    ]
    expect((await create({ input: input(response.output[0]?.id) })).status).toBe('completed')
    const unstored = await create({ model: 'sandbox-reasoning', store: false })
    await expect(create({ input: input(unstored.output[0]?.id) })).rejects.toMatchObject({ status: 404 })
    await expect(client.responses.retrieve(unstored.id)).rejects.toMatchObject({ status: 404 })
  })

  it('are made in the background, where they can be cancelled', async () => {
    const promised = await create({ background: true })
    expect(promised).toMatchObject({ status: 'queued', output: [] })
    expect(await client.responses.retrieve(promised.id)).toMatchObject({ status: 'completed' })
    expect(await client.responses.cancel(promised.id)).toMatchObject({ status: 'completed' })

    const slow = await create({ background: true, input: 'Hi [[sandbox: chunk_delay=60000]]' })
    expect(await client.responses.retrieve(slow.id)).toMatchObject({ status: 'in_progress', output: [] })
    expect(await client.responses.cancel(slow.id)).toMatchObject({ status: 'cancelled' })
    expect(await client.responses.retrieve(slow.id)).toMatchObject({ status: 'cancelled' })
    await expect(client.responses.cancel((await create()).id)).rejects.toMatchObject({ status: 400 })
  })

  it('are not told over a WebSocket', async () => {
    const headers = { connection: 'upgrade', upgrade: 'websocket' }
    const { request } = await import('node:http')
    const status = await new Promise((resolve) => {
      request(`${provider.url}/v1/responses`, { headers }, (answer) => resolve(answer.resume().statusCode)).end()
    })
    expect(status).toBe(426)
  })
})

describe('refusals', () => {
  const call = { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' }
  it.each<[string, object, string | null, string | null]>([
    ['no model', { model: undefined }, 'model', 'missing_required_parameter'],
    ['no input', { input: undefined }, null, null],
    ['input as a number', { input: 5 }, 'input', 'invalid_type'],
    ['an unknown role', { input: [{ role: 'teacher', content: 'hi' }] }, 'input[0].role', 'invalid_value'],
    ['no content', { input: [{ role: 'user' }] }, 'input[0].content', 'missing_required_parameter'],
    [
      'a limit the real API is too proud for',
      { max_output_tokens: 15 },
      'max_output_tokens',
      'integer_below_min_value',
    ],
    ['a tool without a name', { tools: [{ type: 'function' }] }, 'tools[0].name', 'missing_required_parameter'],
    ['an unknown format', { text: { format: { type: 'xml' } } }, 'text.format.type', 'invalid_value'],
    ['a call nobody answered', { input: [{ role: 'user', content: 'x' }, call] }, 'input', null],
    [
      'an output nobody asked for',
      { input: [{ type: 'function_call_output', call_id: 'call_1', output: 'x' }] },
      'input',
      null,
    ],
  ])('refuse %s', async (_, params, param, code) => {
    const error = await create(params as Params).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(APIError)
    expect(error).toMatchObject({ status: 400, type: 'invalid_request_error', param, code })
    expect(provider.stats()).toMatchObject({ requests: 0, failed: 1, open: 0 })
  })
})

import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import OpenAI, { APIError } from 'openai'
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParams,
  ChatCompletionMessageParam,
  ChatCompletionTool,
} from 'openai/resources/chat/completions'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MODELS, type SandboxProvider, startSandboxProvider } from '../index.ts'
import { eventData, post } from '../testing.ts'

let provider: SandboxProvider
let client: OpenAI

beforeAll(async () => {
  provider = await startSandboxProvider({ credential: 'sk-sandbox-of-these-tests' })
  client = new OpenAI({ baseURL: `${provider.url}/v1`, apiKey: 'sk-sandbox-of-these-tests', maxRetries: 0 })
})
afterAll(() => provider.close())
beforeEach(() => provider.reset())

const HELLO: ChatCompletionMessageParam[] = [{ role: 'user', content: 'Say hello to the class.' }]

type Params = Partial<Omit<ChatCompletionCreateParams, 'stream' | 'stream_options'>>

function complete(params: Params = {}): Promise<ChatCompletion> {
  return client.chat.completions.create({ model: 'sandbox-small', messages: HELLO, ...params, stream: false })
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

async function stream(params: Params = {}, options = { include_usage: true }): Promise<ChatCompletionChunk[]> {
  return collect(
    await client.chat.completions.create({
      model: 'sandbox-small',
      messages: HELLO,
      ...params,
      stream: true,
      stream_options: options,
    }),
  )
}

function contentOf(chunks: ChatCompletionChunk[], index = 0): string {
  const choices = chunks.flatMap((chunk) => chunk.choices).filter((choice) => choice.index === index)
  return choices.map((choice) => choice.delta.content ?? '').join('')
}

describe('a whole answer', () => {
  it('has text, usage as it can be counted, and the shape of the API', async () => {
    const answer = await complete()
    const content = answer.choices[0]?.message.content ?? ''
    expect(content).toContain('Say hello to the class.')
    // 3 for the message, 1 for the role, the content, 3 for the answer.
    const input = 3 + countTokens('user') + countTokens('Say hello to the class.') + 3
    expect(answer).toMatchObject({
      object: 'chat.completion',
      model: 'sandbox-small',
      choices: [{ index: 0, finish_reason: 'stop', logprobs: null, message: { role: 'assistant', refusal: null } }],
      usage: {
        prompt_tokens: input,
        completion_tokens: countTokens(content),
        total_tokens: input + countTokens(content),
        prompt_tokens_details: { cached_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 0 },
      },
    })
    expect(answer.id).toMatch(/^chatcmpl-\w+$/)
    expect(Math.abs(answer.created - Date.now() / 1000)).toBeLessThan(60)
    expect(answer.usage?.completion_tokens).toBeGreaterThanOrEqual(16)
  })

  it('is the same for the same question, and another for another', async () => {
    const [first, second, other] = await Promise.all([
      complete(),
      complete(),
      complete({ messages: [{ role: 'user', content: 'And what about fish?' }] }),
    ])
    expect(first.choices).toEqual(second.choices)
    expect(first.id).not.toBe(second.id)
    expect(first.choices).not.toEqual(other.choices)
  })

  it('ends at max_tokens exactly', async () => {
    for (const limit of [1, 2, 7, 40]) {
      for (const params of [{ max_tokens: limit }, { max_completion_tokens: limit }]) {
        const answer = await complete(params)
        expect(answer.usage?.completion_tokens).toBe(limit)
        expect(answer.choices[0]?.finish_reason).toBe('length')
        expect(countTokens(answer.choices[0]?.message.content ?? '')).toBe(limit)
      }
    }
    expect((await complete({ max_tokens: 5_000 })).choices[0]?.finish_reason).toBe('stop')
  })

  it('is as long as the user asks', async () => {
    const essay = await complete({ messages: [{ role: 'user', content: 'Write 500 words about rain.' }] })
    expect(essay.choices[0]?.message.content?.match(/\S+/g)).toHaveLength(500)
    const exact = await complete({ messages: [{ role: 'user', content: 'Rain. [[sandbox: output_tokens=1234]]' }] })
    expect(exact.usage?.completion_tokens).toBe(1_234)
    expect(exact.choices[0]?.finish_reason).toBe('stop')
    const limited = await complete({
      messages: [{ role: 'user', content: 'Rain. [[sandbox: output_tokens=1234]]' }],
      max_tokens: 1_233,
    })
    expect(limited.usage?.completion_tokens).toBe(1_233)
    expect(limited.choices[0]?.finish_reason).toBe('length')
  })

  it('comes in as many choices as asked for, with one input', async () => {
    const one = await complete({ max_tokens: 12 })
    const three = await complete({ n: 3, max_tokens: 12 })
    expect(three.choices.map((choice) => choice.index)).toEqual([0, 1, 2])
    expect(three.usage?.completion_tokens).toBe(36)
    expect(three.usage?.prompt_tokens).toBe(one.usage?.prompt_tokens)
    const long = await complete({ n: 2 })
    expect(new Set(long.choices.map((choice) => choice.message.content)).size).toBe(2)
  })

  it('ends before a stop sequence', async () => {
    const answer = await complete({ stop: ['sandbox', 'nowhere'] })
    expect(answer.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'This is the ' } })
    expect(answer.usage?.completion_tokens).toBe(countTokens('This is the '))
  })

  it('is JSON when asked for', async () => {
    const free = await complete({ response_format: { type: 'json_object' } })
    expect(JSON.parse(free.choices[0]?.message.content ?? '')).toMatchObject({ sandbox: true })
    const schema = {
      type: 'object',
      properties: { answer: { type: 'string' }, grade: { type: 'integer', minimum: 1, maximum: 6 } },
      required: ['answer', 'grade'],
    }
    const shaped = await complete({ response_format: { type: 'json_schema', json_schema: { name: 'graded', schema } } })
    expect(JSON.parse(shaped.choices[0]?.message.content ?? '')).toEqual({
      answer: expect.stringContaining('Say hello'),
      grade: 1,
    })
  })

  it('of a reasoning model counts what it thought as output', async () => {
    const answer = await complete({ model: 'sandbox-reasoning' })
    const message = answer.choices[0]?.message as unknown as Record<'content' | 'reasoning_content', string>
    const reasoning = countTokens(message.reasoning_content)
    expect(reasoning).toBe(32)
    expect(answer.usage?.completion_tokens_details?.reasoning_tokens).toBe(reasoning)
    expect(answer.usage?.completion_tokens).toBe(reasoning + countTokens(message.content))

    const cut = await complete({ model: 'sandbox-reasoning', reasoning_effort: 'high', max_completion_tokens: 20 })
    expect(cut.usage).toMatchObject({ completion_tokens: 20, completion_tokens_details: { reasoning_tokens: 20 } })
    expect(cut.choices[0]).toMatchObject({ finish_reason: 'length', message: { content: '' } })

    const hidden = await complete({
      model: 'sandbox-reasoning',
      messages: [{ role: 'user', content: 'Think. [[sandbox: hidden_reasoning reasoning_tokens=99]]' }],
    })
    expect(hidden.choices[0]?.message).not.toHaveProperty('reasoning_content')
    expect(hidden.usage?.completion_tokens_details?.reasoning_tokens).toBe(99)
  })
})

describe('a stream', () => {
  it('says the same as the whole answer, with a role first and usage last', async () => {
    const chunks = await stream()
    const whole = await complete()
    expect(contentOf(chunks)).toBe(whole.choices[0]?.message.content)
    expect(chunks[0]?.choices).toEqual([
      { index: 0, delta: { role: 'assistant', content: '', refusal: null }, logprobs: null, finish_reason: null },
    ])
    expect(chunks.at(-2)?.choices).toEqual([{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }])
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage })
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true)
    expect(new Set(chunks.map(({ id, created, model, object }) => `${id} ${created} ${model} ${object}`)).size).toBe(1)
    expect(chunks[0]).toMatchObject({
      object: 'chat.completion.chunk',
      system_fingerprint: expect.stringMatching(/^fp_/),
    })
  })

  it('has no word of usage when it was not asked for, and ends with [DONE]', async () => {
    const headers = { authorization: 'Bearer sk-sandbox-of-these-tests' }
    const { body, headers: got } = await post(
      `${provider.url}/v1/chat/completions`,
      { model: 'sandbox-small', messages: HELLO, stream: true },
      headers,
    )
    expect(got['content-type']).toMatch(/^text\/event-stream/)
    expect(body.toString()).not.toContain('usage')
    expect(eventData(body).at(-1)).toBe('[DONE]')
    expect(body.toString().endsWith('data: [DONE]\n\n')).toBe(true)
  })

  it('ends at max_tokens exactly, and sends one token a chunk', async () => {
    const chunks = await stream({ max_tokens: 9 })
    expect(countTokens(contentOf(chunks))).toBe(9)
    // A role, nine tokens, the end, the usage.
    expect(chunks).toHaveLength(12)
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('length')
    expect(chunks.at(-1)?.usage?.completion_tokens).toBe(9)
  })

  it('brings several choices interleaved', async () => {
    const chunks = await stream({ n: 2, max_tokens: 10 })
    const whole = await complete({ n: 2, max_tokens: 10 })
    expect([contentOf(chunks, 0), contentOf(chunks, 1)]).toEqual(whole.choices.map((choice) => choice.message.content))
    const order = chunks.flatMap((chunk) => chunk.choices.map((choice) => choice.index))
    expect(order.slice(0, 6)).toEqual([0, 1, 0, 1, 0, 1])
    expect(chunks.at(-1)?.usage?.completion_tokens).toBe(20)
  })

  it('brings thoughts before the answer', async () => {
    const chunks = await stream({ model: 'sandbox-reasoning', reasoning_effort: 'low' })
    const deltas = chunks.flatMap((chunk) => chunk.choices.map((choice) => Object.keys(choice.delta).join()))
    const thoughts = deltas.filter((keys) => keys === 'reasoning_content').length
    expect(thoughts).toBe(16)
    expect(deltas.indexOf('content')).toBe(1 + thoughts)
    expect(chunks.at(-1)?.usage?.completion_tokens_details?.reasoning_tokens).toBe(16)
    expect(provider.stats().reasoning_tokens).toBe(16)
  })

  it('carries characters of several tokens whole', async () => {
    const text = 'naïve 漢字 👩‍👩‍👧‍👦 🙂'
    const chunks = await stream({ messages: [{ role: 'user', content: `[[sandbox: text="${text}"]]` }] })
    expect(contentOf(chunks)).toBe(text)
    expect(chunks.at(-1)?.usage?.completion_tokens).toBe(countTokens(text))
  })
})

const WRITE_FILE: ChatCompletionTool = {
  type: 'function',
  function: {
    name: 'write_file',
    description: 'Writes a file.',
    parameters: {
      type: 'object',
      properties: { path: { type: 'string' }, content: { type: 'string' }, mode: { type: 'string' } },
      required: ['path', 'content'],
    },
  },
}
const WEATHER: ChatCompletionTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
}
const CREATE: ChatCompletionMessageParam[] = [{ role: 'user', content: 'Please create hello.txt with a greeting.' }]

describe('tools', () => {
  it('are called when they can do what the user asks, and answered with text', async () => {
    const tools = [WEATHER, WRITE_FILE]
    const answer = await complete({ messages: CREATE, tools })
    const choice = answer.choices[0]
    expect(choice).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } })
    const call = choice?.message.tool_calls?.[0]
    if (call?.type !== 'function') throw new Error('no function was called')
    expect(call.id).toMatch(/^call_\w{20,}$/)
    expect(call.function.name).toBe('write_file')
    expect(JSON.parse(call.function.arguments)).toEqual({
      path: 'hello.txt',
      content: 'Hello from the sandbox model.\n',
    })
    expect(answer.usage?.completion_tokens).toBe(countTokens('write_file') + countTokens(call.function.arguments))
    expect(answer.usage?.prompt_tokens).toBe(
      countTokens(JSON.stringify(tools)) + 3 + 1 + countTokens('Please create hello.txt with a greeting.') + 3,
    )

    const after = await complete({
      messages: [
        ...CREATE,
        choice?.message as ChatCompletionMessageParam,
        { role: 'tool', tool_call_id: call.id, content: 'Wrote 30 bytes.' },
      ],
      tools,
    })
    expect(after.choices[0]).toMatchObject({ finish_reason: 'stop' })
    expect(after.choices[0]?.message.content).toContain('Wrote 30 bytes.')
    expect(after.usage?.prompt_tokens).toBe(
      (answer.usage?.prompt_tokens ?? 0) +
        (3 + 1 + countTokens('write_file') + countTokens(call.function.arguments)) +
        (3 + 1 + countTokens('Wrote 30 bytes.')),
    )
  })

  it('are called in pieces in a stream', async () => {
    const chunks = await stream({ messages: CREATE, tools: [WRITE_FILE] })
    const calls = chunks.flatMap((chunk) => chunk.choices.flatMap((choice) => choice.delta.tool_calls ?? []))
    expect(calls[0]).toMatchObject({ index: 0, type: 'function', function: { name: 'write_file', arguments: '' } })
    expect(calls.length).toBeGreaterThan(5)
    expect(calls.slice(1).every((call) => call.id === undefined && call.index === 0)).toBe(true)
    const written = calls.map((call) => call.function?.arguments).join('')
    expect(JSON.parse(written)).toMatchObject({ path: 'hello.txt' })
    expect(chunks[0]?.choices[0]?.delta).toMatchObject({ role: 'assistant', content: null })
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('tool_calls')
    expect(chunks.at(-1)?.usage?.completion_tokens).toBe(countTokens('write_file') + countTokens(written))
  })

  it('are chosen by what they are about', async () => {
    const called = async (content: string, params: Params = {}) => {
      const answer = await complete({ messages: [{ role: 'user', content }], tools: [WRITE_FILE, WEATHER], ...params })
      const call = answer.choices[0]?.message.tool_calls?.[0]
      return call?.type === 'function' ? [call.function.name, JSON.parse(call.function.arguments)] : undefined
    }
    expect(await called('How is the weather in Bergen today?')).toEqual(['get_weather', { city: 'Bergen' }])
    expect(await called('Tell me a story.')).toBeUndefined()
    expect(await called('Tell me a story.', { tool_choice: 'required' })).toMatchObject(['write_file', {}])
    expect(await called('How is the weather?', { tool_choice: 'none' })).toBeUndefined()
    expect(
      await called('Tell me a story.', { tool_choice: { type: 'function', function: { name: 'get_weather' } } }),
    ).toEqual(['get_weather', { city: 'Paris' }])
    expect(await called('Tell me a story. [[sandbox: tool=get_weather]]')).toEqual(['get_weather', { city: 'Paris' }])
  })

  it('are given a path where the coding tool works, a command, or a patch', async () => {
    const first = async (tool: ChatCompletionTool) => {
      const answer = await complete({
        messages: [{ role: 'system', content: 'Working directory: /home/ada/project' }, ...CREATE],
        tools: [tool],
      })
      const call = answer.choices[0]?.message.tool_calls?.[0]
      return call?.type === 'custom' ? call.custom.input : JSON.parse(call?.function.arguments ?? 'null')
    }
    const write = (name: string, properties: object): ChatCompletionTool => ({
      type: 'function',
      function: { name, parameters: { type: 'object', properties, required: Object.keys(properties) } },
    })
    const path = { type: 'string', description: 'The absolute path to the file (must be absolute, not relative)' }
    expect(await first(write('write', { filePath: path, content: { type: 'string' } }))).toMatchObject({
      filePath: '/home/ada/project/hello.txt',
    })
    expect(await first(write('bash', { command: { type: 'string' } }))).toEqual({
      command: "printf '%s\\n' 'Hello from the sandbox model.' > 'hello.txt'",
    })
    expect(await first({ type: 'custom', custom: { name: 'apply_patch' } })).toBe(
      '*** Begin Patch\n*** Add File: hello.txt\n+Hello from the sandbox model.\n*** End Patch\n',
    )
  })

  it('can be called several at once, and cut short', async () => {
    const messages: ChatCompletionMessageParam[] = [
      { role: 'user', content: 'Please create hello.txt. [[sandbox: tool_calls=3]]' },
    ]
    const three = await complete({ messages, tools: [WRITE_FILE] })
    expect(new Set(three.choices[0]?.message.tool_calls?.map((call) => call.id)).size).toBe(3)
    const cut = await complete({ messages: CREATE, tools: [WRITE_FILE], max_tokens: 6 })
    expect(cut.usage?.completion_tokens).toBe(6)
    expect(cut.choices[0]?.finish_reason).toBe('length')
    expect(cut.choices[0]?.message.tool_calls).toHaveLength(1)
  })

  it('are not called twice with the same input', async () => {
    const call = { name: 'write_file', arguments: '{"path":"hello.txt","content":"Hello from the sandbox model.\\n"}' }
    const again = await complete({
      messages: [
        ...CREATE,
        { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: call }] },
        { role: 'tool', tool_call_id: 'call_1', content: 'ok' },
        ...CREATE,
      ],
      tools: [WRITE_FILE],
    })
    expect(again.choices[0]?.finish_reason).toBe('stop')
  })
})

describe('the input', () => {
  it('is counted by its parts, images a fixed amount', async () => {
    const answer = await complete({
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'You are terse.' }], name: 'teacher' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
            { type: 'text', text: 'And why? <|endoftext|>' },
          ],
        },
      ],
    })
    const special = countTokens('And why? <|endoftext|>', { disallowedSpecial: new Set<string>() })
    expect(answer.usage?.prompt_tokens).toBe(
      3 +
        1 +
        countTokens('teacher') +
        countTokens('You are terse.') +
        (3 + 1 + countTokens('What is this?') + 85 + special) +
        3,
    )
  })

  it('is cached when its beginning was seen before, unless that is off', async () => {
    const messages: ChatCompletionMessageParam[] = [
      { role: 'system', content: 'Be kind to everyone you meet. '.repeat(300) },
      ...HELLO,
    ]
    const cached = async (question?: string) => {
      const given = question === undefined ? messages : [...messages, { role: 'user' as const, content: question }]
      return (await complete({ messages: given })).usage?.prompt_tokens_details?.cached_tokens
    }
    expect(await cached()).toBe(0)
    const second = await cached()
    expect(second).toBeGreaterThan(1_024)
    expect((second ?? 1) % 128).toBe(0)
    expect(await cached('And now?')).toBe(second)
    expect(await cached('And now? [[sandbox: prompt_cache=false]]')).toBe(0)
    expect(provider.stats().cached_input_tokens).toBe(2 * (second ?? 0))
    provider.reset()
    expect(await cached()).toBe(0)
  })
})

describe('stats', () => {
  it('are the sum of the usages reported', async () => {
    const sum = { requests: 0, input: 0, output: 0 }
    const add = (usage: ChatCompletion['usage'] | null) => {
      sum.requests += 1
      sum.input += usage?.prompt_tokens ?? 0
      sum.output += usage?.completion_tokens ?? 0
    }
    const asked = Array.from({ length: 60 }, (_, index): [Params, boolean] => [
      {
        model: ['sandbox-small', 'sandbox-large', 'sandbox-reasoning'][index % 3] as string,
        messages: [{ role: 'user', content: `Question ${index}. [[sandbox: output_tokens=${1 + index * 7}]]` }],
        n: 1 + (index % 2),
        max_completion_tokens: 60 + index,
        ...(index % 5 === 0 ? { messages: CREATE, tools: [WRITE_FILE] } : {}),
      },
      index % 2 === 0,
    ])
    await Promise.all(
      asked.map(async ([params, streams]) =>
        add(streams ? ((await stream(params)).at(-1)?.usage ?? null) : ((await complete(params)).usage ?? null)),
      ),
    )
    const stats = provider.stats()
    expect(stats).toMatchObject({
      requests: 60,
      completed: 60,
      failed: 0,
      cut: 0,
      aborted_by_peer: 0,
      input_tokens: sum.input,
      output_tokens: sum.output,
      reported_input_tokens: sum.input,
      reported_output_tokens: sum.output,
      open: 0,
    })
    const models = Object.values(stats.models)
    expect(models).toHaveLength(3)
    expect(models.reduce((total, model) => total + model.output_tokens, 0)).toBe(sum.output)
    provider.reset()
    expect(provider.stats()).toMatchObject({ requests: 0, input_tokens: 0, models: {} })
  })
})

describe('refusals', () => {
  async function refusal(params: object): Promise<APIError> {
    const error = await client.chat.completions
      .create({ model: 'sandbox-small', messages: HELLO, ...params } as ChatCompletionCreateParams)
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
    if (!(error instanceof APIError)) throw new Error(`not refused: ${JSON.stringify(params)}`)
    return error
  }

  it('tell an unknown model as the API does', async () => {
    expect(await refusal({ model: 'gpt-99' })).toMatchObject({
      status: 404,
      type: 'invalid_request_error',
      code: 'model_not_found',
      param: null,
      error: { message: 'The model `gpt-99` does not exist or you do not have access to it.' },
    })
    provider.configure({ any_model: true, next: 1 })
    expect((await complete({ model: 'gpt-99' })).model).toBe('gpt-99')
  })

  it('tell a wrong credential as the API does', async () => {
    const url = `${provider.url}/v1/chat/completions`
    const wrong = await post(
      url,
      { model: 'sandbox-small', messages: HELLO },
      { authorization: 'Bearer sk-somebody-elses-key' },
    )
    expect(wrong.status).toBe(401)
    expect(JSON.parse(wrong.body.toString()).error).toEqual({
      message:
        'Incorrect API key provided: ********-key. You can find your API key at https://platform.openai.com/account/api-keys.',
      type: 'invalid_request_error',
      param: null,
      code: 'invalid_api_key',
    })
    const none = await post(url, { model: 'sandbox-small', messages: HELLO })
    expect(none.status).toBe(401)
    expect(none.body.toString()).toContain("You didn't provide an API key")
    expect(provider.stats()).toMatchObject({ requests: 0, failed: 2 })
  })

  it.each<[string, object, string | null, string | null]>([
    ['no model', { model: undefined }, null, null],
    ['a model that is a number', { model: 5 }, 'model', 'invalid_type'],
    ['no messages', { messages: undefined }, 'messages', 'missing_required_parameter'],
    ['empty messages', { messages: [] }, 'messages', 'empty_array'],
    ['messages as text', { messages: 'hi' }, 'messages', 'invalid_type'],
    ['an unknown role', { messages: [{ role: 'teacher', content: 'hi' }] }, 'messages[0].role', 'invalid_value'],
    ['no content', { messages: [{ role: 'user' }] }, 'messages[0].content', 'missing_required_parameter'],
    ['null content', { messages: [{ role: 'user', content: null }] }, 'messages[0].content', 'invalid_type'],
    [
      'a part without type',
      { messages: [{ role: 'user', content: [{ text: 'x' }] }] },
      'messages[0].content[0].type',
      'missing_required_parameter',
    ],
    ['max_tokens 0', { max_tokens: 0 }, 'max_tokens', 'integer_below_min_value'],
    ['max_tokens 1.5', { max_tokens: 1.5 }, 'max_tokens', 'invalid_type'],
    ['max_tokens as text', { max_tokens: '5' }, 'max_tokens', 'invalid_type'],
    ['both limits', { max_tokens: 5, max_completion_tokens: 5 }, 'max_tokens', 'invalid_parameter_combination'],
    ['n 0', { n: 0 }, 'n', 'integer_below_min_value'],
    ['n 129', { n: 129 }, 'n', 'integer_above_max_value'],
    ['stream as text', { stream: 'yes' }, 'stream', 'invalid_type'],
    ['stream_options without stream', { stream_options: { include_usage: true } }, 'stream_options', null],
    ['five stops', { stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop', 'array_above_max_length'],
    ['an unknown format', { response_format: { type: 'xml' } }, 'response_format.type', 'invalid_value'],
    [
      'a tool without a name',
      { tools: [{ type: 'function', function: {} }] },
      'tools[0].function.name',
      'missing_required_parameter',
    ],
    ['a tool choice without tools', { tool_choice: 'auto' }, 'tool_choice', null],
    [
      'a tool choice that is not there',
      { tools: [WEATHER], tool_choice: { type: 'function', function: { name: 'x' } } },
      'tool_choice',
      null,
    ],
    [
      'a tool result nobody asked for',
      { messages: [{ role: 'tool', tool_call_id: 'call_1', content: 'x' }] },
      'messages[0].role',
      null,
    ],
    [
      'a tool call nobody answered',
      {
        messages: [
          {
            role: 'assistant',
            tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }],
          },
          ...HELLO,
        ],
      },
      'messages[1].role',
      null,
    ],
    [
      'a marker that says nothing',
      { messages: [{ role: 'user', content: '[[sandbox: statsu=500]]' }] },
      null,
      'invalid_behaviour',
    ],
  ])('refuse %s', async (_, params, param, code) => {
    expect(await refusal(params)).toMatchObject({ status: 400, type: 'invalid_request_error', param, code })
    expect(provider.stats()).toMatchObject({ requests: 0, failed: 1, open: 0 })
  })

  it('refuse what is not JSON, what is no object, and what is too much', async () => {
    const headers = { authorization: 'Bearer sk-sandbox-of-these-tests' }
    const url = `${provider.url}/v1/chat/completions`
    const broken = await post(url, '{"model": "sandbox-small", ', headers)
    expect(broken.status).toBe(400)
    expect(JSON.parse(broken.body.toString()).error.message).toContain('could not parse the JSON body')
    expect((await post(url, '[]', headers)).status).toBe(400)
    const large = await post(url, ' '.repeat(32 * 1024 * 1024 + 1), headers)
    expect(large.status).toBe(413)
    expect(JSON.parse(large.body.toString()).error.code).toBe('request_too_large')
    const long = await refusal({ messages: [{ role: 'user', content: 'word '.repeat(1_000_001) }] })
    expect(long).toMatchObject({ status: 400, code: 'context_length_exceeded', param: 'messages' })
  })
})

describe('models', () => {
  it('are listed and found', async () => {
    const listed = await collect(client.models.list())
    expect(listed.map((model) => model.id)).toEqual(MODELS.map(({ id }) => id))
    expect(await client.models.retrieve('sandbox-large')).toEqual({
      id: 'sandbox-large',
      object: 'model',
      created: expect.any(Number),
      owned_by: 'sandbox',
    })
    await expect(client.models.retrieve('gpt-99')).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
    const wrong = new OpenAI({ baseURL: `${provider.url}/v1`, apiKey: 'wrong', maxRetries: 0 })
    await expect(wrong.models.list()).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' })
  })
})

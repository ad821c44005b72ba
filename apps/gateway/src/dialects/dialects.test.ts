import type { Dialect, PricedModel, ProviderKindName } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import { describe, expect, it } from 'vitest'
import type { Loose } from '../meter/json.ts'
import type { Ask } from './ask.ts'
import { ASKS } from './dialects.ts'
import { readAsk } from './parse.ts'
import { upstreamBody } from './upstream-body.ts'

const user = [{ role: 'user', content: 'Hello' }]
const LEAST: Record<Dialect, Loose> = {
  chat: { model: 'm', messages: user },
  completions: { model: 'm', prompt: 'Hello' },
  embeddings: { model: 'm', input: 'Hello' },
  responses: { model: 'm', input: 'Hello' },
  messages: { model: 'm', messages: user, max_tokens: 100 },
}
const dialects = Object.keys(LEAST) as Dialect[]

function read(dialect: Dialect, more: Loose = {}): Ask {
  return readAsk(ASKS[dialect], Buffer.from(JSON.stringify({ ...LEAST[dialect], ...more })))
}

function refusal(dialect: Dialect, more: Loose): { code: string; param: string | undefined; message: string } {
  try {
    read(dialect, more)
  } catch (error) {
    if (error instanceof DomainError) return { code: error.code, param: error.details.param, message: error.message }
    throw error
  }
  throw new Error('it was not refused')
}

describe('a request says', () => {
  it.each(dialects)('what matters of it: %s', (dialect) => {
    expect(read(dialect)).toMatchObject({ model: 'm', isStream: false, answers: 1, prompts: 1, extraOutput: 0 })
    if (dialect !== 'embeddings') expect(read(dialect, { stream: true }).isStream).toBe(true)
    expect(read(dialect, { stream: null }).isStream).toBe(false)
  })

  it('how long an answer may be', () => {
    expect(read('chat').outputMax).toBeUndefined()
    expect(read('chat', { max_tokens: 7 }).outputMax).toBe(7)
    expect(read('chat', { max_tokens: 7, max_completion_tokens: 9 }).outputMax).toBe(9)
    expect(read('completions', { max_tokens: 7 }).outputMax).toBe(7)
    expect(read('responses', { max_output_tokens: 7 }).outputMax).toBe(7)
    expect(read('responses').outputMax).toBeUndefined()
    expect(read('messages').outputMax).toBe(100)
    expect(read('embeddings', { max_tokens: 7 }).outputMax).toBe(0)
  })

  it('how many answers are written, also those that nobody sees', () => {
    expect(read('chat', { n: 3 }).answers).toBe(3)
    expect(read('chat', { n: 3, best_of: 5 }).answers).toBe(5)
    expect(read('completions', { prompt: ['a', 'b'], n: 2, best_of: 4 })).toMatchObject({ answers: 8, prompts: 2 })
    expect(read('completions', { prompt: [1, 2, 3] })).toMatchObject({ answers: 1, prompts: 1 })
    expect(read('completions', { prompt: [[1, 2], [3]] })).toMatchObject({ answers: 2, prompts: 2 })
    expect(read('embeddings', { input: ['a', 'b', 'c'] })).toMatchObject({ answers: 1, prompts: 3 })
    expect(read('embeddings', { input: [1, 2, 3] }).prompts).toBe(1)
  })

  it('what is billed beside the answer: what was predicted and not said', () => {
    const prediction = { type: 'content', content: 'word '.repeat(500) }
    expect(read('chat', { prediction }).extraOutput).toBeGreaterThan(500)
  })
})

describe('parts that are not text', () => {
  const data = 'A'.repeat(1_000_000)
  const inline: [Dialect, Loose][] = [
    [
      'chat',
      {
        messages: [
          { role: 'user', content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } }] },
        ],
      },
    ],
    [
      'responses',
      { input: [{ role: 'user', content: [{ type: 'input_image', image_url: `data:image/png;base64,${data}` }] }] },
    ],
    [
      'responses',
      { input: [{ type: 'function_call_output', output: [{ type: 'input_image', image_url: `data:,${data}` }] }] },
    ],
    ['messages', { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'base64', data } }] }] }],
    [
      'messages',
      {
        messages: [
          { role: 'user', content: [{ type: 'tool_result', content: [{ type: 'image', source: { data } }] }] },
        ],
      },
    ],
  ]
  it.each(inline)('that come with the request are no million tokens: %s', (dialect, more) => {
    const ask = read(dialect, more)
    const bytes = JSON.stringify({ ...LEAST[dialect], ...more }).length
    expect(bytes + ask.beyondBytes).toBeLessThan(60_000)
    expect(bytes + ask.beyondBytes).toBeGreaterThan(10_000)
    expect(ask.dialect.countPrompt(ask.json)).toBeLessThan(60_000)
  })

  const linked: [Dialect, Loose][] = [
    ['chat', { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://x' } }] }] }],
    ['chat', { messages: [{ role: 'user', content: [{ type: 'unheard_of' }] }] }],
    ['responses', { input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'file_1' }] }] }],
    [
      'messages',
      { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'https://x' } }] }] },
    ],
  ]
  it.each(linked)('that are only named cost what they may have: %s', (dialect, more) => {
    const ask = read(dialect, more)
    expect(ask.beyondBytes).toBeGreaterThan(10_000)
    expect(ask.dialect.countPrompt(ask.json)).toBeGreaterThan(10_000)
  })

  const boundless: [Dialect, Loose][] = [
    ['chat', { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'f' } }] }] }],
    ['responses', { input: [{ role: 'user', content: [{ type: 'input_file', file_url: 'https://x' }] }] }],
    ['responses', { input: [{ type: 'item_reference', id: 'rs_1' }] }],
    [
      'messages',
      { messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'url', url: 'https://x' } }] }] },
    ],
  ]
  it.each(boundless)('and may be of any length cost a whole context: %s', (dialect, more) => {
    expect(read(dialect, more).beyondBytes).toBeGreaterThan(2_000_000)
  })
})

describe('what there is no price for', () => {
  it.each<[Dialect, Loose, string]>([
    ['chat', { service_tier: 'priority' }, 'service_tier'],
    ['completions', { service_tier: 'priority' }, 'service_tier'],
    ['responses', { service_tier: 'priority' }, 'service_tier'],
    ['chat', { modalities: ['text', 'audio'], audio: { voice: 'alloy' } }, 'modalities'],
    ['chat', { modalities: ['image'] }, 'modalities'],
    ['chat', { web_search_options: {} }, 'web_search_options'],
    ['chat', { search_parameters: { mode: 'auto' } }, 'search_parameters'],
    ['chat', { plugins: [{ id: 'web' }] }, 'plugins'],
    ['chat', { models: ['dearer'] }, 'models'],
    ['messages', { speed: 'fast' }, 'speed'],
    ['messages', { inference_geo: 'us' }, 'inference_geo'],
  ])('is refused: %s %j', (dialect, more, param) => {
    expect(refusal(dialect, more)).toMatchObject({
      code: 'invalid_request',
      param,
      message: expect.stringMatching(/price of its own that is not in the price list/),
    })
  })

  it.each<[Dialect, Loose, string]>([
    ['responses', { background: true }, 'background'],
    ['responses', { conversation: 'conv_1' }, 'conversation'],
    ['responses', { prompt: { id: 'pmpt_1' } }, 'prompt'],
    ['completions', { prompt: Array.from({ length: 200 }, () => 'a') }, 'prompt'],
    ['completions', { prompt: [] }, 'prompt'],
    ['embeddings', { input: [] }, 'input'],
    ['embeddings', { input: '' }, 'input'],
    ['messages', { messages: [] }, 'messages'],
    ['messages', { max_tokens: undefined }, 'max_tokens'],
    ['messages', { max_tokens: 0 }, 'max_tokens'],
    ['responses', { max_output_tokens: 1.5 }, 'max_output_tokens'],
    ['responses', { stream: 'yes' }, 'stream'],
    ['completions', { n: 0 }, 'n'],
  ])('or can’t be measured, or isn’t there: %s %j', (dialect, more, param) => {
    expect(refusal(dialect, more)).toMatchObject({ code: 'invalid_request', param })
  })

  it.each<[Dialect, Loose]>([
    [
      'chat',
      { service_tier: 'flex', modalities: ['text'], search_parameters: { mode: 'off' }, plugins: [], models: [] },
    ],
    ['responses', { service_tier: 'auto', background: false, store: false }],
    ['messages', { service_tier: 'standard_only', speed: 'standard' }],
  ])('is not refused where it costs no more: %s', (dialect, more) => {
    expect(read(dialect, more).model).toBe('m')
  })

  it('passes where tools offer it unasked, with something set aside for what it brings back', () => {
    const tools = (...types: string[]) => ({ tools: types.map((type) => ({ type, name: type })) })
    expect(read('responses', tools('web_search', 'image_generation')).beyondBytes).toBeGreaterThan(1_000)
    expect(read('messages', tools('web_search_20250305')).beyondBytes).toBeGreaterThan(1_000)
    expect(read('responses', tools('function', 'custom', 'namespace')).beyondBytes).toBe(0)
  })
})

describe('a body', () => {
  const model = (kind: ProviderKindName, upstream_name = 'm') => ({ upstream_name, provider: { kind } }) as PricedModel
  const sent = (dialect: Dialect, text: string, to = model('openai_compatible'), outputMax?: number) => {
    const received = Buffer.from(text)
    const ask = readAsk(ASKS[dialect], received)
    const forwarded = upstreamBody(received, ask, to, outputMax)
    return {
      isSame: forwarded === received,
      text: forwarded.toString(),
      json: JSON.parse(forwarded.toString()) as Loose,
    }
  }

  it.each(dialects)('passes as it came: %s', (dialect) => {
    const odd = `{ "unheard_of": [1.0, 1e2, "\\u00e9"],${JSON.stringify(LEAST[dialect]).slice(1)}`
    expect(sent(dialect, odd).isSame).toBe(true)
  })

  it.each(dialects)('gets the provider’s name of the model and keeps all other bytes: %s', (dialect) => {
    const text = `{"seed":12345678901234567890,${JSON.stringify(LEAST[dialect]).slice(1)}`
    expect(sent(dialect, text, model('openai_compatible', 'their/"m"')).text).toBe(
      text.replace('"model":"m"', '"model":"their/\\"m\\""'),
    )
  })

  it('asks for the usage of a stream where it must be asked for', () => {
    for (const dialect of ['chat', 'completions'] as const) {
      const stream = JSON.stringify({ ...LEAST[dialect], stream: true })
      expect(sent(dialect, stream).json.stream_options).toEqual({ include_usage: true })
      expect(sent(dialect, stream, model('openai_compatible', 'x')).json).toMatchObject({
        model: 'x',
        stream_options: { include_usage: true },
      })
      const more = JSON.stringify({ ...LEAST[dialect], stream: true, stream_options: { include_usage: false, x: 1 } })
      expect(sent(dialect, more).json.stream_options).toEqual({ include_usage: true, x: 1 })
      expect(sent(dialect, more.replace('false', 'true')).isSame).toBe(true)
      expect(sent(dialect, stream, model('mistral')).isSame).toBe(true)
    }
    for (const dialect of ['responses', 'messages'] as const) {
      expect(sent(dialect, JSON.stringify({ ...LEAST[dialect], stream: true })).isSame).toBe(true)
    }
  })

  it('loses what the provider refuses, or says it in its words', () => {
    const text = JSON.stringify({
      ...LEAST.chat,
      stream: true,
      stream_options: { include_usage: true },
      max_completion_tokens: 9,
    })
    expect(sent('chat', text, model('mistral')).json).toEqual({ ...LEAST.chat, stream: true, max_tokens: 9 })
  })

  it('with a name that matters twice, in whatever spelling, has it once', () => {
    const twice = [
      '{"model":"x","model":"m","messages":[{"role":"user","content":"Hi"}]}',
      '{"max_tokens":100000,"model":"m","messages":[{"role":"user","content":"Hi"}],"max_tokens":5}',
      '{"max\\u005ftokens":100000,"model":"m","messages":[{"role":"user","content":"Hi"}],"max_tokens":5}',
      '{"\\u006dodel":"m","messages":[{"role":"user","content":"Hi"}]}',
      '{"n":100,"model":"m","messages":[{"role":"user","content":"Hi"}],"n":1}',
      '{"stream":true,"model":"m","messages":[{"role":"user","content":"Hi"}],"stream":false}',
    ]
    for (const text of twice) {
      const { isSame, text: forwarded, json } = sent('chat', text)
      expect(isSame, text).toBe(false)
      expect(json).toEqual(JSON.parse(text))
      expect(forwarded).toBe(JSON.stringify(JSON.parse(text)))
    }
  })

  it('keeps the provider’s own tools from running without end, where it can be told', () => {
    const tools = [
      { type: 'function', name: 'f' },
      { type: 'web_search_20250305', name: 'web_search' },
    ]
    const messages = JSON.stringify({ ...LEAST.messages, tools })
    expect(sent('messages', messages, model('anthropic')).json.tools).toEqual([tools[0], { ...tools[1], max_uses: 8 }])
    const few = messages.replace('"web_search"}', '"web_search","max_uses":3}')
    for (const text of [few, JSON.stringify({ ...LEAST.messages, tools: tools.slice(0, 1) })]) {
      expect(sent('messages', text, model('anthropic')).isSame).toBe(true)
    }
    const responses = (more: Loose) => JSON.stringify({ ...LEAST.responses, tools: [{ type: 'web_search' }], ...more })
    expect(sent('responses', responses({}), model('openai')).json.max_tool_calls).toBe(8)
    expect(sent('responses', responses({ max_tool_calls: 50 }), model('openai')).json.max_tool_calls).toBe(8)
    expect(sent('responses', responses({ max_tool_calls: 2 }), model('openai')).isSame).toBe(true)
    expect(sent('responses', responses({}), model('vllm')).isSame).toBe(true)
  })

  it('limits the answer by the names the client used, or by the provider’s', () => {
    const limited = (dialect: Dialect, more: Loose, kind: ProviderKindName = 'openai_compatible') =>
      sent(dialect, JSON.stringify({ ...LEAST[dialect], ...more }), model(kind), 50).json
    expect(limited('chat', {}).max_tokens).toBe(50)
    expect(limited('chat', {}, 'openai').max_completion_tokens).toBe(50)
    expect(limited('chat', { max_tokens: 70, max_completion_tokens: 20 })).toMatchObject({
      max_tokens: 50,
      max_completion_tokens: 20,
    })
    expect(limited('completions', {}).max_tokens).toBe(50)
    expect(limited('responses', {}).max_output_tokens).toBe(50)
    expect(limited('messages', {}).max_tokens).toBe(50)
    expect(limited('messages', { thinking: { type: 'adaptive' } }).thinking).toEqual({ type: 'adaptive' })
  })

  it('leaves thoughts room within a lowered limit, or does without', () => {
    const thinking = { type: 'enabled', budget_tokens: 10_000 }
    const text = JSON.stringify({ ...LEAST.messages, max_tokens: 20_000, thinking })
    expect(sent('messages', text, model('anthropic'), 4_000).json).toMatchObject({
      max_tokens: 4_000,
      thinking: { type: 'enabled', budget_tokens: 2_000 },
    })
    expect(sent('messages', text, model('anthropic'), 500).json.thinking).toEqual({ type: 'disabled' })
    expect(sent('messages', text, model('anthropic'), 15_000).json.thinking).toEqual(thinking)
  })
})

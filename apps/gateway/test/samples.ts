import type { Dialect, ModelUsage } from '../src/meter/meter.ts'

/** An answer of a provider, and what a meter must take from it. */
export type Recorded = {
  file: string
  dialect: Dialect
  stream: boolean
  body: Buffer
  /** Null where the provider reports no usage. */
  expect: Expected | null
  other_models?: Pick<ModelUsage, 'model'>[]
  /** Places inside of a character of several bytes. */
  cuts: number[]
}
export type Expected = {
  input_tokens: number
  cached_input_tokens: number
  cache_write_tokens: number
  output_tokens: number
  reasoning_tokens: number | null
}

const used = (input_tokens: number, output_tokens: number, rest: Partial<Expected> = {}): Expected => ({
  input_tokens,
  cached_input_tokens: 0,
  cache_write_tokens: 0,
  output_tokens,
  reasoning_tokens: null,
  ...rest,
})

/** A stream in which the name of each event is in its data only, as in chat. */
export const chunks = (...payloads: unknown[]): string =>
  `${payloads.map((payload) => `data: ${JSON.stringify(payload)}\n\n`).join('')}data: [DONE]\n\n`

/** A stream in which each event is named, as in responses and messages. */
export const named = (...events: Array<{ type: string } & Record<string, unknown>>): string =>
  events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('')

const says = (delta: object, rest: object = {}) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_700_000_000,
  model: 'sample-1',
  choices: [{ index: 0, delta, finish_reason: null }],
  ...rest,
})
const stops = (rest: object = {}) => ({
  ...says({}),
  choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
  ...rest,
})
const tells = (usage: object) => ({ id: 'chatcmpl-1', object: 'chat.completion.chunk', choices: [], usage })

type Written = Omit<Recorded, 'body' | 'cuts' | 'stream'> & { body: string | object }

const written: Written[] = [
  {
    file: 'chat, usage in a last chunk',
    dialect: 'chat',
    body: chunks(
      says({ role: 'assistant', content: '' }, { usage: null }),
      says({ content: 'Grüße 🎉' }, { usage: null }),
      says({ content: '\n"usage": {"prompt_tokens": 1}' }, { usage: null }),
      stops({ usage: null }),
      tells({
        prompt_tokens: 20,
        completion_tokens: 9,
        total_tokens: 29,
        prompt_tokens_details: { cached_tokens: 16, cache_write_tokens: 2 },
        completion_tokens_details: { reasoning_tokens: 3 },
      }),
    ),
    expect: used(20, 9, { cached_input_tokens: 16, cache_write_tokens: 2, reasoning_tokens: 3 }),
  },
  {
    file: 'chat, usage in every chunk',
    dialect: 'chat',
    body: chunks(
      says({ content: 'One' }, { usage: { prompt_tokens: 4, completion_tokens: 1, total_tokens: 5 } }),
      says({ content: ' two' }, { usage: { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 } }),
      stops({ usage: { prompt_tokens: 4, completion_tokens: 3, total_tokens: 7, cached_tokens: 1 } }),
    ),
    expect: used(4, 3, { cached_input_tokens: 1 }),
  },
  {
    file: 'chat, usage in x_groq',
    dialect: 'chat',
    body: chunks(
      says({ content: 'Hi' }),
      stops({ x_groq: { id: 'req_1', usage: { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 } } }),
    ),
    expect: used(7, 2),
  },
  {
    file: 'chat, reasoning beside the completion',
    dialect: 'chat',
    body: {
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant', content: 'No' } }],
      usage: {
        prompt_tokens: 10,
        completion_tokens: 1,
        total_tokens: 51,
        prompt_cache_hit_tokens: 8,
        completion_tokens_details: { reasoning_tokens: 40 },
      },
    },
    expect: used(10, 41, { cached_input_tokens: 8, reasoning_tokens: 40 }),
  },
  {
    file: 'chat, thoughts only in the total',
    dialect: 'chat',
    body: {
      choices: [{ message: { content: 'No' } }],
      usage: { prompt_tokens: 20, completion_tokens: 151, total_tokens: 553 },
    },
    expect: used(20, 533, { reasoning_tokens: 382 }),
  },
  {
    file: 'chat, no usage',
    dialect: 'chat',
    body: chunks(says({ reasoning_content: 'Well then,' }), says({ content: ' it is späť.' }), stops()),
    expect: null,
  },
  {
    file: 'completions, stream',
    dialect: 'completions',
    body: chunks(
      { id: 'cmpl-1', object: 'text_completion', choices: [{ index: 0, text: ' so', finish_reason: null }] },
      { id: 'cmpl-1', object: 'text_completion', choices: [{ index: 0, text: ' ist es', finish_reason: 'stop' }] },
      { id: 'cmpl-1', choices: [], usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } },
    ),
    expect: used(3, 4),
  },
  {
    file: 'completions, no usage',
    dialect: 'completions',
    body: { object: 'text_completion', choices: [{ index: 0, text: 'and that was all', finish_reason: 'stop' }] },
    expect: null,
  },
  {
    file: 'embeddings',
    dialect: 'embeddings',
    body: { object: 'list', data: [{ embedding: [0.1] }], usage: { prompt_tokens: 5, total_tokens: 5 } },
    expect: used(5, 0),
  },
  {
    file: 'responses, stream',
    dialect: 'responses',
    body: named(
      { type: 'response.created', sequence_number: 0, response: { id: 'resp_1', output: [], usage: null } },
      { type: 'response.output_item.added', output_index: 0, item: { id: 'msg_1', type: 'message', content: [] } },
      { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'żółć, "response.completed"' },
      {
        type: 'response.completed',
        sequence_number: 3,
        response: {
          id: 'resp_1',
          status: 'completed',
          tool_usage: { input_tokens: 1_000, output_tokens: 1_000 },
          usage: {
            input_tokens: 30,
            input_tokens_details: { cached_tokens: 10 },
            output_tokens: 12,
            output_tokens_details: { reasoning_tokens: 4 },
            total_tokens: 42,
          },
        },
      },
    ),
    expect: used(30, 12, { cached_input_tokens: 10, reasoning_tokens: 4 }),
  },
  {
    file: 'messages, stream',
    dialect: 'messages',
    body: named(
      {
        type: 'message_start',
        message: {
          id: 'msg_1',
          usage: {
            input_tokens: 3,
            cache_read_input_tokens: 100,
            cache_creation_input_tokens: 20,
            cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 0 },
            output_tokens: 1,
          },
        },
      },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'ping' },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'message_delta — Ärger' } },
      { type: 'content_block_stop', index: 0 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn' },
        usage: { input_tokens: 5, cache_read_input_tokens: null, output_tokens: 17 },
      },
      { type: 'message_stop' },
    ),
    expect: used(125, 17, { cached_input_tokens: 100, cache_write_tokens: 20 }),
  },
  {
    file: 'messages, several passes and another model',
    dialect: 'messages',
    body: {
      type: 'message',
      content: [{ type: 'text', text: 'Done' }],
      usage: {
        input_tokens: 10,
        output_tokens: 2,
        iterations: [
          { type: 'compaction', input_tokens: 500, output_tokens: 40 },
          { type: 'advisor_message', model: 'sample-large', input_tokens: 600, output_tokens: 7 },
          { type: 'message', input_tokens: 10, output_tokens: 2 },
        ],
      },
    },
    expect: used(510, 42),
    other_models: [{ model: 'sample-large' }],
  },
]

/** Answers in the manner of the providers, for where no recordings of them are at hand. */
export const samples: Recorded[] = written.map((one) => {
  const body = Buffer.from(typeof one.body === 'string' ? one.body : JSON.stringify(one.body))
  return { ...one, body, stream: typeof one.body === 'string', cuts: insideCharacters(body) }
})

/** Places where a cut would go through a character. */
export function insideCharacters(body: Buffer): number[] {
  return [...body.keys()].filter((at) => ((body[at] ?? 0) & 0xc0) === 0x80)
}

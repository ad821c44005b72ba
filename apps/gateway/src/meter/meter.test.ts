import { TOKENS_MAX } from '@stipend/money'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chunks, named } from '../../test/samples.ts'
import { countText } from '../tokens.ts'
import { chat } from './chat.ts'
import { completions } from './completions.ts'
import { messages } from './messages.ts'
import { createStreamMeter, type Dialect, estimate, meterAnswer, type StreamMeter } from './meter.ts'
import { responses } from './responses.ts'

const DIALECTS: Dialect[] = ['chat', 'completions', 'embeddings', 'responses', 'messages']
const COUNTED = 77
const counted = () => COUNTED
const never = () => {
  throw new Error('nothing was to be counted')
}

const chunk = (content: string, rest: object = {}) => ({
  id: 'chatcmpl-9',
  object: 'chat.completion.chunk',
  created: 1_700_000_000,
  model: 'sample-1',
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
  ...rest,
})
const wire = (...payloads: unknown[]) => Buffer.from(payloads.map((one) => `data: ${JSON.stringify(one)}\n\n`).join(''))
const fed = (dialect: Dialect, body: Buffer | string, hidesUsage = false): StreamMeter => {
  const meter = createStreamMeter(dialect, { hidesUsage })
  meter.feed(Buffer.from(body))
  return meter
}
const parsed = (ending: Buffer) =>
  ending
    .toString()
    .split('\n\n')
    .filter(Boolean)
    .map((event) => {
      const data = event.replace(/^event: .*\n/, '').replace(/^data: /, '')
      return data === '[DONE]' ? data : (JSON.parse(data) as Record<string, unknown>)
    })

describe('figures that can’t be true', () => {
  const chatUsage = { prompt_tokens: 10, completion_tokens: 5 }
  const ours = { input_tokens: 10, output_tokens: 5 }
  const nonsense: Array<[string, Dialect, object]> = [
    ['negative input', 'chat', { ...chatUsage, prompt_tokens: -1 }],
    ['negative output', 'chat', { ...chatUsage, completion_tokens: -5 }],
    ['no output', 'chat', { prompt_tokens: 10 }],
    ['no input', 'chat', { completion_tokens: 10 }],
    ['only a total', 'chat', { total_tokens: 10 }],
    ['more cached than read', 'chat', { ...chatUsage, prompt_tokens_details: { cached_tokens: 11 } }],
    [
      'more cached and written than read',
      'chat',
      { ...chatUsage, prompt_tokens_details: { cached_tokens: 6, cache_write_tokens: 5 } },
    ],
    ['negative cached', 'chat', { ...chatUsage, prompt_tokens_details: { cached_tokens: -1 } }],
    ['more reasoning than output', 'chat', { ...chatUsage, completion_tokens_details: { reasoning_tokens: 6 } }],
    ['text for a number', 'chat', { ...chatUsage, completion_tokens: '5' }],
    ['text for a part', 'chat', { ...chatUsage, cached_tokens: '5' }],
    ['a list for a number', 'chat', { ...chatUsage, prompt_tokens: [10] }],
    ['half a token', 'chat', { ...chatUsage, completion_tokens: 5.5 }],
    ['1e308', 'chat', { ...chatUsage, completion_tokens: 1e308 }],
    ['1e308 in all', 'chat', { ...chatUsage, total_tokens: 1e308 }],
    ['just too many', 'chat', { ...chatUsage, prompt_tokens: TOKENS_MAX + 1 }],
    ['nothing for text', 'chat', { prompt_tokens: 10, completion_tokens: 0 }],
    ['no output', 'completions', { prompt_tokens: 10, total_tokens: 12 }],
    ['no figures', 'embeddings', { cost: 0.1 }],
    ['more cached than read', 'responses', { ...ours, input_tokens_details: { cached_tokens: 11 } }],
    ['no input', 'responses', { output_tokens: 5 }],
    ['no output', 'messages', { input_tokens: 5 }],
    ['negative cache', 'messages', { ...ours, cache_read_input_tokens: -3 }],
    [
      'more for an hour than at all',
      'messages',
      { ...ours, cache_creation_input_tokens: 1, cache_creation: { ephemeral_1h_input_tokens: 2 } },
    ],
    ['a pass without figures', 'messages', { ...ours, iterations: [{ model: 'other', input_tokens: 3 }] }],
    ['1e308', 'messages', { ...ours, cache_read_input_tokens: 1e308 }],
  ]
  const said = {
    choices: [{ text: 'one two', message: { content: 'one two' } }],
    output: [{ type: 'message', content: [{ type: 'output_text', text: 'one two' }] }],
    content: [{ type: 'text', text: 'one two' }],
  }

  it.each(nonsense)('%s, %s', (_, dialect, usage) => {
    const metered = meterAnswer(dialect, { ...said, usage }, counted)
    const output = dialect === 'embeddings' ? 0 : countText('one two')
    expect(metered).toMatchObject({ is_estimated: true, usage: { cached_input_tokens: 0, output_tokens: output } })
    expect(metered.provider_fault).toMatch(/tokens/)
  })

  it('in a stream, the last figures count, and are not believed either', () => {
    const good = { prompt_tokens: 10, completion_tokens: 1, total_tokens: 11 }
    const body = chunks(chunk('one', { usage: good }), chunk(' two', { usage: { ...good, completion_tokens: -1 } }))
    const metered = fed('chat', body).metered(counted)
    expect(metered).toMatchObject({ is_estimated: true, usage: { input_tokens: COUNTED, output_tokens: 2 } })
    expect(metered.provider_fault).toMatch(/output_tokens/)
  })

  it('never throws and never believes them, whatever they are', () => {
    fc.assert(
      fc.property(fc.constantFrom(...DIALECTS), anyUsage(), anyUsage(), (dialect, usage, later) => {
        const answers = [
          { usage },
          { type: 'message_start', message: { usage } },
          { response: { usage } },
          { choices: usage },
        ]
        for (const answer of [...answers, usage]) assertPossible(meterAnswer(dialect, answer, counted).usage)
        const events = [
          { type: 'message_start', message: { usage } },
          { choices: [], usage, x_groq: later },
          { type: 'message_delta', usage: later },
          { type: 'response.completed', response: { usage: later } },
        ]
        const meter = fed(dialect, wire(...events))
        assertPossible(meter.metered(counted).usage)
        meter.ending(estimate(1, 1))
      }),
      { seed: 8, numRuns: 500 },
    )
  })

  function anyUsage() {
    const value = fc.oneof(
      fc.constantFrom(0, 1, -1, 5, 1e308, 2 ** 53, null, '3', true, [], {}),
      fc.jsonValue({ maxDepth: 2 }),
      fc.nat({ max: 100 }),
    )
    const names = [
      'input_tokens',
      'output_tokens',
      'prompt_tokens',
      'completion_tokens',
      'total_tokens',
      'cached_tokens',
    ]
    const details = fc.dictionary(
      fc.constantFrom('cached_tokens', 'reasoning_tokens', 'thinking_tokens', 'cache_write_tokens'),
      value,
    )
    return fc.dictionary(
      fc.constantFrom(
        ...names,
        'prompt_tokens_details',
        'output_tokens_details',
        'iterations',
        'cache_creation',
        'usage',
      ),
      fc.oneof(value, details, fc.array(details, { maxLength: 2 })),
    )
  }

  function assertPossible(usage: ReturnType<typeof estimate>) {
    const { input_tokens, cached_input_tokens, cache_write_tokens, cache_write_1h_tokens, output_tokens } = usage
    for (const count of [input_tokens, cached_input_tokens, cache_write_tokens, cache_write_1h_tokens, output_tokens]) {
      expect(Number.isInteger(count) && count >= 0 && count <= TOKENS_MAX).toBe(true)
    }
    expect(cached_input_tokens + cache_write_tokens <= input_tokens).toBe(true)
  }
})

it('knows the hour-long part of what is written to a cache', () => {
  const cache_creation = { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 70 }
  const usage = { input_tokens: 5, cache_creation_input_tokens: 100, cache_creation, output_tokens: 3 }
  const expected = { input_tokens: 105, cache_write_tokens: 100, cache_write_1h_tokens: 70, output_tokens: 3 }
  expect(meterAnswer('messages', { usage }, never)).toMatchObject({ usage: expected, is_estimated: false })
  const { cache_creation_input_tokens: _, ...parts } = usage
  expect(meterAnswer('messages', { usage: parts }, never).usage).toMatchObject(expected)
})

it('believes the parts where a total says otherwise, and never less than the top level', () => {
  const completion_tokens_details = { reasoning_tokens: 5 }
  const usage = { prompt_tokens: 10, completion_tokens: 20, total_tokens: 100, completion_tokens_details }
  expect(meterAnswer('chat', { usage }, never).usage).toEqual({ ...estimate(10, 20), reasoning_tokens: 5 })
  for (const pass of [
    { input_tokens: 9, output_tokens: 30 },
    { input_tokens: 90, output_tokens: 3 },
  ]) {
    const top = { input_tokens: 10, output_tokens: 20, iterations: [pass] }
    expect(meterAnswer('messages', { usage: top }, never).usage).toEqual(estimate(10, 20))
  }
})

it('counts calls of tools, thoughts and refusals in every dialect', () => {
  const answers: Array<[Dialect, object]> = [
    [
      'chat',
      { choices: [{ message: { tool_calls: [{ function: { name: 'weather', arguments: '{"in":"Rome"}' } }] } }] },
    ],
    ['chat', { choices: [{ message: { tool_calls: [{ custom: { name: 'weather', input: '{"in":"Rome"}' } }] } }] }],
    ['chat', { choices: [{ message: { function_call: { name: 'weather', arguments: '{"in":"Rome"}' } } }] }],
    ['responses', { output: [{ type: 'function_call', name: 'weather', arguments: '{"in":"Rome"}' }] }],
    ['messages', { content: [{ type: 'tool_use', name: 'weather', input: { in: 'Rome' } }] }],
  ]
  for (const [dialect, answer] of answers) {
    expect(meterAnswer(dialect, answer, counted).usage.output_tokens, dialect).toBe(countText('weather{"in":"Rome"}'))
  }
  const thought = (message: object) => meterAnswer('chat', { choices: [{ message }] }, counted).usage.output_tokens
  // The same thoughts in two fields are produced once.
  expect(thought({ reasoning: 'a b c', reasoning_content: 'a b c' })).toBe(3)
  expect(thought({ reasoning_details: [{ type: 'reasoning.text', text: 'a b c' }] })).toBe(3)
  expect(
    thought({
      content: [
        { type: 'thinking', thinking: [{ type: 'text', text: 'a b' }] },
        { type: 'text', text: ' c' },
      ],
    }),
  ).toBe(3)
  expect(thought({ refusal: 'a b c' })).toBe(3)
})

describe('a stream that is cut off', () => {
  it('keeps what message_start says of the input, and counts the output itself', () => {
    const usage = { input_tokens: 3, cache_read_input_tokens: 40, output_tokens: 1 }
    const start = named({ type: 'message_start', message: { usage } })
    const delta = named({ type: 'content_block_delta', delta: { type: 'text_delta', text: 'one two three' } })
    expect(fed('messages', start + delta).metered(never)).toEqual({
      usage: { ...estimate(43, 3), cached_input_tokens: 40 },
      is_estimated: true,
    })
    expect(fed('messages', start).metered(never)).toMatchObject({ usage: { output_tokens: 1 }, is_estimated: false })
  })

  it('counts what came after the last chunk with usage', () => {
    const usage = { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 }
    const meter = fed('chat', wire(chunk('one', { usage }), chunk(' two'), chunk(' three')))
    expect(meter.metered(never)).toMatchObject({ usage: { input_tokens: 9, output_tokens: 3 }, is_estimated: true })
  })

  it('counts the same whether it looked before or not', () => {
    const words = Array.from({ length: 3_000 }, (_, index) => ` word${index}`)
    const looked = createStreamMeter('chat', { hidesUsage: false })
    const late = createStreamMeter('chat', { hidesUsage: false })
    for (const [index, word] of words.entries()) {
      looked.feed(wire(chunk(word)))
      late.feed(wire(chunk(word)))
      if (index % 100 === 0) looked.countedTokens()
    }
    expect(looked.countedTokens()).toBe(countText(words.join('')))
    expect(late.countedTokens()).toBe(countText(words.join('')))
  })
})

describe('the end of an answer', () => {
  it('is what the provider says, not what the text says', () => {
    expect(fed('chat', wire(chunk('[DONE]'), chunk('data: [DONE]\n\n'))).isDone).toBe(false)
    expect(fed('chat', chunks(chunk('x'))).isDone).toBe(true)
    expect(fed('chat', 'data:[DONE]\r\n\r\n').isDone).toBe(true)
    const says = (text: string) => ({ type: 'response.output_text.delta', delta: text, response: {} })
    expect(fed('responses', named(says('"type":"response.completed"'))).isDone).toBe(false)
    for (const type of ['response.completed', 'response.incomplete', 'response.failed']) {
      expect(fed('responses', named({ type, response: { usage: null } })).isDone).toBe(true)
    }
    const delta = { type: 'text_delta', text: '"type":"message_stop"' }
    expect(fed('messages', named({ type: 'content_block_delta', delta })).isDone).toBe(false)
    expect(fed('messages', named({ type: 'message_stop' })).isDone).toBe(true)
  })

  it('believes no usage that is only in the text', () => {
    const text = '"usage":{"prompt_tokens":1,"completion_tokens":1} message_delta response.completed "response"'
    const bodies: Array<[Dialect, string]> = [
      ['chat', chunks(chunk(text))],
      ['messages', named({ type: 'content_block_delta', delta: { type: 'text_delta', text } })],
      ['responses', named({ type: 'response.output_text.delta', delta: text })],
    ]
    for (const [dialect, body] of bodies) {
      expect(fed(dialect, body).metered(counted).usage).toEqual(estimate(COUNTED, countText(text)))
    }
  })

  it('counts a response once, whether its text came in pieces, at the end, or both', () => {
    const output = [{ type: 'message', content: [{ type: 'output_text', text: 'one two' }] }]
    const pieces = ['one', ' two'].map((delta) => ({ type: 'response.output_text.delta', delta }))
    const last = { type: 'response.completed', response: { output, usage: null } }
    for (const events of [pieces, [...pieces, last], [last]]) {
      expect(fed('responses', named(...events)).metered(counted).usage).toEqual(estimate(COUNTED, 2))
    }
  })

  it('tells a failure by its name, and no words of it', () => {
    const error = { message: 'account org-7 is closed', code: 'gone' }
    const failures: Array<[Dialect, string]> = [
      ['chat', wire({ error }).toString()],
      ['chat', wire({ error: error.message }).toString()],
      ['chat', wire({ error, choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }] }).toString()],
      ['completions', `event: error\n${wire({ error })}`],
      ['messages', named({ type: 'error', error })],
      ['responses', named({ type: 'error', ...error })],
      ['responses', named({ type: 'response.failed', response: { status: 'failed', error, usage: null } })],
    ]
    for (const [dialect, failure] of failures) {
      const before = ': hello\n\n'
      const meter = createStreamMeter(dialect, { hidesUsage: true, hidesFailure: true })
      expect(meter.feed(Buffer.from(before + failure)).toString()).toBe(before)
      expect({ failure: meter.failure, isEmpty: meter.isEmpty }).toEqual({
        failure:
          dialect === 'chat' && !failure.includes('gone')
            ? 'an error without a name'
            : expect.stringMatching(/\bgone$/),
        isEmpty: true,
      })
      expect(meter.metered(counted)).toMatchObject({ has_failed: true, usage: { output_tokens: 0 } })
      expect(createStreamMeter(dialect, { hidesUsage: true }).feed(Buffer.from(failure)).toString()).toBe(failure)
    }
    const words = { type: 'content_block_delta', delta: { type: 'text_delta', text: '{"type":"error"}' } }
    for (const [dialect, body] of [
      ['chat', wire(chunk('{"error":{"message":"x"}}', { error: null }))],
      ['messages', named(words)],
      ['responses', named({ type: 'response.created', response: { status: 'in_progress', error: null } })],
    ] as const) {
      expect({ failure: fed(dialect, body).failure, isEmpty: fed(dialect, body).isEmpty }).toEqual({ isEmpty: false })
    }
  })

  it('tells a stream without an answer', () => {
    expect(fed('chat', 'data: [DONE]\n\n').isEmpty).toBe(true)
    expect(fed('chat', ': nothing\n\nevent: x\n\n').isEmpty).toBe(true)
    expect(fed('chat', chunks(chunk(''))).isEmpty).toBe(false)
  })

  it('charges what a response used before it failed', () => {
    const usage = { input_tokens: 9, output_tokens: 4, total_tokens: 13 }
    const failed = { type: 'response.failed', response: { status: 'failed', error: {}, usage } }
    const metered = fed('responses', named(failed)).metered(never)
    expect(metered).toEqual({ usage: estimate(9, 4), is_estimated: false, has_failed: true })
  })

  it('counts answers that run beside each other each by itself', () => {
    const words = ['Inter', 'national', 'ization', ' is', ' long']
    const of = (index: number, content: string) => ({ id: 'a', choices: [{ index, delta: { content } }] })
    const meter = createStreamMeter('chat', { hidesUsage: true, answers: 3 })
    for (const word of words) meter.feed(wire(of(0, word), of(1, word), of(2, word)))
    const all = { choices: [0, 1, 2].map((index) => ({ index, message: { content: words.join('') } })) }
    expect(meter.countedTokens()).toBe(3 * countText(words.join('')))
    expect(meterAnswer('chat', all, counted)).toEqual(meter.metered(counted))
  })

  it('tells a failure', () => {
    const failed = { type: 'response.failed', response: { status: 'failed', error: { message: 'no' }, usage: null } }
    expect(fed('responses', named(failed)).metered(counted)).toMatchObject({ has_failed: true, is_estimated: true })
    expect(fed('chat', wire({ error: { message: 'no' } })).metered(counted).has_failed).toBe(true)
    expect(fed('messages', named({ type: 'error', error: {} })).metered(counted).has_failed).toBe(true)
    expect(fed('chat', wire(chunk('yes'))).metered(counted).has_failed).toBeUndefined()
  })
})

describe('ends a stream properly when the money is spent', () => {
  const usage = { ...estimate(30, 4), cached_input_tokens: 10, cache_write_tokens: 5 }

  it('chat', () => {
    const body = wire({ ...chunk(''), id: '' }, chunk('one'), chunk(' two'))
    const [last, tells, done] = parsed(fed('chat', body).ending(usage))
    const { choices: _, ...common } = chunk('')
    expect(last).toEqual({ ...common, choices: [{ index: 0, delta: {}, finish_reason: 'length' }] })
    const reported = { prompt_tokens: 30, completion_tokens: 4, total_tokens: 34 }
    expect(tells).toEqual({ ...common, choices: [], usage: reported })
    expect(done).toBe('[DONE]')
    // Nobody asked for usage here.
    expect(parsed(fed('chat', body, true).ending(usage))).toHaveLength(2)
  })

  it('chat, several answers at once', () => {
    const meter = createStreamMeter('chat', { hidesUsage: true, answers: 3 })
    const [first, second, third, done] = parsed(meter.ending(usage))
    expect([first, second, third].map((one) => (one as { choices: unknown[] }).choices)).toEqual(
      [0, 1, 2].map((index) => [{ index, delta: {}, finish_reason: 'length' }]),
    )
    expect(done).toBe('[DONE]')
  })

  it('completions', () => {
    const body = wire({ id: 'cmpl-1', model: 'm', created: 5, choices: [{ index: 0, text: 'so' }] })
    expect(parsed(fed('completions', body, true).ending(usage))).toEqual([
      {
        id: 'cmpl-1',
        object: 'text_completion',
        created: 5,
        model: 'm',
        choices: [{ index: 0, text: '', logprobs: null, finish_reason: 'length' }],
      },
      '[DONE]',
    ])
  })

  it('messages', () => {
    const body = named(
      { type: 'message_start', message: { id: 'msg_1', usage: { input_tokens: 3, output_tokens: 1 } } },
      { type: 'content_block_start', index: 0, content_block: { type: 'thinking' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'one' } },
    )
    const ending = fed('messages', body).ending(usage)
    expect(ending.toString()).toMatch(/^event: content_block_stop\ndata: /)
    const input = { input_tokens: 15, cache_read_input_tokens: 10, cache_creation_input_tokens: 5 }
    const delta = { stop_reason: 'max_tokens', stop_sequence: null }
    const rest = [{ type: 'message_delta', delta, usage: { ...input, output_tokens: 4 } }, { type: 'message_stop' }]
    expect(parsed(ending)).toEqual([{ type: 'content_block_stop', index: 1 }, ...rest])
    const closed = body + named({ type: 'content_block_stop', index: 1 })
    expect(parsed(fed('messages', closed).ending(usage))).toEqual(rest)
    // What a meter makes of its own ending.
    expect(fed('messages', body + ending).metered(never).usage).toEqual(usage)
  })

  it('responses', () => {
    const tools = Array.from({ length: 100 }, () => ({ type: 'function', name: 'x' }))
    const item = { id: 'msg_1', type: 'message', status: 'in_progress', role: 'assistant', content: [] }
    const reasoning = { id: 'rs_1', type: 'reasoning', summary: [] }
    const body = named(
      {
        type: 'response.created',
        sequence_number: 0,
        response: { id: 'resp_1', created_at: 7, model: 'm', status: 'in_progress', tools },
      },
      { type: 'response.output_item.added', sequence_number: 1, output_index: 0, item: reasoning },
      { type: 'response.reasoning_summary_text.delta', sequence_number: 2, delta: 'Hm' },
      { type: 'response.output_item.done', sequence_number: 3, output_index: 0, item: reasoning },
      { type: 'response.output_item.added', sequence_number: 4, output_index: 1, item },
      {
        type: 'response.content_part.added',
        sequence_number: 5,
        output_index: 1,
        content_index: 0,
        part: { type: 'output_text' },
      },
      { type: 'response.output_text.delta', sequence_number: 6, output_index: 1, content_index: 0, delta: 'one' },
      { type: 'response.output_text.delta', sequence_number: 7, output_index: 1, content_index: 0, delta: ' two' },
    )
    const ending = fed('responses', body).ending(usage)
    const part = { type: 'output_text', text: 'one two', annotations: [], logprobs: [] }
    const at = { item_id: 'msg_1', output_index: 1, content_index: 0 }
    const done = { ...item, status: 'incomplete', content: [part] }
    expect(parsed(ending)).toMatchObject([
      { type: 'response.output_text.done', ...at, text: 'one two', sequence_number: 8 },
      { type: 'response.content_part.done', ...at, part, sequence_number: 9 },
      { type: 'response.output_item.done', output_index: 1, item: done, sequence_number: 10 },
      {
        type: 'response.incomplete',
        sequence_number: 11,
        response: {
          id: 'resp_1',
          created_at: 7,
          model: 'm',
          status: 'incomplete',
          incomplete_details: { reason: 'max_output_tokens' },
          output: [reasoning, done],
          usage: { input_tokens: 30, output_tokens: 4, total_tokens: 34 },
        },
      },
    ])
    expect(fed('responses', body + ending).metered(never).usage).toMatchObject({ input_tokens: 30, output_tokens: 4 })
  })

  it('responses, in the middle of a call of a tool: the call is never closed', () => {
    const body = named(
      { type: 'response.output_item.added', output_index: 0, item: { type: 'function_call', name: 'rm' } },
      { type: 'response.function_call_arguments.delta', output_index: 0, delta: '{"path":"/' },
    )
    const [only, ...rest] = parsed(fed('responses', body).ending(usage))
    expect(only).toMatchObject({ type: 'response.incomplete', response: { output: [] } })
    expect(rest).toEqual([])
  })
})

it.each([
  ['chat', wire(chunk('x', { usage: null })), false],
  ['chat', wire(chunk('"usage":{}')), false],
  ['chat', wire(chunk('x', { usage: {} })), true],
  ['chat', Buffer.from('data: [DONE]\r\n\r\n'), true],
  ['completions', wire({ choices: [{ text: 'x' }] }), false],
  ['messages', wire({ type: 'content_block_delta', delta: { text: 'x' } }), false],
  ['messages', wire({ type: 'message_start' }), true],
  ['messages', wire({ type: 'message_delta' }), true],
  ['responses', wire({ type: 'response.output_text.delta', delta: '"response": response.completed' }), false],
  ['responses', wire({ type: 'response.in_progress', response: { usage: null } }), false],
  ['responses', wire({ type: 'response.completed', response: {} }), true],
] as const)('%s: knows without parsing whether bytes need be looked into', (dialect, bytes, matters) => {
  expect({ chat, completions, messages, responses }[dialect].mayMatter(bytes)).toBe(matters)
})

describe('bytes', () => {
  it('come out as they went in, whatever they are', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '\n\n',
        '\r\n\r\n',
        '\n',
        '\r',
        'data: ',
        '[DONE]',
        '{"usage":{"prompt_tokens":1}}',
        'event: message_delta',
      ),
      fc.constantFrom(
        '"response" response.completed',
        '{"type":"message_delta","usage":',
        '{"choices":[{"delta":{"content":"x"}}]}',
      ),
      fc.string({ unit: 'binary', maxLength: 8 }),
    )
    const bytes = fc.oneof(
      fc.array(piece).map((pieces) => Buffer.from(pieces.join(''))),
      fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
    )
    fc.assert(
      fc.property(fc.constantFrom(...DIALECTS), fc.array(bytes, { maxLength: 12 }), (dialect, pieces) => {
        const meter = createStreamMeter(dialect, { hidesUsage: false })
        const out: Buffer[] = []
        for (const one of pieces) {
          out.push(meter.feed(one))
          expect(Number.isInteger(meter.roughTokens())).toBe(true)
        }
        out.push(meter.end())
        expect(Buffer.concat(out).equals(Buffer.concat(pieces))).toBe(true)
        meter.metered(counted)
        meter.ending(estimate(1, 1))
      }),
      { seed: 21, numRuns: 1_000 },
    )
  })

  it('leave as soon as their event is whole, and not before', () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const events = [chunk('one'), chunk(' two')].map((one) => wire(one).toString().replaceAll('\n', end))
      const meter = createStreamMeter('chat', { hidesUsage: true })
      const out = [...Buffer.from(events.join(''))].map((byte) => meter.feed(Buffer.from([byte])).toString())
      expect(out.filter(Boolean)).toEqual(events)
    }
  })

  it('are passed on without a copy where whole events come', () => {
    const meter = createStreamMeter('chat', { hidesUsage: true })
    const body = wire(chunk('one'), chunk(' two', { usage: null }))
    expect(meter.feed(body)).toBe(body)
  })

  it('of an event without end are not collected for ever', () => {
    for (const size of [64 * 1024, 1024 * 1024, 20 * 1024 * 1024]) {
      const meter = createStreamMeter('chat', { hidesUsage: true })
      meter.feed(wire(chunk('one')))
      const piece = Buffer.alloc(size, 'x')
      expect(() => {
        for (let sent = 0; sent < 17 * 1024 * 1024; sent += size) meter.feed(piece)
      }).toThrow('an event without end')
    }
  })

  it('of a large event in many pieces are put together', () => {
    const large = wire(chunk('x'.repeat(4 * 1024 * 1024), { usage: { prompt_tokens: 1, completion_tokens: 2 } }))
    const meter = createStreamMeter('chat', { hidesUsage: true })
    const out: Buffer[] = []
    for (let at = 0; at < large.length; at += 1_000) out.push(meter.feed(large.subarray(at, at + 1_000)))
    expect(Buffer.concat(out).equals(large)).toBe(true)
  })
})

describe('rough tokens', () => {
  const sizes: Array<[Dialect, (text: string, index: number) => string, string]> = [
    ['chat', (text) => wire(chunk(text)).toString(), ''],
    [
      'messages',
      (text) => named({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
      named({
        type: 'message_start',
        message: { id: 'msg', content: [], usage: { input_tokens: 5, output_tokens: 1 } },
      }),
    ],
    [
      'responses',
      (delta, index) => named({ type: 'response.output_text.delta', item_id: 'msg', delta, sequence_number: index }),
      named({ type: 'response.created', response: { id: 'resp', instructions: 'x'.repeat(30_000), usage: null } }),
    ],
  ]

  it.each(sizes)('are not fewer than there are, nor many more: %s', (dialect, event, head) => {
    const words = Array.from(
      { length: 1_500 },
      (_, index) => [' the', ' quick', ' brown', ' fox', '.\n'][index % 5] ?? '',
    )
    const meter = fed(dialect, head)
    let produced = ''
    for (const [index, word] of words.entries()) {
      meter.feed(Buffer.from(event(word, index)))
      produced += word
      if (index % 250 !== 0) continue
      const real = countText(produced)
      const rough = meter.roughTokens()
      expect(rough).toBeGreaterThanOrEqual(real)
      expect(rough).toBeLessThan(4 * real + 600)
    }
    expect(meter.countedTokens()).toBe(countText(produced))
  })

  it('are not fewer whatever the sizes of the events are', () => {
    const words = fc.constantFrom('1', '龘', '🎉', ' word', ' several words at once', ' word'.repeat(300), '', '\n')
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 60 }), (said) => {
        const meter = createStreamMeter('chat', { hidesUsage: false })
        let produced = ''
        for (const one of said) {
          meter.feed(wire(chunk(one)))
          produced += one
          // A rare character may be as many tokens as it has bytes.
          expect(meter.roughTokens()).toBeGreaterThanOrEqual(0.7 * countText(produced))
        }
      }),
      { seed: 4, numRuns: 40 },
    )
  })

  it('are not fewer where every letter is a token', () => {
    const meter = createStreamMeter('chat', { hidesUsage: false })
    const said = Array.from({ length: 900 }, (_, index) => ['q', '7', ';'][index % 3] ?? '')
    for (const one of said) meter.feed(wire(chunk(one)))
    expect(meter.roughTokens()).toBeGreaterThanOrEqual(countText(said.join('')))
  })

  it('are not fewer where one event says much', () => {
    const text = ' word'.repeat(2_000)
    const meter = fed('messages', named({ type: 'content_block_delta', delta: { type: 'text_delta', text } }))
    expect(meter.roughTokens()).toBeGreaterThanOrEqual(countText(text))
  })
})

import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { meterAnswer, StreamMeter } from './chat-meter.ts'

/** Where the recordings of real providers are, if anywhere. */
const FIXTURES = process.env.STIPEND_FIXTURES ?? path.join(import.meta.dirname, '../../../../../shared/fixtures')
const RECORDINGS = path.join(FIXTURES, 'recordings')

type Counts = {
  input_tokens: number
  cached_input_tokens: number
  cache_write_tokens: number
  output_tokens: number
  reasoning_tokens: number | null
}
type Recording = {
  file: string
  dialect: string
  framing: 'json' | 'sse' | 'data-lines'
  /** Null where the provider reported none. */
  expect: Counts | null
  split_inside_utf8_at?: number[]
}

function recordings(): (Recording & { body: Buffer })[] {
  const index = path.join(RECORDINGS, 'expected.json')
  if (!existsSync(index)) {
    console.log('No recordings of providers here (STIPEND_FIXTURES): the meter is tried on a few made-up ones only.')
    return MADE_UP
  }
  const { recordings: all } = JSON.parse(readFileSync(index, 'utf8')) as { recordings: Recording[] }
  return all
    .filter(({ dialect }) => dialect === 'chat')
    .map((recording) => {
      const body = readFileSync(path.join(RECORDINGS, recording.file))
      if (recording.framing !== 'data-lines') return { ...recording, body }
      const lines = body.toString().split('\n').filter(Boolean)
      return { ...recording, body: Buffer.from([...lines, '[DONE]'].map((line) => `data: ${line}\n\n`).join('')) }
    })
}

const events = (...chunks: (object | string)[]) =>
  Buffer.from(chunks.map((chunk) => `data: ${typeof chunk === 'string' ? chunk : JSON.stringify(chunk)}\n\n`).join(''))
const piece = (content: string, more: object = {}) => ({ choices: [{ index: 0, delta: { content } }], ...more })
const plain = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 }
const counts = {
  input_tokens: 12,
  cached_input_tokens: 0,
  cache_write_tokens: 0,
  output_tokens: 3,
  reasoning_tokens: null,
}

const MADE_UP: ReturnType<typeof recordings> = [
  {
    file: 'usage in a last chunk',
    dialect: 'chat',
    framing: 'sse',
    expect: counts,
    body: events(piece('Hi', { usage: null }), { choices: [], usage: plain }, '[DONE]'),
  },
  {
    file: 'no usage',
    dialect: 'chat',
    framing: 'sse',
    expect: null,
    body: events(piece('Hi'), { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }, '[DONE]'),
  },
  {
    file: 'a running total in every chunk',
    dialect: 'chat',
    framing: 'sse',
    expect: counts,
    body: events(piece('Hi', { usage: { ...plain, completion_tokens: 1 } }), piece('!', { usage: plain })),
  },
  {
    file: 'usage in a field of its own',
    dialect: 'chat',
    framing: 'sse',
    expect: counts,
    body: events(piece('Hi', { x_groq: { usage: plain } }), '[DONE]'),
  },
  {
    file: 'reasoning beside the completion',
    dialect: 'chat',
    framing: 'json',
    expect: { ...counts, output_tokens: 13, reasoning_tokens: 10 },
    body: Buffer.from(
      JSON.stringify({
        choices: [],
        usage: { ...plain, total_tokens: 25, completion_tokens_details: { reasoning_tokens: 10 } },
      }),
    ),
  },
  {
    file: 'caches, read and written',
    dialect: 'chat',
    framing: 'json',
    expect: { ...counts, cached_input_tokens: 4, cache_write_tokens: 5 },
    body: Buffer.from(
      JSON.stringify({
        choices: [],
        usage: { ...plain, prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 5 } },
      }),
    ),
  },
]

const OWN_COUNT = 4_321
const never = () => {
  throw new Error('there was no need to count')
}

/** Feeds a stream in these parts, and answers what came out for the client. */
function meter(parts: Buffer[], { hidesUsage = false } = {}) {
  const stream = new StreamMeter({ hidesUsage })
  const out = parts.flatMap((part) => stream.feed(part).map((event) => Buffer.from(event.raw)))
  return { stream, out: Buffer.concat([...out, stream.rest()]) }
}

function cutAt(body: Buffer, places: number[]): Buffer[] {
  const sorted = [0, ...places.map((place) => place % (body.length + 1)).sort((a, b) => a - b), body.length]
  return sorted.slice(1).map((end, i) => body.subarray(sorted[i], end))
}

function expectCounts(metered: ReturnType<StreamMeter['metered']>, expected: Counts | null): void {
  if (expected === null) {
    expect(metered.is_estimated).toBe(true)
    expect(metered.usage.input_tokens).toBe(OWN_COUNT)
    return
  }
  const { cache_write_1h_tokens: _, ...usage } = metered.usage
  expect({ usage, is_estimated: metered.is_estimated }).toEqual({
    usage: {
      input_tokens: expected.input_tokens,
      cached_input_tokens: expected.cached_input_tokens,
      cache_write_tokens: expected.cache_write_tokens,
      output_tokens: expected.output_tokens,
      reasoning_tokens: expected.reasoning_tokens,
    },
    is_estimated: false,
  })
}

describe('what real providers sent', () => {
  const all = recordings()
  const whole = all.filter(({ framing }) => framing === 'json')
  const streams = all.filter(({ framing }) => framing !== 'json')

  it.each(whole)('$file is counted right', ({ body, expect: expected }) => {
    const inputTokens = expected === null ? () => OWN_COUNT : never
    expectCounts(meterAnswer(JSON.parse(body.toString()), inputTokens), expected)
  })

  it.each(streams)('$file is counted right, however it is cut, and passes unchanged', (recording) => {
    const { body, expect: expected } = recording
    const inputTokens = expected === null ? () => OWN_COUNT : never
    const ways = [[], recording.split_inside_utf8_at ?? [], Array.from({ length: body.length >> 3 }, (_, i) => i * 8)]
    const results = ways.map((places) => {
      const { stream, out } = meter(cutAt(body, places))
      if (stream.failure === undefined) expect(out.equals(body)).toBe(true)
      expectCounts(stream.metered(inputTokens), expected)
      return stream.metered(() => OWN_COUNT)
    })
    for (const result of results) expect(result).toEqual(results[0])
    fc.assert(
      fc.property(fc.array(fc.nat(body.length), { maxLength: 20 }), (places) => {
        expect(meter(cutAt(body, places)).stream.metered(() => OWN_COUNT)).toEqual(results[0])
      }),
      { numRuns: 5 },
    )
  })

  it.each(streams)('$file loses nothing but a chunk of usage when that is hidden', ({ body }) => {
    const { out, stream } = meter([body], { hidesUsage: true })
    if (stream.failure !== undefined) return
    const lost = body
      .toString()
      .split(/(?<=\n\r?\n)/)
      .filter((event) => !out.toString().includes(event))
    expect(lost.length).toBeLessThanOrEqual(1)
    for (const event of lost) expect(JSON.parse(event.slice(event.indexOf('{')))).toMatchObject({ choices: [] })
    // What is produced is never more than was said to be, give or take another tokenizer.
    expect(out.length + lost.join('').length).toBeGreaterThanOrEqual(body.length)
  })
})

describe('an answer without usage', () => {
  const count = (...chunks: (object | string)[]) =>
    meter([events(...chunks)]).stream.metered(() => 10).usage.output_tokens

  it('is counted by its text, thoughts and tool calls', () => {
    expect(count(piece('Hello'), piece(' world'))).toBe(2)
    expect(count({ choices: [{ index: 0, delta: { reasoning_content: 'Hello world' } }] })).toBe(2)
    expect(
      count({ choices: [{ index: 0, delta: { reasoning: 'Hello world', reasoning_content: 'Hello world' } }] }),
    ).toBe(2)
    expect(count({ choices: [{ index: 0, delta: { refusal: 'No' } }] })).toBe(1)
    const call = (fields: object) => ({ choices: [{ index: 0, delta: { tool_calls: [{ index: 0, ...fields }] } }] })
    expect(
      count(call({ function: { name: 'Hello', arguments: '' } }), call({ function: { arguments: ' world' } })),
    ).toBe(2)
    expect(count(call({ custom: { name: 'Hello', input: ' world' } }))).toBe(2)
    expect(count({ choices: [{ index: 0, delta: { function_call: { name: 'Hello', arguments: ' world' } } }] })).toBe(2)
  })

  it('is counted choice by choice, though their chunks come mixed', () => {
    const of = (index: number, content: string) => ({ choices: [{ index, delta: { content } }] })
    const words = ['Inter', 'national', 'ization', ' is', ' long']
    const mixed = words.flatMap((word) => [of(0, word), of(1, word), of(2, word)])
    const one = count(...words.map((word) => of(0, word)))
    expect(count(...mixed)).toBe(3 * one)
    expect(
      meterAnswer({ choices: [0, 1, 2].map((index) => ({ index, message: { content: words.join('') } })) }, () => 10),
    ).toEqual(meter([events(...mixed)]).stream.metered(() => 10))
  })

  it('is not made cheaper or dearer by what is no answer', () => {
    const noise = [
      42,
      'null',
      '[]',
      '{"choices":5}',
      '{"choices":[null,{"delta":3}]}',
      '{"choices":[{"delta":{"tool_calls":[7]}}]}',
      '{"usage":7}',
    ]
    expect(count(piece('Hello'), ...noise.map(String), '{"choi', piece(' world'))).toBe(2)
  })
})

describe('usage', () => {
  const nonsense: [name: string, usage: unknown][] = [
    ['below zero', { ...plain, completion_tokens: -1 }],
    ['of no prompt', { ...plain, prompt_tokens: 0 }],
    ['in half tokens', { ...plain, completion_tokens: 1.5 }],
    ['as a text', { ...plain, prompt_tokens: '12' }],
    ['with more cached than read', { ...plain, prompt_tokens_details: { cached_tokens: 13 } }],
    [
      'with more cached and written than read',
      { ...plain, prompt_tokens_details: { cached_tokens: 7, cache_write_tokens: 6 } },
    ],
    ['with more thought than said', { ...plain, completion_tokens_details: { reasoning_tokens: 4 } }],
    ['beyond all reason', { ...plain, completion_tokens: 1e12 }],
    ['of a prompt only', { prompt_tokens: 12 }],
    ['as a list', [plain]],
    ['as null', null],
  ]
  it.each(nonsense)('%s is none', (_, usage) => {
    const { stream } = meter([events(piece('Hello'), { choices: [], usage })])
    expect(stream.metered(() => 10)).toMatchObject({
      is_estimated: true,
      usage: { input_tokens: 10, output_tokens: 1 },
    })
    expect(meterAnswer({ choices: [], usage }, () => 10).is_estimated).toBe(true)
  })

  it('of the beginning is not taken for all when a stream breaks off', () => {
    const early = { ...plain, completion_tokens: 0 }
    const { stream } = meter([events(piece('', { usage: early }), piece('Hello'), piece(' world'))])
    expect(stream.meteredSoFar(() => 10)).toMatchObject({
      is_estimated: true,
      usage: { input_tokens: 12, output_tokens: 2 },
    })
    // Come to its end, it is what the provider said.
    expect(stream.metered(never)).toMatchObject({ is_estimated: false, usage: { output_tokens: 0 } })
  })

  it('of the whole is believed even when the last bytes are missing', () => {
    const fewer = { ...plain, completion_tokens: 1 }
    for (const last of [
      { choices: [], usage: fewer },
      { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: fewer },
    ]) {
      const { stream } = meter([events(piece('Hello'), piece(' world'), last)])
      expect(stream.meteredSoFar(never)).toMatchObject({ is_estimated: false, usage: { output_tokens: 1 } })
    }
  })

  it('that is a running total is believed when it knows of more than we saw', () => {
    const { stream } = meter([events(piece('Hello', { usage: { ...plain, completion_tokens: 50 } }))])
    expect(stream.meteredSoFar(never)).toMatchObject({ is_estimated: false, usage: { output_tokens: 50 } })
  })
})

describe('the end of a stream', () => {
  it('is known', () => {
    expect(meter([events(piece('Hello'))]).stream.isDone).toBe(false)
    expect(meter([events(piece('Hello'), '[DONE]')]).stream.isDone).toBe(true)
    expect(meter([events('[DONE]')]).stream.isEmpty).toBe(true)
    expect(meter([Buffer.from(': nothing\n\nevent: x\n\n')]).stream.isEmpty).toBe(true)
  })

  it('by an error is told apart, and the provider’s words are kept from the client', () => {
    const error = { error: { message: 'Our account org-7 is closed', type: 'server_error' } }
    const { stream, out } = meter([events(piece('Hello'), error)])
    expect(stream.failure).toContain('org-7')
    expect(out.toString()).not.toContain('org-7')
    expect(stream.isEmpty).toBe(false)
    expect(stream.meteredSoFar(() => 10)).toMatchObject({ usage: { output_tokens: 1 } })
    expect(meter([events(error)]).stream.isEmpty).toBe(true)
    // Somebody speaking of errors is none.
    expect(meter([events(piece('{"error": {"message": "x"}}'))]).stream.failure).toBeUndefined()
  })
})

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chunks, type Expected, insideCharacters, type Recorded, samples } from '../../test/samples.ts'
import { countText } from '../tokens.ts'
import { createStreamMeter, type Dialect, type Metered, meterAnswer } from './meter.ts'

const FIXTURES =
  process.env.STIPEND_FIXTURES ?? fileURLToPath(new URL('../../../../../shared/fixtures', import.meta.url))
const FOLDER = `${FIXTURES}/recordings`
const INPUT_TOKENS = 1_234
const CUTS_MAX = 60

const recordings = readRecordings()
if (recordings.length === 0) {
  console.log(`No recordings of providers in ${FOLDER} (STIPEND_FIXTURES names their folder): only samples are tested.`)
}

const sources = [
  { name: 'samples', all: samples },
  { name: 'recordings', all: recordings },
]

describe.each(sources.filter(({ all }) => all.length > 0))('$name', ({ all }) => {
  const whole = all.filter(({ stream }) => !stream)
  const streams = all.filter(({ stream }) => stream)

  for (const recorded of whole) {
    it(`${recorded.file}: an answer in one piece`, () => {
      const answer: unknown = JSON.parse(recorded.body.toString('utf8'))
      assertMetered(
        meterAnswer(recorded.dialect, answer, () => INPUT_TOKENS),
        recorded,
      )
    })
  }

  for (const recorded of streams) {
    describe(recorded.file, () => {
      for (const [wire, body] of wires(recorded.body)) {
        it(`as a stream ${wire}`, () => {
          assertStream(recorded, body, [body])
          assertStream(recorded, body, piecesOf(body, [...body.keys()]))
          // In two, where the cut falls near the end of an event or in a character.
          const cuts = body === recorded.body ? recorded.cuts : insideCharacters(body).slice(0, CUTS_MAX)
          for (const at of [...cuts, ...placesNearEnds(body)]) assertStream(recorded, body, piecesOf(body, [at]))
          fc.assert(
            fc.property(fc.array(fc.nat(body.length), { maxLength: 40 }), (cuts) =>
              assertStream(recorded, body, piecesOf(body, cuts)),
            ),
            { seed: 20_261_121, numRuns: 15 },
          )
        })
      }
    })
  }
})

it('knows all recordings, where they are', () => {
  if (recordings.length > 0) expect(recordings.length).toBeGreaterThanOrEqual(89)
  expect(samples.filter(({ expect }) => expect === null).length).toBeGreaterThan(0)
})

it('takes errors for what they are', () => {
  const bodies = errorBodies()
  expect(bodies.length).toBeGreaterThan(0)
  for (const { dialect, body } of bodies) {
    const answer: unknown = JSON.parse(body.toString('utf8'))
    const metered = meterAnswer(dialect, answer, () => INPUT_TOKENS)
    expect(metered).toMatchObject({ is_estimated: true, usage: { input_tokens: INPUT_TOKENS, output_tokens: 0 } })
    const meter = createStreamMeter(dialect, { hidesUsage: true })
    const event = Buffer.from(`event: error\ndata: ${JSON.stringify(answer)}\n\n`)
    expect(Buffer.concat([meter.feed(body), meter.feed(event), meter.end()])).toEqual(Buffer.concat([body, event]))
    expect(meter.metered(() => INPUT_TOKENS).usage.output_tokens).toBe(0)
  }
})

function assertStream(recorded: Recorded, body: Buffer, pieces: Buffer[]): void {
  for (const hidesUsage of [true, false]) {
    const meter = createStreamMeter(recorded.dialect, { hidesUsage })
    const out = pieces.map((piece) => meter.feed(piece))
    out.push(meter.end())
    const shown = hidesUsage ? withoutUsageChunk(recorded.dialect, body) : body
    if (!Buffer.concat(out).equals(shown)) expect(Buffer.concat(out).toString()).toBe(shown.toString())
    assertMetered(
      meter.metered(() => INPUT_TOKENS),
      recorded,
    )
  }
}

function assertMetered(metered: Metered, { expect: expected, other_models }: Recorded): void {
  const { usage, is_estimated, provider_fault } = metered
  expect(provider_fault).toBeUndefined()
  expect(metered.other_models?.map(({ model, usage }) => ({ model, ...countsOf(usage) }))).toEqual(
    other_models?.map((other) => expect.objectContaining(other)),
  )
  if (expected !== null) {
    expect({ ...countsOf(usage), is_estimated }).toEqual({ ...countsOf(expected), is_estimated: false })
    return
  }
  expect(is_estimated).toBe(true)
  expect(usage).toMatchObject({ input_tokens: INPUT_TOKENS, cached_input_tokens: 0, cache_write_tokens: 0 })
  // Only where the provider failed before its first word there is nothing to count.
  if (usage.output_tokens === 0) expect(metered.has_failed).toBe(true)
}

function countsOf({
  input_tokens,
  cached_input_tokens,
  cache_write_tokens,
  output_tokens,
  reasoning_tokens,
}: Expected) {
  return { input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens }
}

/** The same stream as different providers would send it. */
function wires(body: Buffer): Array<[string, Buffer]> {
  const text = body.toString('latin1')
  const changed = (change: string) => Buffer.from(change, 'latin1')
  return [
    ['as recorded', body],
    ['with CR LF', changed(text.replace(/\r?\n/g, '\r\n'))],
    ['with LF', changed(text.replace(/\r\n/g, '\n'))],
    ['with CR', changed(text.replace(/\r?\n/g, '\r'))],
    ['with comments', changed(`: hello\n\n${text.replace(/(\r?\n)\r?\n/g, '$1$1: keep-alive$1$1')}`)],
    ['with comments inside of events', changed(text.replace(/^data:/gm, ': {"usage":{}}\ndata:'))],
    ['without a last blank line', changed(text.replace(/\s+$/, '\n'))],
  ]
}

function piecesOf(body: Buffer, cuts: number[]): Buffer[] {
  const places = [0, ...cuts.toSorted((a, b) => a - b), body.length]
  return places.slice(1).map((end, index) => body.subarray(places[index], end))
}

function placesNearEnds(body: Buffer): number[] {
  const places: number[] = []
  for (let at = body.indexOf('\n\n'); at !== -1 && places.length < CUTS_MAX; at = body.indexOf('\n\n', at + 1)) {
    places.push(at, at + 1, at + 2)
  }
  return places
}

/** What a client gets that didn't ask for usage, worked out in another way than the meter does. */
function withoutUsageChunk(dialect: Dialect, body: Buffer): Buffer {
  if (dialect !== 'chat' && dialect !== 'completions') return body
  const events = body.toString('latin1').split(/(?<=\r\n\r\n|\n\n|\r\r)/)
  const shown = events.filter((event) => {
    const data = /^data: ?(\{.*\})/m.exec(event)?.[1]
    const chunk = data === undefined ? {} : (JSON.parse(data) as { choices?: unknown[]; usage?: object | null })
    return !(chunk.choices?.length === 0 && typeof chunk.usage === 'object' && chunk.usage !== null)
  })
  return Buffer.from(shown.join(''), 'latin1')
}

type Entry = {
  file: string
  dialect: Dialect | 'native'
  stream: boolean
  framing: 'json' | 'sse' | 'data-lines'
  expect: Expected | null
  expect_other_models?: Recorded['other_models']
  split_inside_utf8_at?: number[]
}

function readExpected(): { recordings: Entry[]; errors: Entry[] } {
  if (!existsSync(`${FOLDER}/expected.json`)) return { recordings: [], errors: [] }
  return JSON.parse(readFileSync(`${FOLDER}/expected.json`, 'utf8')) as { recordings: Entry[]; errors: Entry[] }
}

function readRecordings(): Recorded[] {
  return readExpected().recordings.map((entry) => {
    if (entry.dialect === 'native') throw new Error(`${entry.file} is of no dialect we speak`)
    const bytes = readFileSync(`${FOLDER}/${entry.file}`)
    return {
      file: entry.file,
      dialect: entry.dialect,
      stream: entry.stream,
      body: entry.framing === 'data-lines' ? framed(entry.dialect, bytes) : bytes,
      expect: entry.expect,
      ...(entry.expect_other_models === undefined ? {} : { other_models: entry.expect_other_models }),
      cuts: entry.framing === 'sse' ? (entry.split_inside_utf8_at ?? []) : [],
    }
  })
}

/** Payloads, one on each line, as the stream they were taken from. */
function framed(dialect: Dialect, lines: Buffer): Buffer {
  const payloads = lines.toString('utf8').split('\n').filter(Boolean)
  const isNamed = dialect === 'responses' || dialect === 'messages'
  if (!isNamed) return Buffer.from(`${payloads.map((line) => `data: ${line}\n\n`).join('')}data: [DONE]\n\n`)
  const name = (line: string) => (JSON.parse(line) as { type: string }).type
  return Buffer.from(payloads.map((line) => `event: ${name(line)}\ndata: ${line}\n\n`).join(''))
}

function errorBodies(): Array<{ dialect: Dialect; body: Buffer }> {
  const error = { message: 'No such key.', type: 'authentication_error' }
  const own = [
    { dialect: 'chat' as const, body: Buffer.from(JSON.stringify({ error })) },
    { dialect: 'messages' as const, body: Buffer.from(JSON.stringify({ type: 'error', error })) },
    { dialect: 'responses' as const, body: Buffer.from(JSON.stringify({ error })) },
  ]
  if (!existsSync(`${FOLDER}/errors`)) return own
  const dialects = new Map(readExpected().errors.map(({ file, dialect }) => [file, dialect]))
  const recorded = readdirSync(`${FOLDER}/errors`).map((name) => {
    const dialect = dialects.get(`errors/${name}`) ?? 'chat'
    return {
      dialect: dialect === 'native' ? ('chat' as const) : dialect,
      body: readFileSync(`${FOLDER}/errors/${name}`),
    }
  })
  return [...own, ...recorded]
}

it('counts all that was said, where no usage is reported', () => {
  const words = ['The', ' quick', ' brown', ' fox', ' jumps', '.']
  const body = chunks(...words.map((content) => ({ id: 'a', choices: [{ index: 0, delta: { content } }] })))
  const meter = createStreamMeter('chat', { hidesUsage: true })
  meter.feed(Buffer.from(body))
  expect(meter.metered(() => 3).usage).toMatchObject({ input_tokens: 3, output_tokens: countText(words.join('')) })
})

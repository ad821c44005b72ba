import { existsSync, readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  countsOf,
  piecesOf,
  placesNearEnds,
  RECORDINGS,
  readExpected,
  readRecordings,
  wires,
  withoutUsageChunk,
} from '../../test/recordings.ts'
import { chunks, insideCharacters, type Recorded, samples } from '../../test/samples.ts'
import { countText } from '../tokens.ts'
import { createStreamMeter, type Dialect, type Metered, meterAnswer } from './meter.ts'

const INPUT_TOKENS = 1_234
const CUTS_MAX = 60

const recordings = readRecordings()
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

function errorBodies(): Array<{ dialect: Dialect; body: Buffer }> {
  const error = { message: 'No such key.', type: 'authentication_error' }
  const own = [
    { dialect: 'chat' as const, body: Buffer.from(JSON.stringify({ error })) },
    { dialect: 'messages' as const, body: Buffer.from(JSON.stringify({ type: 'error', error })) },
    { dialect: 'responses' as const, body: Buffer.from(JSON.stringify({ error })) },
  ]
  if (!existsSync(`${RECORDINGS}/errors`)) return own
  const dialects = new Map(readExpected().errors.map(({ file, dialect }) => [file, dialect]))
  const recorded = readdirSync(`${RECORDINGS}/errors`).map((name) => {
    const dialect = dialects.get(`errors/${name}`) ?? 'chat'
    return {
      dialect: dialect === 'native' ? ('chat' as const) : dialect,
      body: readFileSync(`${RECORDINGS}/errors/${name}`),
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

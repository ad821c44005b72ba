import { existsSync, readFileSync } from 'node:fs'
import type { Dialect } from '../src/meter/meter.ts'
import { FIXTURES } from './env.ts'
import type { Expected, Recorded } from './samples.ts'

export const RECORDINGS = `${FIXTURES}/recordings`
const CUTS_MAX = 60

type Entry = {
  file: string
  dialect: Dialect | 'native'
  stream: boolean
  framing: 'json' | 'sse' | 'data-lines'
  expect: Expected | null
  expect_other_models?: Recorded['other_models']
  split_inside_utf8_at?: number[]
}

export function readExpected(): { recordings: Entry[]; errors: Entry[] } {
  if (!existsSync(`${RECORDINGS}/expected.json`)) return { recordings: [], errors: [] }
  return JSON.parse(readFileSync(`${RECORDINGS}/expected.json`, 'utf8')) as { recordings: Entry[]; errors: Entry[] }
}

/** Answers of real providers; none where their folder is absent, which is said once. */
export function readRecordings(): Recorded[] {
  const { recordings } = readExpected()
  if (recordings.length === 0) {
    console.log(
      `No recordings of providers in ${RECORDINGS} (STIPEND_FIXTURES names their folder): only samples are tested.`,
    )
  }
  return recordings.map((entry) => {
    if (entry.dialect === 'native') throw new Error(`${entry.file} is of no dialect we speak`)
    const bytes = readFileSync(`${RECORDINGS}/${entry.file}`)
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

/** The same stream as different providers would send it. */
export function wires(body: Buffer): Array<[string, Buffer]> {
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

export function piecesOf(body: Buffer, cuts: number[]): Buffer[] {
  const places = [0, ...cuts.toSorted((a, b) => a - b), body.length]
  return places.slice(1).map((end, index) => body.subarray(places[index], end))
}

export function placesNearEnds(body: Buffer): number[] {
  const places: number[] = []
  for (let at = body.indexOf('\n\n'); at !== -1 && places.length < CUTS_MAX; at = body.indexOf('\n\n', at + 1)) {
    places.push(at, at + 1, at + 2)
  }
  return places
}

/** What a client gets that didn't ask for usage, worked out in another way than the meter does. */
export function withoutUsageChunk(dialect: Dialect, body: Buffer): Buffer {
  if (dialect !== 'chat' && dialect !== 'completions') return body
  const events = body.toString('latin1').split(/(?<=\r\n\r\n|\n\n|\r\r)/)
  const shown = events.filter((event) => {
    const data = /^data: ?(\{.*\})/m.exec(event)?.[1]
    const chunk = data === undefined ? {} : (JSON.parse(data) as { choices?: unknown[]; usage?: object | null })
    return !(chunk.choices?.length === 0 && typeof chunk.usage === 'object' && chunk.usage !== null)
  })
  return Buffer.from(shown.join(''), 'latin1')
}

export function countsOf({
  input_tokens,
  cached_input_tokens,
  cache_write_tokens,
  output_tokens,
  reasoning_tokens,
}: Expected) {
  return { input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens }
}

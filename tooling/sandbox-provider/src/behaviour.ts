import { z } from 'zod'
import { ApiError } from './errors.ts'

const milliseconds = z.int().min(0).max(3_600_000)
const chunks = z.int().min(0).max(1_000_000)

/** `true` stands for the usual value, so that a marker can be one word. */
function orTrue<Schema extends z.ZodType, Usual>(schema: Schema, usual: Usual) {
  return z.union([schema, z.literal(true).transform(() => usual)])
}

/** What can be asked of the provider beyond a good answer; README.md says what each does. */
export const Behaviour = z
  .strictObject({
    delay_ms: milliseconds,
    first_byte_ms: milliseconds,
    chunk_delay_ms: milliseconds,

    status: z.int().min(300).max(599),
    error_code: z.string().min(1).max(100),
    retry_after: z.int().min(0).max(86_400),
    hang: z.boolean(),
    reset: z.boolean(),

    cut_after_chunks: orTrue(chunks, 1),
    stall_after_chunks: orTrue(chunks, 1),
    error_after_chunks: orTrue(chunks, 1),
    garbage: z.union([z.enum(['half', 'html', 'bytes', 'event']), z.literal(true)]),

    omit_usage: z.boolean(),
    usage_every_chunk: z.boolean(),
    wrong_usage: orTrue(z.enum(['negative', 'huge', 'missing', 'cached', 'zero']), 'huge' as const),
    overrun: orTrue(z.int().min(1).max(100_000), 50),
    prompt_cache: z.boolean(),

    text: z.string().min(1).max(1_000_000),
    output_tokens: z.int().min(1).max(65_536),
    reasoning_tokens: z.int().min(0).max(65_536),
    hidden_reasoning: z.boolean(),
    tool: z.string().min(1).max(200),
    tool_calls: z.int().min(1).max(16),
    any_model: z.boolean(),

    split: orTrue(z.int().min(1).max(65_536), 7),
    burst: z.int().min(1).max(100_000),
    crlf: z.boolean(),
    comments: z.boolean(),
    no_space: z.boolean(),
  })
  .partial()
export type Behaviour = z.output<typeof Behaviour>

/**
 * A behaviour for all requests from now on, or with `next` for that many, one instruction after the other. `probability` is the share of
 * those requests it is done to.
 */
export const Instruction = z.strictObject({
  ...Behaviour.shape,
  next: z.int().min(1).max(1_000_000).optional(),
  probability: z.number().min(0).max(1).optional(),
})
export type Instruction = z.input<typeof Instruction>
type Told = z.output<typeof Instruction>

export type Behaviours = {
  /** Without `next` it replaces what was told for all requests; with it, it comes after the ones already waiting. */
  configure(instruction: Instruction): void
  clear(): void
  told(): { all: Told; next: readonly Told[] }
  /**
   * How to behave towards one request. The nearer to the request, the stronger: all requests, the next ones, its headers, a marker in
   * what its user says. Throws an `ApiError` for a name or value that doesn't exist.
   */
  take(rawHeaders: readonly string[], question: string): Behaviour
}

const NONE: Behaviour = Object.freeze({})

export function createBehaviours(): Behaviours {
  let all: Told = {}
  let next: Told[] = []
  let chance = createChance()

  const draw = (told: Told): Behaviour => {
    const { next: _, probability, ...behaviour } = told
    return probability !== undefined && chance() >= probability ? NONE : behaviour
  }

  const takeNext = (): Behaviour => {
    const first = next[0]
    if (first === undefined) return NONE
    if (first.next === undefined || first.next <= 1) next.shift()
    else next[0] = { ...first, next: first.next - 1 }
    return draw(first)
  }

  return {
    configure(instruction) {
      const told = Instruction.parse(instruction)
      if (told.next === undefined) all = told
      else next.push(told)
    },
    clear() {
      all = {}
      next = []
      chance = createChance()
    },
    told: () => ({ all, next: [...next] }),
    take(rawHeaders, question) {
      const asked = [...fromHeaders(rawHeaders), ...fromMarkers(question)]
      const told = next.length === 0 ? draw(all) : { ...draw(all), ...takeNext() }
      return asked.length === 0 ? told : { ...told, ...parse(asked) }
    },
  }
}

/** The same sequence after every start and reset, so that a run can be repeated (mulberry32). */
function createChance(): () => number {
  let state = 1
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000
  }
}

type Asked = readonly [name: string, value: string]

const HEADER = 'x-sandbox-'

function fromHeaders(rawHeaders: readonly string[]): Asked[] {
  const asked: Asked[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ''
    if (name.length <= HEADER.length || name.slice(0, HEADER.length).toLowerCase() !== HEADER) continue
    asked.push([name.slice(HEADER.length).toLowerCase().replaceAll('-', '_'), decoded(rawHeaders[at + 1] ?? '')])
  }
  return asked
}

/** Headers carry ASCII; a text beyond that comes percent-encoded. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

const MARKER = '[[sandbox:'
const MARKERS = /\[\[sandbox:((?:[^\]"]|"(?:[^"\\]|\\.)*"|\](?!\]))*)\]\]/g
const SETTING = /([a-z_]+)(?:=("(?:[^"\\]|\\.)*"|[^\s"]+))?/g

function fromMarkers(question: string): Asked[] {
  if (!question.includes(MARKER)) return []
  return [...question.matchAll(MARKERS)].flatMap(([, settings = '']) =>
    [...settings.matchAll(SETTING)].map(([, name = '', value = 'true']): Asked => [name, unquoted(value)]),
  )
}

export function withoutMarkers(question: string): string {
  return question.includes(MARKER) ? question.replaceAll(MARKERS, ' ') : question
}

function unquoted(value: string): string {
  if (!value.startsWith('"')) return value
  try {
    return JSON.parse(value.replaceAll('\n', '\\n'))
  } catch {
    throw new ApiError(400, `The sandbox marker's value ${value} is not a JSON string.`, { code: 'invalid_behaviour' })
  }
}

const SHORT: Readonly<Record<string, keyof Behaviour>> = {
  delay: 'delay_ms',
  first_byte: 'first_byte_ms',
  chunk_delay: 'chunk_delay_ms',
  cut: 'cut_after_chunks',
  stall: 'stall_after_chunks',
  error: 'error_after_chunks',
  tokens: 'output_tokens',
}
const TEXTS: ReadonlySet<string> = new Set(['text', 'tool', 'error_code'] satisfies (keyof Behaviour)[])

function parse(asked: readonly Asked[]): Behaviour {
  const fields = asked.map(([short, value]) => {
    const name = SHORT[short] ?? short
    return [name, TEXTS.has(name) ? value : plain(value)]
  })
  const parsed = Behaviour.safeParse(Object.fromEntries(fields))
  if (parsed.success) return parsed.data
  throw new ApiError(400, `No such sandbox behaviour: ${problems(parsed.error)}`, {
    code: 'invalid_behaviour',
  })
}

/** One line a person can act on. */
export function problems(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('; ')
}

function plain(value: string): string | number | boolean {
  if (value === 'true' || value === '') return true
  if (value === 'false') return false
  return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value
}

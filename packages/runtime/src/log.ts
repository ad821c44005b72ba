import { type Bindings, type DestinationStream, type Logger, pino } from 'pino'
import { redactLine } from './redact.ts'

export type Log = Logger

/**
 * A log of JSON lines, one object each, with `app`, `level` as a word and `time` in UTC. Goes to standard output unless told.
 *
 * Every finished line is redacted, whatever made it (child logs, Fastify's serializers, format arguments): fields named like a secret at
 * any depth, and keys, tokens, cookies and passwords in URLs by their look in any text. Amounts (`bigint`) are written as strings.
 * Of an error only its type, message, stack, code and causes are written, never the parameters of a failed query.
 */
export function createLog(options: { app: string; level: string; destination?: DestinationStream }): Log {
  const destination = options.destination ?? bufferedOutput()
  const log: Log = pino(
    {
      level: options.level,
      base: { app: options.app },
      timestamp: () => `,"time":"${isoNow()}"`,
      formatters: {
        level: (label) => ({ level: label }),
        log: plainFields,
      },
      serializers: { err: (error: unknown) => plain(error, 0) },
      hooks: { streamWrite: redactLine },
    },
    destination,
  )

  // pino has no formatter for the fields of a child log. Children inherit this, so theirs are covered too.
  const { child } = log
  Object.defineProperty(log, 'child', {
    value(this: Log, fields: Bindings, ...options: unknown[]) {
      return Reflect.apply(child, this, [plainFields(fields), ...options])
    },
  })
  quickLines.set(log, { destination, app: JSON.stringify(options.app) })
  return log
}

const quickLines = new WeakMap<Log, { destination: DestinationStream; app: string }>()

/**
 * What `log.info(fields, msg)` writes, for the one line of each request that went well: but faster, since nobody looks for secrets in
 * it. Only for fields that are known to hold none.
 */
export function logQuickly(log: Log, fields: Record<string, string | number | null | undefined>, msg: string): void {
  const quick = quickLines.get(log)
  if (quick === undefined) {
    log.info(fields, msg)
    return
  }
  if (!log.isLevelEnabled('info')) return
  const { destination, app } = quick
  const rest = JSON.stringify(fields)
  const comma = rest === '{}' ? '' : ','
  destination.write(
    `{"level":"info","time":"${isoNow()}","app":${app}${comma}${rest.slice(1, -1)},"msg":${JSON.stringify(msg)}}\n`,
  )
}

let second = 0
let secondText = ''

/** `2026-11-21T10:00:00.000Z`, of which all but the milliseconds is worked out once a second. */
function isoNow(): string {
  const now = Date.now()
  const thisSecond = Math.floor(now / 1000)
  if (thisSecond !== second) {
    second = thisSecond
    secondText = new Date(now).toISOString().slice(0, -4)
  }
  return `${secondText}${String(now % 1000).padStart(3, '0')}Z`
}

const BUFFER_CHARACTERS = 32_768
const FLUSH_MS = 200

/**
 * Standard output, written in larger pieces: a line is out after a fifth of a second, or when the process ends. pino's own buffer
 * measures all that is in it again for each line.
 */
function bufferedOutput(): DestinationStream {
  const output = pino.destination({ fd: 1, sync: true })
  let text = ''
  const flush = () => {
    const lines = text
    text = ''
    if (lines !== '') output.write(lines)
  }
  setInterval(flush, FLUSH_MS).unref()
  process.on('exit', flush)
  return {
    write(line: string) {
      text += line
      if (text.length >= BUFFER_CHARACTERS) flush()
    },
  }
}

const DEPTH_MAX = 8

function plainFields(fields: Record<string, unknown>): Record<string, unknown> {
  if (Object.values(fields).every(isPlain)) return fields
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plain(value, 0)]))
}

const isPlain = (value: unknown): boolean =>
  typeof value === 'string' || typeof value === 'number' || value == null || typeof value === 'boolean'

/** What JSON can say of a value: errors and bigints it can't. Other objects with a class are left to their serializer or `toJSON`. */
function plain(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  if (depth > DEPTH_MAX) return '[too deep]'
  if (value instanceof Error) return describeError(value, depth)
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1))
  if (value instanceof Map || value instanceof Set) return plain([...value], depth)

  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field, depth + 1)]))
}

/** Only named fields: database errors also carry the query's parameters and the row's content. */
function describeError(error: Error, depth: number): Record<string, unknown> {
  const { code, constraint_name } = error as { code?: unknown; constraint_name?: unknown }
  return {
    type: error.name,
    message: error.message,
    stack: framesOf(error),
    code,
    constraint_name,
    cause: error.cause === undefined ? undefined : plain(error.cause, depth + 1),
    errors: error instanceof AggregateError ? error.errors.map((inner) => plain(inner, depth + 1)) : undefined,
  }
}

/** The stack without the message it begins with, which may be long, and which is redacted on its own. */
function framesOf({ stack = '', message }: Error): string {
  const start = stack.indexOf(message)
  const frames = start === -1 ? stack : stack.slice(start + message.length)
  return frames
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .map((line) => line.trim())
    .join('\n')
}

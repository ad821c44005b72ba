import { randomBytes } from 'node:crypto'
import { answer, tokensOfChoice } from './answer.ts'
import type { Api } from './api.ts'
import type { Behaviour } from './behaviour.ts'
import type { Dialect, Reply } from './dialect.ts'
import type { ApiError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { Model } from './models.ts'
import type { Prompt } from './prompt.ts'
import type { Entry } from './stats.ts'
import { type ReportedUsage, reportedUsage } from './usage.ts'

/** One request on its way through: the wire, its line in the books, its dialect. */
export type Served = { exchange: Exchange; entry: Entry; dialect: Dialect }

/** Answers a prompt that is fit to be answered, in whatever way it is told to. */
export async function serve(
  served: Served,
  prompt: Prompt,
  model: Model,
  behaviour: Behaviour,
  input: { tokens: number; cached: number; written: number },
): Promise<void> {
  const { exchange, entry, dialect } = served
  const { refusals } = dialect.api
  const { delay_ms: delayMs, status } = behaviour

  const isRefused = behaviour.hang === true || behaviour.reset === true || status !== undefined
  if (isRefused) entry.end('failed')
  else if (!dialect.isFree) entry.accept(prompt.model, { ...input, input: input.tokens })

  if (delayMs !== undefined && !(await exchange.wait(delayMs))) return
  if (behaviour.hang) return
  if (behaviour.reset) return exchange.reset()
  if (status !== undefined) {
    const { error_code: code, retry_after: retryAfter = 1 } = behaviour
    return refuse(served, refusals.fault(status, { model: prompt.model, code, retryAfter }))
  }

  const reply: Reply = {
    id: newId(),
    created: Math.floor(Date.now() / 1000),
    prompt,
    choices: answer(prompt, model, behaviour),
    behaviour,
    usage: (output, reasoning) =>
      behaviour.omit_usage ? undefined : reportedUsage({ ...input, input: input.tokens, output, reasoning }, behaviour),
  }
  const garbage = behaviour.garbage === true ? (prompt.stream ? 'event' : 'half') : behaviour.garbage
  if (prompt.stream && (garbage === undefined || garbage === 'event')) return sendStream(served, reply)
  return sendWhole(served, reply, garbage)
}

export function refuse({ exchange, dialect }: Served, error: ApiError): Promise<void> {
  const requestId = newRequestId()
  const body = Buffer.from(dialect.api.errorBody(error, requestId))
  exchange.begin(error.status, [
    ...answerHeaders(dialect.api, { type: 'application/json', length: body.length, requestId }),
    ...Object.entries(error.headers).flat(),
  ])
  return exchange.end(body)
}

async function sendWhole({ exchange, entry, dialect }: Served, reply: Reply, garbage: Garbage): Promise<void> {
  const { behaviour } = reply
  let output = 0
  for (const choice of reply.choices) {
    const tokens = tokensOfChoice(choice)
    output += tokens.output
    entry.produce(tokens.output, tokens.reasoning)
  }
  const { type, body } = wholeBody(dialect.whole(reply), reply, garbage)
  exchange.begin(200, answerHeaders(dialect.api, { type, length: body.length }))
  if (behaviour.first_byte_ms !== undefined) {
    exchange.flush()
    if (!(await exchange.wait(behaviour.first_byte_ms))) return
  }
  if (behaviour.cut_after_chunks !== undefined || behaviour.stall_after_chunks !== undefined) {
    await exchange.write(body.subarray(0, body.length >> 1))
    if (behaviour.cut_after_chunks !== undefined) exchange.cut()
    return
  }
  if (garbage === undefined && !dialect.isFree) report(entry, reply.usage(output, 0))
  return exchange.end(body)
}

type Garbage = Exclude<Behaviour['garbage'], true>

function wholeBody(honest: string, { prompt }: Reply, garbage: Garbage): { type: string; body: Buffer } {
  switch (garbage) {
    case 'html':
      return { type: 'text/html', body: Buffer.from(ERROR_PAGE) }
    case 'bytes':
      return { type: prompt.stream ? STREAM_TYPE : 'application/json', body: NOT_UTF8 }
    case 'half':
    case 'event': {
      const body = Buffer.from(honest)
      return { type: 'application/json', body: body.subarray(0, body.length >> 1) }
    }
    default:
      return { type: 'application/json', body: Buffer.from(honest) }
  }
}

const ERROR_PAGE = '<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>\n'
const NOT_UTF8 = Buffer.from(Array.from({ length: 256 }, (_, index) => 255 - index))
const STREAM_TYPE = 'text/event-stream; charset=utf-8'

async function sendStream({ exchange, entry, dialect }: Served, reply: Reply): Promise<void> {
  const { behaviour } = reply
  const { chunk_delay_ms: delayMs, burst = 1 } = behaviour
  const dressed = dresser(behaviour)
  const stop = stopper(behaviour)

  exchange.begin(200, answerHeaders(dialect.api, { type: STREAM_TYPE }))
  if (behaviour.first_byte_ms !== undefined) {
    exchange.flush()
    if (!(await exchange.wait(behaviour.first_byte_ms))) return
  }
  let chunks = 0
  let frames = 0
  let told: ReportedUsage | undefined
  try {
    for (const frame of dialect.frames(reply)) {
      const stopped = stop(chunks)
      if (stopped === 'stall') return exchange.flush()
      if (stopped === 'cut') return exchange.cut()
      if (stopped === 'error') {
        entry.end('cut')
        return exchange.end(dressed(dialect.failureFrame(dialect.api.refusals.failure(), reply, frames)))
      }
      if (frame.carriesOutput) {
        const isThere =
          delayMs !== undefined ? await exchange.wait(delayMs) : chunks % burst !== 0 || (await exchange.turn())
        if (!isThere) return
        chunks += 1
      }
      entry.produce(frame.output, frame.reasoning)
      told = frame.usage ?? told
      if (!(await exchange.write(dressed(frame.data)))) return
      frames += 1
      if (behaviour.garbage !== undefined && chunks === 1 && frame.carriesOutput) {
        await exchange.write(dressed(broken(frame.data)))
      }
    }
    return exchange.end()
  } finally {
    report(entry, told)
  }
}

/** An event of which half the data is missing. */
function broken(event: string): string {
  return `${event.slice(0, event.length >> 1).trimEnd()}\n\n`
}

/** What ends a stream before its end, once so many chunks with output are out. */
function stopper({ cut_after_chunks: cut, stall_after_chunks: stall, error_after_chunks: error }: Behaviour) {
  return (chunks: number): 'cut' | 'stall' | 'error' | undefined => {
    if (cut !== undefined && chunks >= cut) return 'cut'
    if (stall !== undefined && chunks >= stall) return 'stall'
    if (error !== undefined && chunks >= error) return 'error'
    return undefined
  }
}

/** Other ways to write the same events, all of them valid. */
function dresser({ crlf, comments, no_space: noSpace }: Behaviour): (event: string) => string {
  if (!crlf && !comments && !noSpace) return (event) => event
  return (event) => {
    const spaced = noSpace ? event.replaceAll(/^(data|event): /gm, '$1:') : event
    const commented = comments ? `: sandbox keep-alive\n\n${spaced}` : spaced
    return crlf ? commented.replaceAll('\n', '\r\n') : commented
  }
}

function report(entry: Entry, told: ReportedUsage | undefined): void {
  if (told !== undefined) entry.report({ input: told.input ?? 0, output: told.output ?? 0 })
}

/** With what the real API sends beside the answer. */
function answerHeaders(
  api: Api,
  { type, length, requestId = newRequestId() }: { type: string; length?: number; requestId?: string },
): string[] {
  const rest = length === undefined ? ['cache-control', 'no-cache'] : ['content-length', String(length)]
  return ['content-type', type, ...api.answerHeaders(requestId), ...rest]
}

function newRequestId(): string {
  return `req_${newId()}`
}

const started = randomBytes(8).toString('hex')
let made = 0

/** Unique among all starts of the provider, and cheap. */
function newId(): string {
  made += 1
  return started + made.toString(36).padStart(9, '0')
}

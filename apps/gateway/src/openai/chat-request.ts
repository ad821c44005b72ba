import { DomainError } from '@stipend/core/errors'
import { z } from 'zod'

/**
 * What the gateway itself must understand of a chat request. Everything else passes through as it came: the provider knows
 * its own parameters better than we do.
 */
const ChatRequest = z.looseObject({
  model: z
    .string({ error: 'Name a model, such as "model": "gpt-5". GET /v1/models lists those you can use.' })
    .min(1, 'Name a model.')
    .max(300, 'No model has a name this long.'),
  messages: z
    .array(
      z.looseObject({ role: z.string({ error: 'Every message needs a role.' }) }, { error: 'Must be an object.' }),
      {
        error: 'Send a list of messages.',
      },
    )
    .min(1, 'Send at least one message.'),
  stream: z.boolean({ error: 'Must be true or false.' }).nullish(),
  stream_options: z
    .looseObject(
      { include_usage: z.boolean({ error: 'Must be true or false.' }).nullish() },
      { error: 'Must be an object.' },
    )
    .nullish(),
  max_tokens: z.int({ error: 'Must be a whole number.' }).min(1, 'Must be at least 1.').nullish(),
  max_completion_tokens: z.int({ error: 'Must be a whole number.' }).min(1, 'Must be at least 1.').nullish(),
  n: z
    .int({ error: 'Must be a whole number.' })
    .min(1, 'Must be at least 1.')
    .max(128, 'Must be at most 128.')
    .nullish(),
})
export type ChatRequest = z.infer<typeof ChatRequest>

/** Reads a body, or throws `invalid_request` that names what is wrong. */
export function parseChatRequest(body: Buffer): ChatRequest {
  const json = parseJson(body)
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new DomainError('invalid_request', 'The body must be a JSON object.')
  }
  if (isPlain(json as Record<string, unknown>)) return json as ChatRequest
  const parsed = ChatRequest.safeParse(json)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const param = issue?.path.join('.') ?? ''
  throw new DomainError('invalid_request', `${param}: ${issue?.message ?? 'not valid'}`, { param })
}

/** Whether a request is surely what the schema accepts, looked at by hand: nearly all are, and the schema takes longer. */
function isPlain({
  model,
  messages,
  stream,
  stream_options,
  max_tokens,
  max_completion_tokens,
  n,
}: Record<string, unknown>): boolean {
  return (
    typeof model === 'string' &&
    model !== '' &&
    model.length <= 300 &&
    Array.isArray(messages) &&
    messages.length > 0 &&
    messages.every((one: unknown) => typeof (one as { role?: unknown } | null)?.role === 'string') &&
    (stream === undefined || typeof stream === 'boolean') &&
    (stream_options === undefined || isPlainOptions(stream_options)) &&
    isPlainCount(max_tokens) &&
    isPlainCount(max_completion_tokens) &&
    n === undefined
  )
}

const isPlainOptions = (options: unknown) =>
  typeof options === 'object' &&
  options !== null &&
  !Array.isArray(options) &&
  typeof (options as { include_usage?: unknown }).include_usage === 'boolean'

const isPlainCount = (count: unknown) => count === undefined || (Number.isSafeInteger(count) && (count as number) >= 1)

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Deeper than any schema or tool call; parsers on the way may not survive much more. */
const DEPTH_MAX = 200

function parseJson(body: Buffer): unknown {
  let text: string
  try {
    text = utf8.decode(body)
  } catch {
    throw new DomainError('invalid_request', 'The body is not text in UTF-8.')
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new DomainError('invalid_request', 'The body is not valid JSON.')
  }
  if (isDeeperThan(json, DEPTH_MAX)) {
    throw new DomainError('invalid_request', `The body is nested too deeply, beyond ${DEPTH_MAX} levels.`)
  }
  return json
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  const inner: unknown[] = Array.isArray(value) ? value : Object.values(value)
  return inner.some((one) => isDeeperThan(one, levels - 1))
}

/** Newer models refuse the older name, other providers know no other. */
const OUTPUT_LIMITS = ['max_tokens', 'max_completion_tokens'] as const

/** The most tokens the client lets each answer have; undefined where it leaves that to the model. Of two limits the larger. */
export function requestedOutputMax(request: ChatRequest): number | undefined {
  const limits = OUTPUT_LIMITS.map((name) => request[name]).filter((limit) => limit != null)
  return limits.length === 0 ? undefined : Math.max(...limits)
}

/**
 * The body to send on: the very bytes that came, unless something of them must change: the provider's own name of the model, usage
 * asked for in streams (we bill by it), or the output limit, lowered where the money is short.
 */
export function upstreamBody(
  received: Buffer,
  request: ChatRequest,
  upstreamName: string,
  outputMax: number | undefined,
): Buffer {
  const asksUsage = request.stream !== true || request.stream_options?.include_usage === true
  if (upstreamName === request.model && outputMax === undefined) {
    if (asksUsage) return received
    if (request.stream_options == null && received[0] === OPEN_BRACE && !('stream_options' in request)) {
      return Buffer.concat([WITH_USAGE, received.subarray(1)])
    }
  }
  const body: Record<string, unknown> = { ...request, model: upstreamName }
  if (!asksUsage) body.stream_options = { ...request.stream_options, include_usage: true }
  if (outputMax !== undefined) {
    // By the names the client used: it knows its model.
    const named = OUTPUT_LIMITS.filter((name) => request[name] != null)
    for (const name of named) body[name] = Math.min(request[name] ?? outputMax, outputMax)
    if (named.length === 0) body.max_tokens = outputMax
  }
  return Buffer.from(JSON.stringify(body))
}

const OPEN_BRACE = 0x7b
const WITH_USAGE = Buffer.from('{"stream_options":{"include_usage":true},')

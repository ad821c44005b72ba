import { DomainError } from '@stipend/core/errors'
import { z } from 'zod'

/**
 * What the gateway itself must understand of a chat request. Everything else passes through as it came: the provider knows
 * its own parameters better than we do.
 */
const ChatRequest = z.looseObject({
  model: z
    .string({ error: 'Name a model, such as "model": "gpt-5". GET /v1/models lists those you can use.' })
    .min(1)
    .max(300),
  messages: z
    .array(z.looseObject({ role: z.string({ error: 'Every message needs a role.' }) }), {
      error: 'Send a list of messages.',
    })
    .min(1, 'Send at least one message.'),
  stream: z.boolean({ error: 'Must be true or false.' }).nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
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
  let json: unknown
  try {
    json = JSON.parse(body.toString('utf8'))
  } catch {
    throw new DomainError('invalid_request', 'The body is not valid JSON.')
  }
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

/** The most tokens the client lets each answer have; undefined where it leaves that to the model. */
export function requestedOutputMax(request: ChatRequest): number | undefined {
  return request.max_completion_tokens ?? request.max_tokens ?? undefined
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
    // By the name the client used; newer models refuse the older name, and a client that used it knows its model.
    body[request.max_completion_tokens != null ? 'max_completion_tokens' : 'max_tokens'] = outputMax
  }
  return Buffer.from(JSON.stringify(body))
}

const OPEN_BRACE = 0x7b
const WITH_USAGE = Buffer.from('{"stream_options":{"include_usage":true},')

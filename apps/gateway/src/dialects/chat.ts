import { z } from 'zod'
import { isObject, type Loose } from '../meter/json.ts'
import { type CountableMessage, countPrompt, countText, textOf } from '../tokens.ts'
import { type AskDialect, NOTHING } from './ask.ts'
import { field, readFields, refuseServiceTier, unpriced } from './parse.ts'
import { beyondBytesOf } from './prompt.ts'
import { twinsOf } from './twins.ts'

const ANSWERS_MAX = 128

/** What the gateway itself must understand of a chat request. */
const ChatRequest = z.looseObject({
  model: field.model,
  messages: z
    .array(
      z.looseObject({ role: z.string({ error: 'Every message needs a role.' }) }, { error: 'Must be an object.' }),
      { error: 'Send a list of messages.' },
    )
    .min(1, 'Send at least one message.'),
  stream: field.flag,
  stream_options: z.looseObject({ include_usage: field.flag }, { error: 'Must be an object.' }).nullish(),
  max_tokens: field.count(),
  max_completion_tokens: field.count(),
  n: field.count(ANSWERS_MAX),
  best_of: field.count(ANSWERS_MAX),
})
type ChatRequest = z.infer<typeof ChatRequest>

/** Newer models refuse the older name, other providers know no other. */
const LIMITS = ['max_tokens', 'max_completion_tokens'] as const

/** Of two limits the larger counts. */
export function largestLimit(json: Loose): number | undefined {
  const { max_tokens: older, max_completion_tokens: newer } = json
  if (typeof older !== 'number') return typeof newer === 'number' ? newer : undefined
  return typeof newer === 'number' ? Math.max(older, newer) : older
}

export const chat: AskDialect = {
  name: 'chat',
  read(json) {
    // Nearly all requests are surely what the schema accepts; the schema takes longer.
    const request = isPlain(json) ? (json as ChatRequest) : readFields(ChatRequest, json)
    refuseUnpriced(json)
    return {
      model: request.model,
      isStream: request.stream === true,
      outputMax: largestLimit(json),
      answers: Math.max(request.n ?? 1, request.best_of ?? 1),
      prompts: 1,
      beyondBytes: beyondBytes(request.messages),
      extraOutput: predicted(json.prediction),
      unsent: 0,
      follows: undefined,
      showsUsage: request.stream_options?.include_usage === true,
    }
  },
  countPrompt: (json) => countPrompt(json.messages as CountableMessage[], json.tools),
  bounded: () => NOTHING,
  hasTwins: twinsOf(['model', 'max_tokens', 'max_completion_tokens', 'n', 'best_of', 'stream']),
  limited(json, outputMax, kind) {
    // By the names the client used: it knows its model.
    const named = LIMITS.filter((name) => json[name] != null)
    if (named.length === 0) return { [kind.output_limit]: outputMax }
    return Object.fromEntries(named.map((name) => [name, Math.min(Number(json[name]), outputMax)]))
  },
}

function isPlain({
  model,
  messages,
  stream,
  stream_options,
  max_tokens,
  max_completion_tokens,
  n,
  best_of,
}: Loose): boolean {
  return (
    typeof model === 'string' &&
    model !== '' &&
    model.length <= 300 &&
    Array.isArray(messages) &&
    messages.length > 0 &&
    messages.every((one: unknown) => typeof (one as { role?: unknown } | null)?.role === 'string') &&
    (stream === undefined || typeof stream === 'boolean') &&
    (stream_options === undefined || (isObject(stream_options) && typeof stream_options.include_usage === 'boolean')) &&
    isPlainCount(max_tokens) &&
    isPlainCount(max_completion_tokens) &&
    n === undefined &&
    best_of === undefined
  )
}

const isPlainCount = (count: unknown) => count === undefined || (Number.isSafeInteger(count) && (count as number) >= 1)

function beyondBytes(messages: readonly Loose[]): number {
  let tokens = 0
  for (const { content } of messages) {
    if (!Array.isArray(content)) continue
    for (const part of content) if (textOf(part) === undefined) tokens += beyondBytesOf(isObject(part) ? part : {})
  }
  return tokens
}

/** What was predicted and not said is billed as if it had been. */
const predicted = (prediction: unknown): number => (prediction == null ? 0 : countText(JSON.stringify(prediction)))

function refuseUnpriced(json: Loose): void {
  refuseServiceTier(json)
  const { modalities, web_search_options, search_parameters, plugins, models } = json
  if (Array.isArray(modalities) && modalities.some((one) => one !== 'text')) throw unpriced('modalities', modalities)
  if (web_search_options != null) throw unpriced('web_search_options', undefined)
  if (isObject(search_parameters) && search_parameters.mode !== 'off') throw unpriced('search_parameters', undefined)
  if (Array.isArray(plugins) && plugins.length > 0) throw unpriced('plugins', undefined)
  // Other models, at other prices, in whose place the one that was asked for may be replaced.
  if (Array.isArray(models) && models.length > 0) throw unpriced('models', undefined)
}

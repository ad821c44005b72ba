/** More tokens than any request can have. A count above it is a provider's mistake, not a bill. */
export const TOKENS_MAX = 1_000_000_000

/**
 * What one request used. The totals are `input_tokens` and `output_tokens`; every other field is a part of one of them and
 * is never added to it. A meter turns each provider's own way of counting into this one.
 */
export interface TokenUsage {
  /** Every token the provider read: plain, read from its cache, written to its cache. */
  input_tokens: number
  /** The part of `input_tokens` read from a cache. */
  cached_input_tokens: number
  /** The part of `input_tokens` written to a cache, for however long; 0 when the provider doesn't say. */
  cache_write_tokens: number
  /** The part of `cache_write_tokens` kept for an hour. */
  cache_write_1h_tokens: number
  /** Every token the provider produced, reasoning included. */
  output_tokens: number
  /** The part of `output_tokens` that is reasoning; null when the provider gives no number. Never priced apart. */
  reasoning_tokens: number | null
}

const COUNTS = [
  'input_tokens',
  'cached_input_tokens',
  'cache_write_tokens',
  'cache_write_1h_tokens',
  'output_tokens',
] as const

export type UsageCheck = { ok: true } | { ok: false; reason: string }

/**
 * Whether these figures can be true: whole counts from 0 to `TOKENS_MAX`, no part larger than its total. `reason` is for the
 * log. Where they can't be, the caller counts tokens itself, or bills `normalizeUsage`.
 */
export function checkUsage(usage: TokenUsage): UsageCheck {
  for (const name of COUNTS) {
    if (!isCount(usage[name])) return { ok: false, reason: `${name} is not a whole number from 0 to ${TOKENS_MAX}` }
  }
  if (usage.reasoning_tokens !== null && !isCount(usage.reasoning_tokens)) {
    return { ok: false, reason: `reasoning_tokens is neither null nor a whole number from 0 to ${TOKENS_MAX}` }
  }
  if (usage.cached_input_tokens + usage.cache_write_tokens > usage.input_tokens) {
    return { ok: false, reason: 'cached_input_tokens and cache_write_tokens together exceed input_tokens' }
  }
  if (usage.cache_write_1h_tokens > usage.cache_write_tokens) {
    return { ok: false, reason: 'cache_write_1h_tokens exceeds cache_write_tokens' }
  }
  if (usage.reasoning_tokens !== null && usage.reasoning_tokens > usage.output_tokens) {
    return { ok: false, reason: 'reasoning_tokens exceeds output_tokens' }
  }
  return { ok: true }
}

/**
 * The nearest plausible figures: plausible ones come back unchanged, anything else is clamped so that `checkUsage` accepts it.
 * Totals are believed and parts cut to fit, tokens read from the cache first, so that the dearer kind stays.
 */
export function normalizeUsage(usage: TokenUsage): TokenUsage {
  const input_tokens = clamp(usage.input_tokens, TOKENS_MAX)
  const cache_write_tokens = clamp(usage.cache_write_tokens, input_tokens)
  const output_tokens = clamp(usage.output_tokens, TOKENS_MAX)
  return {
    input_tokens,
    cached_input_tokens: clamp(usage.cached_input_tokens, input_tokens - cache_write_tokens),
    cache_write_tokens,
    cache_write_1h_tokens: clamp(usage.cache_write_1h_tokens, cache_write_tokens),
    output_tokens,
    reasoning_tokens: usage.reasoning_tokens === null ? null : clamp(usage.reasoning_tokens, output_tokens),
  }
}

/** Whether this is a number of tokens one request can have. */
export function isCount(count: unknown): count is number {
  return Number.isInteger(count) && (count as number) >= 0 && (count as number) <= TOKENS_MAX
}

function clamp(count: number, max: number): number {
  if (!(count > 0)) return 0
  return Math.min(Math.ceil(count), max)
}

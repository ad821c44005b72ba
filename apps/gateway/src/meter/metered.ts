import type { TokenUsage } from '@stipend/money'
import type { ModelUsage, Reading } from './dialect.ts'

/** What a request used: what the provider reported, or else our own count. */
export type Metered = {
  usage: TokenUsage
  /** Whether any of it is our own count. */
  is_estimated: boolean
  /** Why the provider's figures are not believed, where it sent some that can't be true. */
  provider_fault?: string
  /** Whether the provider ended the answer with an error. What it produced before is in `usage`. */
  has_failed?: boolean
  /** Tokens of other models that it called in, at their own prices; `usage` is without them. */
  other_models?: ModelUsage[]
  /** The id under which the provider keeps the answer, if it does. */
  kept_as?: string
}

type Own = {
  hasFailed: boolean
  keptAs: string | undefined
  /** Whether the answer was seen to its end. */
  isWhole: boolean
  inputTokens: () => number
  outputTokens: () => number
}

/** Decides between what a provider reported and our own count, which is made only if need be. */
export function weigh(reading: Reading | undefined, own: Own): Metered {
  const metered = decide(reading, own)
  if (own.hasFailed) metered.has_failed = true
  if (own.keptAs !== undefined) metered.kept_as = own.keptAs
  return metered
}

function decide(reading: Reading | undefined, own: Own): Metered {
  if (reading === undefined) {
    return { usage: estimate(own.inputTokens(), own.outputTokens()), is_estimated: true }
  }
  if ('fault' in reading) {
    const usage = estimate(own.inputTokens(), own.outputTokens())
    return { usage, is_estimated: true, provider_fault: reading.fault }
  }
  const { usage, other_models } = reading
  const believed: Metered = { usage, is_estimated: false, ...(other_models.length > 0 ? { other_models } : {}) }
  if (own.isWhole && usage.output_tokens > 0) return believed
  // Cut off before the last word on usage came: what was produced by then is for us to count.
  const counted = own.outputTokens()
  if (counted <= usage.output_tokens) return believed
  const corrected: Metered = { ...believed, usage: { ...usage, output_tokens: counted }, is_estimated: true }
  return own.isWhole ? { ...corrected, provider_fault: 'no output_tokens for an answer that has some' } : corrected
}

/** Our own count, in the shape of a provider's. */
export function estimate(input_tokens: number, output_tokens = 0): TokenUsage {
  return {
    input_tokens,
    cached_input_tokens: 0,
    cache_write_tokens: 0,
    cache_write_1h_tokens: 0,
    output_tokens,
    reasoning_tokens: null,
  }
}

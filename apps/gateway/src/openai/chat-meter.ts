import type { TokenUsage } from '@stipend/money'
import { countText } from '../tokens.ts'
import { producedText, readUsage } from './usage.ts'

/** What a request used: what the provider reported, or else our own count. */
export type Metered = { usage: TokenUsage; is_estimated: boolean }

/** What a whole answer used. */
export function meterAnswer(answer: unknown, inputTokens: () => number): Metered {
  const usage = readUsage(answer)
  if (usage !== undefined) return { usage, is_estimated: false }
  return { usage: estimate(inputTokens(), producedText(answer)), is_estimated: true }
}

/** Our own count, for a provider that sends none. */
export function estimate(input_tokens: number, produced: string): TokenUsage {
  return {
    input_tokens,
    cached_input_tokens: 0,
    cache_write_tokens: 0,
    cache_write_1h_tokens: 0,
    output_tokens: countText(produced),
    reasoning_tokens: null,
  }
}

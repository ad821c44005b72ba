import { checkUsage, isCount, type TokenUsage } from '@stipend/money'
import type { ModelUsage, Reading } from './dialect.ts'
import { type Loose, objectIn } from './json.ts'

/** The first of several spellings of a figure that is there; undefined if none is, NaN if what is there is no number. */
export function figure(...spellings: unknown[]): number | undefined {
  for (const value of spellings) {
    if (value === null || value === undefined) continue
    return typeof value === 'number' ? value : Number.NaN
  }
  return undefined
}

/** A missing total can't be made up: it becomes NaN, which no check lets pass. */
export const required = (value: number | undefined): number => value ?? Number.NaN

export function checked(usage: TokenUsage, other_models: ModelUsage[] = []): Reading {
  for (const each of [usage, ...other_models.map((other) => other.usage)]) {
    const check = checkUsage(each)
    if (!check.ok) return { fault: check.reason }
  }
  return { usage, other_models }
}

/**
 * OpenAI's way of counting, in the spellings of those who copy it. Parts (cached, written to the cache, audio, images) are within
 * the totals; only reasoning is with some within `completion_tokens` and with others beside it, which the grand total tells.
 */
export function readOpenAI(usage: Loose, { hasOutput }: { hasOutput: boolean }): Reading {
  const input = objectIn(usage.prompt_tokens_details ?? usage.input_tokens_details ?? usage.prompt_token_details)
  const output = objectIn(usage.completion_tokens_details ?? usage.output_tokens_details)
  const total = figure(usage.total_tokens)
  if (total !== undefined && !isCount(total)) return { fault: 'total_tokens is no count of tokens' }

  const input_tokens = required(figure(usage.prompt_tokens, usage.input_tokens, hasOutput ? undefined : total))
  const said = figure(usage.completion_tokens, usage.output_tokens)
  const visible = hasOutput ? required(said) : (said ?? 0)
  const reasoning = figure(output.reasoning_tokens)
  const beside = reasoningBeside(total, input_tokens + visible, reasoning)
  return checked({
    input_tokens,
    cached_input_tokens:
      figure(input.cached_tokens, usage.cached_tokens, usage.prompt_cache_hit_tokens, usage.cache_read_input_tokens) ??
      0,
    cache_write_tokens:
      figure(input.cache_write_tokens, input.cache_creation_tokens, usage.cache_creation_input_tokens) ?? 0,
    cache_write_1h_tokens: 0,
    output_tokens: visible + beside,
    reasoning_tokens: beside > 0 ? beside : (reasoning ?? null),
  })
}

/** xAI counts reasoning beside the completion; Google does too, and leaves it to the reader to find it in the total. */
function reasoningBeside(total: number | undefined, counted: number, reasoning: number | undefined): number {
  const surplus = (total ?? counted) - counted
  if (!(surplus > 0)) return 0
  return reasoning === undefined || reasoning === surplus ? surplus : 0
}

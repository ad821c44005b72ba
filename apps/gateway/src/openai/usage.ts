import { checkUsage, type TokenUsage } from '@stipend/money'

type Loose = Record<string, unknown>
const isObject = (value: unknown): value is Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The usage a chat answer or chunk reports, in our way of counting; undefined where it reports none, or nonsense. A figure
 * that is absent in the details counts as zero.
 */
export function readUsage(answer: unknown): TokenUsage | undefined {
  if (!isObject(answer) || !isObject(answer.usage)) return undefined
  const { usage } = answer
  const prompt = isObject(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {}
  const completion = isObject(usage.completion_tokens_details) ? usage.completion_tokens_details : {}
  if (typeof usage.prompt_tokens !== 'number') return undefined
  // Embeddings and the like have no completion; anything else that leaves it out tells half a bill.
  if (typeof usage.completion_tokens !== 'number') return undefined
  const read: TokenUsage = {
    input_tokens: usage.prompt_tokens,
    cached_input_tokens: count(prompt.cached_tokens),
    cache_write_tokens: 0,
    cache_write_1h_tokens: 0,
    output_tokens: usage.completion_tokens,
    reasoning_tokens: typeof completion.reasoning_tokens === 'number' ? completion.reasoning_tokens : null,
  }
  return checkUsage(read).ok ? read : undefined
}

const count = (value: unknown) => (typeof value === 'number' ? value : 0)

/** A chunk that carries nothing but usage: sent only because we asked for it. */
export function isUsageOnly(chunk: unknown): boolean {
  return isObject(chunk) && isObject(chunk.usage) && Array.isArray(chunk.choices) && chunk.choices.length === 0
}

/** All text a provider produced in an answer or chunk, for counting where it reports no usage: words, thoughts, tool calls. */
export function producedText(answer: unknown): string {
  if (!isObject(answer) || !Array.isArray(answer.choices)) return ''
  let text = ''
  for (const choice of answer.choices as unknown[]) {
    if (!isObject(choice)) continue
    const part = isObject(choice.delta) ? choice.delta : isObject(choice.message) ? choice.message : undefined
    if (part === undefined) continue
    for (const field of ['content', 'reasoning_content', 'reasoning', 'refusal']) {
      if (typeof part[field] === 'string') text += part[field]
    }
    if (!Array.isArray(part.tool_calls)) continue
    for (const call of part.tool_calls as unknown[]) {
      if (!isObject(call) || !isObject(call.function)) continue
      if (typeof call.function.name === 'string') text += call.function.name
      if (typeof call.function.arguments === 'string') text += call.function.arguments
    }
  }
  return text
}

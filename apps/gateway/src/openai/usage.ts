import { checkUsage, type TokenUsage } from '@stipend/money'

type Loose = Record<string, unknown>
const isObject = (value: unknown): value is Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The usage a chat answer or chunk reports, in our way of counting; undefined where it reports none, or nonsense. A figure
 * that is absent in the details counts as zero.
 */
export function readUsage(answer: unknown): TokenUsage | undefined {
  const usage = usageObject(answer)
  // No prompt is empty: who says so hasn't counted. Who leaves out the completion tells half a bill.
  if (usage === undefined || !isAboveZero(usage.prompt_tokens) || typeof usage.completion_tokens !== 'number') {
    return undefined
  }
  const prompt = isObject(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {}
  const completion = isObject(usage.completion_tokens_details) ? usage.completion_tokens_details : {}
  const reasoning_tokens = typeof completion.reasoning_tokens === 'number' ? completion.reasoning_tokens : null
  const read: TokenUsage = {
    input_tokens: usage.prompt_tokens,
    // Together, Moonshot and others have it beside the details, not in them.
    cached_input_tokens: firstCount(prompt.cached_tokens, usage.cached_tokens),
    cache_write_tokens: firstCount(prompt.cache_write_tokens),
    cache_write_1h_tokens: 0,
    output_tokens: usage.completion_tokens,
    reasoning_tokens,
  }
  // xAI leaves the reasoning out of the completion; only its total tells.
  const apart = read.input_tokens + read.output_tokens + (reasoning_tokens ?? 0)
  if (isAboveZero(reasoning_tokens) && usage.total_tokens === apart) read.output_tokens += reasoning_tokens
  return checkUsage(read).ok ? read : undefined
}

/** Groq has it inside a field of its own, sometimes only there. */
function usageObject(answer: unknown): Loose | undefined {
  if (!isObject(answer)) return undefined
  if (isObject(answer.usage)) return answer.usage
  return isObject(answer.x_groq) && isObject(answer.x_groq.usage) ? answer.x_groq.usage : undefined
}

const isAboveZero = (value: unknown): value is number => typeof value === 'number' && value > 0
const firstCount = (...values: unknown[]): number => values.find((value) => typeof value === 'number') ?? 0

/** A chunk that carries nothing but usage: sent only because we asked for it. */
export function isUsageOnly(chunk: unknown): boolean {
  return isObject(chunk) && isObject(chunk.usage) && Array.isArray(chunk.choices) && chunk.choices.length === 0
}

/** Whether usage in this chunk is of the whole answer, and not a running total. */
export function endsAnswer(chunk: unknown): boolean {
  if (!isObject(chunk) || !Array.isArray(chunk.choices)) return false
  return chunk.choices.length === 0 || chunk.choices.some((choice) => typeof choice?.finish_reason === 'string')
}

/**
 * Adds the text a provider produced in an answer or chunk, for counting where it reports no usage: words, thoughts, tool calls.
 * Each is a text of its own, since tokens don't reach from one into the other, and chunks of several answers come mixed.
 */
export function collectText(answer: unknown, texts: Map<string, string>): void {
  if (!isObject(answer) || !Array.isArray(answer.choices)) return
  const add = (from: Loose, fields: readonly string[], place: string) => {
    for (const field of fields) {
      const text = from[field]
      if (typeof text === 'string') texts.set(`${place}.${field}`, (texts.get(`${place}.${field}`) ?? '') + text)
    }
  }
  for (const [at, choice] of (answer.choices as unknown[]).entries()) {
    if (!isObject(choice)) continue
    const part = isObject(choice.delta) ? choice.delta : isObject(choice.message) ? choice.message : undefined
    if (part === undefined) continue
    const place = String(choice.index ?? at)
    // Some have their thoughts in both fields.
    const thoughts = typeof part.reasoning_content === 'string' ? 'reasoning_content' : 'reasoning'
    add(part, ['content', thoughts, 'refusal'], place)
    if (isObject(part.function_call)) add(part.function_call, ['name', 'arguments'], `${place}.function_call`)
    if (!Array.isArray(part.tool_calls)) continue
    for (const [callAt, call] of (part.tool_calls as unknown[]).entries()) {
      if (!isObject(call)) continue
      const called = isObject(call.function) ? call.function : isObject(call.custom) ? call.custom : {}
      add(called, ['name', 'arguments', 'input'], `${place}.${call.index ?? callAt}`)
    }
  }
}

/** An error in place of an answer's next chunk. */
export function isErrorEvent(chunk: unknown): boolean {
  return isObject(chunk) && isObject(chunk.error) && !Array.isArray(chunk.choices)
}

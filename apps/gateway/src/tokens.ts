import { countTokens, encode } from 'gpt-tokenizer/encoding/o200k_base'

/**
 * How many tokens a request has, as OpenAI publishes the count for chat: 3 for every message, its role, name and content, 3 to
 * prime the answer, and the tools as JSON. Other providers count a little differently; what they report decides in the end.
 */

/** Texts are counted in pieces of this length, cut at a space. */
const PIECE_LENGTH = 2_048
/** A tokenizer's time grows with the square of a run it can't split: a run longer than this is cut. */
const RUN_LENGTH = 512
const LONG_RUN = new RegExp(`\\S{${RUN_LENGTH + 1}}|\\s{${RUN_LENGTH + 1}}`)
/** Longer texts aren't worth the time: a token every two bytes is more than any of them has. */
const COUNTED_LENGTH_MAX = 1_000_000
const AS_TEXT = { disallowedSpecial: new Set<string>() }
/** What a part that isn't text (an image, audio) may cost in tokens at most, where its bytes don't say. */
const NON_TEXT_TOKENS_MAX = 50_000
const PER_MESSAGE = 3
const ANSWER_PRIMER = 3

/** Tokens of a text; exact for all ordinary ones, at most a few more for the others. */
export function countText(text: string): number {
  if (text.length > COUNTED_LENGTH_MAX) return Math.ceil(Buffer.byteLength(text) / 2)
  const hasLongRun = LONG_RUN.test(text)
  if (text.length <= PIECE_LENGTH && !hasLongRun) return countTokens(text, AS_TEXT)
  let tokens = 0
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + (hasLongRun ? RUN_LENGTH : PIECE_LENGTH), text.length)
    // Tokens don't reach across a space from before it.
    const space = end < text.length ? text.lastIndexOf(' ', end) : -1
    if (space > start) end = space
    tokens += countTokens(text.slice(start, end), AS_TEXT)
    start = end
  }
  return tokens
}

export type CountableMessage = { role?: unknown; name?: unknown; content?: unknown } & Record<string, unknown>

/** Tokens of a chat prompt: exact for text, an upper bound for anything else in it. */
export function countPrompt(messages: readonly CountableMessage[], tools: unknown): number {
  let tokens = ANSWER_PRIMER
  for (const message of messages) {
    tokens += PER_MESSAGE
    for (const [field, value] of Object.entries(message)) {
      if (field === 'content') tokens += countContent(value)
      else if (typeof value === 'string') tokens += countText(value) + (field === 'name' ? 1 : 0)
      else if (value !== null && value !== undefined) tokens += countText(JSON.stringify(value))
    }
  }
  if (Array.isArray(tools) && tools.length > 0) tokens += countText(JSON.stringify(tools))
  return tokens
}

function countContent(content: unknown): number {
  if (content === null || content === undefined) return 0
  if (typeof content === 'string') return countText(content)
  if (!Array.isArray(content)) return countText(JSON.stringify(content))
  let tokens = 0
  for (const part of content as unknown[]) {
    const text = (part as { text?: unknown } | null)?.text
    tokens += typeof text === 'string' ? countText(text) : NON_TEXT_TOKENS_MAX
  }
  return tokens
}

/** The first use of the tokenizer takes a moment: better before the first request than in it. */
export function warmUp(): void {
  encode('Ready.')
}

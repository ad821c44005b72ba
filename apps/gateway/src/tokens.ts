import { countTokens, encode } from 'gpt-tokenizer/encoding/o200k_base'

/**
 * How many tokens a request has, as OpenAI publishes the count for chat: 3 for every message, its role, name and content, 3 to
 * prime the answer, and the tools as JSON. Other providers count a little differently; what they report decides in the end.
 */

/**
 * A tokenizer's time grows with the square of a run it can't split, such as a megabyte of letters without a blank. Longer runs
 * than this, which no ordinary text has, are counted in pieces.
 */
const RUN_MAX = 128
const LONG_RUN = /[\p{L}\p{M}]{129,}|\s{129,}|[^\s\p{L}\p{M}\p{N}]{129,}/gu
const AS_TEXT = { disallowedSpecial: new Set<string>() }
const NON_TEXT_TOKENS_MAX = 50_000
const PER_MESSAGE = 3
const ANSWER_PRIMER = 3

/** Tokens of a text; exact but for runs beyond `RUN_MAX`, where it may be a few more. */
export function countText(text: string): number {
  let tokens = 0
  let start = 0
  for (const { 0: run, index } of text.matchAll(LONG_RUN)) {
    tokens += countTokens(text.slice(start, index), AS_TEXT)
    for (let at = 0; at < run.length; at += RUN_MAX) tokens += countTokens(run.slice(at, at + RUN_MAX), AS_TEXT)
    start = index + run.length
  }
  return tokens + countTokens(text.slice(start), AS_TEXT)
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
    const text = textOf(part)
    tokens += text === undefined ? partTokensMax(part) : countText(text)
  }
  return tokens
}

export function textOf(part: unknown): string | undefined {
  const { text, refusal } = (part ?? {}) as { text?: unknown; refusal?: unknown }
  return typeof text === 'string' ? text : typeof refusal === 'string' ? refusal : undefined
}

/**
 * What a part of a prompt that isn't text may cost in tokens at most. An address of a few bytes may name a large image; a file may
 * have as many pages as fit into a model's context.
 */
export function partTokensMax(part: unknown): number {
  const { type } = (part ?? {}) as { type?: unknown }
  return typeof type === 'string' && UNBOUNDED_PARTS.has(type) ? UNBOUNDED_TOKENS : NON_TEXT_TOKENS_MAX
}

const UNBOUNDED_PARTS = new Set(['file', 'input_file', 'document', 'container_upload', 'item_reference', 'video_url'])
/** More than any context holds. */
const UNBOUNDED_TOKENS = 100_000_000

/** The first use of the tokenizer takes a moment: better before the first request than in it. */
export function warmUp(): void {
  encode('Ready.')
}

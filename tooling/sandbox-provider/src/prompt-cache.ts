import { memo } from './memo.ts'
import type { Prompt } from './prompt.ts'

/** A stretch of a prompt, in the order in which a provider reads it. `tokens` is all it adds to the prompt. */
export type Segment = { readonly text: string; readonly tokens: number }

export type PromptCache = {
  /**
   * How many tokens of this prompt's beginning the model has seen before: whole blocks of 128, and nothing below 1,024. Exact where
   * the prompts part between two messages; inside a message the tokens are taken in proportion to its characters.
   * Remembers the prompt for the next one.
   */
  read(model: string, prompt: readonly Segment[]): number
}

const BLOCK_CHARACTERS = 512
const TOKENS_MIN = 1024
const TOKENS_STEP = 128
/** Prefixes remembered; the oldest half is forgotten when there are more. */
const PREFIXES_MAX = 400_000

export function createPromptCache(): PromptCache {
  let recent = new Set<number>()
  let older = new Set<number>()

  const remember = (prefix: number) => {
    if (recent.size > PREFIXES_MAX / 2) {
      older = recent
      recent = new Set()
    }
    recent.add(prefix)
  }

  return {
    read(model, prompt) {
      let prefix = hash(model, 0, model.length)
      let before = 0
      let seen = 0
      for (const { text, tokens } of prompt) {
        const blocks = blockHashes(text)
        for (let block = 0; block < blocks.length; block += 1) {
          prefix = chain(prefix, blocks[block] as number)
          const isSeen = recent.has(prefix) || older.has(prefix)
          if (isSeen) seen = before + Math.floor(tokens * Math.min(1, ((block + 1) * BLOCK_CHARACTERS) / text.length))
          remember(prefix)
        }
        before += tokens
      }
      return seen < TOKENS_MIN ? 0 : seen - (seen % TOKENS_STEP)
    },
  }
}

/**
 * What of a prompt was kept before and what is now, in tokens. A client that says what to keep pays for writing it; where everything is
 * kept by itself, writing is free and not told.
 */
export function keep(cache: PromptCache, { model, segments, keeps }: Prompt): { cached: number; written: number } {
  if (keeps === 'all') return { cached: cache.read(model, segments), written: 0 }
  if (keeps === 0) return { cached: 0, written: 0 }
  const kept = segments.slice(0, keeps)
  const tokens = kept.reduce((sum, segment) => sum + segment.tokens, 0)
  const cached = cache.read(model, kept)
  return { cached, written: tokens < TOKENS_MIN ? 0 : Math.max(0, tokens - (tokens % TOKENS_STEP) - cached) }
}

const blockHashes = memo(16_000_000, (text) => {
  const blocks = new Float64Array(Math.max(1, Math.ceil(text.length / BLOCK_CHARACTERS)))
  for (let block = 0; block < blocks.length; block += 1) {
    const start = block * BLOCK_CHARACTERS
    blocks[block] = hash(text, start, Math.min(text.length, start + BLOCK_CHARACTERS))
  }
  return blocks
})

/** FNV-1a over two lanes, 53 bits in all: what a number holds exactly. */
function hash(text: string, start: number, end: number): number {
  let low = 0x811c9dc5
  let high = 0x9e3779b9
  for (let at = start; at < end; at += 1) {
    const unit = text.charCodeAt(at)
    low = Math.imul(low ^ unit, 0x01000193)
    high = Math.imul(high ^ unit ^ (low >>> 13), 0x85ebca6b)
  }
  return join(low, high)
}

function chain(prefix: number, block: number): number {
  let low = 0x811c9dc5
  let high = 0x9e3779b9
  for (const part of [prefix, prefix / 0x100000000, block, block / 0x100000000]) {
    low = Math.imul(low ^ part, 0x01000193)
    high = Math.imul(high ^ part ^ (low >>> 13), 0x85ebca6b)
  }
  return join(low, high)
}

function join(low: number, high: number): number {
  return ((high ^ (high >>> 15)) >>> 11) * 0x100000000 + ((low ^ (high >>> 7)) >>> 0)
}

import ranks from 'gpt-tokenizer/bpeRanks/o200k_base'
import { countTokens as count, encode } from 'gpt-tokenizer/encoding/o200k_base'
import { memo } from './memo.ts'

/** `<|endoftext|>` and its like in a message are plain text. */
const asPlainText = { disallowedSpecial: new Set<string>() }

/**
 * How many tokens `text` is in o200k_base. What a tokenizer needs grows with the square of the longest run it can't split (a megabyte of
 * `a` takes minutes), so a run of letters, of symbols or of blanks is cut after each 512th character. No ordinary text is touched by this.
 */
export const countTokens = memo(16_000_000, (text) => {
  let tokens = 0
  for (const slice of slices(text)) tokens += count(slice, asPlainText)
  return tokens
})

const RUN_MAX = 512

function slices(text: string): string[] {
  if (text.length <= RUN_MAX) return [text]
  const parts: string[] = []
  let start = 0
  let run = 0
  let previous = DIGIT
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    const kind = KINDS[unit] || classify(unit)
    run = kind === previous ? run + 1 : 1
    previous = kind
    if (run <= RUN_MAX || kind === DIGIT || isLowSurrogate(unit)) continue
    parts.push(text.slice(start, at))
    start = at
    run = 1
  }
  parts.push(text.slice(start))
  return parts
}

const LETTER = 1
const BLANK = 2
const DIGIT = 3
const SYMBOL = 4
/** By UTF-16 unit, filled as units are met; 0 is not known yet. Halves of surrogate pairs are symbols. */
const KINDS = new Uint8Array(65_536)

function classify(unit: number): number {
  const character = String.fromCharCode(unit)
  const kind = /[\p{L}\p{M}]/u.test(character)
    ? LETTER
    : /\s/u.test(character)
      ? BLANK
      : /\p{N}/u.test(character)
        ? DIGIT
        : SYMBOL
  KINDS[unit] = kind
  return kind
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

/** What a stream can send at once: whole characters, mostly one token. `json` is `text` as a JSON string. */
export type Piece = { readonly text: string; readonly json: string; readonly tokens: number }

/** The pieces of `text`, which together have `countTokens(text)` tokens. Lone surrogates become U+FFFD. */
export const pieces = memo(4_000_000, (text): readonly Piece[] =>
  slices(text.toWellFormed()).flatMap((slice) => piecesOf(encode(slice, asPlainText))),
)

/**
 * The first `limit` tokens of `text` as pieces, or all there are. Where the cut would fall into a character, or leave a text that
 * counts differently than it was made, the end is made up of ` a`, one token each: the sum is always exact.
 */
export function cut(text: string, limit: number): readonly Piece[] {
  const all = pieces(text)
  const kept: Piece[] = []
  let tokens = 0
  for (const piece of all) {
    if (tokens + piece.tokens > limit) break
    kept.push(piece)
    tokens += piece.tokens
  }
  if (kept.length === all.length) return all

  for (;;) {
    const filled = [...kept, ...Array<Piece>(limit - tokens).fill(FILLER)]
    if (countTokens(textOf(filled)) === limit) return filled
    // A text that is empty counts as it should, so this ends.
    tokens -= kept.pop()?.tokens ?? 0
  }
}

export function tokensOf(all: readonly Piece[]): number {
  let tokens = 0
  for (const piece of all) tokens += piece.tokens
  return tokens
}

export function textOf(all: readonly Piece[]): string {
  return all.map((piece) => piece.text).join('')
}

const FILLER = piece(' a', 1)

function piece(text: string, tokens: number): Piece {
  return { text, json: JSON.stringify(text), tokens }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The library's own `decode` keeps half a character for the next call, whoever that is from; hence the table. */
function piecesOf(tokens: readonly number[]): Piece[] {
  const whole: Piece[] = []
  let bytes: number[] = []
  let held = 0
  for (const token of tokens) {
    const decoded = ranks[token] ?? ''
    if (typeof decoded === 'string' && held === 0) {
      whole.push(singles.get(token) ?? single(token, decoded))
      continue
    }
    bytes.push(...(typeof decoded === 'string' ? Buffer.from(decoded) : decoded))
    held += 1
    const text = wholeText(bytes)
    if (text === undefined) continue
    whole.push(piece(text, held))
    bytes = []
    held = 0
  }
  return whole
}

const singles = new Map<number, Piece>()

function single(token: number, text: string): Piece {
  const made = piece(text, 1)
  singles.set(token, made)
  return made
}

function wholeText(bytes: readonly number[]): string | undefined {
  try {
    return utf8.decode(Uint8Array.from(bytes))
  } catch {
    return undefined
  }
}

import type { Segment } from './prompt-cache.ts'
import type { Fields } from './schema-sample.ts'

/** A request as every dialect means it, read and found good. */
export type Prompt = {
  /** As it came, for what only its own dialect looks at. */
  request: Fields
  model: string
  stream: boolean
  /** Everything that is counted, in the order a provider reads it. Their tokens and `extraTokens` are the input. */
  segments: readonly Segment[]
  extraTokens: number
  /** How much of the beginning is kept for the next prompt: all of it by itself, or so many segments, which the client pays for. */
  keeps: 'all' | number
  /** What the user said last. */
  question: string
  /** Who spoke last; `tool` brought what a tool gave. */
  last: 'user' | 'tool' | 'other'
  toolResult: string
  tools: readonly Tool[]
  toolChoice: 'none' | 'auto' | 'required' | { name: string }
  /** Every tool call in the conversation so far, as `callKey` makes them. */
  called: ReadonlySet<string>
  /** The most tokens each choice may have. */
  outputTokensMax: number | undefined
  /** None where nothing is to be said, but embedded or counted. */
  choices: number
  stop: readonly string[]
  format: 'text' | 'json' | { schema: unknown }
  effort: string | undefined
  /** Whether the client wants usage in a stream, where it has to be asked for. */
  includeUsage: boolean
}

export type Tool = {
  kind: 'function' | 'custom'
  name: string
  /** The group of tools it belongs to, which a call names beside it. */
  namespace?: string | undefined
  description: string
  /** JSON schema of a function's arguments. */
  schema: unknown
}

/** A prompt in which nobody talks. */
export const NO_TALK = {
  keeps: 0,
  question: '',
  last: 'other',
  toolResult: '',
  tools: [],
  toolChoice: 'none',
  called: new Set<string>(),
  outputTokensMax: undefined,
  choices: 0,
  stop: [],
  format: 'text',
  effort: undefined,
  includeUsage: false,
} satisfies Partial<Prompt>

export function callKey(name: string, input: string): string {
  return `${name} ${input}`
}

export function inputTokens({ segments, extraTokens }: Pick<Prompt, 'segments' | 'extraTokens'>): number {
  return segments.reduce((sum, segment) => sum + segment.tokens, extraTokens)
}

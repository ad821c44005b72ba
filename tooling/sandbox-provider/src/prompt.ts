import type { Segment } from './prompt-cache.ts'

/** A request as every dialect means it, read and found good. */
export type Prompt = {
  model: string
  stream: boolean
  /** Everything that is counted, in the order a provider reads it. Their tokens and `extraTokens` are the input. */
  segments: readonly Segment[]
  extraTokens: number
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
  choices: number
  stop: readonly string[]
  format: 'text' | 'json' | { schema: unknown }
  effort: string | undefined
  /** Whether the client wants usage in a stream. */
  includeUsage: boolean
}

export type Tool = {
  kind: 'function' | 'custom'
  name: string
  description: string
  /** JSON schema of a function's arguments. */
  schema: unknown
}

export function callKey(name: string, input: string): string {
  return `${name} ${input}`
}

export function inputTokens({ segments, extraTokens }: Pick<Prompt, 'segments' | 'extraTokens'>): number {
  return segments.reduce((sum, segment) => sum + segment.tokens, extraTokens)
}

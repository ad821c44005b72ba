import type { Choice } from './answer.ts'
import type { Api } from './api.ts'
import type { Behaviour } from './behaviour.ts'
import type { ApiError } from './errors.ts'
import type { Prompt } from './prompt.ts'
import type { ReportedUsage } from './usage.ts'

/** Everything a dialect needs to write an answer down. */
export type Reply = {
  /** Unique; the dialect puts its own prefix before it. */
  id: string
  /** Seconds since 1970. */
  created: number
  prompt: Prompt
  choices: readonly Choice[]
  behaviour: Behaviour
  /** What to report when so much is produced; nothing when usage is to be left out. */
  usage(output: number, reasoning: number): ReportedUsage | undefined
}

/** One event of a stream. */
export type Frame = {
  data: string
  /** What was produced for it and is billed once it is sent. Frames that carry output are what `..._after_chunks` count. */
  output: number
  reasoning: number
  carriesOutput: boolean
  /** The usage this frame tells, which replaces what earlier ones told. */
  usage?: ReportedUsage | undefined
}

/** A way to ask for answers, as its clients know it. Reading and writing only: serving, counting and misbehaving are the same for all. */
export type Dialect = {
  path: string
  api: Api
  /** What kind of model it is for. */
  serves: 'text' | 'embeddings'
  /** Nothing is billed for it, and it is not in the books. */
  isFree?: boolean
  /** Throws an `ApiError` for what the real API would refuse. */
  read(body: unknown): Prompt
  whole(reply: Reply): string
  frames(reply: Reply): Iterable<Frame>
  /** The events that say in mid-stream, after so many others, that it went wrong. */
  failureFrame(error: ApiError, reply: Reply, framesSent: number): string
}

/** A frame that nothing was produced for. */
export function silent(data: string): Frame {
  return { data, output: 0, reasoning: 0, carriesOutput: false }
}

/** An event with its type as its name, as OpenAI's newer dialect and Anthropic's have them. */
export function namedEvent(fields: { type: string } & Record<string, unknown>): string {
  return `event: ${fields.type}\ndata: ${JSON.stringify(fields)}\n\n`
}

/** For dialects that have no streams. */
export function* noFrames(): Iterable<Frame> {}

import type { IncomingHttpHeaders } from 'node:http'
import type { Choice } from './answer.ts'
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

/** An API as its clients know it. Reading and writing only: serving, counting and misbehaving are the same for all. */
export type Dialect = {
  path: string
  credential(headers: IncomingHttpHeaders): string | undefined
  /** Throws an `ApiError` for what the real API would refuse. */
  read(body: unknown): Prompt
  whole(reply: Reply): string
  frames(reply: Reply): Iterable<Frame>
  errorBody(error: ApiError): string
  /** The event that says in mid-stream that it went wrong. */
  errorFrame(error: ApiError): string
}

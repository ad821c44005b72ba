import type { TokenUsage } from '@stipend/money'
import type { Loose } from './json.ts'

/** Tokens of another model than the one asked for, which the provider called in and bills at that model's price. */
export type ModelUsage = { model: string; usage: TokenUsage }

/** A provider's figures in our way of counting, or why they can't be true. */
export type Reading = { usage: TokenUsage; other_models: ModelUsage[] } | { fault: string }

/** Usage as the provider wrote it. It is final where no more of the answer follows. */
export type Reported = { figures: Loose; isFinal: boolean }

/** What a meter has to know of a dialect. An event and a whole answer are looked into in the same way. */
export interface DialectRules {
  /** Whether these bytes of a stream may tell of usage or of the end of the answer: decided without parsing them. */
  mayMatter(bytes: Buffer): boolean
  /** What is reported after this event, given what was before. */
  reportIn(event: Loose, before: Reported | undefined): Reported | undefined
  /** Whether the answer is complete with this event. */
  isEnd(event: Loose): boolean
  /** Whether an event carries nothing but usage: sent only because it was asked for. */
  isUsageOnly(event: Loose): boolean
  read(figures: Loose): Reading
  /** The id under which the provider keeps the answer, if it does. */
  keptAs(event: Loose): string | undefined
  /** What kind of failure the provider tells of, in the middle of a stream too; undefined for any other event or answer. */
  failureIn(event: Loose): string | undefined
  transcript(): Transcript
}

/** Reads what a provider produces, one event after the other. */
export interface Transcript {
  /** The text this event adds, for counting: words, thoughts, calls of tools. One for each of the answers beside each other. */
  absorb(event: Loose): readonly string[]
  /** The same for the bytes of an event that does nothing but add to the only answer, unparsed; undefined for any other. */
  skim(event: Buffer): string | undefined
  /** Events that end the answer properly, as if its limit of tokens had been reached. */
  ending(usage: TokenUsage, options: EndingOptions): string
  /** Events that end it with an error. */
  failing(error: StreamError): string
}

/** An error of ours in the middle of a stream, in the words of both families of dialects. */
export type StreamError = {
  message: string
  code: string
  openai: string
  anthropic: string
  request_id: string
}

export type EndingOptions = {
  /** All that was produced of the first answer. */
  text: string
  /** Whether the client asked for usage, where it comes only when asked for. */
  showsUsage: boolean
  /** How many answers run beside each other in the stream. */
  answers: number
}

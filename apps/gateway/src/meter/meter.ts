import type { Dialect } from '@stipend/core'
import { countText } from '../tokens.ts'
import { chat } from './chat.ts'
import { completions } from './completions.ts'
import type { DialectRules } from './dialect.ts'
import { embeddings } from './embeddings.ts'
import { objectIn } from './json.ts'
import { messages } from './messages.ts'
import { type Metered, weigh } from './metered.ts'
import { responses } from './responses.ts'
import { StreamMeter } from './stream-meter.ts'

export type { Dialect } from '@stipend/core'
export type { ModelUsage, StreamError } from './dialect.ts'
export { estimate, type Metered } from './metered.ts'
export type { StreamMeter } from './stream-meter.ts'

const RULES: Record<Dialect, DialectRules> = { chat, completions, embeddings, responses, messages }

export type StreamOptions = {
  /** The client didn't ask for the chunk that carries usage, so it doesn't get it (chat and completions). */
  hidesUsage: boolean
  /** The provider's words on its own failure are kept from the client. */
  hidesFailure?: boolean
  /** How many answers run beside each other; 1 if not said. */
  answers?: number
}

/** A meter for one streamed answer. */
export function createStreamMeter(dialect: Dialect, options: StreamOptions): StreamMeter {
  return new StreamMeter(RULES[dialect], { answers: 1, hidesFailure: false, ...options })
}

/** What an answer that came in one piece used. `inputTokens` is asked only where our own count is needed. */
export function meterAnswer(dialect: Dialect, answer: unknown, inputTokens: () => number): Metered {
  const rules = RULES[dialect]
  const event = objectIn(answer)
  const reported = rules.reportIn(event, undefined)
  return weigh(reported && rules.read(reported.figures), {
    isWhole: true,
    inputTokens,
    outputTokens: () =>
      rules
        .transcript()
        .absorb(event)
        .reduce((tokens, text) => tokens + countText(text), 0),
    hasFailed: rules.failureIn(event) !== undefined,
    keptAs: rules.keptAs(event),
  })
}

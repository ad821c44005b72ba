import type { Dialect, ProviderKind } from '@stipend/core'
import type { Loose } from '../meter/json.ts'

/** What a request says of what matters to us, whatever its dialect. The rest of its body is between client and provider. */
export type Ask = {
  dialect: AskDialect
  json: Loose
  /** As the client names it. */
  model: string
  isStream: boolean
  /** The most tokens the client lets each answer have; undefined where it leaves that to the model. */
  outputMax: number | undefined
  /** How many answers are written beside each other. */
  answers: number
  /** How many prompts are read, each in a context of its own. */
  prompts: number
  /** What the prompt may have in tokens at most beyond one for each byte of the body. Less than 0 where bytes are no tokens. */
  beyondBytes: number
  /** Tokens of the prompt that are with the provider already. */
  unsent: number
  /** Output that is billed beside the answers, in tokens at most. */
  extraOutput: number
  /** The answer this one follows, which the provider keeps and reads again. */
  follows: string | undefined
  /** Whether a stream is to tell its usage to the client too. */
  showsUsage: boolean
}

/** How requests of one dialect are read, and written anew where they must be. */
export type AskDialect = {
  name: Dialect
  /** Throws `invalid_request` that says what is wrong, or what there is no price for. */
  read(json: Loose): Ask
  /** Tokens of the prompt: exact or nearly so for text, an upper bound for anything else. */
  countPrompt(json: Loose): number
  /** Names of fields that decide what a request may cost: where one may stand twice, the body is written anew. */
  weighty: readonly string[]
  /** Fields that limit each answer to so many tokens. */
  limited(json: Loose, outputMax: number, kind: ProviderKind): Loose
}

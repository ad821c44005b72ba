import type { ServedModel } from '@stipend/core'
import { affordableOutputTokens, type Nanodollars, worstCaseCost } from '@stipend/money'
import type { Hold, Shortage } from './lease.ts'
import { type ChatRequest, requestedOutputMax } from './openai/chat-request.ts'
import type { Purse } from './purse.ts'
import { countPrompt, nonTextTokensMax } from './tokens.ts'

/** An answer shorter than this is of no use: rather 402 than a few words. */
const USEFUL_OUTPUT_TOKENS = 16
/** In a stream the hold covers this much of the answer at first, and is extended as it goes. */
export const STRETCH_TOKENS = 1_024
/** What a provider may add around the bytes of a request: its own markers for roles and the answer. */
const FRAMING_TOKENS = 64

/** What a request needs of money, worked out as far as it is asked for. */
export class Need {
  readonly model: ServedModel
  /** The most tokens each answer may have. */
  readonly outputMax: number
  readonly answers: number
  readonly #request: ChatRequest
  readonly #asked: number
  readonly #bound: number
  #counted: number | undefined

  constructor(request: ChatRequest, bodyBytes: number, model: ServedModel) {
    this.model = model
    this.answers = request.n ?? 1
    this.#asked = requestedOutputMax(request) ?? model.output_tokens_max
    this.outputMax = Math.min(this.#asked, model.output_tokens_max)
    this.#request = request
    // No token of a text is shorter than a byte.
    const bytesMax = bodyBytes + FRAMING_TOKENS + nonTextTokensMax(request.messages)
    this.#bound = Math.min(bytesMax, model.context_tokens_max)
  }

  /** Tokens of the prompt, counted when first asked for. */
  inputTokens(): number {
    this.#counted ??= countPrompt(this.#request.messages, this.#request.tools)
    return this.#counted
  }

  /** The most that this prompt and so many tokens of each answer can cost. */
  cost(perAnswer: number, { counted }: { counted: boolean }): Nanodollars {
    const input_tokens_max = counted ? Math.min(this.inputTokens(), this.#bound) : this.#bound
    return worstCaseCost({ input_tokens_max, output_tokens_max: perAnswer * this.answers }, this.model.price)
  }

  /** The limit to forward where it is another than the client's: never more than is held or the model has. */
  lowered(perAnswer: number): number | undefined {
    return perAnswer < this.#asked ? perAnswer : undefined
  }

  /** How many tokens each answer may have for this much. */
  affordable(nanos: Nanodollars): number {
    const input = Math.min(this.inputTokens(), this.#bound)
    // A count of tokens, no money.
    const tokens = affordableOutputTokens(nanos, input, this.model.price) ?? 0
    return (tokens - (tokens % this.answers)) / this.answers
  }
}

export type Admission = {
  hold: Hold
  /** The most tokens each answer may have, where the money doesn't pay for all that was asked. */
  outputMax: number | undefined
  /** How much of each answer is held for; infinity where it is the whole. */
  coveredTokens: number
}

/**
 * Sets aside the most a request can cost, or in a stream the most its first stretch can, before anyone is contacted. First by a
 * bound that costs nothing to work out. Only where the money doesn't reach for that is the prompt counted, and the answer
 * shortened to what can be paid for, or refused with 402. Answers at once where the money is in memory.
 */
export function admit(purse: Purse, need: Need, isStream: boolean): Admission | Promise<Admission> {
  const stretch = isStream ? Math.min(need.outputMax, STRETCH_TOKENS) : need.outputMax
  const coveredTokens = stretch < need.outputMax ? stretch : Number.POSITIVE_INFINITY
  const generous = need.cost(stretch, { counted: false })
  const granted = (hold: Hold): Admission => ({ hold, outputMax: need.lowered(need.outputMax), coveredTokens })
  const held = purse.hold(generous, generous, { usesBalance: true, patient: false })
  if (held instanceof Promise) {
    return held.then((answer) => ('lease' in answer ? granted(answer) : admitCounted(purse, need)))
  }
  return 'lease' in held ? granted(held) : admitCounted(purse, need)
}

/** Money is close: now it is worth counting. The whole answer is held, so that it can't be cut off in the middle. */
async function admitCounted(purse: Purse, need: Need): Promise<Admission> {
  const least = need.cost(Math.min(need.outputMax, USEFUL_OUTPUT_TOKENS), { counted: true })
  const most = need.cost(need.outputMax, { counted: true })
  const hold: Hold | Shortage = await purse.hold(most, least, { usesBalance: true, patient: true })
  if (!('lease' in hold)) throw hold.error
  const outputMax = need.lowered(Math.min(need.affordable(hold.amount), need.outputMax))
  return { hold, outputMax, coveredTokens: Number.POSITIVE_INFINITY }
}

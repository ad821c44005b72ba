import type { PricedModel } from '@stipend/core'
import { affordableOutputTokens, type ModelPrice, type Nanodollars, TOKENS_MAX, worstCaseCost } from '@stipend/money'
import type { Ask } from './dialects/ask.ts'
import type { Hold, Shortage } from './lease.ts'
import type { Purse } from './purse.ts'

/** An answer shorter than this is of no use: rather 402 than a few words. */
const USEFUL_OUTPUT_TOKENS = 16
/** In a stream the hold covers this much of the answer at first, and is extended as it goes. */
export const STRETCH_TOKENS = 1_024
/** What a provider may add around the bytes of a request: its own markers for roles and the answer. */
const FRAMING_TOKENS = 64

/** What a request to a model needs of money, worked out as far as it is asked for. */
export class Need {
  readonly price: ModelPrice
  /** A provider of the tenant's own isn't paid for by us. */
  readonly usesBalance: boolean
  /** The most tokens each answer may have. */
  readonly outputMax: number
  readonly answers: number
  readonly #ask: Ask
  readonly #asked: number
  readonly #bound: number
  #counted: number | undefined

  constructor(ask: Ask, bodyBytes: number, model: PricedModel) {
    this.price = model.price
    this.usesBalance = model.provider.tenant_id === null
    this.answers = ask.answers
    this.#asked = ask.outputMax ?? model.output_tokens_max
    this.outputMax = Math.min(this.#asked, model.output_tokens_max)
    this.#ask = ask
    // No token of a text is shorter than a byte.
    const bytesMax = Math.max(bodyBytes + ask.beyondBytes, 0) + ask.unsent + FRAMING_TOKENS
    this.#bound = Math.min(bytesMax, model.context_tokens_max * ask.prompts, TOKENS_MAX)
  }

  /** Tokens of the prompt, counted when first asked for. */
  inputTokens(): number {
    this.#counted ??= Math.min(this.#ask.dialect.countPrompt(this.#ask.json) + this.#ask.unsent, TOKENS_MAX)
    return this.#counted
  }

  /** The most that this prompt and so many tokens of each answer can cost. */
  cost(perAnswer: number, { counted }: { counted: boolean }): Nanodollars {
    const input_tokens_max = counted ? Math.min(this.inputTokens(), this.#bound) : this.#bound
    const output_tokens_max = Math.min(perAnswer * this.answers + this.#ask.extraOutput, TOKENS_MAX)
    return worstCaseCost({ input_tokens_max, output_tokens_max }, this.price)
  }

  /** The limit to forward where it is another than the client's: never more than is held or the model has. */
  lowered(perAnswer: number): number | undefined {
    return perAnswer < this.#asked ? perAnswer : undefined
  }

  /** How many tokens each answer may have for this much. */
  affordable(nanos: Nanodollars): number {
    const input = Math.min(this.inputTokens(), this.#bound)
    // A count of tokens, no money.
    const tokens = Math.max((affordableOutputTokens(nanos, input, this.price) ?? 0) - this.#ask.extraOutput, 0)
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
  const held = purse.hold(generous, generous, { usesBalance: need.usesBalance, patient: false })
  if (held instanceof Promise) {
    return held.then((answer) => ('lease' in answer ? granted(answer) : admitCounted(purse, need)))
  }
  return 'lease' in held ? granted(held) : admitCounted(purse, need)
}

/** Money is close: now it is worth counting. The whole answer is held, so that it can't be cut off in the middle. */
async function admitCounted(purse: Purse, need: Need): Promise<Admission> {
  const least = need.cost(Math.min(need.outputMax, USEFUL_OUTPUT_TOKENS), { counted: true })
  const most = need.cost(need.outputMax, { counted: true })
  const hold: Hold | Shortage = await purse.hold(most, least, { usesBalance: need.usesBalance, patient: true })
  if (!('lease' in hold)) throw hold.error
  const outputMax = need.lowered(Math.min(need.affordable(hold.amount), need.outputMax))
  return { hold, outputMax, coveredTokens: Number.POSITIVE_INFINITY }
}

/** Whether money set aside for one model does for the other as it is. */
export function costsTheSame(a: PricedModel, b: PricedModel): boolean {
  const kinds = ['input', 'cached_input', 'cache_write', 'cache_write_1h', 'output'] as const
  return (
    kinds.every((kind) => a.price[kind] === b.price[kind]) &&
    a.price.tiers.length + b.price.tiers.length === 0 &&
    a.context_tokens_max === b.context_tokens_max &&
    a.output_tokens_max === b.output_tokens_max &&
    (a.provider.tenant_id === null) === (b.provider.tenant_id === null)
  )
}

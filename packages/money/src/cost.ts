import type { Nanodollars } from './amount.ts'
import { divide } from './divide.ts'
import { fullPrice, type ModelPrice, PICOS_PER_NANO, pricesAt, type TokenPrices } from './price.ts'
import { checkUsage, isCount, TOKENS_MAX, type TokenUsage } from './usage.ts'

/**
 * What this usage costs. Each kind of token is priced exactly and the sum rounded up to a nanodollar, once.
 * Throws a RangeError for figures `checkUsage` refuses: a wrong bill is worse than none.
 */
export function costOf(usage: TokenUsage, price: ModelPrice): Nanodollars {
  const check = checkUsage(usage)
  if (!check.ok) throw new RangeError(`implausible usage: ${check.reason}`)

  const per = fullPrice(pricesAt(price, usage.input_tokens))
  const input = BigInt(usage.input_tokens)
  const cached = BigInt(usage.cached_input_tokens)
  const written = BigInt(usage.cache_write_tokens)
  const written1h = BigInt(usage.cache_write_1h_tokens)
  const picodollars =
    (input - cached - written) * per.input +
    cached * per.cached_input +
    (written - written1h) * per.cache_write +
    written1h * per.cache_write_1h +
    BigInt(usage.output_tokens) * per.output
  return divide(picodollars, PICOS_PER_NANO, 'up')
}

/** The most a request can use. */
export interface UsageBounds {
  input_tokens_max: number
  output_tokens_max: number
}

/**
 * The most a request within these bounds can cost: every input token at the dearest kind of input, at the dearest of the tiers it
 * may fall into. Never below `costOf` of what it uses in the end. A caller that knows a kind can't occur (nobody asked for an hour's
 * cache) passes a price with null there.
 */
export function worstCaseCost(bounds: UsageBounds, price: ModelPrice): Nanodollars {
  const { input_tokens_max, output_tokens_max } = bounds
  requireCount(output_tokens_max)
  let dearest = 0n
  for (const prices of reachable(price, input_tokens_max)) {
    const cost = dearestInput(input_tokens_max, prices) + BigInt(output_tokens_max) * prices.output
    if (cost > dearest) dearest = cost
  }
  return divide(dearest, PICOS_PER_NANO, 'up')
}

/**
 * The largest number of output tokens whose `worstCaseCost`, with this much input, is within the budget: one more would not be.
 * At most `TOKENS_MAX`, which is also the answer when output is free. Undefined when the budget doesn't even pay for the input.
 */
export function affordableOutputTokens(
  budget_nanos: Nanodollars,
  input_tokens_max: number,
  price: ModelPrice,
): number | undefined {
  let least = BigInt(TOKENS_MAX)
  for (const prices of reachable(price, input_tokens_max)) {
    const left = budget_nanos * PICOS_PER_NANO - dearestInput(input_tokens_max, prices)
    if (left < 0n) return undefined
    if (prices.output === 0n) continue
    const tokens = left / prices.output
    if (tokens < least) least = tokens
  }
  // A count of tokens, no longer money, and small enough to be exact.
  return Number(least)
}

/** The prices a request may be charged at that reads at most so many tokens. */
function reachable(price: ModelPrice, input_tokens_max: number): TokenPrices[] {
  requireCount(input_tokens_max)
  if (price.tiers.length === 0) return [price]
  return [price, ...price.tiers.filter((tier) => input_tokens_max > tier.above_input_tokens)]
}

/** Picodollars for this many input tokens, each of the dearest kind. */
function dearestInput(tokens: number, prices: TokenPrices): bigint {
  const { input, cached_input, cache_write, cache_write_1h } = fullPrice(prices)
  let dearest = input
  if (cached_input > dearest) dearest = cached_input
  if (cache_write > dearest) dearest = cache_write
  if (cache_write_1h > dearest) dearest = cache_write_1h
  return BigInt(tokens) * dearest
}

function requireCount(tokens: number): void {
  if (!isCount(tokens)) throw new RangeError(`a token count must be a whole number from 0 to ${TOKENS_MAX}`)
}

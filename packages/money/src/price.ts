import { formatDecimal, parseDecimal } from './decimal.ts'
import { divide } from './divide.ts'

/** A price: a whole number of 1e-12 US dollars per token, that is, of 1e-6 US dollars per million tokens. */
export type PicodollarsPerToken = bigint

export const PICOS_PER_NANO = 1_000n

/** The largest price one may write: 1 US dollar per token. */
export const USD_PER_MILLION_MAX = 1_000_000n

/** `USD_PER_MILLION_MAX` in picodollars per token. With `TOKENS_MAX` it keeps every possible cost inside a PostgreSQL `bigint`. */
export const PICODOLLARS_PER_TOKEN_MAX: PicodollarsPerToken = USD_PER_MILLION_MAX * 1_000_000n

/**
 * What a model costs, per kind of token, in picodollars per token. Null: the provider has no price of its own for that kind. Then
 *
 * - a cached token costs what an input token costs,
 * - a token written to the cache (for 5 minutes) costs what an input token costs,
 * - a token written to the cache for an hour costs what one written for 5 minutes costs.
 *
 * Zero is a price like any other: free. A model without output (embeddings) has output zero.
 * A further kind (audio) is one more nullable price here, one more part in `TokenUsage`, and one more line in `costOf`.
 */
export interface TokenPrices {
  input: PicodollarsPerToken
  cached_input: PicodollarsPerToken | null
  cache_write: PicodollarsPerToken | null
  cache_write_1h: PicodollarsPerToken | null
  output: PicodollarsPerToken
}

/** The prices of long requests: where more input tokens than this were read, every token of the request costs what stands here. */
export interface PriceTier extends TokenPrices {
  above_input_tokens: number
}

/** Tiers are in ascending order of their thresholds, each above zero and no two alike. */
export interface ModelPrice extends TokenPrices {
  tiers: readonly PriceTier[]
}

/** The price of every kind, the rule for absent ones applied. */
export type FullPrice = { [Kind in keyof TokenPrices]: PicodollarsPerToken }

export function fullPrice(price: TokenPrices): FullPrice {
  const cache_write = price.cache_write ?? price.input
  return {
    input: price.input,
    cached_input: price.cached_input ?? price.input,
    cache_write,
    cache_write_1h: price.cache_write_1h ?? cache_write,
    output: price.output,
  }
}

/** The prices that a request with this many input tokens is charged at. */
export function pricesAt(price: ModelPrice, input_tokens: number): TokenPrices {
  return price.tiers.findLast((tier) => input_tokens > tier.above_input_tokens) ?? price
}

const BASIS_POINTS = 10_000n

/** The price with so many basis points (hundredths of a percent) on top, each kind rounded up to a whole picodollar. */
export function withMarkup(price: ModelPrice, markup_bp: number): ModelPrice {
  const factor = BASIS_POINTS + BigInt(markup_bp)
  const raised = (picos: PicodollarsPerToken) => divide(picos * factor, BASIS_POINTS, 'up')
  const raisedOrNull = (picos: PicodollarsPerToken | null) => (picos === null ? null : raised(picos))
  const marked = (prices: TokenPrices): TokenPrices => ({
    input: raised(prices.input),
    cached_input: raisedOrNull(prices.cached_input),
    cache_write: raisedOrNull(prices.cache_write),
    cache_write_1h: raisedOrNull(prices.cache_write_1h),
    output: raised(prices.output),
  })
  return {
    ...marked(price),
    tiers: price.tiers.map((tier) => ({ above_input_tokens: tier.above_input_tokens, ...marked(tier) })),
  }
}

export type ParsedPrice = { ok: true; picodollars: PicodollarsPerToken } | { ok: false; reason: string }

/**
 * Reads a price as providers publish it, in US dollars per million tokens ("2.50", "0.000001"), exactly. At most 6 digits after
 * the point (one picodollar per token) and at most `USD_PER_MILLION_MAX`. `reason` is a sentence for the person who typed it.
 */
export function picodollarsPerToken(usdPerMillionTokens: string): ParsedPrice {
  const parsed = parseDecimal(usdPerMillionTokens, { decimals: 6, max: USD_PER_MILLION_MAX, negative: false })
  return parsed.ok ? { ok: true, picodollars: parsed.scaled } : parsed
}

/** A price in US dollars per million tokens, exactly: the way back from `picodollarsPerToken`, "2.50" for 2_500_000n. */
export function usdPerMillion(price: PicodollarsPerToken): string {
  return formatDecimal(price, 6)
}

type WrittenPrices = {
  input: string
  cached_input?: string
  cache_write?: string
  cache_write_1h?: string
  output: string
}

/**
 * A price written in code, in US dollars per million tokens: `modelPrice({ input: '2.50', cached_input: '1.25', output: '10' })`.
 * Throws a RangeError where `picodollarsPerToken` would refuse: not for input.
 */
export function modelPrice(
  usdPerMillionTokens: WrittenPrices & { tiers?: (WrittenPrices & { above_input_tokens: number })[] },
): ModelPrice {
  const { tiers = [] } = usdPerMillionTokens
  return {
    ...written(usdPerMillionTokens),
    tiers: tiers.map((tier) => ({ above_input_tokens: tier.above_input_tokens, ...written(tier) })),
  }
}

function written({ input, cached_input, cache_write, cache_write_1h, output }: WrittenPrices): TokenPrices {
  return {
    input: literal(input),
    cached_input: cached_input === undefined ? null : literal(cached_input),
    cache_write: cache_write === undefined ? null : literal(cache_write),
    cache_write_1h: cache_write_1h === undefined ? null : literal(cache_write_1h),
    output: literal(output),
  }
}

function literal(text: string): PicodollarsPerToken {
  const parsed = picodollarsPerToken(text)
  if (!parsed.ok) throw new RangeError(`${JSON.stringify(text)} is not a price per million tokens: ${parsed.reason}`)
  return parsed.picodollars
}

import { formatDecimal, parseDecimal } from './decimal.ts'

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
export interface ModelPrice {
  input: PicodollarsPerToken
  cached_input: PicodollarsPerToken | null
  cache_write: PicodollarsPerToken | null
  cache_write_1h: PicodollarsPerToken | null
  output: PicodollarsPerToken
}

/** The price of every kind, the rule for absent ones applied. */
export type FullPrice = { [Kind in keyof ModelPrice]: PicodollarsPerToken }

export function fullPrice(price: ModelPrice): FullPrice {
  const cache_write = price.cache_write ?? price.input
  return {
    input: price.input,
    cached_input: price.cached_input ?? price.input,
    cache_write,
    cache_write_1h: price.cache_write_1h ?? cache_write,
    output: price.output,
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

/**
 * A price written in code, in US dollars per million tokens: `modelPrice({ input: '2.50', cached_input: '1.25', output: '10' })`.
 * Throws a RangeError where `picodollarsPerToken` would refuse: not for input.
 */
export function modelPrice(usdPerMillionTokens: {
  input: string
  cached_input?: string
  cache_write?: string
  cache_write_1h?: string
  output: string
}): ModelPrice {
  const { input, cached_input, cache_write, cache_write_1h, output } = usdPerMillionTokens
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

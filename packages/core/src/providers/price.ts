import { type ModelPrice, picodollarsPerToken, TOKENS_MAX, type TokenPrices, usdPerMillion } from '@stipend/money'
import { z } from 'zod'

/** A price as it is typed: US dollars per million tokens. */
const UsdPerMillionInput = z
  .string()
  .trim()
  .max(40)
  .meta({ examples: ['2.50'] })
  .superRefine((text, context) => {
    const parsed = picodollarsPerToken(text)
    if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.reason })
  })

const rate = (what: string) => UsdPerMillionInput.describe(`US dollars per million tokens ${what}.`)
const rateOrNone = (what: string) => rate(what).nullable().default(null)

const kinds = {
  input_usd_per_million: rate('of input'),
  cached_input_usd_per_million: rateOrNone('of input that was in the provider’s cache; null: as input'),
  cache_write_usd_per_million: rateOrNone('of input that is put into its cache for five minutes; null: as input'),
  cache_write_1h_usd_per_million: rateOrNone(
    'of input that is put into its cache for an hour; null: as for five minutes',
  ),
  output_usd_per_million: rate('of output, reasoning included'),
}

const TIERS_MAX = 5

/** What a provider takes for a model, before any markup. */
export const PriceInput = z
  .strictObject({
    ...kinds,
    tiers: z
      .array(z.strictObject({ above_input_tokens: z.int().positive().max(TOKENS_MAX), ...kinds }))
      .max(TIERS_MAX, `At most ${TIERS_MAX} tiers.`)
      .default([])
      .describe('Prices of long requests: one with more input tokens than this costs these, all of it.'),
    is_free: z
      .boolean()
      .default(false)
      .describe('Must be true where everything costs nothing: a forgotten price is not a free model.'),
  })
  .superRefine((price, context) => {
    const rates = [price, ...price.tiers].flatMap(ratesOf)
    const costsNothing = rates.every((text) => text === null || /^[0.]*$/.test(text))
    if (costsNothing && !price.is_free) {
      const message = 'Everything is priced at zero. If this model really costs nothing, say that it is free.'
      context.addIssue({ code: 'custom', path: ['is_free'], message })
    }
    if (!costsNothing && price.is_free) {
      context.addIssue({ code: 'custom', path: ['is_free'], message: 'A free model has prices of zero only.' })
    }
    price.tiers.forEach((tier, nth) => {
      const below = price.tiers[nth - 1]
      if (below !== undefined && below.above_input_tokens >= tier.above_input_tokens) {
        const message = 'Tiers go upwards: each begins above the one before.'
        context.addIssue({ code: 'custom', path: ['tiers', nth, 'above_input_tokens'], message })
      }
    })
  })
export type PriceInput = z.input<typeof PriceInput>

type Rates = {
  input_usd_per_million: string
  cached_input_usd_per_million: string | null
  cache_write_usd_per_million: string | null
  cache_write_1h_usd_per_million: string | null
  output_usd_per_million: string
}

function ratesOf(rates: Rates): (string | null)[] {
  return [
    rates.input_usd_per_million,
    rates.cached_input_usd_per_million,
    rates.cache_write_usd_per_million,
    rates.cache_write_1h_usd_per_million,
    rates.output_usd_per_million,
  ]
}

/** The price that `PriceInput` has accepted. */
export function toModelPrice(price: z.output<typeof PriceInput>): ModelPrice {
  return {
    ...toTokenPrices(price),
    tiers: price.tiers.map((tier) => ({ above_input_tokens: tier.above_input_tokens, ...toTokenPrices(tier) })),
  }
}

function toTokenPrices(rates: Rates): TokenPrices {
  const picosOrNull = (text: string | null) => (text === null ? null : picos(text))
  return {
    input: picos(rates.input_usd_per_million),
    cached_input: picosOrNull(rates.cached_input_usd_per_million),
    cache_write: picosOrNull(rates.cache_write_usd_per_million),
    cache_write_1h: picosOrNull(rates.cache_write_1h_usd_per_million),
    output: picos(rates.output_usd_per_million),
  }
}

function picos(text: string): bigint {
  const parsed = picodollarsPerToken(text)
  if (!parsed.ok) throw new Error('a price reached toModelPrice unchecked')
  return parsed.picodollars
}

const shown = z.string().meta({ examples: ['2.50'] })
const shownKinds = {
  input_usd_per_million: shown,
  cached_input_usd_per_million: shown.nullable().describe('Null: as input.'),
  cache_write_usd_per_million: shown.nullable().describe('Null: as input.'),
  cache_write_1h_usd_per_million: shown.nullable().describe('Null: as for five minutes.'),
  output_usd_per_million: shown,
}

/** A price as it was entered. */
export const EnteredPrice = z.strictObject({
  ...shownKinds,
  tiers: z.array(z.strictObject({ above_input_tokens: z.number().int(), ...shownKinds })),
})
export type EnteredPrice = z.infer<typeof EnteredPrice>

/** The way back from `toModelPrice`. */
export function enteredView(price: ModelPrice): EnteredPrice {
  return {
    ...ratesView(price),
    tiers: price.tiers.map((tier) => ({ above_input_tokens: tier.above_input_tokens, ...ratesView(tier) })),
  }
}

function ratesView(prices: TokenPrices): Rates {
  const textOrNull = (picos: bigint | null) => (picos === null ? null : usdPerMillion(picos))
  return {
    input_usd_per_million: usdPerMillion(prices.input),
    cached_input_usd_per_million: textOrNull(prices.cached_input),
    cache_write_usd_per_million: textOrNull(prices.cache_write),
    cache_write_1h_usd_per_million: textOrNull(prices.cache_write_1h),
    output_usd_per_million: usdPerMillion(prices.output),
  }
}

/** Whether two prices charge the same for everything. */
export function isSamePrice(a: ModelPrice, b: ModelPrice): boolean {
  return JSON.stringify(enteredView(a)) === JSON.stringify(enteredView(b))
}

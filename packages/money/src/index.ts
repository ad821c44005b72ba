export {
  displayUsd,
  formatUsd,
  NANOS_PER_USD,
  type Nanodollars,
  type ParsedUsd,
  parseUsd,
  USD_MAX,
  usd,
} from './amount.ts'
export { affordableOutputTokens, costOf, type UsageBounds, worstCaseCost } from './cost.ts'
export { allocate, divide, type Rounding } from './divide.ts'
export {
  type FullPrice,
  fullPrice,
  type ModelPrice,
  modelPrice,
  type ParsedPrice,
  PICODOLLARS_PER_TOKEN_MAX,
  PICOS_PER_NANO,
  type PicodollarsPerToken,
  type PriceTier,
  picodollarsPerToken,
  pricesAt,
  type TokenPrices,
  USD_PER_MILLION_MAX,
  usdPerMillion,
  withMarkup,
} from './price.ts'
export { checkUsage, isCount, normalizeUsage, TOKENS_MAX, type TokenUsage, type UsageCheck } from './usage.ts'

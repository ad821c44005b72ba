import { fullPrice, type ModelPrice, usdPerMillion } from '@stipend/money'
import { z } from 'zod'
import { idSchema } from '../id.ts'
import { DIALECTS } from '../providers/kinds.ts'

const UsdPerMillion = z
  .string()
  .describe('US dollars per million tokens as a decimal string, exact to six decimals.')
  .meta({ examples: ['2.50'] })

const PerMillion = {
  input_usd_per_million: UsdPerMillion,
  cached_input_usd_per_million: UsdPerMillion.describe('Of input that the provider had in its cache.'),
  cache_write_usd_per_million: UsdPerMillion.describe(
    'Of input that the provider put into its cache for five minutes.',
  ),
  cache_write_1h_usd_per_million: UsdPerMillion.describe('Of input that the provider put into its cache for an hour.'),
  output_usd_per_million: UsdPerMillion,
}

/** What is charged for each kind of token. */
export const ChargedPrice = z.strictObject({
  ...PerMillion,
  tiers: z
    .array(z.strictObject({ above_input_tokens: z.number().int(), ...PerMillion }))
    .describe('A request with more input tokens than this is charged at these prices, all of it.'),
})

/** A model that keys may use, at the price it is charged at now. */
export const Model = z
  .strictObject({
    id: idSchema('model'),
    name: z.string().describe('As a request names it.'),
    aliases: z.array(z.string().meta({ examples: ['fast'] })).describe('Further names a request may use.'),
    qualified_name: z
      .string()
      .describe('`owner:provider/model`: names this model and no other.')
      .meta({ examples: ['stipend:openai/gpt-6-mini'] }),
    provider: z.string(),
    provider_id: idSchema('provider'),
    draws_on_balance: z.boolean().describe('Whether the organisation’s balance pays: not for its own providers.'),
    dialects: z.array(z.enum(DIALECTS)).describe('The request formats it takes.'),
    context_tokens_max: z.number().int(),
    output_tokens_max: z.number().int(),
    ...ChargedPrice.shape,
  })
  .meta({
    examples: [
      {
        id: 'mod_01jd4k0v8m3q6y1x2z5w7t9rbc',
        name: 'gpt-6-mini',
        aliases: ['fast'],
        qualified_name: 'stipend:openai/gpt-6-mini',
        provider: 'openai',
        provider_id: 'prv_01jd4k0v8m3q6y1x2z5w7t9rbc',
        draws_on_balance: true,
        dialects: ['chat', 'responses'],
        context_tokens_max: 400_000,
        output_tokens_max: 128_000,
        input_usd_per_million: '2.50',
        cached_input_usd_per_million: '0.25',
        cache_write_usd_per_million: '2.50',
        cache_write_1h_usd_per_million: '2.50',
        output_usd_per_million: '10.00',
        tiers: [],
      },
    ],
  })
export type Model = z.infer<typeof Model>

/** A price as it is shown: the rule for absent kinds applied. */
export function chargedView(price: ModelPrice): z.infer<typeof ChargedPrice> {
  const perMillion = (prices: Omit<ModelPrice, 'tiers'>) => {
    const { input, cached_input, cache_write, cache_write_1h, output } = fullPrice(prices)
    return {
      input_usd_per_million: usdPerMillion(input),
      cached_input_usd_per_million: usdPerMillion(cached_input),
      cache_write_usd_per_million: usdPerMillion(cache_write),
      cache_write_1h_usd_per_million: usdPerMillion(cache_write_1h),
      output_usd_per_million: usdPerMillion(output),
    }
  }
  return {
    ...perMillion(price),
    tiers: price.tiers.map((tier) => ({ above_input_tokens: tier.above_input_tokens, ...perMillion(tier) })),
  }
}

import { z } from 'zod'

const UsdPerMillion = z
  .string()
  .describe('US dollars per million tokens as a decimal string, exact to six decimals.')
  .meta({ examples: ['2.50'] })

/** A model that keys may use, at the price it is charged at now. */
export const Model = z
  .strictObject({
    name: z.string().describe('As a request names it.'),
    provider: z.string(),
    context_tokens_max: z.number().int(),
    output_tokens_max: z.number().int(),
    input_usd_per_million: UsdPerMillion,
    cached_input_usd_per_million: UsdPerMillion.describe('Of input that the provider had in its cache.'),
    output_usd_per_million: UsdPerMillion,
  })
  .meta({
    examples: [
      {
        name: 'gpt-6-mini',
        provider: 'OpenAI',
        context_tokens_max: 400_000,
        output_tokens_max: 128_000,
        input_usd_per_million: '2.50',
        cached_input_usd_per_million: '0.25',
        output_usd_per_million: '10.00',
      },
    ],
  })
export type Model = z.infer<typeof Model>

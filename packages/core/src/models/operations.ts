import { models, prices, providers } from '@stipend/db/schema'
import { usdPerMillion } from '@stipend/money'
import { eq } from 'drizzle-orm'
import { z } from 'zod'
import { query } from '../operation.ts'
import { pageOf } from '../page.ts'
import { isServed, servedFirst } from '../providers/catalogue.ts'
import { Model } from './model.ts'

// Whoever belongs to the organisation may know what its keys can ask for: `tenant:read` is what every role has.
export const list = query({
  name: 'models.list',
  permission: 'tenant:read',
  summary: 'The models that keys can use, by name, with what they cost now.',
  input: z.strictObject({}),
  output: pageOf(Model),
  errors: [],
  handle: async ({ tx }) => {
    const rows = await tx
      .selectDistinctOn([models.name], {
        name: models.name,
        provider: providers.name,
        context_tokens_max: models.context_tokens_max,
        output_tokens_max: models.output_tokens_max,
        input: prices.input_picos,
        cached_input: prices.cached_input_picos,
        output: prices.output_picos,
      })
      .from(models)
      .innerJoin(providers, eq(providers.id, models.provider_id))
      .innerJoin(prices, eq(prices.model_id, models.id))
      .where(isServed)
      .orderBy(...servedFirst)
    const data = rows.map(({ input, cached_input, output, ...model }) => ({
      ...model,
      input_usd_per_million: usdPerMillion(input),
      cached_input_usd_per_million: usdPerMillion(cached_input ?? input),
      output_usd_per_million: usdPerMillion(output),
    }))
    return { data, next_cursor: null }
  },
})

import { type Database, withPlatform } from '@stipend/db'
import { models, prices, providers } from '@stipend/db/schema'
import type { ModelPrice } from '@stipend/money'
import { and, asc, desc, eq, isNull, sql } from 'drizzle-orm'
import { openCredential } from './credential.ts'

/** A model as the gateway serves it: where it is, how it is named there, and what it costs now. */
export type ServedModel = {
  name: string
  upstream_name: string
  context_tokens_max: number
  output_tokens_max: number
  created_at: string
  provider: { id: string; name: string; base_url: string; credential: string | null }
  price_id: string
  price: ModelPrice
}

/** Of the platform, switched on, and at a price that is in force. */
export const isServed = and(
  isNull(providers.tenant_id),
  eq(providers.is_enabled, true),
  eq(models.is_enabled, true),
  sql`${prices.valid_from} <= now()`,
)

/** By name; of several models with one name, and of the prices of a model, the one that counts comes first. */
export const servedFirst = [
  asc(models.name),
  asc(models.created_at),
  asc(models.id),
  desc(prices.valid_from),
  desc(prices.id),
]

/**
 * The platform's models by name, each at the newest price that is in force. A model without one is left out: it can't be
 * served, since it can't be charged.
 */
export async function loadCatalogue(database: Database, masterKey: Buffer): Promise<Map<string, ServedModel>> {
  const rows = await withPlatform(database, (tx) =>
    tx
      .selectDistinctOn([models.name], { model: models, provider: providers, price: prices })
      .from(models)
      .innerJoin(providers, eq(providers.id, models.provider_id))
      .innerJoin(prices, eq(prices.model_id, models.id))
      .where(isServed)
      .orderBy(...servedFirst),
  )
  return new Map(
    rows.map(({ model, provider, price }) => {
      const place = { tenant_id: provider.tenant_id, provider_id: provider.id }
      const credential = provider.credential === null ? null : openCredential(masterKey, provider.credential, place)
      const served: ServedModel = {
        name: model.name,
        upstream_name: model.upstream_name,
        context_tokens_max: model.context_tokens_max,
        output_tokens_max: model.output_tokens_max,
        created_at: model.created_at,
        provider: { id: provider.id, name: provider.name, base_url: provider.base_url, credential },
        price_id: price.id,
        price: {
          input: price.input_picos,
          cached_input: price.cached_input_picos,
          cache_write: price.cache_write_picos,
          cache_write_1h: price.cache_write_1h_picos,
          output: price.output_picos,
        },
      }
      return [model.name, served]
    }),
  )
}

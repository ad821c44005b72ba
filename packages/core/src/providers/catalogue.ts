import { type Database, type PlatformTx, type TenantTx, withPlatform, withTenant } from '@stipend/db'
import { models, type PriceTierJson, prices, provider_shares, providers, tenants } from '@stipend/db/schema'
import { type ModelPrice, withMarkup } from '@stipend/money'
import { and, asc, desc, eq, getTableColumns, isNotNull, isNull, type SQL, sql } from 'drizzle-orm'
import { type MasterKeys, openCredential } from './credential.ts'
import { type Dialect, PLATFORM_OWNER, type ProviderKindName } from './kinds.ts'

/** A provider as requests go to it. */
export type ServedProvider = {
  id: string
  /** Null: the platform's, so requests to it draw on the tenant's balance. */
  tenant_id: string | null
  /** The tenant's slug, or `PLATFORM_OWNER`. */
  owner: string
  name: string
  kind: ProviderKindName
  base_url: string
  credential: string | null
  /** The lowest is tried first. */
  priority: number
  /** The share of requests among those of one priority. */
  weight: number
}

/** A model as the gateway serves it: where it is, what it is called, and what it costs now. */
export type ServedModel = {
  id: string
  name: string
  upstream_name: string
  aliases: readonly string[]
  /** The formats it takes. */
  dialects: readonly Dialect[]
  context_tokens_max: number
  output_tokens_max: number
  created_at: string
  provider: ServedProvider
  /** The groups whose members may use it; null: everyone. */
  shared_with: readonly string[] | null
  /** Null: no price is in force, so it can't be charged and isn't served. */
  price_id: string | null
  /** With the markup. */
  price: ModelPrice | null
}

/** What is served, and can be charged. */
export type PricedModel = ServedModel & { price_id: string; price: ModelPrice }

/** Of a model's prices, those whose time has come; the newest of them is in force. */
export const isInForce = sql`${prices.valid_from} <= now()`
export const newestPriceFirst = [desc(prices.valid_from), desc(prices.id)]

// Of a row that may be missing, Drizzle takes a first column that is null for the whole: the tenant must not come first.
const { id, ...others } = getTableColumns(prices)
export const priceRow = { id, ...others }

/** Switched on, at a provider that is. */
export const isOffered = and(isNull(providers.deleted_at), eq(providers.is_enabled, true), eq(models.is_enabled, true))

/** What to do about a provider whose credential doesn't open. It is left out, unless this throws. */
export type OnUnreadable = (provider: { id: string; name: string }, error: unknown) => void

const refuse: OnUnreadable = (_, error) => {
  throw error
}

/**
 * What the platform serves, to everybody. One that has nothing of its own and shares as everyone does is served just this.
 */
export function loadPlatformCatalogue(
  database: Database,
  keys: MasterKeys,
  onUnreadable: OnUnreadable = refuse,
): Promise<ServedModel[]> {
  const how = { keys, onUnreadable }
  return withPlatform(database, (tx) => readModels(tx, how, isNull(providers.tenant_id), PLATFORM_OWNER))
}

/** What one tenant is served: its own models, and those of the platform as it shares them. In one read-only transaction. */
export function loadTenantCatalogue(
  database: Database,
  keys: MasterKeys,
  tenantId: string,
  platform: readonly ServedModel[],
  onUnreadable: OnUnreadable = refuse,
): Promise<readonly ServedModel[]> {
  return withTenant(
    database,
    tenantId,
    async (tx) => {
      const own = await readOwn(tx, { keys, onUnreadable })
      const shares = await readShares(tx)
      return own.length === 0 && shares.size === 0 ? platform : asShared([...own, ...platform], shares)
    },
    { accessMode: 'read only' },
  )
}

/** The same from within a transaction of the tenant, without credentials: for those who ask what a request would meet. */
export async function readTenantCatalogue(tx: TenantTx): Promise<ServedModel[]> {
  const own = await readOwn(tx, null)
  const platform = await readModels(tx, null, isNull(providers.tenant_id), PLATFORM_OWNER)
  return asShared([...own, ...platform], await readShares(tx))
}

async function readOwn(tx: TenantTx, how: Opening): Promise<ServedModel[]> {
  const [tenant] = await tx.select({ slug: tenants.slug }).from(tenants)
  return readModels(tx, how, isNotNull(providers.tenant_id), tenant?.slug ?? '')
}

async function readShares(tx: TenantTx): Promise<Map<string, string[]>> {
  return new Map((await tx.select().from(provider_shares)).map((share) => [share.provider_id, share.group_ids]))
}

function asShared(served: ServedModel[], shares: ReadonlyMap<string, string[]>): ServedModel[] {
  return served.map((model) => {
    const shared_with = shares.get(model.provider.id)
    return shared_with === undefined ? model : { ...model, shared_with }
  })
}

/** `keys`: those that credentials are opened with; null leaves them closed. */
type Opening = { keys: MasterKeys; onUnreadable: OnUnreadable } | null

async function readModels(tx: TenantTx | PlatformTx, how: Opening, whose: SQL, owner: string): Promise<ServedModel[]> {
  const rows = await tx
    .selectDistinctOn([models.id], { model: models, provider: providers, price: priceRow })
    .from(models)
    .innerJoin(providers, eq(providers.id, models.provider_id))
    .leftJoin(prices, and(eq(prices.model_id, models.id), isInForce))
    .where(and(whose, isOffered))
    .orderBy(asc(models.id), ...newestPriceFirst)
  const served = new Map<string, ServedProvider | null>()
  return rows.flatMap(({ model, provider, price }) => {
    let at = served.get(provider.id)
    if (at === undefined) {
      at = servedProvider(provider, how, owner)
      served.set(provider.id, at)
    }
    if (at === null) return []
    return {
      id: model.id,
      name: model.name,
      upstream_name: model.upstream_name,
      aliases: model.aliases,
      dialects: model.dialects,
      context_tokens_max: model.context_tokens_max,
      output_tokens_max: model.output_tokens_max,
      created_at: model.created_at,
      provider: at,
      shared_with: null,
      price_id: price?.id ?? null,
      price: price === null ? null : chargedPrice(price),
    }
  })
}

function servedProvider(provider: typeof providers.$inferSelect, how: Opening, owner: string): ServedProvider | null {
  const { id, tenant_id, name, kind, base_url, priority, weight } = provider
  let credential: string | null = null
  if (provider.credential !== null && how !== null) {
    try {
      credential = openCredential(how.keys, provider.credential, { tenant_id, provider_id: id })
    } catch (error) {
      how.onUnreadable({ id, name }, error)
      return null
    }
  }
  return { id, tenant_id, owner, name, kind, base_url, credential, priority, weight }
}

/** What a request is charged at: the price with its markup. */
export function chargedPrice(row: PriceColumns & { markup_bp: number }): ModelPrice {
  return withMarkup(modelPriceOf(row), row.markup_bp)
}

type PriceColumns = Pick<
  typeof prices.$inferSelect,
  'input_picos' | 'cached_input_picos' | 'cache_write_picos' | 'cache_write_1h_picos' | 'output_picos' | 'tiers'
>

/** A price as it was entered. */
export function modelPriceOf(row: PriceColumns): ModelPrice {
  return {
    input: row.input_picos,
    cached_input: row.cached_input_picos,
    cache_write: row.cache_write_picos,
    cache_write_1h: row.cache_write_1h_picos,
    output: row.output_picos,
    tiers: row.tiers.map((tier) => ({
      above_input_tokens: tier.above_input_tokens,
      input: BigInt(tier.input_picos),
      cached_input: picosOrNull(tier.cached_input_picos),
      cache_write: picosOrNull(tier.cache_write_picos),
      cache_write_1h: picosOrNull(tier.cache_write_1h_picos),
      output: BigInt(tier.output_picos),
    })),
  }
}

/** The columns of a price. The way back from `modelPriceOf`. */
export function priceColumns(price: ModelPrice): PriceColumns {
  const text = (picos: bigint | null) => picos?.toString() ?? null
  const tiers = price.tiers.map(
    (tier): PriceTierJson => ({
      above_input_tokens: tier.above_input_tokens,
      input_picos: tier.input.toString(),
      cached_input_picos: text(tier.cached_input),
      cache_write_picos: text(tier.cache_write),
      cache_write_1h_picos: text(tier.cache_write_1h),
      output_picos: tier.output.toString(),
    }),
  )
  return {
    input_picos: price.input,
    cached_input_picos: price.cached_input,
    cache_write_picos: price.cache_write,
    cache_write_1h_picos: price.cache_write_1h,
    output_picos: price.output,
    tiers,
  }
}

const picosOrNull = (text: string | null) => (text === null ? null : BigInt(text))

import { models, prices, provider_health, provider_shares, providers, tenants, usage_events } from '@stipend/db/schema'
import { and, asc, eq, isNull, type SQL, sql } from 'drizzle-orm'
import { notFound } from '../errors.ts'
import { usd } from '../fields.ts'
import type { OwnerTx } from '../operation.ts'
import { chargedPrice, isInForce, newestPriceFirst, priceRow } from './catalogue.ts'
import { enteredView } from './price.ts'
import type { Provider, ProviderModel } from './provider.ts'

type ProviderRow = typeof providers.$inferSelect

/** A provider that is the owner's to change, locked. Throws not_found, for others' too. */
export async function requireProvider(tx: OwnerTx, owner: string | null, id: string): Promise<ProviderRow> {
  const isTheirs = owner === null ? isNull(providers.tenant_id) : eq(providers.tenant_id, owner)
  const [provider] = await tx
    .select()
    .from(providers)
    .where(and(eq(providers.id, id), isNull(providers.deleted_at), isTheirs))
    .for('update')
  if (provider === undefined) throw notFound('provider')
  return provider
}

/** One that the owner sees: a tenant the platform's as well as its own. Throws not_found. */
export async function getProvider(tx: OwnerTx, owner: string | null, id: string): Promise<Provider> {
  const [found] = await viewProviders(tx, owner, eq(providers.id, id))
  if (found === undefined) throw notFound('provider')
  return found
}

/** Providers as they are shown: the tenant's own first, then by name. */
export async function viewProviders(tx: OwnerTx, owner: string | null, which?: SQL): Promise<Provider[]> {
  const rows = await tx
    .select()
    .from(providers)
    .where(and(isNull(providers.deleted_at), which))
    .orderBy(sql`${providers.tenant_id} is null`, asc(providers.name), asc(providers.id))
  // With whom a provider is shared is each tenant's to say.
  const shared = owner === null ? [] : await tx.select().from(provider_shares)
  const shares = new Map(shared.map((one) => [one.provider_id, one.group_ids]))
  const offers = Map.groupBy(await enabledModels(tx), (one) => one.provider_id)
  const health = new Map((await healthNow(tx)).map((one) => [one.provider_id, one]))
  const today = new Map((await spentToday(tx, owner)).map((one) => [one.provider_id, one]))
  return rows.map((row) => {
    const enabled = offers.get(row.id) ?? []
    const day = today.get(row.id)
    return {
      id: row.id,
      name: row.name,
      kind: row.kind,
      owner: row.tenant_id === null ? 'platform' : 'organisation',
      base_url: row.tenant_id === owner ? row.base_url : null,
      has_credential: row.credential !== null,
      credential_set_at: row.credential_at,
      priority: row.priority,
      weight: row.weight,
      is_enabled: row.is_enabled,
      shared_with: shares.get(row.id) ?? null,
      models: enabled.length,
      models_without_price: enabled.filter((one) => !one.is_priced).map((one) => one.name),
      health: healthView(health.get(row.id)),
      today: {
        requests: day?.requests ?? 0,
        failed_requests: day?.failed_requests ?? 0,
        cost_usd: usd(BigInt(day?.cost_nanos ?? '0')),
      },
      created_at: row.created_at,
    }
  })
}

function enabledModels(tx: OwnerTx) {
  return tx
    .select({
      provider_id: models.provider_id,
      name: models.name,
      is_priced: sql<boolean>`exists (select from prices p where p.model_id = models.id and p.valid_from <= now())`,
    })
    .from(models)
    .where(eq(models.is_enabled, true))
    .orderBy(asc(models.name))
}

/** A report of this age says nothing any more: its gateway is gone, or has had nothing to do. */
const REPORT_MINUTES_MAX = 10

/** What all gateways together have to say. The latency is the mean of theirs, weighted by their requests. */
function healthNow(tx: OwnerTx) {
  const { requests, failures, latency_ms, last_error_at, last_error_code, state, provider_id, at } = provider_health
  return tx
    .select({
      provider_id,
      requests: sql<number>`sum(${requests})::int`,
      failures: sql<number>`sum(${failures})::int`,
      latency_ms: sql<
        number | null
      >`round(sum(${latency_ms}::bigint * greatest(${requests}, 1)) filter (where ${latency_ms} is not null)
        / sum(greatest(${requests}, 1)) filter (where ${latency_ms} is not null))::int`,
      is_resting: sql<boolean>`bool_and(${state} = 'resting')`,
      last_error_at: sql<string | null>`max(${last_error_at})`,
      last_error_code: sql<string | null>`(array_agg(${last_error_code} order by ${last_error_at} desc nulls last))[1]`,
    })
    .from(provider_health)
    .where(sql`${at} > now() - make_interval(mins => ${REPORT_MINUTES_MAX})`)
    .groupBy(provider_id)
}

type HealthRow = Awaited<ReturnType<typeof healthNow>>[number]

export function healthView(row: Omit<HealthRow, 'provider_id'> | undefined): Provider['health'] {
  const { requests = 0, failures = 0 } = row ?? {}
  const state = (() => {
    if (row?.is_resting === true) return 'resting'
    if (requests === 0) return 'idle'
    return failures * 2 >= requests ? 'failing' : 'up'
  })()
  const { last_error_at = null } = row ?? {}
  return {
    state,
    failure_percent: requests === 0 ? null : Math.round((failures * 100) / requests),
    latency_ms: row?.latency_ms ?? null,
    last_error_code: row?.last_error_code ?? null,
    last_error_at: last_error_at === null ? null : new Date(last_error_at).toISOString(),
  }
}

type SpentRow = { provider_id: string; requests: number; failed_requests: number; cost_nanos: string }

/** The platform's day is that of UTC, and what all tenants spent in it. */
async function spentToday(tx: OwnerTx, owner: string | null): Promise<SpentRow[]> {
  if (owner === null) {
    const rows = await tx.execute<SpentRow>(
      sql`select provider_id, requests, failed_requests, cost_nanos::text from app.platform_usage(date_trunc('day', now(), 'UTC'))`,
    )
    return [...rows]
  }
  const midnight = sql`date_trunc('day', now(), (select ${tenants.time_zone} from ${tenants}))`
  return tx
    .select({
      provider_id: usage_events.provider_id,
      requests: sql<number>`count(*)::int`,
      failed_requests: sql<number>`(count(*) filter (where ${usage_events.status} = 'failed'))::int`,
      cost_nanos: sql<string>`sum(${usage_events.cost_nanos})::text`,
    })
    .from(usage_events)
    .where(sql`${usage_events.started_at} >= ${midnight}`)
    .groupBy(usage_events.provider_id)
}

/** All models of a provider by name, those switched off included, each with its price in force. */
export function pricedModels(tx: OwnerTx, provider_id: string) {
  return tx
    .selectDistinctOn([models.name], { model: models, price: priceRow })
    .from(models)
    .leftJoin(prices, and(eq(prices.model_id, models.id), isInForce))
    .where(eq(models.provider_id, provider_id))
    .orderBy(asc(models.name), ...newestPriceFirst)
}

/** All models of a provider, those switched off included, at the price that is charged now. */
export async function viewModels(tx: OwnerTx, provider_id: string): Promise<ProviderModel[]> {
  const rows = await pricedModels(tx, provider_id)
  return rows.map(({ model, price }) => ({
    id: model.id,
    name: model.name,
    upstream_name: model.upstream_name,
    aliases: model.aliases,
    dialects: model.dialects,
    context_tokens_max: model.context_tokens_max,
    output_tokens_max: model.output_tokens_max,
    is_enabled: model.is_enabled,
    price: price === null ? null : priceView(price),
  }))
}

export function priceView(price: typeof prices.$inferSelect) {
  const { id, valid_from, source } = price
  return { id, valid_from, source, ...enteredView(chargedPrice(price)) }
}

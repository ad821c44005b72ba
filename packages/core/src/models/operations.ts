import type { TenantTx } from '@stipend/db'
import { group_members, models, prices, provider_shares, providers, tenants } from '@stipend/db/schema'
import { and, asc, eq } from 'drizzle-orm'
import { z } from 'zod'
import type { Actor } from '../actor.ts'
import { query } from '../operation.ts'
import { pageOf } from '../page.ts'
import { chargedPrice, isInForce, isOffered, newestPriceFirst } from '../providers/catalogue.ts'
import { PLATFORM_OWNER } from '../providers/kinds.ts'
import { chargedView, Model } from './model.ts'

// Whoever belongs to the organisation may know what its keys can ask for: `tenant:read` is what every role has.
export const list = query({
  name: 'models.list',
  permission: 'tenant:read',
  summary: 'The models the caller may use, by name and by the order they are tried in, with what they cost now.',
  input: z.strictObject({}),
  output: pageOf(Model),
  errors: [],
  handle: async ({ tx, actor }) => {
    const isShared = await sharedWith(tx, actor)
    const [tenant] = await tx.select({ slug: tenants.slug }).from(tenants)
    const rows = await tx
      .selectDistinctOn([models.name, providers.priority, models.created_at, models.id], {
        model: models,
        provider: { id: providers.id, tenant_id: providers.tenant_id, name: providers.name },
        price: prices,
      })
      .from(models)
      .innerJoin(providers, eq(providers.id, models.provider_id))
      .innerJoin(prices, and(eq(prices.model_id, models.id), isInForce))
      .where(isOffered)
      .orderBy(asc(models.name), asc(providers.priority), asc(models.created_at), asc(models.id), ...newestPriceFirst)
    const data = rows
      .filter(({ provider }) => isShared(provider.id))
      .map(({ model, provider, price }) => {
        const owner = provider.tenant_id === null ? PLATFORM_OWNER : tenant?.slug
        return {
          id: model.id,
          name: model.name,
          aliases: model.aliases,
          qualified_name: `${owner}:${provider.name}/${model.name}`,
          provider: provider.name,
          provider_id: provider.id,
          draws_on_balance: provider.tenant_id === null,
          dialects: model.dialects,
          context_tokens_max: model.context_tokens_max,
          output_tokens_max: model.output_tokens_max,
          ...chargedView(chargedPrice(price)),
        }
      })
    return { data, next_cursor: null }
  },
})

/** Whether a provider is shared with who asks. Who looks after keys sees what any of them may use. */
async function sharedWith(tx: TenantTx, actor: Actor): Promise<(provider_id: string) => boolean> {
  const shares = new Map(
    (await tx.select().from(provider_shares)).map(({ provider_id, group_ids }) => [provider_id, group_ids]),
  )
  if (actor.kind !== 'user' || actor.role !== 'member') return (id) => shares.get(id)?.length !== 0
  const own = await tx
    .select({ group_id: group_members.group_id })
    .from(group_members)
    .where(eq(group_members.member_id, actor.member_id))
  const groups = new Set([...own.map(({ group_id }) => group_id), ...(actor.group_ids ?? [])])
  return (id) => shares.get(id)?.some((group) => groups.has(group)) ?? true
}

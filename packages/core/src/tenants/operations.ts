import type { TenantTx } from '@stipend/db'
import { account_periods, accounts, tenants } from '@stipend/db/schema'
import { z } from 'zod'
import { removeTitles } from '../chats/titles.ts'
import { notFound } from '../errors.ts'
import { toNanos, usd } from '../fields.ts'
import { command, query } from '../operation.ts'
import { CreateTenant, Tenant, UpdateTenant } from './tenant.ts'

async function getTenant(tx: TenantTx): Promise<Tenant> {
  const [row] = await tx.select().from(tenants)
  if (row === undefined) throw notFound('organisation')
  const { id, slug, kind, name, time_zone, accent_color, created_at } = row
  return {
    id,
    slug,
    kind,
    name,
    time_zone,
    accent_color,
    own_keys: {
      kinds: row.own_key_kinds as Tenant['own_keys']['kinds'],
      keys_max: row.own_keys_max,
      budget_max_usd: usd(row.own_key_budget_max_nanos),
      days_max: row.own_key_days_max,
      may_renew: row.own_key_may_renew,
    },
    content: { kept: row.content_kept, days: row.content_days },
    created_at,
  }
}

export const get = query({
  name: 'tenants.get',
  permission: 'tenant:read',
  summary: 'The organisation itself.',
  input: z.strictObject({}),
  output: Tenant,
  errors: [],
  handle: ({ tx }) => getTenant(tx),
})

/** The operator enters the tenant that is to be, under an id of their choice, and makes it there: no exception in the policies. */
export const create = command({
  name: 'tenants.create',
  permission: 'platform:write',
  summary: 'Create an organisation with an empty balance.',
  input: CreateTenant,
  output: Tenant,
  errors: ['conflict'],
  handle: async ({ tx, actor, input }) => {
    if (actor.kind !== 'operator' || actor.tenant_id === null) throw notFound('organisation')
    const id = actor.tenant_id
    await tx.insert(tenants).values({ id, ...input })
    await tx.insert(accounts).values({ id, kind: 'balance', limit_nanos: 0n, renewal: 'never' })
    // Made now and not at the first draw: a credit then always finds the row it has to raise.
    await tx.insert(account_periods).values({ account_id: id, starts_at: new Date(0).toISOString(), limit_nanos: 0n })
    const tenant = await getTenant(tx)
    return { output: tenant, audit: { target_id: id, after: tenant } }
  },
})

export const update = command({
  name: 'tenants.update',
  permission: 'tenant:write',
  summary: 'Change the organisation’s name, time zone and settings.',
  input: UpdateTenant,
  output: Tenant,
  errors: [],
  handle: async ({ tx, input }) => {
    const before = await getTenant(tx)
    const { own_keys = before.own_keys, content = before.content } = input
    await tx.update(tenants).set({
      name: input.name ?? before.name,
      time_zone: input.time_zone ?? before.time_zone,
      accent_color: input.accent_color ?? before.accent_color,
      own_key_kinds: [...new Set(own_keys.kinds)],
      own_keys_max: own_keys.keys_max,
      own_key_budget_max_nanos: toNanos(own_keys.budget_max_usd),
      own_key_days_max: own_keys.days_max,
      own_key_may_renew: own_keys.may_renew,
      content_kept: content.kept,
      content_days: content.days,
    })
    if (content.kept === 'nothing') await removeTitles(tx)
    const after = await getTenant(tx)
    return { output: after, audit: { target_id: before.id, before, after } }
  },
})

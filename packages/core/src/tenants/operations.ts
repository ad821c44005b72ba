import { account_periods, accounts, tenants } from '@stipend/db/schema'
import { eq } from 'drizzle-orm'
import { z } from 'zod'
import { notFound } from '../errors.ts'
import { command, query } from '../operation.ts'
import { CreateTenant, Tenant } from './tenant.ts'

export const get = query({
  name: 'tenants.get',
  permission: 'tenant:read',
  summary: 'The organisation itself.',
  input: z.strictObject({}),
  output: Tenant,
  errors: [],
  handle: async ({ tx }) => {
    const [tenant] = await tx.select().from(tenants)
    if (tenant === undefined) throw notFound('organisation')
    return tenant
  },
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
    if (actor.kind !== 'operator') throw notFound('organisation')
    const id = actor.tenant_id
    await tx.insert(tenants).values({ id, ...input })
    await tx.insert(accounts).values({ id, kind: 'balance', limit_nanos: 0n, renewal: 'never' })
    // Made now and not at the first draw: a credit then always finds the row it has to raise.
    await tx.insert(account_periods).values({ account_id: id, starts_at: new Date(0).toISOString(), limit_nanos: 0n })
    const [tenant] = await tx.select().from(tenants).where(eq(tenants.id, id))
    if (tenant === undefined) throw notFound('organisation')
    return { output: tenant, audit: { target_id: id, after: tenant } }
  },
})

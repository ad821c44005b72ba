import { type Database, type TenantTx, withTenant } from '@stipend/db'
import { billing_accounts, tenants } from '@stipend/db/schema'
import { eq, isNull, sql } from 'drizzle-orm'
import type { StripePort } from './stripe.ts'

export type BillingAccount = typeof billing_accounts.$inferSelect

/** How the tenant pays; the row is made where it isn't there yet. */
export async function requireAccount(tx: TenantTx): Promise<BillingAccount> {
  await tx.insert(billing_accounts).values({}).onConflictDoNothing()
  const [row] = await tx.select().from(billing_accounts).for('update')
  if (row === undefined) throw new Error('a tenant without a billing account')
  return row
}

export async function findAccount(tx: TenantTx): Promise<BillingAccount | null> {
  const [row] = await tx.select().from(billing_accounts)
  return row ?? null
}

/** The tenant's customer at Stripe, made when it is first needed: before anything is paid, so that every payment finds its way back. */
export async function ensureCustomer(database: Database, stripe: StripePort, tenant_id: string): Promise<string> {
  const [account, tenant] = await withTenant(database, tenant_id, async (tx) => {
    const [row] = await tx.select({ id: tenants.id, name: tenants.name, slug: tenants.slug }).from(tenants)
    return [await requireAccount(tx), row] as const
  })
  if (account.stripe_customer !== null) return account.stripe_customer
  if (tenant === undefined) throw new Error('there is no such tenant')
  const customer = await stripe.createCustomer(tenant)
  return withTenant(database, tenant_id, async (tx) => {
    await tx.update(billing_accounts).set({ stripe_customer: customer }).where(isNull(billing_accounts.stripe_customer))
    return (await requireAccount(tx)).stripe_customer ?? customer
  })
}

export async function slugOf(tx: TenantTx): Promise<string> {
  const [row] = await tx.select({ slug: tenants.slug }).from(tenants).where(eq(tenants.id, sql`app.current_tenant()`))
  if (row === undefined) throw new Error('there is no such tenant')
  return row.slug
}

import { allTenants, type Database, type TenantTx, withTenant } from '@stipend/db'
import { imports } from '@stipend/db/schema'
import { and, eq, lt } from 'drizzle-orm'

const DRAFT_HOURS = 24

/** What nobody applied within a day is nobody's wish any more, and names people. */
export async function forgetOldDrafts(tx: TenantTx, now: Date): Promise<void> {
  const before = new Date(now.getTime() - DRAFT_HOURS * 3_600_000).toISOString()
  await tx.delete(imports).where(and(eq(imports.status, 'draft'), lt(imports.created_at, before)))
}

/** The same for every tenant. */
export async function forgetDrafts(database: Database, now: Date): Promise<void> {
  for (const { id } of await allTenants(database)) await withTenant(database, id, (tx) => forgetOldDrafts(tx, now))
}

import { type Database, findKey, withTenant } from '@stipend/db'
import { keys, tenants } from '@stipend/db/schema'
import { eq } from 'drizzle-orm'
import { hashSecret, parseSecret } from '../secrets.ts'
import type { Budget, KeyStatus } from './key.ts'
import { keyView, selectKeys } from './operations.ts'

/** What whoever has a key may know of it. */
export type KeySlip = {
  tenant_name: string
  tenant_kind: 'school' | 'company'
  time_zone: string
  status: KeyStatus
  budget: Budget
  valid_from: string | null
  valid_until: string | null
}

/** What is left of a key, for the person who has it. Null for a key that is misspelt and for one that never was: they read the same. */
export async function readSlip(database: Database, secret: string, now: Date): Promise<KeySlip | null> {
  if (parseSecret(secret) !== 'key') return null
  const found = await findKey(database, hashSecret(secret))
  if (found === null) return null
  return withTenant(
    database,
    found.tenant_id,
    async (tx) => {
      const [row] = await selectKeys(tx).where(eq(keys.id, found.id))
      if (row === undefined) return null
      const [tenant] = await tx
        .select({ name: tenants.name, kind: tenants.kind, time_zone: tenants.time_zone })
        .from(tenants)
      if (tenant === undefined) return null
      const { name: tenant_name, kind: tenant_kind, time_zone } = tenant
      const { status, budget, valid_from, valid_until } = keyView(row, now)
      return { tenant_name, tenant_kind, time_zone, status, budget, valid_from, valid_until }
    },
    { accessMode: 'read only' },
  )
}

import { allTenants, type Database, type PlatformTx, type TenantTx, withPlatform, withTenant } from '@stipend/db'
import { providers } from '@stipend/db/schema'
import { eq, isNotNull } from 'drizzle-orm'
import { isSealedWith, type MasterKeys, openCredential, sealCredential } from './credential.ts'

/** Seals with the newest master key what an older one has sealed, a transaction for each owner. Answers how many credentials. */
export async function resealCredentials(database: Database, keys: MasterKeys): Promise<number> {
  const reseal = (tx: TenantTx | PlatformTx) => resealIn(tx, keys)
  let count = await withPlatform(database, reseal)
  for (const { id } of await allTenants(database)) count += await withTenant(database, id, reseal)
  return count
}

/** Whether these open all credentials of the platform's providers: a new one, sealed with them, is then of use to the gateways. */
export async function openPlatformCredentials(database: Database, keys: MasterKeys): Promise<boolean> {
  const rows = await withPlatform(database, (tx) => tx.select().from(providers).where(isNotNull(providers.credential)))
  return rows.every(({ credential }) => credential === null || keys.some((key) => isSealedWith(key, credential)))
}

/** Locked rows are those that may be written: those of the transaction's owner. */
async function resealIn(tx: TenantTx | PlatformTx, keys: MasterKeys): Promise<number> {
  const rows = await tx.select().from(providers).where(isNotNull(providers.credential)).for('update')
  let count = 0
  for (const { id, tenant_id, credential } of rows) {
    if (credential === null || isSealedWith(keys[0], credential)) continue
    const place = { tenant_id, provider_id: id }
    const sealed = sealCredential(keys, openCredential(keys, credential, place), place)
    await tx.update(providers).set({ credential: sealed }).where(eq(providers.id, id))
    count += 1
  }
  return count
}

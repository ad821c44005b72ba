import { sql } from 'drizzle-orm'
import type { PgTransactionConfig } from 'drizzle-orm/pg-core'
import type { PostgresJsTransaction } from 'drizzle-orm/postgres-js'
import { type Database, inner } from './connect.ts'

type Tx<Scope> = PostgresJsTransaction<Record<string, never>, Record<string, never>> & { readonly scope?: Scope }
/** A transaction that sees one tenant's rows. */
export type TenantTx = Tx<'tenant'>
/** A transaction that sees accounts and sessions; tenant tables raise in it. */
export type IdentityTx = Tx<'identity'>
/** A transaction that may write the platform's own providers, models and prices; tenant tables raise in it. */
export type PlatformTx = Tx<'platform'>

const NO_TENANT = ''

function transact<T, S>(
  database: Database,
  tenantId: string,
  scope: string,
  work: (tx: Tx<S>) => Promise<T>,
  config?: PgTransactionConfig,
): Promise<T> {
  return inner(database).drizzle.transaction(async (tx) => {
    await tx.execute(
      sql`select set_config('app.tenant_id', ${tenantId}, true), set_config('app.scope', ${scope}, true)`,
    )
    return work(tx as Tx<S>)
  }, config)
}

/** Runs `work` in one transaction of one tenant. Policies of the database keep every other tenant out of it. */
export function withTenant<T>(
  database: Database,
  tenantId: string,
  work: (tx: TenantTx) => Promise<T>,
  config?: PgTransactionConfig,
): Promise<T> {
  if (tenantId === NO_TENANT) throw new Error('a tenant is needed')
  return transact(database, tenantId, 'tenant', work, config)
}

/** Runs `work` where people's accounts and sessions are seen: for signing in. */
export function withIdentity<T>(database: Database, work: (tx: IdentityTx) => Promise<T>): Promise<T> {
  return transact(database, NO_TENANT, 'identity', work)
}

/** Runs `work` as the platform itself. */
export function withPlatform<T>(
  database: Database,
  work: (tx: PlatformTx) => Promise<T>,
  config?: PgTransactionConfig,
): Promise<T> {
  return transact(database, NO_TENANT, 'platform', work, config)
}

import { type Database, type PlatformTx, type TenantTx, withPlatform, withTenant } from '@stipend/db'
import { provider_health } from '@stipend/db/schema'
import { sql } from 'drizzle-orm'

/** What a gateway knows of a provider: its last minutes. */
export type HealthReport = {
  /** The provider's owner; null: the platform. */
  tenant_id: string | null
  provider_id: string
  state: 'up' | 'resting'
  requests: number
  failures: number
  latency_ms: number | null
  last_error_code: string | null
  last_error_at: Date | null
}

/** Writes what a gateway has to say of providers, in place of what it said before. A transaction for each owner. */
export async function reportHealth(
  database: Database,
  gatewayId: string,
  reports: readonly HealthReport[],
): Promise<void> {
  for (const [tenantId, theirs] of Map.groupBy(reports, (one) => one.tenant_id)) {
    const rows = theirs.map(({ last_error_at, tenant_id: _, ...report }) => ({
      ...report,
      gateway_id: gatewayId,
      at: sql`clock_timestamp()`,
      last_error_at: last_error_at?.toISOString() ?? null,
    }))
    const write = (tx: PlatformTx | TenantTx) =>
      tx
        .insert(provider_health)
        .values(rows)
        .onConflictDoUpdate({
          target: [provider_health.provider_id, provider_health.gateway_id],
          set: REPLACED,
        })
    await (tenantId === null ? withPlatform(database, write) : withTenant(database, tenantId, write))
  }
}

const REPLACED = Object.fromEntries(
  (['at', 'state', 'requests', 'failures', 'latency_ms', 'last_error_code', 'last_error_at'] as const).map((name) => [
    name,
    sql`excluded.${sql.identifier(name)}`,
  ]),
)

import { type Actor, PERMISSIONS } from '@stipend/core'
import { hashSecret, parseSecret } from '@stipend/core/secrets'
import { type Database, findServiceToken, withTenant } from '@stipend/db'
import { service_tokens } from '@stipend/db/schema'
import { and, eq, isNull, lt, or } from 'drizzle-orm'

/** How exactly `last_used_at` is kept: a script that calls every second needn't write every second. */
const TOUCH_EVERY_MS = 60_000

/** The caller a service token stands for, or null: unknown, revoked, or not one of ours. Garbage is told without asking anybody. */
export async function resolveServiceToken(database: Database, secret: string): Promise<Actor | null> {
  if (parseSecret(secret) !== 'service_token') return null
  const found = await findServiceToken(database, hashSecret(secret))
  if (found === null) return null
  await touch(database, found.tenant_id, found.id, new Date())
  // A scope that this version doesn't know grants nothing.
  const permissions = PERMISSIONS.filter((permission) => found.scopes.includes(permission))
  return { kind: 'service_token', tenant_id: found.tenant_id, token_id: found.id, permissions }
}

async function touch(database: Database, tenantId: string, id: string, now: Date): Promise<void> {
  const stale = new Date(now.getTime() - TOUCH_EVERY_MS).toISOString()
  await withTenant(database, tenantId, (tx) =>
    tx
      .update(service_tokens)
      .set({ last_used_at: now.toISOString() })
      .where(
        and(eq(service_tokens.id, id), or(isNull(service_tokens.last_used_at), lt(service_tokens.last_used_at, stale))),
      ),
  )
}

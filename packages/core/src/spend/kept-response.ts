import { type Database, withTenant } from '@stipend/db'
import { kept_responses } from '@stipend/db/schema'
import { and, eq, lt } from 'drizzle-orm'

/** Which key made an answer, by the provider's id of it. */
export type KeptResponseName = { tenant_id: string; key_id: string; id: string }

export type KeptResponse = {
  provider_id: string
  /** What was read and written for it. */
  context_tokens: number
}

/** Providers keep them for 30 days. */
const KEPT_MS = 30 * 24 * 60 * 60 * 1000

/** Remembers an answer that its provider keeps; again changes nothing. Those of the tenant that no provider has any more are forgotten. */
export async function keepResponse(
  database: Database,
  name: KeptResponseName,
  kept: KeptResponse,
  now: Date,
): Promise<void> {
  const { tenant_id, key_id, id } = name
  await withTenant(database, tenant_id, async (tx) => {
    await tx
      .insert(kept_responses)
      .values({ key_id, id, ...kept })
      .onConflictDoNothing()
    const tooOld = new Date(now.getTime() - KEPT_MS).toISOString()
    await tx.delete(kept_responses).where(lt(kept_responses.created_at, tooOld))
  })
}

/** Null: this key has made no such answer. */
export async function findKeptResponse(database: Database, name: KeptResponseName): Promise<KeptResponse | null> {
  const { tenant_id, key_id, id } = name
  const [found] = await withTenant(database, tenant_id, (tx) =>
    tx
      .select({ provider_id: kept_responses.provider_id, context_tokens: kept_responses.context_tokens })
      .from(kept_responses)
      .where(and(eq(kept_responses.key_id, key_id), eq(kept_responses.id, id))),
  )
  return found ?? null
}

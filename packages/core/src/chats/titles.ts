import { allTenants, type Database, type TenantTx, withTenant } from '@stipend/db'
import { chats, tenants } from '@stipend/db/schema'
import { lt, sql } from 'drizzle-orm'

/** Characters of a title. */
export const TITLE_MAX = 80

/** Whether a tenant keeps titles of chats. */
export async function keepsTitles(database: Database, tenant_id: string): Promise<boolean> {
  const [tenant] = await withTenant(
    database,
    tenant_id,
    (tx) => tx.select({ kept: tenants.content_kept }).from(tenants),
    { accessMode: 'read only' },
  )
  return tenant !== undefined && tenant.kept !== 'nothing'
}

export type ChatTitle = { tenant_id: string; key_id: string; thread: string; title: string }

/** Keeps the title of a conversation, the first it is given, and none where the tenant keeps none at this moment. */
export async function keepTitle(database: Database, { tenant_id, key_id, thread, title }: ChatTitle): Promise<void> {
  await withTenant(database, tenant_id, (tx) =>
    tx.execute(sql`insert into chats (key_id, thread, title)
      select ${key_id}, ${thread}, ${title.slice(0, TITLE_MAX)} from tenants where content_kept <> 'nothing'
      on conflict do nothing`),
  )
}

/** Removes all titles of the tenant: it keeps none any more. */
export async function removeTitles(tx: TenantTx): Promise<void> {
  await tx.delete(chats)
}

/** Forgets titles that are older than their tenant keeps them, and what came in while a tenant stopped keeping any. */
export async function forgetTitles(database: Database, now: Date): Promise<void> {
  const at = now.toISOString()
  for (const { id } of await allTenants(database)) {
    await withTenant(database, id, (tx) =>
      tx.delete(chats).where(
        lt(
          chats.created_at,
          sql`(select ${at}::timestamptz - make_interval(days => case content_kept when 'nothing' then 0 else content_days end)
              from tenants)`,
        ),
      ),
    )
  }
}

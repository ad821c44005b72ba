import type { TenantTx } from '@stipend/db'
import { sql } from 'drizzle-orm'
import type { Plan } from './plan.ts'

/** Rows of one statement: enough to be fast, few enough for progress to be seen. */
const CHUNK = 1000

/**
 * Writes a plan, in sets, inside the caller's transaction. `onProgress` hears how many of all rows are written; what it is told
 * may still be undone with the transaction.
 */
export async function applyPlan(
  tx: TenantTx,
  plan: Plan,
  now: Date,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const at = now.toISOString()
  const steps: [readonly object[], (json: string) => ReturnType<typeof sql>][] = [
    [
      plan.locations.filter((one) => one.isNew),
      (json) => sql`insert into locations (id, name, external_id)
        select id, name, external_id from jsonb_to_recordset(${json}::text::jsonb) as one (id text, name text, external_id text)`,
    ],
    [
      plan.locations.filter((one) => !one.isNew),
      (json) => sql`update locations l set external_id = one.external_id
        from jsonb_to_recordset(${json}::text::jsonb) as one (id text, external_id text) where l.id = one.id`,
    ],
    [
      plan.groups.filter((one) => one.isNew),
      (json) => sql`insert into groups (id, location_id, name, external_id)
        select id, location_id, name, external_id from jsonb_to_recordset(${json}::text::jsonb)
          as one (id text, location_id text, name text, external_id text)`,
    ],
    [
      plan.groups.filter((one) => !one.isNew),
      (json) => sql`update groups g set external_id = one.external_id
        from jsonb_to_recordset(${json}::text::jsonb) as one (id text, external_id text) where g.id = one.id`,
    ],
    [
      plan.added,
      (json) => sql`insert into members (id, kind, role, name, email, external_id, location_id)
        select id, kind, 'member', name, email, external_id, location_id from jsonb_to_recordset(${json}::text::jsonb)
          as one (id text, kind text, name text, email text, external_id text, location_id text)`,
    ],
    [
      plan.changed,
      (
        json,
      ) => sql`update members m set name = one.name, email = one.email, kind = one.kind, external_id = one.external_id,
          location_id = one.location_id, deactivated_at = case when one.reactivates then null else m.deactivated_at end
        from jsonb_to_recordset(${json}::text::jsonb)
          as one (id text, kind text, name text, email text, external_id text, location_id text, reactivates boolean)
        where m.id = one.id`,
    ],
    [
      plan.ended,
      (
        json,
      ) => sql`delete from group_members gm using jsonb_to_recordset(${json}::text::jsonb) as one (group_id text, member_id text)
        where gm.group_id = one.group_id and gm.member_id = one.member_id`,
    ],
    [
      plan.memberships,
      (json) => sql`insert into group_members (group_id, member_id)
        select group_id, member_id from jsonb_to_recordset(${json}::text::jsonb) as one (group_id text, member_id text)
        on conflict do nothing`,
    ],
    [
      plan.leads,
      (json) => sql`insert into group_leads (group_id, member_id)
        select group_id, member_id from jsonb_to_recordset(${json}::text::jsonb) as one (group_id text, member_id text)
        on conflict do nothing`,
    ],
    [
      plan.deactivated.map((id) => ({ id })),
      (json) => sql`update members m set deactivated_at = ${at}::timestamptz
        from jsonb_to_recordset(${json}::text::jsonb) as one (id text) where m.id = one.id and m.deactivated_at is null`,
    ],
  ]
  const total = steps.reduce((sum, [rows]) => sum + rows.length, 0)
  let done = 0
  onProgress(done, total)
  for (const [rows, statement] of steps) {
    for (let from = 0; from < rows.length; from += CHUNK) {
      const chunk = rows.slice(from, from + CHUNK)
      await tx.execute(statement(JSON.stringify(chunk)))
      done += chunk.length
      onProgress(done, total)
    }
  }
}

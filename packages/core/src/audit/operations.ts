import { audit_entries } from '@stipend/db/schema'
import { and, desc, eq, sql } from 'drizzle-orm'
import { given } from '../conditions.ts'
import { query } from '../operation.ts'
import { decodeCursor, pageOf, toPage } from '../page.ts'
import { AuditEntry, ListAudit } from './audit.ts'

export const list = query({
  name: 'audit.list',
  permission: 'audit:read',
  summary: 'Every change: who, what, before and after, when, from where. Newest first.',
  input: ListAudit,
  output: pageOf(AuditEntry),
  errors: [],
  handle: async ({ tx, input }) => {
    const after = input.cursor === undefined ? undefined : decodeCursor(input.cursor, 2)
    const rows = await tx
      .select()
      .from(audit_entries)
      .where(
        and(
          given(input.target_id, (id) => eq(audit_entries.target_id, id)),
          after && sql`(${audit_entries.created_at}, ${audit_entries.id}) < (${after[0]}::timestamptz, ${after[1]})`,
        ),
      )
      .orderBy(desc(audit_entries.created_at), desc(audit_entries.id))
      .limit(input.limit + 1)
    return toPage(
      rows,
      input.limit,
      ({ tenant_id: _, actor_kind: __, ...row }) => row,
      (row) => [row.created_at, row.id],
    )
  },
})

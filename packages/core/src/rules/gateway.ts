import { type Database, withTenant } from '@stipend/db'
import { rule_counts, rules } from '@stipend/db/schema'
import { and, asc, eq, inArray, lt, sql } from 'drizzle-orm'
import type { RuleTerms } from './decide.ts'

/** A rule as gateways hold it. */
export type HeldRule = RuleTerms & { id: string }

/** The rules of a tenant that are switched on, in their order. One round trip inside its own transaction. */
export function loadRules(database: Database, tenantId: string): Promise<HeldRule[]> {
  return withTenant(
    database,
    tenantId,
    (tx) => tx.select().from(rules).where(eq(rules.is_enabled, true)).orderBy(asc(rules.position), asc(rules.id)),
    { accessMode: 'read only' },
  )
}

/** So many requests were decided by a rule in an hour, beyond what was told before. */
export type RuleCount = { tenant_id: string; rule_id: string; hour: Date; requests: number }

/** What is older says nothing that anybody looks at. */
const KEPT_MS = 31 * 86_400_000

/** Adds to what is counted of rules. Those that are deleted by now are left out. */
export async function countRules(database: Database, tenantId: string, counts: readonly RuleCount[]): Promise<void> {
  await withTenant(database, tenantId, async (tx) => {
    const there = await tx
      .select({ id: rules.id })
      .from(rules)
      .where(inArray(rules.id, [...new Set(counts.map(({ rule_id }) => rule_id))]))
      .for('key share')
    const ids = there.map(({ id }) => id)
    const rows = counts
      .filter(({ rule_id }) => ids.includes(rule_id))
      .map(({ rule_id, hour, requests }) => ({ rule_id, hour: hour.toISOString(), requests }))
    if (rows.length === 0) return
    await tx
      .insert(rule_counts)
      .values(rows)
      .onConflictDoUpdate({
        target: [rule_counts.tenant_id, rule_counts.rule_id, rule_counts.hour],
        set: { requests: sql`${rule_counts.requests} + excluded.requests` },
      })
    const newest = Math.max(...counts.map(({ hour }) => hour.getTime()))
    const old = new Date(newest - KEPT_MS).toISOString()
    await tx.delete(rule_counts).where(and(inArray(rule_counts.rule_id, ids), lt(rule_counts.hour, old)))
  })
}

import type { TenantTx } from '@stipend/db'
import { groups, locations, members, providers, rule_counts, rules } from '@stipend/db/schema'
import { and, asc, gt, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { Actor } from '../actor.ts'
import { notFound } from '../errors.ts'
import { groupsInScope, locationsInScope, membersInScope, seesEverything } from '../members/scope.ts'
import type { Rule } from './rule.ts'

export type RuleRow = typeof rules.$inferSelect

/** All rules of the tenant, in the order they are asked in. */
export function readRules(tx: TenantTx): Promise<RuleRow[]> {
  return tx.select().from(rules).orderBy(asc(rules.position), asc(rules.id))
}

/**
 * The rules that concern somebody whom the actor may see, in their order. To those confined to some locations a rule shows what it
 * names there, and how much it names beyond.
 */
export async function viewRules(tx: TenantTx, actor: Actor, now: Date): Promise<Rule[]> {
  const rows = await readRules(tx)
  const ids = (field: 'member_ids' | 'group_ids' | 'location_ids' | 'provider_ids') => [
    ...new Set(rows.flatMap((row) => row[field] ?? [])),
  ]
  const names = new Map([
    ...(await namesIn(tx, members, ids('member_ids'), and(isNull(members.removed_at), membersInScope(actor)))),
    ...(await namesIn(tx, groups, ids('group_ids'), groupsInScope(actor))),
    ...(await namesIn(tx, locations, ids('location_ids'), locationsInScope(actor))),
    ...(await namesIn(tx, providers, ids('provider_ids'), isNull(providers.deleted_at))),
  ])
  const requests = await countsOf7Days(tx, now)
  const isConfined = !seesEverything(actor)
  return rows.flatMap((row, index): Rule[] => {
    const { tenant_id: _, ...terms } = row
    const shown = { ...terms, position: index + 1 }
    let hidden_count = 0
    if (isConfined) {
      for (const field of ['member_ids', 'group_ids', 'location_ids'] as const) {
        const all = row[field]
        if (all === null) continue
        const seen = all.filter((id) => names.has(id))
        if (seen.length === 0) return []
        shown[field] = seen
        hidden_count += all.length - seen.length
      }
    }
    const named = [shown.member_ids, shown.group_ids, shown.location_ids, shown.provider_ids].flatMap(
      (one) => one ?? [],
    )
    return [
      {
        ...shown,
        names: named.flatMap((id) => {
          const name = names.get(id)
          return name === undefined ? [] : [{ id, name }]
        }),
        hidden_count,
        requests_7_days: requests.get(row.id) ?? 0,
      },
    ]
  })
}

export async function viewRule(tx: TenantTx, actor: Actor, now: Date, id: string): Promise<Rule> {
  const rule = (await viewRules(tx, actor, now)).find((one) => one.id === id)
  if (rule === undefined) throw notFound('rule')
  return rule
}

type Named = PgTable & { id: PgColumn; name: PgColumn }

async function namesIn(tx: TenantTx, table: Named, ids: string[], which: SQL | undefined): Promise<[string, string][]> {
  if (ids.length === 0) return []
  const rows = await tx
    .select({ id: sql<string>`${table.id}`, name: sql<string>`${table.name}` })
    .from(table)
    .where(and(inArray(table.id, ids), which))
  return rows.map(({ id, name }) => [id, name])
}

const A_DAY_MS = 86_400_000

async function countsOf7Days(tx: TenantTx, now: Date): Promise<Map<string, number>> {
  const rows = await tx
    .select({ rule_id: rule_counts.rule_id, requests: sql<number>`sum(${rule_counts.requests})::int` })
    .from(rule_counts)
    .where(gt(rule_counts.hour, new Date(now.getTime() - 7 * A_DAY_MS).toISOString()))
    .groupBy(rule_counts.rule_id)
  return new Map(rows.map((row) => [row.rule_id, row.requests]))
}

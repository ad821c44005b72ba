import { sql } from 'drizzle-orm'
import { bigint, boolean, check, foreignKey, index, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { instant, tenantId, tenantPolicy } from './columns.ts'
import { tenants } from './people.ts'

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

/**
 * What is allowed or blocked for whom, where, with what and when. Those of a tenant are asked in the order of their positions; the first
 * that matches decides. A condition that is null matches anything. What one names may be gone: then it matches nothing.
 */
export const rules = pgTable(
  'rules',
  {
    tenant_id: tenantId(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    effect: text('effect', { enum: ['allow', 'block'] }).notNull(),
    is_enabled: boolean('is_enabled').notNull().default(true),
    position: integer('position').notNull(),
    member_ids: text('member_ids').array(),
    kinds: text('kinds', { enum: ['student', 'staff', 'employee'] }).array(),
    roles: text('roles', { enum: ['owner', 'admin', 'auditor', 'billing', 'member'] }).array(),
    group_ids: text('group_ids').array(),
    location_ids: text('location_ids').array(),
    /** Names of models, or beginnings of names with `*` at their end. */
    models: text('models').array(),
    provider_ids: text('provider_ids').array(),
    days: text('days', { enum: DAYS }).array(),
    /** By the wall clock of the tenant, `17:00`; past midnight where it is not before `time_until`. */
    time_from: text('time_from'),
    time_until: text('time_until'),
    created_at: instant('created_at').notNull().default(sql`now()`),
    updated_at: instant('updated_at').notNull().default(sql`now()`),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.id] }),
    foreignKey({ columns: [table.tenant_id], foreignColumns: [tenants.id] }),
    index('rules_order').on(table.tenant_id, table.position, table.id),
    // An empty list would be neither anything nor nothing.
    check(
      'rules_no_empty_list',
      sql`0 not in (coalesce(cardinality(member_ids), 1), coalesce(cardinality(kinds), 1), coalesce(cardinality(roles), 1),
        coalesce(cardinality(group_ids), 1), coalesce(cardinality(location_ids), 1), coalesce(cardinality(models), 1),
        coalesce(cardinality(provider_ids), 1), coalesce(cardinality(days), 1))`,
    ),
    check(
      'rules_times',
      sql`(time_from is null) = (time_until is null) and time_from <> time_until
        and time_from ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$' and time_until ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'`,
    ),
    tenantPolicy(),
  ],
)

/** How many requests a rule has decided, by the hour. Gateways add to it in batches. */
export const rule_counts = pgTable(
  'rule_counts',
  {
    tenant_id: tenantId(),
    rule_id: text('rule_id').notNull(),
    hour: instant('hour').notNull(),
    requests: bigint('requests', { mode: 'number' }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.rule_id, table.hour] }),
    foreignKey({ columns: [table.tenant_id, table.rule_id], foreignColumns: [rules.tenant_id, rules.id] }).onDelete(
      'cascade',
    ),
    check('rule_counts_requests', sql`requests > 0`),
    tenantPolicy(),
  ],
)

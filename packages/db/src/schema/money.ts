import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { providers } from './catalogue.ts'
import { bytes, instant, lookupPolicy, nanos, tenantId, tenantPolicy } from './columns.ts'
import { members, tenants } from './people.ts'

const created_at = () => instant('created_at').notNull().default(sql`now()`)

/** What money is drawn from. Its id is that of the key, the allocation or (the balance) the tenant it belongs to. */
export const accounts = pgTable(
  'accounts',
  {
    tenant_id: tenantId(),
    id: text('id').notNull(),
    kind: text('kind', { enum: ['key', 'allocation', 'balance'] }).notNull(),
    /** The most that may be spent in a period; null: unlimited. Of a balance: all that was ever credited. */
    limit_nanos: nanos('limit_nanos'),
    renewal: text('renewal', { enum: ['never', 'when_used_up', 'daily', 'weekly', 'monthly'] }).notNull(),
    /** How often `when_used_up` may renew; null: as often as needed. */
    renewals_max: integer('renewals_max'),
    created_at: created_at(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.id] }),
    foreignKey({ columns: [table.tenant_id], foreignColumns: [tenants.id] }),
    // What is refunded and disputed of a payment may together be more than it was: a balance can owe.
    check('accounts_limit', sql`limit_nanos >= 0 or kind = 'balance'`),
    check('accounts_unlimited', sql`limit_nanos is not null or renewal = 'never'`),
    tenantPolicy(),
  ],
)

/**
 * The money of one account in one renewal period. `spent + leased <= limit` is a constraint of the table: no program, however
 * wrong, can break it. (A limit lowered below what was spent leaves an overhang, and nothing more can be drawn.) Rows are never removed: history stays.
 */
export const account_periods = pgTable(
  'account_periods',
  {
    tenant_id: tenantId(),
    account_id: text('account_id').notNull(),
    starts_at: instant('starts_at').notNull(),
    limit_nanos: nanos('limit_nanos'),
    spent_nanos: nanos('spent_nanos').notNull().default(sql`0`),
    leased_nanos: nanos('leased_nanos').notNull().default(sql`0`),
    /** By how much spent and leased were above the limit when it was last lowered: what is gone can't be taken back. */
    overhang_nanos: nanos('overhang_nanos').notNull().default(sql`0`),
    /** How often `when_used_up` has raised the limit by another budget. */
    renewals: integer('renewals').notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.account_id, table.starts_at] }),
    foreignKey({ columns: [table.tenant_id, table.account_id], foreignColumns: [accounts.tenant_id, accounts.id] }),
    check('account_periods_not_negative', sql`spent_nanos >= 0 and leased_nanos >= 0 and overhang_nanos >= 0`),
    check('account_periods_hard_limit', sql`spent_nanos + leased_nanos <= limit_nanos + overhang_nanos`),
    tenantPolicy(),
  ],
)

export const allocations = pgTable(
  'allocations',
  { tenant_id: tenantId(), id: text('id').notNull(), name: text('name').notNull(), created_at: created_at() },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.id] }),
    foreignKey({ columns: [table.tenant_id, table.id], foreignColumns: [accounts.tenant_id, accounts.id] }),
    uniqueIndex('allocations_name').on(table.tenant_id, table.name),
    tenantPolicy(),
  ],
)

export const keys = pgTable(
  'keys',
  {
    tenant_id: tenantId(),
    id: text('id').notNull(),
    /** SHA-256 of the key; the key itself is kept nowhere. */
    secret_hash: bytes('secret_hash').notNull(),
    last_four: text('last_four').notNull(),
    name: text('name').notNull(),
    member_id: text('member_id').notNull(),
    created_by: text('created_by').notNull(),
    allocation_id: text('allocation_id'),
    /** The one provider it is linked to; null: all that are shared with its member. */
    provider_id: text('provider_id').references(() => providers.id),
    /** Names of models it may use; null: all. */
    allowed_models: text('allowed_models').array(),
    /** Addresses and networks (CIDR) it may be used from; null: anywhere. */
    allowed_ips: text('allowed_ips').array(),
    /** How many requests it may make in any sixty seconds; null: as many as it likes. */
    requests_per_minute: integer('requests_per_minute'),
    valid_from: instant('valid_from'),
    valid_until: instant('valid_until'),
    disabled_at: instant('disabled_at'),
    /** The group whose lesson disabled it, and may enable it again; null: somebody disabled it for good reason of their own. */
    paused_group_id: text('paused_group_id'),
    revoked_at: instant('revoked_at'),
    last_used_at: instant('last_used_at'),
    created_at: created_at(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.id] }),
    foreignKey({ columns: [table.tenant_id, table.id], foreignColumns: [accounts.tenant_id, accounts.id] }),
    foreignKey({ columns: [table.tenant_id, table.member_id], foreignColumns: [members.tenant_id, members.id] }),
    foreignKey({
      columns: [table.tenant_id, table.allocation_id],
      foreignColumns: [allocations.tenant_id, allocations.id],
    }),
    uniqueIndex('keys_secret_hash').on(table.secret_hash),
    index('keys_member').on(table.tenant_id, table.member_id, table.created_at),
    index('keys_current')
      .on(table.tenant_id, table.member_id, table.created_at, table.id)
      .where(sql`revoked_at is null`),
    index('keys_created').on(table.tenant_id, table.created_at, table.id),
    index('keys_allocation').on(table.tenant_id, table.allocation_id),
    check('keys_window', sql`valid_until > valid_from`),
    check('keys_requests_per_minute', sql`requests_per_minute >= 1`),
    tenantPolicy(),
    lookupPolicy(),
  ],
)

/** Money a gateway has drawn for a key and not yet settled or given back. */
export const leases = pgTable(
  'leases',
  {
    tenant_id: tenantId(),
    id: text('id').notNull(),
    gateway_id: text('gateway_id').notNull(),
    key_id: text('key_id').notNull(),
    amount_nanos: nanos('amount_nanos').notNull(),
    created_at: created_at(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.id] }),
    foreignKey({ columns: [table.tenant_id, table.key_id], foreignColumns: [keys.tenant_id, keys.id] }),
    index('leases_gateway').on(table.gateway_id),
    index('leases_key').on(table.tenant_id, table.key_id),
    check('leases_amount', sql`amount_nanos >= 0`),
    tenantPolicy(),
    lookupPolicy(),
  ],
)

/** The periods a lease was drawn from: the key's, its allocation's, the balance's, each by the whole amount. */
export const lease_periods = pgTable(
  'lease_periods',
  {
    tenant_id: tenantId(),
    lease_id: text('lease_id').notNull(),
    /** 1 the key, 2 the allocation, 3 the balance: the order in which rows are locked, everywhere. */
    position: integer('position').notNull(),
    account_id: text('account_id').notNull(),
    starts_at: instant('starts_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.lease_id, table.position] }),
    foreignKey({ columns: [table.tenant_id, table.lease_id], foreignColumns: [leases.tenant_id, leases.id] }),
    foreignKey({
      columns: [table.tenant_id, table.account_id, table.starts_at],
      foreignColumns: [account_periods.tenant_id, account_periods.account_id, account_periods.starts_at],
    }),
    index('lease_periods_account').on(table.tenant_id, table.account_id, table.starts_at),
    tenantPolicy(),
  ],
)

/** Usage by the hour of the tenant's wall clock, kept in step with `usage_events` by the function that settles. */
export const usage_hours = pgTable(
  'usage_hours',
  {
    tenant_id: tenantId(),
    hour: instant('hour').notNull(),
    key_id: text('key_id').notNull(),
    member_id: text('member_id').notNull(),
    model: text('model').notNull(),
    requests: nanos('requests').notNull(),
    failed_requests: nanos('failed_requests').notNull(),
    input_tokens: nanos('input_tokens').notNull(),
    output_tokens: nanos('output_tokens').notNull(),
    cost_nanos: nanos('cost_nanos').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.hour, table.key_id, table.model] }),
    index('usage_hours_member').on(table.tenant_id, table.member_id, table.hour),
    index('usage_hours_key').on(table.tenant_id, table.key_id),
    tenantPolicy(),
  ],
)

/** Gateways that were ever here. One that hasn't been seen for long loses its leases. */
export const gateways = pgTable('gateways', {
  id: text('id').primaryKey(),
  last_seen_at: instant('last_seen_at').notNull(),
})

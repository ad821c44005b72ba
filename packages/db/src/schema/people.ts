import { sql } from 'drizzle-orm'
import {
  boolean,
  check,
  foreignKey,
  index,
  integer,
  pgPolicy,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import { appRole, instant, lookupPolicy, nanos, ownerRole, tenantId, tenantPolicy } from './columns.ts'
import { users } from './identity.ts'

const created_at = () => instant('created_at').notNull().default(sql`now()`)
const itself = sql`id = (select app.current_tenant())`

export const tenants = pgTable(
  'tenants',
  {
    id: text('id').primaryKey(),
    slug: text('slug').notNull(),
    kind: text('kind', { enum: ['school', 'company'] }).notNull(),
    name: text('name').notNull(),
    time_zone: text('time_zone').notNull(),
    accent_color: text('accent_color').notNull(),
    /** Kinds of people who may make keys for themselves; the limits below are for those keys. */
    own_key_kinds: text('own_key_kinds').array().notNull().default(sql`'{}'`),
    own_keys_max: integer('own_keys_max').notNull().default(3),
    own_key_budget_max_nanos: nanos('own_key_budget_max_nanos').notNull().default(sql`5000000000`),
    own_key_days_max: integer('own_key_days_max'),
    own_key_may_renew: boolean('own_key_may_renew').notNull().default(false),
    /** What is kept of what people and models write, and for how long. */
    content_kept: text('content_kept', { enum: ['nothing', 'titles'] })
      .notNull()
      .default('nothing'),
    content_days: integer('content_days').notNull().default(30),
    created_at: created_at(),
  },
  (table) => [
    uniqueIndex('tenants_slug').on(table.slug),
    check(
      'tenants_own_keys',
      sql`own_keys_max between 1 and 100 and own_key_budget_max_nanos > 0 and own_key_days_max > 0`,
    ),
    check('tenants_content_days', sql`content_days between 1 and 3650`),
    pgPolicy('tenant', { for: 'all', to: [appRole, ownerRole], using: itself, withCheck: itself }),
    lookupPolicy(),
  ],
)

export const locations = pgTable(
  'locations',
  {
    tenant_id: tenantId(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    /** Its id in the system that people are imported from. */
    external_id: text('external_id'),
    created_at: created_at(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.id] }),
    foreignKey({ columns: [table.tenant_id], foreignColumns: [tenants.id] }),
    uniqueIndex('locations_name').on(table.tenant_id, table.name),
    uniqueIndex('locations_external').on(table.tenant_id, table.external_id),
    tenantPolicy(),
  ],
)

export const groups = pgTable(
  'groups',
  {
    tenant_id: tenantId(),
    id: text('id').notNull(),
    location_id: text('location_id').notNull(),
    name: text('name').notNull(),
    /** Its id in the system that people are imported from. */
    external_id: text('external_id'),
    created_at: created_at(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.id] }),
    foreignKey({
      columns: [table.tenant_id, table.location_id],
      foreignColumns: [locations.tenant_id, locations.id],
    }),
    uniqueIndex('groups_name').on(table.tenant_id, table.location_id, table.name),
    uniqueIndex('groups_external').on(table.tenant_id, table.external_id),
    tenantPolicy(),
  ],
)

/**
 * A person of a tenant. `user_id` is set once they can sign in. One who was removed stays, for the sake of what they did: without
 * an account, in no group, and found in no list of people.
 */
export const members = pgTable(
  'members',
  {
    tenant_id: tenantId(),
    id: text('id').notNull(),
    user_id: text('user_id').references(() => users.id),
    kind: text('kind', { enum: ['student', 'staff', 'employee'] }).notNull(),
    role: text('role', { enum: ['owner', 'admin', 'auditor', 'billing', 'member'] }).notNull(),
    name: text('name').notNull(),
    /** What lists are sorted and paged by: a column of its own, because policies keep indexes of expressions from being used. */
    name_key: text('name_key').notNull().generatedAlwaysAs(sql`lower(name)`),
    email: text('email').notNull(),
    /** Their id in the system that people are imported from. */
    external_id: text('external_id'),
    location_id: text('location_id'),
    deactivated_at: instant('deactivated_at'),
    removed_at: instant('removed_at'),
    created_at: created_at(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.id] }),
    foreignKey({ columns: [table.tenant_id], foreignColumns: [tenants.id] }),
    foreignKey({
      columns: [table.tenant_id, table.location_id],
      foreignColumns: [locations.tenant_id, locations.id],
    }),
    uniqueIndex('members_email').on(table.tenant_id, table.email).where(sql`removed_at is null`),
    uniqueIndex('members_external').on(table.tenant_id, table.external_id).where(sql`removed_at is null`),
    uniqueIndex('members_user').on(table.tenant_id, table.user_id),
    index('members_by_user').on(table.user_id),
    index('members_by_name').on(table.tenant_id, table.name_key, table.id),
    index('members_by_email').on(table.tenant_id, table.email, table.id),
    index('members_by_age').on(table.tenant_id, table.created_at, table.id),
    index('members_location').on(table.tenant_id, table.location_id, table.name_key, table.id),
    index('members_kind').on(table.tenant_id, table.kind, table.name_key, table.id),
    tenantPolicy(),
    lookupPolicy(),
  ],
)

/** The locations an admin or auditor is confined to; no row means the whole tenant. */
export const member_scopes = pgTable(
  'member_scopes',
  {
    tenant_id: tenantId(),
    member_id: text('member_id').notNull(),
    location_id: text('location_id').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.member_id, table.location_id] }),
    foreignKey({ columns: [table.tenant_id, table.member_id], foreignColumns: [members.tenant_id, members.id] }),
    foreignKey({ columns: [table.tenant_id, table.location_id], foreignColumns: [locations.tenant_id, locations.id] }),
    tenantPolicy(),
    lookupPolicy(),
  ],
)

export const group_members = pgTable(
  'group_members',
  {
    tenant_id: tenantId(),
    group_id: text('group_id').notNull(),
    member_id: text('member_id').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.group_id, table.member_id] }),
    foreignKey({ columns: [table.tenant_id, table.group_id], foreignColumns: [groups.tenant_id, groups.id] }),
    foreignKey({ columns: [table.tenant_id, table.member_id], foreignColumns: [members.tenant_id, members.id] }),
    index('group_members_member').on(table.tenant_id, table.member_id),
    tenantPolicy(),
  ],
)

/** Teachers of classes, leaders of teams: who may look after the keys of a group's people. */
export const group_leads = pgTable(
  'group_leads',
  {
    tenant_id: tenantId(),
    group_id: text('group_id').notNull(),
    member_id: text('member_id').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.group_id, table.member_id] }),
    foreignKey({ columns: [table.tenant_id, table.group_id], foreignColumns: [groups.tenant_id, groups.id] }),
    foreignKey({ columns: [table.tenant_id, table.member_id], foreignColumns: [members.tenant_id, members.id] }),
    index('group_leads_member').on(table.tenant_id, table.member_id),
    tenantPolicy(),
    lookupPolicy(),
  ],
)

/** Whoever confirms an address in one of these domains gets an account, of this kind, role and location. */
export const sign_up_domains = pgTable(
  'sign_up_domains',
  {
    tenant_id: tenantId(),
    domain: text('domain').notNull(),
    kind: text('kind', { enum: ['student', 'staff', 'employee'] }).notNull(),
    role: text('role', { enum: ['auditor', 'billing', 'member'] }).notNull(),
    location_id: text('location_id'),
    created_at: created_at(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.domain] }),
    foreignKey({ columns: [table.tenant_id], foreignColumns: [tenants.id] }),
    foreignKey({ columns: [table.tenant_id, table.location_id], foreignColumns: [locations.tenant_id, locations.id] }),
    index('sign_up_domains_domain').on(table.domain),
    tenantPolicy(),
    lookupPolicy(),
  ],
)

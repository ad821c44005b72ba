import { sql } from 'drizzle-orm'
import { foreignKey, index, pgPolicy, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { appRole, instant, lookupPolicy, ownerRole, tenantId, tenantPolicy } from './columns.ts'
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
    created_at: created_at(),
  },
  (table) => [
    uniqueIndex('tenants_slug').on(table.slug),
    pgPolicy('tenant', { for: 'all', to: [appRole, ownerRole], using: itself, withCheck: itself }),
    lookupPolicy(),
  ],
)

export const locations = pgTable(
  'locations',
  { tenant_id: tenantId(), id: text('id').notNull(), name: text('name').notNull(), created_at: created_at() },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.id] }),
    foreignKey({ columns: [table.tenant_id], foreignColumns: [tenants.id] }),
    uniqueIndex('locations_name').on(table.tenant_id, table.name),
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
    created_at: created_at(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.id] }),
    foreignKey({
      columns: [table.tenant_id, table.location_id],
      foreignColumns: [locations.tenant_id, locations.id],
    }),
    uniqueIndex('groups_name').on(table.tenant_id, table.location_id, table.name),
    tenantPolicy(),
  ],
)

/** A person of a tenant. `user_id` is set once they can sign in. */
export const members = pgTable(
  'members',
  {
    tenant_id: tenantId(),
    id: text('id').notNull(),
    user_id: text('user_id').references(() => users.id),
    kind: text('kind', { enum: ['student', 'staff', 'employee'] }).notNull(),
    role: text('role', { enum: ['owner', 'admin', 'auditor', 'member'] }).notNull(),
    name: text('name').notNull(),
    email: text('email').notNull(),
    location_id: text('location_id'),
    deactivated_at: instant('deactivated_at'),
    created_at: created_at(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.id] }),
    foreignKey({ columns: [table.tenant_id], foreignColumns: [tenants.id] }),
    foreignKey({
      columns: [table.tenant_id, table.location_id],
      foreignColumns: [locations.tenant_id, locations.id],
    }),
    uniqueIndex('members_email').on(table.tenant_id, table.email),
    uniqueIndex('members_user').on(table.tenant_id, table.user_id),
    index('members_by_user').on(table.user_id),
    index('members_name').on(table.tenant_id, sql`lower(${table.name})`, table.id),
    index('members_location').on(table.tenant_id, table.location_id),
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

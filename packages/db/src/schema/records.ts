import { sql } from 'drizzle-orm'
import { foreignKey, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { auditPolicies, bytes, instant, lookupPolicy, tenantId, tenantPolicy } from './columns.ts'
import { keys } from './money.ts'
import { tenants } from './people.ts'

const created_at = () => instant('created_at').notNull().default(sql`now()`)

/** What scripts of IT staff send to the REST API. */
export const service_tokens = pgTable(
  'service_tokens',
  {
    tenant_id: tenantId(),
    id: text('id').notNull(),
    secret_hash: bytes('secret_hash').notNull(),
    last_four: text('last_four').notNull(),
    name: text('name').notNull(),
    scopes: text('scopes').array().notNull(),
    created_by: text('created_by').notNull(),
    created_at: created_at(),
    last_used_at: instant('last_used_at'),
    revoked_at: instant('revoked_at'),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.id] }),
    foreignKey({ columns: [table.tenant_id], foreignColumns: [tenants.id] }),
    uniqueIndex('service_tokens_secret_hash').on(table.secret_hash),
    tenantPolicy(),
    lookupPolicy(),
  ],
)

/** Every change: who, what, before and after, when, from where. Append-only. A platform's own acts have no tenant. */
export const audit_entries = pgTable(
  'audit_entries',
  {
    tenant_id: text('tenant_id').default(sql`app.tenant_or_null()`),
    id: text('id').primaryKey(),
    actor_kind: text('actor_kind').notNull(),
    actor_id: text('actor_id').notNull(),
    operation: text('operation').notNull(),
    target_id: text('target_id').notNull(),
    before: jsonb('before'),
    after: jsonb('after'),
    ip: text('ip'),
    request_id: text('request_id').notNull(),
    created_at: created_at(),
  },
  (table) => [
    index('audit_entries_created').on(table.tenant_id, table.created_at, table.id),
    index('audit_entries_target').on(table.tenant_id, table.target_id, table.created_at),
    ...auditPolicies(),
  ],
)

/** Answers to requests that carried an Idempotency-Key, without their secrets. */
export const idempotency_keys = pgTable(
  'idempotency_keys',
  {
    tenant_id: tenantId(),
    actor_id: text('actor_id').notNull(),
    key: text('key').notNull(),
    operation: text('operation').notNull(),
    input_hash: bytes('input_hash').notNull(),
    output: jsonb('output'),
    created_at: created_at(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.actor_id, table.key] }),
    index('idempotency_keys_age').on(table.tenant_id, table.created_at),
    tenantPolicy(),
  ],
)

/** Answers that providers keep for whoever asks again. They know only us: which key made one is known here, and to that key alone it is there. */
export const kept_responses = pgTable(
  'kept_responses',
  {
    tenant_id: tenantId(),
    key_id: text('key_id').notNull(),
    /** The provider's. */
    id: text('id').notNull(),
    provider_id: text('provider_id').notNull(),
    /** What was read and written for it, which an answer that follows it reads again. */
    context_tokens: integer('context_tokens').notNull(),
    created_at: created_at(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.key_id, table.id] }),
    foreignKey({ columns: [table.tenant_id, table.key_id], foreignColumns: [keys.tenant_id, keys.id] }),
    index('kept_responses_age').on(table.tenant_id, table.created_at),
    tenantPolicy(),
  ],
)

/** Titles of conversations, where the tenant keeps them. What they were made of and cost is in `usage_events`. */
export const chats = pgTable(
  'chats',
  {
    tenant_id: tenantId(),
    key_id: text('key_id').notNull(),
    thread: text('thread').notNull(),
    title: text('title').notNull(),
    created_at: created_at(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.key_id, table.thread] }),
    foreignKey({ columns: [table.tenant_id, table.key_id], foreignColumns: [keys.tenant_id, keys.id] }),
    index('chats_age').on(table.tenant_id, table.created_at),
    tenantPolicy(),
  ],
)

import { sql } from 'drizzle-orm'
import { bigint, boolean, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { instant, nanos, tenantId } from './columns.ts'

const tokens = (name: string) => bigint(name, { mode: 'number' }).notNull().default(0)

/**
 * One forwarded request each. Append-only, partitioned by month of `started_at`. drizzle-kit can't say so: the table itself is
 * made by a migration written by hand, and a test compares it with this description.
 */
export const usage_events = pgTable(
  'usage_events',
  {
    tenant_id: tenantId(),
    id: text('id').notNull(),
    started_at: instant('started_at').notNull(),
    gateway_id: text('gateway_id').notNull(),
    /** The lease it was paid from. */
    lease_id: text('lease_id').notNull(),
    key_id: text('key_id').notNull(),
    member_id: text('member_id').notNull(),
    allocation_id: text('allocation_id'),
    /** Whether the tenant's balance was charged: yes for providers of the platform. */
    draws_on_balance: boolean('draws_on_balance').notNull(),
    model: text('model').notNull(),
    provider_id: text('provider_id').notNull(),
    provider_name: text('provider_name').notNull(),
    price_id: text('price_id').notNull(),
    status: text('status', { enum: ['succeeded', 'failed', 'canceled', 'interrupted'] }).notNull(),
    http_status: integer('http_status').notNull(),
    error_code: text('error_code'),
    is_streamed: boolean('is_streamed').notNull(),
    is_estimated: boolean('is_estimated').notNull(),
    input_tokens: tokens('input_tokens'),
    cached_input_tokens: tokens('cached_input_tokens'),
    cache_write_tokens: tokens('cache_write_tokens'),
    cache_write_1h_tokens: tokens('cache_write_1h_tokens'),
    output_tokens: tokens('output_tokens'),
    reasoning_tokens: bigint('reasoning_tokens', { mode: 'number' }),
    hold_nanos: nanos('hold_nanos').notNull(),
    /** What the key was charged. */
    cost_nanos: nanos('cost_nanos').notNull(),
    /** What the provider reported beyond what was held: its fault, charged to nobody's key. */
    excess_nanos: nanos('excess_nanos').notNull().default(sql`0`),
    latency_ms: integer('latency_ms').notNull(),
    first_byte_ms: integer('first_byte_ms'),
    /** Which conversation of its key it belongs to, where the tool says so: a hash, for what tools write there may name people. */
    thread: text('thread'),
    settled_at: instant('settled_at').notNull().default(sql`now()`),
  },
  (table) => [primaryKey({ columns: [table.tenant_id, table.started_at, table.id] })],
)

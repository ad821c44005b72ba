import { sql } from 'drizzle-orm'
import { bigint, boolean, check, index, integer, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { bytes, instant, sharedPolicies } from './columns.ts'
import { tenants } from './people.ts'

const created_at = () => instant('created_at').notNull().default(sql`now()`)
/** Null: the platform's. */
const owner = () => text('tenant_id').references(() => tenants.id)
const picodollars = (name: string) => bigint(name, { mode: 'bigint' })

/** A connection to a model endpoint. */
export const providers = pgTable(
  'providers',
  {
    tenant_id: owner(),
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    kind: text('kind', { enum: ['openai_compatible'] }).notNull(),
    base_url: text('base_url').notNull(),
    /** Encrypted with the tenant's id and the provider's as associated data. */
    credential: bytes('credential'),
    is_enabled: boolean('is_enabled').notNull().default(true),
    created_at: created_at(),
  },
  (table) => [uniqueIndex('providers_name').on(sql`coalesce(tenant_id, '')`, table.name), ...sharedPolicies()],
)

export const models = pgTable(
  'models',
  {
    tenant_id: owner(),
    id: text('id').primaryKey(),
    provider_id: text('provider_id')
      .notNull()
      .references(() => providers.id),
    /** As clients name it. */
    name: text('name').notNull(),
    /** As the provider names it. */
    upstream_name: text('upstream_name').notNull(),
    context_tokens_max: integer('context_tokens_max').notNull(),
    output_tokens_max: integer('output_tokens_max').notNull(),
    is_enabled: boolean('is_enabled').notNull().default(true),
    created_at: created_at(),
  },
  (table) => [
    uniqueIndex('models_name').on(table.provider_id, table.name),
    check('models_tokens', sql`context_tokens_max > 0 and output_tokens_max > 0`),
    ...sharedPolicies(),
  ],
)

/** What a model costs from a moment on, in picodollars per token. Append-only: a usage event names the one it was charged at. */
export const prices = pgTable(
  'prices',
  {
    tenant_id: owner(),
    id: text('id').primaryKey(),
    model_id: text('model_id')
      .notNull()
      .references(() => models.id),
    valid_from: instant('valid_from').notNull(),
    input_picos: picodollars('input_picos').notNull(),
    /** Null: as `input_picos`. */
    cached_input_picos: picodollars('cached_input_picos'),
    cache_write_picos: picodollars('cache_write_picos'),
    cache_write_1h_picos: picodollars('cache_write_1h_picos'),
    output_picos: picodollars('output_picos').notNull(),
    source: text('source').notNull(),
    created_at: created_at(),
  },
  (table) => [
    index('prices_model').on(table.model_id, table.valid_from),
    check(
      'prices_not_negative',
      sql`input_picos >= 0 and cached_input_picos >= 0 and cache_write_picos >= 0 and cache_write_1h_picos >= 0 and output_picos >= 0`,
    ),
    ...sharedPolicies(),
  ],
)

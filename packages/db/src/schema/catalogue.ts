import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import { bytes, instant, sharedPolicies, tenantId, tenantPolicy } from './columns.ts'
import { tenants } from './people.ts'

const created_at = () => instant('created_at').notNull().default(sql`now()`)
/** Null: the platform's. Filled from the transaction, like the tenant of any row. */
const owner = () =>
  text('tenant_id')
    .default(sql`app.tenant_or_null()`)
    .references(() => tenants.id)
const picodollars = (name: string) => bigint(name, { mode: 'bigint' })

/** As the table of kinds in core has them. */
const KINDS = [
  'openai',
  'anthropic',
  'azure_openai',
  'google',
  'groq',
  'mistral',
  'openrouter',
  'deepseek',
  'xai',
  'vllm',
  'ollama',
  'openai_compatible',
] as const
const DIALECTS = ['chat', 'completions', 'embeddings', 'responses', 'messages'] as const

/** A connection to a model endpoint. */
export const providers = pgTable(
  'providers',
  {
    tenant_id: owner(),
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    kind: text('kind', { enum: KINDS }).notNull(),
    base_url: text('base_url').notNull(),
    /** Encrypted with the tenant's id and the provider's as associated data. */
    credential: bytes('credential'),
    /** When the credential was last set. */
    credential_at: instant('credential_at'),
    /** Of several that serve a model, the lowest is tried first. */
    priority: integer('priority').notNull().default(100),
    /** Among those of one priority, the share of requests that goes here. */
    weight: integer('weight').notNull().default(1),
    /** What new prices get on top of what the provider takes, in basis points. The prices carry their own. */
    markup_bp: integer('markup_bp').notNull().default(0),
    is_enabled: boolean('is_enabled').notNull().default(true),
    /** Removed: its history stays, its name is free again. */
    deleted_at: instant('deleted_at'),
    created_at: created_at(),
  },
  (table) => [
    uniqueIndex('providers_name').on(sql`coalesce(tenant_id, '')`, table.name).where(sql`deleted_at is null`),
    check('providers_order', sql`priority between 1 and 1000 and weight between 1 and 1000`),
    check('providers_markup', sql`markup_bp between 0 and 100000`),
    ...sharedPolicies(),
  ],
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
    /** Further names clients may use. */
    aliases: text('aliases').array().notNull().default(sql`'{}'`),
    /** The request formats it takes. */
    dialects: text('dialects', { enum: DIALECTS }).array().notNull().default(sql`'{chat}'`),
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

/** Of requests with more input tokens than this, every token costs what stands here. */
export type PriceTierJson = {
  above_input_tokens: number
  input_picos: string
  cached_input_picos: string | null
  cache_write_picos: string | null
  cache_write_1h_picos: string | null
  output_picos: string
}

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
    /** Dearer prices of long requests: `PriceTierJson[]`, picodollars as text. */
    tiers: jsonb('tiers').$type<PriceTierJson[]>().notNull().default(sql`'[]'`),
    /** What is added to all of these when a request is charged, in basis points. */
    markup_bp: integer('markup_bp').notNull().default(0),
    source: text('source').notNull(),
    created_at: created_at(),
  },
  (table) => [
    index('prices_model').on(table.model_id, table.valid_from),
    check(
      'prices_not_negative',
      sql`input_picos >= 0 and cached_input_picos >= 0 and cache_write_picos >= 0 and cache_write_1h_picos >= 0 and output_picos >= 0`,
    ),
    check('prices_markup', sql`markup_bp between 0 and 100000`),
    ...sharedPolicies(),
  ],
)

/** With whom a tenant shares a provider, its own or one of the platform. No row: with everyone. */
export const provider_shares = pgTable(
  'provider_shares',
  {
    tenant_id: tenantId(),
    provider_id: text('provider_id')
      .notNull()
      .references(() => providers.id),
    /** The groups whose members may use it; empty: nobody. */
    group_ids: text('group_ids').array().notNull(),
    updated_at: instant('updated_at').notNull().default(sql`now()`),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.provider_id] }),
    foreignKey({ columns: [table.tenant_id], foreignColumns: [tenants.id] }),
    tenantPolicy(),
  ],
)

/** How a provider does, as each gateway last reported it. */
export const provider_health = pgTable(
  'provider_health',
  {
    tenant_id: owner(),
    provider_id: text('provider_id')
      .notNull()
      .references(() => providers.id),
    gateway_id: text('gateway_id').notNull(),
    /** When this was written. */
    at: instant('at').notNull(),
    /** `resting`: failed so often that it is left alone for a while. */
    state: text('state', { enum: ['up', 'resting'] }).notNull(),
    /** Of the minutes before `at`. */
    requests: integer('requests').notNull(),
    failures: integer('failures').notNull(),
    /** The median time to the first byte; null without a request that had one. */
    latency_ms: integer('latency_ms'),
    last_error_code: text('last_error_code'),
    last_error_at: instant('last_error_at'),
  },
  (table) => [
    primaryKey({ columns: [table.provider_id, table.gateway_id] }),
    check('provider_health_counts', sql`requests >= 0 and failures between 0 and requests and latency_ms >= 0`),
    ...sharedPolicies(),
  ],
)

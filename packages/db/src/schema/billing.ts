import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  foreignKey,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import { instant, lookupPolicy, nanos, platformPolicy, tenantId, tenantPolicy } from './columns.ts'
import { tenants } from './people.ts'

const created_at = () => instant('created_at').notNull().default(sql`now()`)

/** Why money moved. Each is posted once for an `external_id`. */
export const LEDGER_KINDS = [
  'top_up',
  'credit',
  'promotion',
  'promotion_expiry',
  'usage',
  'refund',
  'refund_reversal',
  'dispute',
  'dispute_reversal',
] as const

/**
 * The books of a tenant. `balance` is what it has; the others are where that came from or went to: money at Stripe, money paid by
 * invoice, gifts, what providers cost, what is earned on top of it, money given back, money disputed.
 */
export const LEDGER_ACCOUNTS = [
  'balance',
  'stripe',
  'invoices',
  'promotions',
  'providers',
  'markup',
  'refunds',
  'disputes',
] as const

/**
 * A movement of money: two or more entries that sum to zero. Append-only; a correction is a further one. They are numbered without
 * gaps, and each says what the balance was after it.
 */
export const ledger_transactions = pgTable(
  'ledger_transactions',
  {
    tenant_id: tenantId(),
    id: text('id').notNull(),
    number: bigint('number', { mode: 'number' }).notNull(),
    kind: text('kind', { enum: LEDGER_KINDS }).notNull(),
    /** What it is counted by: of one kind, one and the same thing is posted once. */
    external_id: text('external_id').notNull(),
    /** For people: an invoice number, a payment, the hour that was used. */
    cause: text('cause').notNull(),
    payment_id: text('payment_id'),
    /** Of usage: the hour it is for. */
    covers_from: instant('covers_from'),
    covers_until: instant('covers_until'),
    /** The moment it counts for, by which it belongs to a month. */
    effective_at: instant('effective_at').notNull(),
    balance_after_nanos: nanos('balance_after_nanos').notNull(),
    created_by: text('created_by').notNull(),
    created_at: created_at(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.id] }),
    foreignKey({ columns: [table.tenant_id], foreignColumns: [tenants.id] }),
    uniqueIndex('ledger_transactions_number').on(table.tenant_id, table.number),
    uniqueIndex('ledger_transactions_once').on(table.tenant_id, table.kind, table.external_id),
    index('ledger_transactions_effective').on(table.tenant_id, table.effective_at),
    index('ledger_transactions_payment').on(table.tenant_id, table.payment_id),
    tenantPolicy(),
  ],
)

/** What a transaction does to one account. */
export const ledger_entries = pgTable(
  'ledger_entries',
  {
    tenant_id: tenantId(),
    transaction_id: text('transaction_id').notNull(),
    account: text('account', { enum: LEDGER_ACCOUNTS }).notNull(),
    amount_nanos: nanos('amount_nanos').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.transaction_id, table.account] }),
    foreignKey({
      columns: [table.tenant_id, table.transaction_id],
      foreignColumns: [ledger_transactions.tenant_id, ledger_transactions.id],
    }),
    check('ledger_entries_amount', sql`amount_nanos <> 0`),
    tenantPolicy(),
  ],
)

/** Money given away that has to be used by a certain moment. */
export const promotions = pgTable(
  'promotions',
  {
    tenant_id: tenantId(),
    id: text('id').notNull(),
    amount_nanos: nanos('amount_nanos').notNull(),
    cause: text('cause').notNull(),
    expires_at: instant('expires_at').notNull(),
    /** What of it was used, of all that was spent until `counted_until`: that which expires soonest is used first. */
    used_nanos: nanos('used_nanos').notNull().default(sql`0`),
    counted_until: instant('counted_until').notNull(),
    /** What was taken back once it had expired. */
    taken_nanos: nanos('taken_nanos').notNull().default(sql`0`),
    /** When what was left of it was taken back, all that could be. */
    closed_at: instant('closed_at'),
    created_by: text('created_by').notNull(),
    created_at: created_at(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.id] }),
    foreignKey({ columns: [table.tenant_id], foreignColumns: [tenants.id] }),
    index('promotions_open').on(table.tenant_id, table.expires_at),
    check(
      'promotions_amount',
      sql`amount_nanos > 0 and used_nanos >= 0 and taken_nanos >= 0 and used_nanos + taken_nanos <= amount_nanos`,
    ),
    tenantPolicy(),
  ],
)

/** How a payment stands. The last three are final, but for what may be refunded or disputed. */
export const PAYMENT_STATUSES = [
  'created',
  'open',
  'processing',
  'needs_confirmation',
  'succeeded',
  'failed',
  'canceled',
] as const

/** A top-up, from the moment it was asked for. What it is at Stripe is read from Stripe and kept here. */
export const payments = pgTable(
  'payments',
  {
    tenant_id: tenantId(),
    id: text('id').notNull(),
    source: text('source', { enum: ['checkout', 'automatic'] }).notNull(),
    status: text('status', { enum: PAYMENT_STATUSES }).notNull(),
    amount_nanos: nanos('amount_nanos').notNull(),
    is_live: boolean('is_live').notNull(),
    /** Of an automatic one: the want of money it answers. Each is answered once. */
    shortage: text('shortage'),
    checkout_session: text('checkout_session'),
    checkout_url: text('checkout_url'),
    payment_intent: text('payment_intent'),
    failure_code: text('failure_code'),
    failure_message: text('failure_message'),
    receipt_url: text('receipt_url'),
    invoice_number: text('invoice_number'),
    invoice_url: text('invoice_url'),
    /** What the ledger has of it. */
    credited_nanos: nanos('credited_nanos').notNull().default(sql`0`),
    refunded_nanos: nanos('refunded_nanos').notNull().default(sql`0`),
    disputed_nanos: nanos('disputed_nanos').notNull().default(sql`0`),
    created_by: text('created_by').notNull(),
    created_at: created_at(),
    succeeded_at: instant('succeeded_at'),
    /** How often what Stripe says was put in here: whoever asks meanwhile asks again. */
    syncs: integer('syncs').notNull().default(0),
    /** When Stripe was last asked about it. */
    synced_at: instant('synced_at'),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.id] }),
    foreignKey({ columns: [table.tenant_id], foreignColumns: [tenants.id] }),
    uniqueIndex('payments_shortage').on(table.tenant_id, table.shortage),
    uniqueIndex('payments_intent').on(table.tenant_id, table.payment_intent),
    index('payments_created').on(table.tenant_id, table.created_at, table.id),
    check('payments_amount', sql`amount_nanos > 0`),
    tenantPolicy(),
    lookupPolicy(),
  ],
)

/** How a tenant pays: its customer at Stripe, automatic top-up, and when it wants to be warned. */
export const billing_accounts = pgTable(
  'billing_accounts',
  {
    tenant_id: tenantId(),
    stripe_customer: text('stripe_customer'),
    automatic_state: text('automatic_state', { enum: ['off', 'on', 'needs_confirmation', 'stopped'] })
      .notNull()
      .default('off'),
    /** Why it stopped, for people. */
    stopped_reason: text('stopped_reason'),
    threshold_nanos: nanos('threshold_nanos'),
    amount_nanos: nanos('amount_nanos'),
    monthly_max_nanos: nanos('monthly_max_nanos'),
    cooldown_minutes: integer('cooldown_minutes').notNull().default(60),
    /** How often somebody started it again after it had stopped. */
    resumptions: integer('resumptions').notNull().default(0),
    /** A checkout in which a way to pay is being saved. */
    setup_session: text('setup_session'),
    payment_method: text('payment_method'),
    /** Such as "Visa ending in 4242". */
    payment_method_label: text('payment_method_label'),
    /** Warn below this; null: below what a week costs. */
    low_nanos: nanos('low_nanos'),
    /** What people were last told: one mail for each time it gets worse. */
    told_level: text('told_level', { enum: ['enough', 'low', 'empty'] })
      .notNull()
      .default('enough'),
    told_at: instant('told_at'),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id] }),
    foreignKey({ columns: [table.tenant_id], foreignColumns: [tenants.id] }),
    uniqueIndex('billing_accounts_customer').on(table.stripe_customer),
    check(
      'billing_accounts_amounts',
      sql`threshold_nanos > 0 and amount_nanos > 0 and monthly_max_nanos >= amount_nanos and low_nanos >= 0`,
    ),
    check('billing_accounts_cooldown', sql`cooldown_minutes between 5 and 10080`),
    tenantPolicy(),
    lookupPolicy(),
  ],
)

/** What Stripe told us of, once each. Only that something happened is kept: what happened is asked of Stripe. */
export const stripe_events = pgTable(
  'stripe_events',
  {
    id: text('id').primaryKey(),
    type: text('type').notNull(),
    object_id: text('object_id').notNull(),
    is_live: boolean('is_live').notNull(),
    happened_at: instant('happened_at').notNull(),
    received_at: instant('received_at').notNull().default(sql`now()`),
    attempts: integer('attempts').notNull().default(0),
    next_attempt_at: instant('next_attempt_at').notNull().default(sql`now()`),
    processed_at: instant('processed_at'),
    /** What came of it, in a word or two. */
    outcome: text('outcome'),
  },
  (table) => [
    index('stripe_events_waiting').on(table.next_attempt_at).where(sql`processed_at is null`),
    index('stripe_events_object').on(table.object_id),
    platformPolicy(),
  ],
)

import { type IdKind, newId, readStanding } from '@stipend/core'
import { type Database, type TenantTx, tenantsWithAutomaticTopUp, withTenant } from '@stipend/db'
import { ledger_transactions, payments } from '@stipend/db/schema'
import { displayUsd, type Nanodollars } from '@stipend/money'
import { and, desc, eq, gt, inArray, notInArray, sql } from 'drizzle-orm'
import { type BillingAccount, requireAccount } from './customer.ts'
import type { InboxLog } from './inbox.ts'
import type { StripePort } from './stripe.ts'
import { syncPayment } from './sync.ts'

export type AutomaticDeps = {
  database: Database
  stripe: StripePort
  log: InboxLog
  newId?: (kind: IdKind) => string
  step?: (name: string) => void
}

const MINUTE_MS = 60_000
/** Stripe forgets an idempotency key after a day: from then on it is looked for before it is made again. */
const KEY_AGE_MS_MAX = 20 * 3_600_000
const UNDER_WAY = ['created', 'open', 'processing', 'needs_confirmation'] as const

/** Tops up every balance that is below what its tenant set. */
export async function topUpAll(deps: AutomaticDeps, now: Date, signal?: AbortSignal): Promise<void> {
  for (const tenant_id of await tenantsWithAutomaticTopUp(deps.database)) {
    if (signal?.aborted) return
    try {
      await topUpShort(deps, tenant_id, now)
    } catch (error) {
      deps.log.error({ tenant_id, err: error }, 'an automatic top-up did not come to an end; it is gone on with')
    }
  }
}

/** What keeps a top-up from being made now, or the payment that is to be made. */
export type Decision =
  | { wait: 'off' | 'enough' | 'under way' | 'cooling down' | 'ceiling reached' | 'answered' | 'no way to pay' }
  | { payment_id: string; customer: string; payment_method: string; amount_nanos: Nanodollars; age_ms: number }

/**
 * Charges the saved way to pay if the balance is short. One shortage (the time since money last came in) makes one payment, written
 * down before Stripe hears of it, whose id is the key by which Stripe makes it once: cut off anywhere, it is gone on with.
 */
export async function topUpShort(deps: AutomaticDeps, tenant_id: string, now: Date): Promise<Decision> {
  const { database, stripe } = deps
  const decision = await withTenant(database, tenant_id, (tx) => decide(tx, deps, now))
  if ('wait' in decision) return decision
  const { payment_id, customer, payment_method, amount_nanos, age_ms } = decision
  deps.step?.('before charging')
  const earlier = age_ms < KEY_AGE_MS_MAX ? null : await findCharge(stripe, customer, payment_id, now, age_ms)
  const description = `Automatic balance top-up, ${displayUsd(amount_nanos)}`
  const intent = earlier ?? (await stripe.charge({ payment_id, customer, payment_method, amount_nanos, description }))
  deps.step?.('after charging')
  await withTenant(database, tenant_id, (tx) =>
    tx.update(payments).set({ payment_intent: intent }).where(eq(payments.id, payment_id)),
  )
  deps.step?.('after keeping the intent')
  await syncPayment(deps, tenant_id, payment_id)
  deps.log.info({ tenant_id, payment_id }, 'automatic top-up')
  return decision
}

async function findCharge(stripe: StripePort, customer: string, payment_id: string, now: Date, age_ms: number) {
  const since = new Date(now.getTime() - age_ms - KEY_AGE_MS_MAX)
  const intents = await stripe.listIntents(customer, since)
  return intents.find((intent) => intent.payment_id === payment_id)?.id ?? null
}

async function decide(tx: TenantTx, deps: AutomaticDeps, now: Date): Promise<Decision> {
  const account = await requireAccount(tx)
  const { automatic_state, stripe_customer, payment_method, amount_nanos } = account
  if (automatic_state !== 'on' || amount_nanos === null || account.threshold_nanos === null) return { wait: 'off' }
  if (stripe_customer === null || payment_method === null) return { wait: 'no way to pay' }
  const charge = { customer: stripe_customer, payment_method }
  const [open] = await tx
    .select()
    .from(payments)
    .where(and(eq(payments.source, 'automatic'), inArray(payments.status, [...UNDER_WAY])))
  if (open !== undefined) {
    // Written down, and Stripe may or may not have heard of it.
    if (open.status !== 'created') return { wait: 'under way' }
    const age_ms = now.getTime() - new Date(open.created_at).getTime()
    return { ...charge, payment_id: open.id, amount_nanos: open.amount_nanos, age_ms }
  }
  const { available } = await readStanding(tx, now)
  if (available >= account.threshold_nanos) return { wait: 'enough' }
  const [last] = await tx
    .select({ created_at: payments.created_at })
    .from(payments)
    .where(eq(payments.source, 'automatic'))
    .orderBy(desc(payments.created_at))
    .limit(1)
  if (
    last !== undefined &&
    now.getTime() < new Date(last.created_at).getTime() + account.cooldown_minutes * MINUTE_MS
  ) {
    return { wait: 'cooling down' }
  }
  if ((await spentThisMonth(tx, now)) + amount_nanos > (account.monthly_max_nanos ?? 0n))
    return { wait: 'ceiling reached' }
  const payment_id = (deps.newId ?? newId)('payment')
  const written = await tx
    .insert(payments)
    .values({
      id: payment_id,
      source: 'automatic',
      status: 'created',
      amount_nanos,
      is_live: deps.stripe.is_live,
      shortage: await shortageOf(tx, account),
      created_by: 'worker',
      created_at: now.toISOString(),
    })
    .onConflictDoNothing()
    .returning({ id: payments.id })
  if (written.length === 0) return { wait: 'answered' }
  return { ...charge, payment_id, amount_nanos, age_ms: 0 }
}

/** A want of money lasts until some comes in, or until somebody starts automatic top-up again. */
async function shortageOf(tx: TenantTx, { resumptions }: BillingAccount): Promise<string> {
  const [last] = await tx
    .select({ number: ledger_transactions.number })
    .from(ledger_transactions)
    .where(inArray(ledger_transactions.kind, ['top_up', 'credit', 'promotion']))
    .orderBy(desc(ledger_transactions.number))
    .limit(1)
  return `after ${last?.number ?? 0}, started ${resumptions}`
}

/** What automatic payments took in this month of the tenant's calendar, those on their way included. */
export async function spentThisMonth(tx: TenantTx, now: Date): Promise<Nanodollars> {
  const [row] = await tx
    .select({ total: sql<string>`coalesce(sum(${payments.amount_nanos}), 0)` })
    .from(payments)
    .where(
      and(
        eq(payments.source, 'automatic'),
        notInArray(payments.status, ['failed', 'canceled']),
        gt(
          payments.created_at,
          sql`date_trunc('month', ${now.toISOString()}::timestamptz, (select time_zone from tenants))`,
        ),
      ),
    )
  return BigInt(row?.total ?? 0)
}

/** The automatic payment that waits for its owner's bank, if there is one. */
export async function findUnconfirmed(tx: TenantTx): Promise<typeof payments.$inferSelect | null> {
  const [row] = await tx
    .select()
    .from(payments)
    .where(and(eq(payments.source, 'automatic'), eq(payments.status, 'needs_confirmation')))
    .orderBy(desc(payments.created_at))
    .limit(1)
  return row ?? null
}

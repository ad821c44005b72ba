import { type IdKind, newId, postToLedger } from '@stipend/core'
import { type Database, type TenantTx, tenantOfStripeCustomer, withTenant } from '@stipend/db'
import { billing_accounts, payments } from '@stipend/db/schema'
import { and, eq, sql } from 'drizzle-orm'
import type { IntentTruth, SessionTruth, StripePort } from './stripe.ts'

/** What became of asking Stripe, in words for the log. */
export type Outcome = 'done' | 'no such organisation' | 'not a top-up of ours' | 'another mode' | 'not in US dollars'

export type SyncDeps = {
  database: Database
  stripe: StripePort
  newId?: (kind: IdKind) => string
  /** Called between any two steps; a test throws from it. */
  step?: (name: string) => void
}

type Payment = typeof payments.$inferSelect
const ATTEMPTS = 20

/**
 * The one way a payment's truth enters. Asks Stripe for all there is of the payment and books what isn't yet: safe to repeat, at
 * once, in any order, and to be cut off anywhere. `pointer` is the id of a checkout session or of a payment intent.
 */
export async function syncPointer(deps: SyncDeps, pointer: string): Promise<Outcome> {
  if (pointer.startsWith('cs_')) {
    const session = await deps.stripe.readSession(pointer)
    if (session.is_live !== deps.stripe.is_live) return 'another mode'
    const tenant_id = await tenantOf(deps, session.customer)
    if (tenant_id === null) return 'no such organisation'
    if (session.payment_id === null)
      return (await syncSetup(deps, tenant_id, session)) ? 'done' : 'not a top-up of ours'
    return syncPayment(deps, tenant_id, session.payment_id)
  }
  const intent = await deps.stripe.readIntent(pointer)
  if (intent.is_live !== deps.stripe.is_live) return 'another mode'
  const tenant_id = await tenantOf(deps, intent.customer)
  if (tenant_id === null) return 'no such organisation'
  if (intent.payment_id === null) return 'not a top-up of ours'
  return syncPayment(deps, tenant_id, intent.payment_id, intent.id)
}

async function tenantOf({ database }: SyncDeps, customer: string | null): Promise<string | null> {
  return customer === null ? null : tenantOfStripeCustomer(database, customer)
}

/**
 * `intent_id` where it is known from elsewhere than our own row. What Stripe says may be older than what somebody else has put in
 * meanwhile: then it is asked again.
 */
export async function syncPayment(
  deps: SyncDeps,
  tenant_id: string,
  payment_id: string,
  intent_id: string | null = null,
): Promise<Outcome> {
  const { database, stripe } = deps
  for (let attempt = 1; ; attempt += 1) {
    deps.step?.('before reading our row')
    const row = await withTenant(database, tenant_id, (tx) => findPayment(tx, payment_id))
    deps.step?.('before asking about the session')
    const session = row?.checkout_session ? await stripe.readSession(row.checkout_session) : null
    const known = session?.payment_intent ?? row?.payment_intent ?? intent_id
    deps.step?.('before asking about the payment')
    const intent = known === null ? null : await stripe.readIntent(known)
    if (row === null && intent === null) return 'not a top-up of ours'
    if (intent !== null && intent.received_nanos === null) return 'not in US dollars'
    deps.step?.('before booking')
    const isDone = await withTenant(database, tenant_id, async (tx) => {
      const payment = await lockPayment(tx, payment_id, row === null ? intent : null)
      if (payment === null || payment.syncs !== (row?.syncs ?? 0)) return false
      await book(deps, tx, payment, session, intent)
      deps.step?.('before keeping what was booked')
      return true
    })
    deps.step?.('after booking')
    if (isDone) return 'done'
    if (attempt === ATTEMPTS) throw new Error(`payment ${payment_id} is being changed all the time`)
  }
}

async function findPayment(tx: TenantTx, id: string): Promise<Payment | null> {
  const [row] = await tx.select().from(payments).where(eq(payments.id, id))
  return row ?? null
}

/** A payment that Stripe knows by our id and we don't know any more (a backup was restored) is written down again. */
async function lockPayment(tx: TenantTx, id: string, unknown: IntentTruth | null): Promise<Payment | null> {
  if (unknown !== null && unknown.amount_nanos !== null) {
    await tx
      .insert(payments)
      .values({
        id,
        source: 'checkout',
        status: 'open',
        amount_nanos: unknown.amount_nanos,
        is_live: unknown.is_live,
        payment_intent: unknown.id,
        created_by: 'stripe',
        created_at: unknown.created_at,
      })
      .onConflictDoNothing()
  }
  const [row] = await tx.select().from(payments).where(eq(payments.id, id)).for('update')
  return row ?? null
}

async function book(
  deps: SyncDeps,
  tx: TenantTx,
  payment: Payment,
  session: SessionTruth | null,
  intent: IntentTruth | null,
): Promise<void> {
  const id = deps.newId ?? newId
  const booked = { credited: 0n, refunded: 0n, disputed: 0n }
  const post = async (
    kind: Parameters<typeof postToLedger>[1]['kind'],
    external_id: string,
    amount_nanos: bigint,
    cause: string,
  ) => {
    deps.step?.(`before posting ${kind}`)
    const posting = {
      id: id('ledger'),
      kind,
      external_id,
      amount_nanos,
      cause,
      created_by: 'stripe',
      payment_id: payment.id,
    }
    return postToLedger(tx, posting)
  }
  if (intent?.received_nanos) {
    if (await post('top_up', intent.id, intent.received_nanos, wordsOf(payment, intent)))
      booked.credited += intent.received_nanos
    for (const one of intent.refunds) {
      if (one.counts) {
        if (await post('refund', one.id, one.amount_nanos, 'Refund')) booked.refunded += one.amount_nanos
      } else if (await wasPosted(tx, 'refund', one.id)) {
        if (await post('refund_reversal', one.id, one.amount_nanos, 'Refund that failed'))
          booked.refunded -= one.amount_nanos
      }
    }
    for (const one of intent.disputes) {
      if (one.counts) {
        if (await post('dispute', one.id, one.amount_nanos, 'Payment disputed')) booked.disputed += one.amount_nanos
      } else if (await wasPosted(tx, 'dispute', one.id)) {
        if (await post('dispute_reversal', one.id, one.amount_nanos, 'Dispute won')) booked.disputed -= one.amount_nanos
      }
    }
  }
  const status = statusOf(payment, session, intent)
  await tx
    .update(payments)
    .set({
      status,
      payment_intent: intent?.id ?? payment.payment_intent,
      checkout_url: status === 'open' ? (session?.url ?? payment.checkout_url) : null,
      failure_code: status === 'succeeded' ? null : (intent?.failure_code ?? payment.failure_code),
      failure_message: status === 'succeeded' ? null : (intent?.failure_message ?? payment.failure_message),
      receipt_url: intent?.receipt_url ?? payment.receipt_url,
      invoice_number: session?.invoice?.number ?? payment.invoice_number,
      invoice_url: session?.invoice?.url ?? payment.invoice_url,
      credited_nanos: payment.credited_nanos + booked.credited,
      refunded_nanos: payment.refunded_nanos + booked.refunded,
      disputed_nanos: payment.disputed_nanos + booked.disputed,
      succeeded_at: status === 'succeeded' ? (payment.succeeded_at ?? sql`clock_timestamp()`) : payment.succeeded_at,
      syncs: payment.syncs + 1,
      synced_at: sql`clock_timestamp()`,
    })
    .where(eq(payments.id, payment.id))
  await settleAutomatic(tx, payment, status, intent)
}

function wordsOf(payment: Payment, { method }: IntentTruth): string {
  const how = method?.label ?? 'Top-up'
  return payment.source === 'automatic' ? `Automatic, ${how}` : how
}

async function wasPosted(tx: TenantTx, kind: string, external_id: string): Promise<boolean> {
  const [row] = await tx.execute<{ there: boolean }>(sql`
    select exists (select from ledger_transactions where kind = ${kind} and external_id = ${external_id}) as there`)
  return row?.there === true
}

/** A payment that succeeded stays so, whatever is refunded or disputed later. */
function statusOf(payment: Payment, session: SessionTruth | null, intent: IntentTruth | null): Payment['status'] {
  if (payment.status === 'succeeded' || intent?.status === 'succeeded') return 'succeeded'
  if (payment.source === 'automatic') return intent?.status === 'open' ? 'failed' : (intent?.status ?? payment.status)
  if (intent?.status === 'processing') return 'processing'
  // In a checkout that is open another card can be tried.
  if (session?.status === 'open') return 'open'
  if (session?.status === 'expired') return intent?.status === 'failed' ? 'failed' : 'canceled'
  return intent?.status ?? payment.status
}

/** What an automatic payment means for those to come, and which way to pay they will use. */
async function settleAutomatic(tx: TenantTx, payment: Payment, status: Payment['status'], intent: IntentTruth | null) {
  const own = tx.update(billing_accounts)
  if (status === 'succeeded' && payment.status !== 'succeeded' && intent?.saves_method && intent.method !== null) {
    const { id, label } = intent.method
    await own.set({ payment_method: id, payment_method_label: label })
  }
  if (payment.source === 'automatic' && status !== payment.status) {
    const waits = eq(billing_accounts.automatic_state, 'needs_confirmation')
    if (status === 'needs_confirmation') {
      const stopped_reason = 'The bank wants this payment to be confirmed.'
      await own
        .set({ automatic_state: 'needs_confirmation', stopped_reason })
        .where(eq(billing_accounts.automatic_state, 'on'))
    } else if (status === 'failed' || status === 'canceled') {
      const stopped_reason = intent?.failure_message ?? 'The payment was canceled.'
      await own
        .set({ automatic_state: 'stopped', stopped_reason })
        .where(sql`${billing_accounts.automatic_state} in ('on', 'needs_confirmation')`)
    } else if (status === 'succeeded') {
      await own.set({ automatic_state: 'on', stopped_reason: null }).where(waits)
    }
  }
}

/** A way to pay that was saved in a checkout of its own. */
async function syncSetup(deps: SyncDeps, tenant_id: string, session: SessionTruth): Promise<boolean> {
  const { saved } = session
  const mine = eq(billing_accounts.setup_session, session.id)
  return withTenant(deps.database, tenant_id, async (tx) => {
    const values =
      saved === null
        ? session.status === 'open'
          ? null
          : { setup_session: null }
        : { setup_session: null, payment_method: saved.id, payment_method_label: saved.label }
    if (values === null) return true
    const changed = await tx
      .update(billing_accounts)
      .set(values)
      .where(and(mine))
      .returning({ id: billing_accounts.tenant_id })
    return changed.length > 0
  })
}

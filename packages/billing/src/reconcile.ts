import { command, Instant } from '@stipend/core'
import { type Database, withTenant } from '@stipend/db'
import { payments } from '@stipend/db/schema'
import { formatUsd, type Nanodollars } from '@stipend/money'
import { gte, sql } from 'drizzle-orm'
import { z } from 'zod'
import { findAccount } from './customer.ts'
import { type Payments, tenantIdOf } from './outside.ts'
import type { IntentTruth, StripePort } from './stripe.ts'
import { inOurWords } from './top-ups.ts'

const DAY_MS = 86_400_000

export const Difference = z.strictObject({
  between: z.enum(['usage_and_ledger', 'ledger_and_balance', 'ledger_and_payments', 'payments_and_stripe']),
  subject: z.string().describe('An hour, a payment, the balance.'),
  detail: z.string(),
  ours_usd: z.string().nullable(),
  theirs_usd: z.string().nullable(),
})
export type Difference = z.infer<typeof Difference>

export const Reconciliation = z.strictObject({
  since: Instant,
  hours: z.int().describe('Hours of usage that were compared.'),
  payments: z.int().describe('Payments that were compared.'),
  has_asked_stripe: z.boolean(),
  differences: z.array(Difference),
})
export type Reconciliation = z.infer<typeof Reconciliation>

type Row = { subject: string; ours: string | null; theirs: string | null }
const usdOrNull = (nanos: string | null) => (nanos === null ? null : formatUsd(BigInt(nanos)))

/** Compares what was used, what the ledger has, what may be spent and what Stripe has, of one tenant. Changes nothing. */
export async function reconcile(
  database: Database,
  stripe: StripePort | null,
  tenant_id: string,
  since: Date,
): Promise<Reconciliation> {
  const from = since.toISOString()
  // A payment is made at Stripe up to a day after it is written down here.
  const earlier = new Date(since.getTime() - 2 * DAY_MS)
  const { books, ours, customer, hours } = await withTenant(database, tenant_id, async (tx) => {
    // Of the last three hours something may still be on its way.
    const usage = await tx.execute<Row & { hour: string }>(sql`
      with last as (select coalesce(max(covers_until), 'epoch') - interval '3 hours' as at from ledger_transactions where kind = 'usage'),
      charged as (
        select t.covers_from as hour, -sum(e.amount_nanos) as amount
          from ledger_transactions t join ledger_entries e on e.tenant_id = t.tenant_id and e.transaction_id = t.id
         where t.kind = 'usage' and e.account = 'balance' and t.covers_from >= ${from}::timestamptz group by 1),
      used as (
        select date_trunc('hour', settled_at, 'UTC') as hour, sum(cost_nanos) as amount from usage_events
         where draws_on_balance and settled_at >= date_trunc('hour', ${from}::timestamptz, 'UTC') and cost_nanos > 0 group by 1)
      select to_char(coalesce(c.hour, u.hour) at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as subject,
             c.amount as ours, u.amount as theirs
        from charged c full join used u on u.hour = c.hour cross join last
       where coalesce(c.hour, u.hour) < last.at`)
    const [balance] = await tx.execute<Row>(sql`
      select 'balance' as subject,
             (select limit_nanos from accounts where kind = 'balance') as ours,
             (select coalesce(sum(e.amount_nanos), 0) from ledger_transactions t
                join ledger_entries e on e.tenant_id = t.tenant_id and e.transaction_id = t.id
               where e.account = 'balance' and t.kind <> 'usage') as theirs`)
    const posted = await tx.execute<Row>(sql`
      select p.id as subject, p.credited_nanos - p.refunded_nanos - p.disputed_nanos as ours, coalesce(l.amount, 0) as theirs
        from payments p left join (
          select t.payment_id, sum(e.amount_nanos) as amount from ledger_transactions t
            join ledger_entries e on e.tenant_id = t.tenant_id and e.transaction_id = t.id
           where e.account = 'balance' group by 1) l on l.payment_id = p.id`)
    const rows = await tx.select().from(payments).where(gte(payments.created_at, earlier.toISOString()))
    return {
      hours: usage.length,
      books: [
        ...differing('usage_and_ledger', 'The ledger charged something else than was used.', usage),
        ...differing('ledger_and_balance', 'What may be spent is not what the ledger says.', balance ? [balance] : []),
        ...differing('ledger_and_payments', 'The ledger has something else of this payment.', posted),
      ],
      ours: rows,
      customer: (await findAccount(tx))?.stripe_customer ?? null,
    }
  })
  const there = stripe === null || customer === null ? null : await stripe.listIntents(customer, earlier)
  return {
    since: from,
    hours,
    payments: ours.filter((payment) => payment.created_at >= from).length,
    has_asked_stripe: there !== null,
    differences: [...books, ...(there === null ? [] : atStripe(ours, there, from))],
  }
}

function differing(between: Difference['between'], detail: string, rows: readonly Row[]): Difference[] {
  return rows
    .filter((row) => (row.ours ?? '0') !== (row.theirs ?? '0'))
    .map(({ subject, ours, theirs }) => ({
      between,
      subject,
      detail,
      ours_usd: usdOrNull(ours),
      theirs_usd: usdOrNull(theirs),
    }))
}

type Payment = typeof payments.$inferSelect

function atStripe(ours: readonly Payment[], theirs: readonly IntentTruth[], from: string): Difference[] {
  const between = 'payments_and_stripe' as const
  const found: Difference[] = []
  const byIntent = new Map(theirs.map((intent) => [intent.id, intent]))
  const byPayment = new Map(theirs.map((intent) => [intent.payment_id, intent]))
  const net = (intent: IntentTruth): Nanodollars => {
    const gone = [...intent.refunds, ...intent.disputes].filter((one) => one.counts)
    return gone.reduce((sum, one) => sum - one.amount_nanos, intent.received_nanos ?? 0n)
  }
  for (const payment of ours) {
    const booked = payment.credited_nanos - payment.refunded_nanos - payment.disputed_nanos
    const intent = byIntent.get(payment.payment_intent ?? '') ?? byPayment.get(payment.id)
    if (intent === undefined) {
      if (booked === 0n || payment.created_at < from) continue
      const detail = 'Stripe has no such payment of this organisation.'
      found.push({ between, subject: payment.id, detail, ours_usd: formatUsd(booked), theirs_usd: null })
    } else if (net(intent) !== booked) {
      const detail = 'Stripe has another amount of this payment, refunds and disputes included.'
      found.push({
        between,
        subject: payment.id,
        detail,
        ours_usd: formatUsd(booked),
        theirs_usd: formatUsd(net(intent)),
      })
    }
  }
  const known = new Set(ours.map((payment) => payment.payment_intent))
  const ids = new Set<string | null>(ours.map((payment) => payment.id))
  for (const intent of theirs) {
    const isOurs = known.has(intent.id) || ids.has(intent.payment_id)
    if (isOurs || intent.status !== 'succeeded' || intent.created_at < from) continue
    const isForeign = intent.received_nanos === null
    const detail = isForeign
      ? 'Stripe has a payment in another currency, which can’t be booked.'
      : 'Stripe has a payment that is not in our books.'
    found.push({
      between,
      subject: intent.id,
      detail,
      ours_usd: null,
      theirs_usd: isForeign ? null : formatUsd(net(intent)),
    })
  }
  return found
}

export const run = command({
  name: 'billing.reconcile',
  permission: 'billing:read',
  summary: 'Compare what was used, what the ledger has, and what the payment provider has, and list every difference.',
  input: z.strictObject({ days: z.coerce.number().int().min(1).max(366).default(35) }),
  output: Reconciliation,
  errors: ['unavailable'],
  handle: async ({ now, input }) => ({
    output: { since: sinceOf(now, input.days), hours: 0, payments: 0, has_asked_stripe: false, differences: [] },
    audit: [],
  }),
  carry_out: async ({ database, actor, outside, now, input }) =>
    inOurWords(() =>
      reconcile(database, stripeOf(outside?.billing), tenantIdOf(actor), new Date(sinceOf(now, input.days))),
    ),
})

const sinceOf = (now: Date, days: number): string => new Date(now.getTime() - days * DAY_MS).toISOString()
const stripeOf = (billing: Payments | undefined): StripePort | null => billing?.stripe ?? null

import { Instant, idSchema, UsdInput, UsdOutput } from '@stipend/core'
import { PAYMENT_STATUSES, type payments } from '@stipend/db/schema'
import { formatUsd, NANOS_PER_USD, type Nanodollars, parseUsd } from '@stipend/money'
import { z } from 'zod'
import { isWholeCents } from './stripe.ts'

/** Offered at a click. */
export const AMOUNTS_USD = ['25.00', '50.00', '100.00', '250.00'] as const
export const AMOUNT_NANOS_MIN: Nanodollars = 5n * NANOS_PER_USD
export const AMOUNT_NANOS_MAX: Nanodollars = 10_000n * NANOS_PER_USD

export function nanosOf(text: string): Nanodollars {
  const parsed = parseUsd(text)
  if (!parsed.ok) throw new Error('an amount that nobody has checked')
  return parsed.nanos
}

/** What can be paid at once: whole cents, at least $5, at most $10,000. */
export const TopUpAmount = UsdInput.superRefine((text, context) => {
  const parsed = parseUsd(text)
  if (!parsed.ok) return
  const refuse = (message: string) => context.addIssue({ code: 'custom', message })
  if (!isWholeCents(parsed.nanos)) refuse('Give whole cents, such as "25.00".')
  else if (parsed.nanos < AMOUNT_NANOS_MIN) refuse('The least is "5.00".')
  else if (parsed.nanos > AMOUNT_NANOS_MAX)
    refuse('The most at once is "10000.00". Ask the operator for an invoice instead.')
})

export const TopUp = z.strictObject({
  id: idSchema('payment'),
  source: z.enum(['checkout', 'automatic']),
  status: z.enum(PAYMENT_STATUSES),
  amount_usd: UsdOutput,
  credited_usd: UsdOutput.describe('What came to the balance.'),
  refunded_usd: UsdOutput,
  disputed_usd: UsdOutput,
  checkout_url: z.string().nullable().describe('Where to pay, while it is open.'),
  failure: z.string().nullable().describe('Why it failed, in words for people.'),
  receipt_url: z.string().nullable(),
  invoice_number: z.string().nullable(),
  invoice_url: z.string().nullable(),
  created_at: Instant,
  succeeded_at: Instant.nullable(),
})
export type TopUp = z.infer<typeof TopUp>

export function viewPayment(row: typeof payments.$inferSelect): TopUp {
  const { id, source, status, checkout_url, receipt_url, invoice_number, invoice_url, created_at, succeeded_at } = row
  return {
    ...{ id, source, status, checkout_url, receipt_url, invoice_number, invoice_url, created_at, succeeded_at },
    amount_usd: formatUsd(row.amount_nanos),
    credited_usd: formatUsd(row.credited_nanos),
    refunded_usd: formatUsd(row.refunded_nanos),
    disputed_usd: formatUsd(row.disputed_nanos),
    failure: row.failure_message,
  }
}

import { type Database, unsettledPayments, withTenant } from '@stipend/db'
import { payments } from '@stipend/db/schema'
import { displayUsd } from '@stipend/money'
import { and, eq, isNull, lt } from 'drizzle-orm'
import { ensureCustomer, slugOf } from './customer.ts'
import type { InboxLog } from './inbox.ts'
import type { Payments } from './outside.ts'
import { syncPayment } from './sync.ts'

export const pagePath = (slug: string, payment_id: string) => `/t/${slug}/billing/top-ups/${payment_id}`

/**
 * Makes the checkout of a payment that is written down already, or finds the one it has: the payment's id is the key by which Stripe
 * makes it once.
 */
export async function openCheckout(
  { database, outside, save_method }: { database: Database; outside: Payments; save_method: boolean },
  tenant_id: string,
  payment_id: string,
): Promise<void> {
  const { stripe, console_url } = outside
  const customer = await ensureCustomer(database, stripe, tenant_id)
  const [payment, slug] = await withTenant(database, tenant_id, async (tx) => {
    const [row] = await tx.select().from(payments).where(eq(payments.id, payment_id))
    return [row, await slugOf(tx)] as const
  })
  if (payment === undefined || payment.checkout_session !== null) return
  const page = `${console_url}${pagePath(slug, payment_id)}`
  const session = await stripe.createCheckout({
    payment_id,
    customer,
    amount_nanos: payment.amount_nanos,
    description: `Balance top-up, ${displayUsd(payment.amount_nanos)}`,
    save_method,
    success_url: page,
    cancel_url: `${page}?back=1`,
  })
  await withTenant(database, tenant_id, (tx) =>
    tx
      .update(payments)
      .set({ status: 'open', checkout_session: session.id, checkout_url: session.url })
      .where(and(eq(payments.id, payment_id), isNull(payments.checkout_session))),
  )
}

/** Asks Stripe how a payment stands. */
export async function checkPayment(
  database: Database,
  { stripe }: Payments,
  tenant_id: string,
  payment_id: string,
): Promise<void> {
  await syncPayment({ database, stripe }, tenant_id, payment_id)
}

const DAY_MS = 86_400_000

/**
 * Looks after payments of which the end isn't known: asks Stripe about each, in case its events got lost. One that never got as far as
 * Stripe is given up after a day.
 */
export async function checkUnsettled(
  { database, stripe, log }: { database: Database; stripe: Payments['stripe']; log: InboxLog },
  now: Date,
  signal?: AbortSignal,
): Promise<void> {
  const yesterday = new Date(now.getTime() - DAY_MS).toISOString()
  for (const { tenant_id, id } of await unsettledPayments(database)) {
    if (signal?.aborted) return
    try {
      await syncPayment({ database, stripe }, tenant_id, id)
      await withTenant(database, tenant_id, (tx) =>
        tx
          .update(payments)
          .set({ status: 'canceled' })
          .where(
            and(
              eq(payments.id, id),
              eq(payments.status, 'created'),
              eq(payments.source, 'checkout'),
              isNull(payments.checkout_session),
              lt(payments.created_at, yesterday),
            ),
          ),
      )
    } catch (error) {
      log.error({ tenant_id, payment_id: id, err: error }, 'a payment could not be looked after')
    }
  }
}

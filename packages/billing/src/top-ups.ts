import { actorId, command, decodeCursor, idSchema, PageInput, pageOf, query, toPage } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import { type TenantTx, withTenant } from '@stipend/db'
import { PAYMENT_STATUSES, payments } from '@stipend/db/schema'
import { and, desc, eq, sql } from 'drizzle-orm'
import { z } from 'zod'
import { paymentsOf, tenantIdOf } from './outside.ts'
import { nanosOf, TopUp, TopUpAmount, viewPayment } from './payment.ts'
import { asPaymentError } from './stripe.ts'
import { checkPayment, openCheckout } from './top-up.ts'

const TopUpRef = z.strictObject({ id: idSchema('payment') })

export async function getTopUp(tx: TenantTx, id: string): Promise<TopUp> {
  const [row] = await tx.select().from(payments).where(eq(payments.id, id))
  if (row === undefined) throw new DomainError('not_found', 'There is no such top-up.')
  return viewPayment(row)
}

/** What goes wrong at Stripe, in our words. */
export async function inOurWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asPaymentError(error)
  }
}

export const create = command({
  name: 'top_ups.create',
  permission: 'billing:write',
  summary: 'Begin a top-up. Whoever is to pay opens `checkout_url`; the balance rises when the payment has arrived.',
  input: z.strictObject({
    amount_usd: TopUpAmount,
    save_method: z.boolean().default(false).describe('Keep the way to pay, for automatic top-up.'),
  }),
  output: TopUp,
  errors: ['conflict', 'unavailable'],
  handle: async ({ tx, actor, input, now, newId, outside }) => {
    const { stripe } = paymentsOf(outside)
    const id = newId('payment')
    await tx.insert(payments).values({
      id,
      source: 'checkout',
      status: 'created',
      amount_nanos: nanosOf(input.amount_usd),
      is_live: stripe.is_live,
      created_by: actorId(actor),
      created_at: now.toISOString(),
    })
    const output = await getTopUp(tx, id)
    return {
      output,
      audit: { target_id: id, after: { amount_usd: output.amount_usd, save_method: input.save_method } },
    }
  },
  carry_out: async ({ database, actor, outside, input, output }) => {
    const tenant_id = tenantIdOf(actor)
    const { save_method } = input
    const way = { database, outside: paymentsOf(outside), save_method }
    await inOurWords(() => openCheckout(way, tenant_id, output.id))
    return withTenant(database, tenant_id, (tx) => getTopUp(tx, output.id))
  },
})

export const list = query({
  name: 'top_ups.list',
  permission: 'billing:read',
  summary: 'Top-ups with their receipts and invoices, newest first.',
  input: PageInput.extend({ status: z.enum(PAYMENT_STATUSES).optional() }),
  output: pageOf(TopUp),
  errors: [],
  handle: async ({ tx, input }) => {
    const { limit, cursor, status } = input
    const after = cursor === undefined ? undefined : decodeCursor(cursor, 2)
    const rows = await tx
      .select()
      .from(payments)
      .where(
        and(
          after === undefined
            ? undefined
            : sql`(${payments.created_at}, ${payments.id}) < (${after[0]}::timestamptz, ${after[1]})`,
          status === undefined ? undefined : eq(payments.status, status),
        ),
      )
      .orderBy(desc(payments.created_at), desc(payments.id))
      .limit(limit + 1)
    return toPage(rows, limit, viewPayment, (row) => [row.created_at, row.id])
  },
})

export const get = query({
  name: 'top_ups.get',
  permission: 'billing:read',
  summary: 'A top-up as we last saw it.',
  input: TopUpRef,
  output: TopUp,
  errors: ['not_found'],
  handle: ({ tx, input }) => getTopUp(tx, input.id),
})

export const check = command({
  name: 'top_ups.check',
  permission: 'billing:read',
  summary: 'Ask the payment provider how a top-up stands, and answer that.',
  input: TopUpRef,
  output: TopUp,
  errors: ['not_found', 'conflict', 'unavailable'],
  handle: async ({ tx, input }) => ({ output: await getTopUp(tx, input.id), audit: [] }),
  carry_out: async ({ database, actor, outside, output }) => {
    const tenant_id = tenantIdOf(actor)
    await inOurWords(() => checkPayment(database, paymentsOf(outside), tenant_id, output.id))
    return withTenant(database, tenant_id, (tx) => getTopUp(tx, output.id))
  },
})

export const cancel = command({
  name: 'top_ups.cancel',
  permission: 'billing:write',
  summary: 'Give up a top-up that is not paid.',
  input: TopUpRef,
  output: TopUp,
  errors: ['not_found', 'conflict', 'unavailable'],
  handle: async ({ tx, input }) => {
    const output = await getTopUp(tx, input.id)
    if (output.status !== 'open' && output.status !== 'created' && output.status !== 'needs_confirmation') {
      throw new DomainError('conflict', `This top-up is ${output.status}: there is nothing to give up.`)
    }
    return { output, audit: { target_id: input.id, before: { status: output.status } } }
  },
  carry_out: async ({ database, actor, outside, output }) => {
    const tenant_id = tenantIdOf(actor)
    const billing = paymentsOf(outside)
    await inOurWords(async () => {
      const [row] = await withTenant(database, tenant_id, (tx) =>
        tx.select().from(payments).where(eq(payments.id, output.id)),
      )
      // What can no longer be given up was paid meanwhile: then that is the truth.
      const ignore = () => {}
      if (row?.checkout_session) await billing.stripe.expireSession(row.checkout_session).catch(ignore)
      else if (row?.payment_intent) await billing.stripe.cancelIntent(row.payment_intent).catch(ignore)
      else {
        await withTenant(database, tenant_id, (tx) =>
          tx
            .update(payments)
            .set({ status: 'canceled' })
            .where(and(eq(payments.id, output.id), eq(payments.status, 'created'))),
        )
        return
      }
      await checkPayment(database, billing, tenant_id, output.id)
    })
    return withTenant(database, tenant_id, (tx) => getTopUp(tx, output.id))
  },
})

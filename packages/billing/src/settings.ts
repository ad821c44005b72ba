import { actorId, command, query, UsdInput, UsdOutput } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import { type TenantTx, withTenant } from '@stipend/db'
import { billing_accounts } from '@stipend/db/schema'
import { formatUsd } from '@stipend/money'
import { z } from 'zod'
import { findUnconfirmed, spentThisMonth } from './automatic.ts'
import { ensureCustomer, findAccount, requireAccount, slugOf } from './customer.ts'
import { paymentsOf, tenantIdOf } from './outside.ts'
import { AMOUNT_NANOS_MAX, AMOUNT_NANOS_MIN, AMOUNTS_USD, nanosOf, TopUpAmount } from './payment.ts'
import { syncPayment, syncPointer } from './sync.ts'
import { pagePath } from './top-up.ts'
import { inOurWords } from './top-ups.ts'

export const AUTOMATIC_STATES = ['off', 'on', 'needs_confirmation', 'stopped'] as const
const COOLDOWN_MINUTES = 60

export const Billing = z.strictObject({
  is_available: z.boolean().describe('Whether payments are set up here; otherwise the operator sends invoices.'),
  is_test: z.boolean().describe('Whether no money moves.'),
  amounts: z.array(UsdOutput).describe('Amounts that are offered at a click.'),
  amount_min_usd: UsdOutput,
  amount_max_usd: UsdOutput,
  payment_method: z.string().nullable().describe('The saved way to pay, such as "Visa ending in 4242".'),
  low_below_usd: UsdOutput.nullable().describe('Below this it is warned of; null: below what a week costs.'),
  automatic: z.strictObject({
    state: z.enum(AUTOMATIC_STATES),
    reason: z.string().nullable().describe('Why it stopped or what it waits for.'),
    threshold_usd: UsdOutput.nullable(),
    amount_usd: UsdOutput.nullable(),
    monthly_max_usd: UsdOutput.nullable(),
    cooldown_minutes: z.int(),
    spent_this_month_usd: UsdOutput,
    unconfirmed_top_up_id: z.string().nullable().describe('The payment that the bank wants to be confirmed.'),
  }),
})
export type Billing = z.infer<typeof Billing>

type Seen = { tx: TenantTx; now: Date; outside: Parameters<typeof paymentsOf>[0] }

async function readBilling({ tx, now, outside }: Seen): Promise<Billing> {
  const account = await findAccount(tx)
  const orNull = (nanos: bigint | null | undefined) => (nanos === null || nanos === undefined ? null : formatUsd(nanos))
  return {
    is_available: outside?.billing !== undefined,
    is_test: outside?.billing?.stripe.is_live === false,
    amounts: [...AMOUNTS_USD],
    amount_min_usd: formatUsd(AMOUNT_NANOS_MIN),
    amount_max_usd: formatUsd(AMOUNT_NANOS_MAX),
    payment_method: account?.payment_method_label ?? null,
    low_below_usd: orNull(account?.low_nanos),
    automatic: {
      state: account?.automatic_state ?? 'off',
      reason: account?.stopped_reason ?? null,
      threshold_usd: orNull(account?.threshold_nanos),
      amount_usd: orNull(account?.amount_nanos),
      monthly_max_usd: orNull(account?.monthly_max_nanos),
      cooldown_minutes: account?.cooldown_minutes ?? COOLDOWN_MINUTES,
      spent_this_month_usd: formatUsd(await spentThisMonth(tx, now)),
      unconfirmed_top_up_id: (await findUnconfirmed(tx))?.id ?? null,
    },
  }
}

export const get = query({
  name: 'billing.get',
  permission: 'billing:read',
  summary: 'How the organisation pays: its saved way to pay, automatic top-up, and when it is warned.',
  input: z.strictObject({}),
  output: Billing,
  errors: [],
  handle: readBilling,
})

export const setAutomatic = command({
  name: 'billing.set_automatic',
  permission: 'billing:write',
  summary:
    'Have the saved way to pay charged whenever the balance falls below an amount; or start that again after it stopped.',
  input: z.strictObject({
    threshold_usd: UsdInput.describe('Below this the balance is topped up.'),
    amount_usd: TopUpAmount.describe('With this much.'),
    monthly_max_usd: UsdInput.describe('No more than this in a calendar month.'),
    cooldown_minutes: z.coerce
      .number()
      .int()
      .min(5, 'At least 5 minutes.')
      .max(10_080, 'At most a week: 10080 minutes.')
      .default(COOLDOWN_MINUTES)
      .describe('How long to wait after one before the next.'),
  }),
  output: Billing,
  errors: ['conflict'],
  handle: async (call) => {
    const { tx, input } = call
    const amount_nanos = nanosOf(input.amount_usd)
    const monthly_max_nanos = nanosOf(input.monthly_max_usd)
    if (monthly_max_nanos < amount_nanos) {
      const message = 'The most for a month is less than one top-up.'
      throw new DomainError('invalid_request', message, {
        param: 'monthly_max_usd',
        fields: [{ path: 'monthly_max_usd', message }],
      })
    }
    const before = await readBilling(call)
    const account = await requireAccount(tx)
    if (account.payment_method === null) {
      throw new DomainError('conflict', 'Save a way to pay first: it is charged when nobody is there.')
    }
    await refuseUnconfirmed(tx)
    await tx.update(billing_accounts).set({
      automatic_state: 'on',
      stopped_reason: null,
      threshold_nanos: nanosOf(input.threshold_usd),
      amount_nanos,
      monthly_max_nanos,
      cooldown_minutes: input.cooldown_minutes,
      resumptions: account.automatic_state === 'on' ? account.resumptions : account.resumptions + 1,
    })
    const output = await readBilling(call)
    return { output, audit: { target_id: account.tenant_id, before: before.automatic, after: output.automatic } }
  },
})

/** One that waits for the bank may still come through: it is confirmed or given up before another may be made. */
async function refuseUnconfirmed(tx: TenantTx): Promise<void> {
  if ((await findUnconfirmed(tx)) !== null) {
    throw new DomainError(
      'conflict',
      'A payment waits to be confirmed. Confirm it, or give it up, and then start again.',
    )
  }
}

export const stopAutomatic = command({
  name: 'billing.stop_automatic',
  permission: 'billing:write',
  summary: 'Charge nothing by itself any more.',
  input: z.strictObject({}),
  output: Billing,
  errors: [],
  handle: async (call) => {
    const before = await readBilling(call)
    const account = await requireAccount(call.tx)
    await call.tx.update(billing_accounts).set({ automatic_state: 'off', stopped_reason: null })
    const output = await readBilling(call)
    return { output, audit: { target_id: account.tenant_id, before: before.automatic, after: output.automatic } }
  },
})

export const setAlert = command({
  name: 'billing.set_alert',
  permission: 'billing:write',
  summary: 'Say below which balance to warn; null: below what a week costs.',
  input: z.strictObject({ low_below_usd: UsdInput.nullable() }),
  output: Billing,
  errors: [],
  handle: async (call) => {
    const before = await readBilling(call)
    const account = await requireAccount(call.tx)
    const { low_below_usd } = call.input
    await call.tx.update(billing_accounts).set({ low_nanos: low_below_usd === null ? null : nanosOf(low_below_usd) })
    const output = await readBilling(call)
    const { low_below_usd: was } = before
    return { output, audit: { target_id: account.tenant_id, before: { low_below_usd: was }, after: { low_below_usd } } }
  },
})

const Link = z.strictObject({
  url: z.string().nullable().describe('Where to go on; null: there is nothing to do any more.'),
})

export const saveMethod = command({
  name: 'billing.save_method',
  permission: 'billing:write',
  summary: 'Begin to save a way to pay, at the payment provider. Nothing is charged.',
  input: z.strictObject({}),
  output: Link,
  errors: ['conflict', 'unavailable'],
  handle: async ({ tx, actor, outside }) => {
    paymentsOf(outside)
    const account = await requireAccount(tx)
    return { output: { url: null }, audit: { target_id: account.tenant_id, after: { asked_by: actorId(actor) } } }
  },
  carry_out: async ({ database, actor, outside, request }) => {
    const { stripe, console_url } = paymentsOf(outside)
    const tenant_id = tenantIdOf(actor)
    return inOurWords(async () => {
      const customer = await ensureCustomer(database, stripe, tenant_id)
      const slug = await withTenant(database, tenant_id, slugOf)
      const page = `${console_url}/t/${slug}/billing/automatic`
      const session = await stripe.createSetup({
        customer,
        key: `setup-${tenant_id}-${request.request_id}`,
        success_url: `${page}?saved=1`,
        cancel_url: page,
      })
      await withTenant(database, tenant_id, (tx) => tx.update(billing_accounts).set({ setup_session: session.id }))
      return { url: session.url }
    })
  },
})

export const checkMethod = command({
  name: 'billing.check_method',
  permission: 'billing:read',
  summary: 'Ask the payment provider whether a way to pay was saved, and answer how the organisation pays.',
  input: z.strictObject({}),
  output: Billing,
  errors: ['conflict', 'unavailable'],
  handle: async (call) => ({ output: await readBilling(call), audit: [] }),
  carry_out: async ({ database, actor, outside, output, now }) => {
    const tenant_id = tenantIdOf(actor)
    const account = await withTenant(database, tenant_id, findAccount)
    const session = account?.setup_session
    if (session === null || session === undefined) return output
    await inOurWords(() => syncPointer({ database, stripe: paymentsOf(outside).stripe }, session))
    return withTenant(database, tenant_id, (tx) => readBilling({ tx, now, outside }))
  },
})

export const confirm = command({
  name: 'billing.confirm',
  permission: 'billing:write',
  summary: 'Go on with the automatic payment that the bank wants to be confirmed.',
  input: z.strictObject({}),
  output: Link,
  errors: ['conflict', 'unavailable'],
  handle: async ({ tx }) => {
    const waiting = await findUnconfirmed(tx)
    return { output: { url: null }, audit: waiting === null ? [] : { target_id: waiting.id } }
  },
  carry_out: async ({ database, actor, outside }) => {
    const { stripe, console_url } = paymentsOf(outside)
    const tenant_id = tenantIdOf(actor)
    const [waiting, account, slug] = await withTenant(database, tenant_id, async (tx) => [
      await findUnconfirmed(tx),
      await findAccount(tx),
      await slugOf(tx),
    ])
    if (waiting?.payment_intent == null || account?.payment_method == null) return { url: null }
    const back = `${console_url}${pagePath(slug, waiting.id)}`
    const { payment_intent } = waiting
    const { payment_method } = account
    return inOurWords(async () => {
      const url = await stripe.confirm(payment_intent, payment_method, back)
      if (url === null) await syncPayment({ database, stripe }, tenant_id, waiting.id)
      return { url }
    })
  },
})

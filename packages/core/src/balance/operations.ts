import type { TenantTx } from '@stipend/db'
import { account_periods, accounts, ledger_entries } from '@stipend/db/schema'
import { and, eq, sql } from 'drizzle-orm'
import { z } from 'zod'
import { actorId } from '../actor.ts'
import { toNanos, usd } from '../fields.ts'
import { command, query } from '../operation.ts'
import { Balance, CreditBalance, LedgerEntry } from './balance.ts'

const isBalance = eq(accounts.kind, 'balance')

export async function readBalance(tx: TenantTx): Promise<Balance> {
  const [row] = await tx
    .select({
      credited: accounts.limit_nanos,
      spent: account_periods.spent_nanos,
      leased: account_periods.leased_nanos,
    })
    .from(accounts)
    .leftJoin(
      account_periods,
      and(eq(account_periods.tenant_id, accounts.tenant_id), eq(account_periods.account_id, accounts.id)),
    )
    .where(isBalance)
  const credited = row?.credited ?? 0n
  const spent = row?.spent ?? 0n
  const leased = row?.leased ?? 0n
  return {
    available_usd: usd(credited - spent),
    credited_usd: usd(credited),
    spent_usd: usd(spent),
    set_aside_usd: usd(leased),
  }
}

export const get = query({
  name: 'balance.get',
  permission: 'balance:read',
  summary: 'The prepaid money of the organisation.',
  input: z.strictObject({}),
  output: Balance,
  errors: [],
  handle: ({ tx }) => readBalance(tx),
})

export const credit = command({
  name: 'balance.credit',
  permission: 'platform:write',
  summary: 'Credit an organisation’s balance by hand, with the reason.',
  input: CreditBalance,
  output: LedgerEntry,
  errors: [],
  handle: async ({ tx, actor, input, now, newId }) => {
    const amount = toNanos(input.amount_usd)
    const before = await readBalance(tx)
    const [account] = await tx
      .update(accounts)
      .set({ limit_nanos: sql`${accounts.limit_nanos} + ${amount}` })
      .where(isBalance)
      .returning({ id: accounts.id })
    if (account === undefined) throw new Error('a tenant has no balance')
    await tx
      .update(account_periods)
      .set({ limit_nanos: sql`${account_periods.limit_nanos} + ${amount}` })
      .where(eq(account_periods.account_id, account.id))
    const entry = { id: newId('ledger'), cause: input.cause, created_at: now.toISOString() }
    await tx
      .insert(ledger_entries)
      .values({ ...entry, account_id: account.id, amount_nanos: amount, created_by: actorId(actor) })
    const after = await readBalance(tx)
    return {
      output: { ...entry, amount_usd: usd(amount) },
      audit: { target_id: account.id, before, after: { ...after, cause: input.cause } },
    }
  },
})

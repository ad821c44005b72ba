import { ledger_entries, ledger_transactions, promotions } from '@stipend/db/schema'
import { and, asc, desc, eq, inArray, isNull, lt, ne } from 'drizzle-orm'
import { z } from 'zod'
import { actorId } from '../actor.ts'
import { given } from '../conditions.ts'
import { invalidField } from '../errors.ts'
import { toNanos, usd } from '../fields.ts'
import { command, query } from '../operation.ts'
import { decodeCursor, toPage } from '../page.ts'
import {
  Balance,
  CreditBalance,
  LedgerPage,
  type LedgerTransaction,
  Level,
  ListLedger,
  PromoteBalance,
  Promotion,
} from './balance.ts'
import { postToLedger } from './ledger.ts'
import { readBalance, readStanding } from './read.ts'

export const get = query({
  name: 'balance.get',
  permission: 'balance:read',
  summary: 'The prepaid money of the organisation, and how long it will last.',
  input: z.strictObject({}),
  output: Balance,
  errors: [],
  handle: ({ tx, now }) => readBalance(tx, now),
})

export const level = query({
  name: 'balance.level',
  permission: 'tenant:read',
  summary: 'Whether there is enough money, little, or none: for those who need not know how much.',
  input: z.strictObject({}),
  output: Level,
  errors: [],
  handle: async ({ tx, now }) => ({ level: (await readStanding(tx, now)).level }),
})

export const credit = command({
  name: 'balance.credit',
  permission: 'platform:write',
  summary: 'Credit an organisation’s balance by hand, with the reason.',
  input: CreditBalance,
  output: z.strictObject({
    id: z.string(),
    amount_usd: z.string(),
    cause: z.string(),
    created_at: z.string(),
  }),
  errors: [],
  handle: async ({ tx, actor, input, now, newId }) => {
    const amount_nanos = toNanos(input.amount_usd)
    const before = await readBalance(tx, now)
    const id = newId('ledger')
    const { cause } = input
    await postToLedger(tx, { id, kind: 'credit', external_id: id, amount_nanos, cause, created_by: actorId(actor) })
    const after = await readBalance(tx, now)
    return {
      output: { id, amount_usd: usd(amount_nanos), cause, created_at: now.toISOString() },
      audit: { target_id: id, before, after: { ...after, cause } },
    }
  },
})

export const promote = command({
  name: 'balance.promote',
  permission: 'platform:write',
  summary: 'Give an organisation money that expires.',
  input: PromoteBalance,
  output: Promotion,
  errors: [],
  handle: async ({ tx, actor, input, now, newId }) => {
    const { cause, expires_at } = input
    const created_at = now.toISOString()
    if (expires_at <= created_at) throw invalidField('expires_at', 'Give a time that is still to come.')
    const amount_nanos = toNanos(input.amount_usd)
    const id = newId('promotion')
    const created_by = actorId(actor)
    await tx
      .insert(promotions)
      .values({ id, amount_nanos, cause, expires_at, counted_until: created_at, created_by, created_at })
    await postToLedger(tx, { id: newId('ledger'), kind: 'promotion', external_id: id, amount_nanos, cause, created_by })
    const output = { id, amount_usd: usd(amount_nanos), left_usd: usd(amount_nanos), cause, expires_at, created_at }
    return { output, audit: { target_id: id, after: output } }
  },
})

export const listPromotions = query({
  name: 'balance.list_promotions',
  permission: 'balance:read',
  summary: 'Money that expires if it is not used, soonest first: it is used in this order, before all other.',
  input: z.strictObject({}),
  output: z.strictObject({ data: z.array(Promotion) }),
  errors: [],
  handle: async ({ tx }) => {
    const rows = await tx
      .select()
      .from(promotions)
      .where(isNull(promotions.closed_at))
      .orderBy(asc(promotions.expires_at), asc(promotions.id))
    return {
      data: rows.map(({ id, cause, expires_at, created_at, amount_nanos, used_nanos, taken_nanos }) => ({
        ...{ id, cause, expires_at, created_at },
        amount_usd: usd(amount_nanos),
        left_usd: usd(amount_nanos - used_nanos - taken_nanos),
      })),
    }
  },
})

export const listLedger = query({
  name: 'balance.list_ledger',
  permission: 'billing:read',
  summary: 'Every movement of the balance, newest first, with what it was after each.',
  input: ListLedger,
  output: LedgerPage,
  errors: [],
  handle: async ({ tx, input }) => {
    const { limit, cursor, kind, without_usage } = input
    const [before] = cursor === undefined ? [] : decodeCursor(cursor, 1)
    const number = before === undefined ? undefined : Number.parseInt(before, 10)
    if (number !== undefined && !Number.isSafeInteger(number))
      throw invalidField('cursor', 'Pass next_cursor unchanged.')
    const rows = await tx
      .select()
      .from(ledger_transactions)
      .where(
        and(
          given(number, (value) => lt(ledger_transactions.number, value)),
          given(kind, (value) => eq(ledger_transactions.kind, value)),
          without_usage ? ne(ledger_transactions.kind, 'usage') : undefined,
        ),
      )
      .orderBy(desc(ledger_transactions.number))
      .limit(limit + 1)
    const ids = rows.map((row) => row.id)
    const entries =
      ids.length === 0
        ? []
        : await tx
            .select()
            .from(ledger_entries)
            .where(inArray(ledger_entries.transaction_id, ids))
            .orderBy(asc(ledger_entries.account))
    const view = (row: (typeof rows)[number]): LedgerTransaction => {
      const mine = entries.filter((entry) => entry.transaction_id === row.id)
      const { id, kind, cause, payment_id, covers_from, covers_until, effective_at, created_at } = row
      return {
        ...{ id, number: row.number, kind, cause, payment_id, covers_from, covers_until, effective_at, created_at },
        amount_usd: usd(mine.find((entry) => entry.account === 'balance')?.amount_nanos ?? 0n),
        balance_after_usd: usd(row.balance_after_nanos),
        entries: mine.map(({ account, amount_nanos }) => ({ account, amount_usd: usd(amount_nanos) })),
      }
    }
    return toPage(rows, limit, view, (row) => [String(row.number)])
  },
})

import { query, UsdOutput } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import type { TenantTx } from '@stipend/db'
import { LEDGER_KINDS, tenants } from '@stipend/db/schema'
import { formatUsd } from '@stipend/money'
import { sql } from 'drizzle-orm'
import { z } from 'zod'

const Month = z
  .string()
  .regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'Give a month, such as 2026-11.')
  .meta({ examples: ['2026-11'] })

export const StatementLine = z.strictObject({
  day: z.iso.date().meta({ examples: ['2026-11-21'] }),
  kind: z.enum(LEDGER_KINDS),
  cause: z.string(),
  amount_usd: UsdOutput,
  balance_after_usd: UsdOutput.describe('The balance after it, within this statement.'),
})

export const Statement = z.strictObject({
  month: Month,
  organisation: z.string(),
  time_zone: z.string(),
  is_final: z.boolean().describe('Whether the month is over, by the clock of the organisation.'),
  opening_usd: UsdOutput,
  closing_usd: UsdOutput,
  totals: z.array(z.strictObject({ kind: z.enum(LEDGER_KINDS), count: z.int(), amount_usd: UsdOutput })),
  lines: z.array(StatementLine).describe('In order. Usage is one line a day.'),
})
export type Statement = z.infer<typeof Statement>

/** Local days and months of the ledger, by the moment each movement counts for. Usage of a day is one line. */
const LINES = sql`
  select to_char(t.effective_at at time zone zone.name, 'YYYY-MM-DD') as day, t.kind,
         case when t.kind = 'usage' then 'Usage' else t.cause end as cause,
         sum(e.amount_nanos) as amount, max(t.number) as place, count(*) as count
    from ledger_transactions t
    join ledger_entries e on e.tenant_id = t.tenant_id and e.transaction_id = t.id and e.account = 'balance'
    cross join (select time_zone as name from tenants) zone
   group by 1, 2, 3, case when t.kind = 'usage' then '' else t.id end`

type Line = { day: string; kind: (typeof LEDGER_KINDS)[number]; cause: string; amount: string; count: string }

async function thisMonth(tx: TenantTx, now: Date): Promise<string> {
  const [row] = await tx.execute<{ month: string }>(sql`
    select to_char(${now.toISOString()}::timestamptz at time zone time_zone, 'YYYY-MM') as month from tenants`)
  return row?.month ?? ''
}

export const list = query({
  name: 'statements.list',
  permission: 'billing:read',
  summary: 'The months in which money moved, newest first.',
  input: z.strictObject({}),
  output: z.strictObject({
    data: z.array(Statement.omit({ lines: true, totals: true, organisation: true, time_zone: true })),
  }),
  errors: [],
  handle: async ({ tx, now }) => {
    const rows = await tx.execute<{ month: string; amount: string }>(sql`
      select substr(day, 1, 7) as month, sum(amount) as amount from (${LINES}) lines group by 1 order by 1`)
    const current = await thisMonth(tx, now)
    let balance = 0n
    const data = rows.map((row) => {
      const opening = balance
      balance += BigInt(row.amount)
      return {
        month: row.month,
        is_final: row.month < current,
        opening_usd: formatUsd(opening),
        closing_usd: formatUsd(balance),
      }
    })
    return { data: data.reverse() }
  },
})

export const get = query({
  name: 'statements.get',
  permission: 'billing:read',
  summary: 'What came in and went out in a month, line by line.',
  input: z.strictObject({ month: Month }),
  output: Statement,
  errors: ['not_found'],
  handle: async ({ tx, input, now }) => {
    const { month } = input
    const [tenant] = await tx.select({ name: tenants.name, time_zone: tenants.time_zone }).from(tenants)
    const current = await thisMonth(tx, now)
    if (tenant === undefined || month > current) throw new DomainError('not_found', 'There is no such statement.')
    const [before] = await tx.execute<{ amount: string }>(sql`
      select coalesce(sum(amount), 0) as amount from (${LINES}) lines where day < ${`${month}-01`}`)
    const rows = await tx.execute<Line>(sql`
      select * from (${LINES}) lines where substr(day, 1, 7) = ${month} order by day, place`)
    const opening = BigInt(before?.amount ?? 0)
    let balance = opening
    const totals = new Map<Line['kind'], { count: number; amount: bigint }>()
    const lines = rows.map(({ day, kind, cause, amount }) => {
      balance += BigInt(amount)
      const total = totals.get(kind) ?? { count: 0, amount: 0n }
      totals.set(kind, { count: total.count + 1, amount: total.amount + BigInt(amount) })
      return { day, kind, cause, amount_usd: formatUsd(BigInt(amount)), balance_after_usd: formatUsd(balance) }
    })
    return {
      month,
      organisation: tenant.name,
      time_zone: tenant.time_zone,
      is_final: month < current,
      opening_usd: formatUsd(opening),
      closing_usd: formatUsd(balance),
      totals: [...totals].map(([kind, { count, amount }]) => ({ kind, count, amount_usd: formatUsd(amount) })),
      lines,
    }
  },
})

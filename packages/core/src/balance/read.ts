import type { TenantTx } from '@stipend/db'
import { account_periods, accounts, billing_accounts, ledger_transactions, promotions } from '@stipend/db/schema'
import { divide, type Nanodollars } from '@stipend/money'
import { and, eq, gte, isNull, sql } from 'drizzle-orm'
import { usd } from '../fields.ts'
import type { Balance, BalanceLevel } from './balance.ts'

const DAY_MS = 86_400_000
const DAYS = 7
/** Without recent spending there is no week to go by. */
const LOW_NANOS_LEAST: Nanodollars = 1_000_000_000n
/** Further than this nobody can see. */
const FORECAST_DAYS_MAX = 3_650n

/** The balance as numbers. `available` may be below zero, and includes what is set aside. */
export type Standing = {
  credited: Nanodollars
  spent: Nanodollars
  leased: Nanodollars
  available: Nanodollars
  promotional: Nanodollars
  low_below: Nanodollars
  level: BalanceLevel
  daily: Nanodollars
  runs_out_at: string | null
}

export async function readStanding(tx: TenantTx, now: Date): Promise<Standing> {
  const [row] = await tx
    .select({
      credited: accounts.limit_nanos,
      spent: account_periods.spent_nanos,
      leased: account_periods.leased_nanos,
      low: billing_accounts.low_nanos,
    })
    .from(accounts)
    .leftJoin(
      account_periods,
      and(eq(account_periods.tenant_id, accounts.tenant_id), eq(account_periods.account_id, accounts.id)),
    )
    .leftJoin(billing_accounts, eq(billing_accounts.tenant_id, accounts.tenant_id))
    .where(eq(accounts.kind, 'balance'))
  const credited = row?.credited ?? 0n
  const spent = row?.spent ?? 0n
  const available = credited - spent
  const daily = await dailySpend(tx, now)
  const week = daily * BigInt(DAYS)
  const low_below = row?.low ?? (week > LOW_NANOS_LEAST ? week : LOW_NANOS_LEAST)
  const [gift] = await tx
    .select({
      left: sql<string>`coalesce(sum(${promotions.amount_nanos} - ${promotions.used_nanos} - ${promotions.taken_nanos}), 0)`,
    })
    .from(promotions)
    .where(isNull(promotions.closed_at))
  const promotional = BigInt(gift?.left ?? 0)
  return {
    credited,
    spent,
    available,
    leased: row?.leased ?? 0n,
    promotional: promotional < available ? promotional : available > 0n ? available : 0n,
    low_below,
    level: available <= 0n ? 'empty' : available < low_below ? 'low' : 'enough',
    daily,
    runs_out_at: forecast(available, daily, now),
  }
}

/** The mean of the last seven days, from the hourly charges; of fewer where the tenant is younger than that. */
async function dailySpend(tx: TenantTx, now: Date): Promise<Nanodollars> {
  const since = new Date(now.getTime() - DAYS * DAY_MS).toISOString()
  const [row] = await tx
    .select({
      // Of usage that nobody was charged for yet the next hour will tell.
      total: sql<string>`coalesce(sum((select -e.amount_nanos from ledger_entries e
        where e.tenant_id = ${ledger_transactions.tenant_id} and e.transaction_id = ${ledger_transactions.id} and e.account = 'balance')), 0)`,
      first: sql<string | null>`min(${ledger_transactions.covers_from})`,
    })
    .from(ledger_transactions)
    .where(and(eq(ledger_transactions.kind, 'usage'), gte(ledger_transactions.covers_from, since)))
  const first = row?.first
  if (row === undefined || first === undefined || first === null) return 0n
  const hours = BigInt(Math.max(24, Math.ceil((now.getTime() - new Date(first).getTime()) / 3_600_000)))
  return divide(BigInt(row.total) * 24n, hours, 'up')
}

export function forecast(available: Nanodollars, daily: Nanodollars, now: Date): string | null {
  if (available <= 0n || daily <= 0n) return null
  const minutes = (available * 1_440n) / daily
  if (minutes > FORECAST_DAYS_MAX * 1_440n) return null
  return new Date(now.getTime() + Number(minutes) * 60_000).toISOString()
}

export async function readBalance(tx: TenantTx, now: Date): Promise<Balance> {
  const standing = await readStanding(tx, now)
  return {
    available_usd: usd(standing.available),
    credited_usd: usd(standing.credited),
    spent_usd: usd(standing.spent),
    set_aside_usd: usd(standing.leased),
    promotional_usd: usd(standing.promotional),
    level: standing.level,
    low_below_usd: usd(standing.low_below),
    daily_spend_usd: usd(standing.daily),
    runs_out_at: standing.runs_out_at,
  }
}

import { allTenants, type Database, type TenantTx, withTenant } from '@stipend/db'
import { account_periods, accounts, promotions } from '@stipend/db/schema'
import { asc, eq, isNull, sql } from 'drizzle-orm'
import { postToLedger } from '../balance/ledger.ts'
import { boundaries, type Grant, type Stretch, useGrants } from '../balance/promotion.ts'
import type { IdKind } from '../id.ts'

export type Keeping = { now: Date; newId: (kind: IdKind) => string }

/** Transactions of the ledger that are made at once. */
const BATCH = 200
/** What was settled this long ago is committed: nothing is counted sooner. */
const LAG_MS = 90_000
/** How long money that has expired but was set aside is waited for. */
const RETURN_MS = 30 * 60_000

/** Brings the books of every tenant up to date: usage into the ledger, by the hour, and promotional money that has expired out of it. */
export async function keepBooks(database: Database, keeping: Keeping, signal?: AbortSignal): Promise<void> {
  for (const { id } of await allTenants(database)) {
    if (signal?.aborted) return
    await keepBooksOf(database, id, keeping)
  }
}

export async function keepBooksOf(database: Database, tenant_id: string, keeping: Keeping): Promise<void> {
  while ((await withTenant(database, tenant_id, (tx) => chargeUsage(tx, keeping))) === BATCH);
  await withTenant(database, tenant_id, (tx) => expirePromotions(tx, keeping))
}

async function chargeUsage(tx: TenantTx, { now, newId }: Keeping): Promise<number> {
  const ids = Array.from({ length: BATCH }, () => newId('ledger'))
  const [row] = await tx.execute<{ posted: number }>(sql`
    select app.charge_usage(${new Date(now.getTime() - LAG_MS).toISOString()}::timestamptz,
      array(select jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))) as posted`)
  return row?.posted ?? 0
}

async function expirePromotions(tx: TenantTx, { now, newId }: Keeping): Promise<void> {
  const until = new Date(now.getTime() - LAG_MS).toISOString()
  const open = await tx
    .select()
    .from(promotions)
    .where(isNull(promotions.closed_at))
    .orderBy(asc(promotions.id))
    .for('update')
  if (open.length === 0) return
  const grants = open.map(
    ({ id, expires_at, counted_until, amount_nanos, used_nanos, taken_nanos }): Grant => ({
      ...{ id, expires_at, counted_until },
      left_nanos: amount_nanos - used_nanos - taken_nanos,
    }),
  )
  const used = useGrants(grants, await stretchesOf(tx, boundaries(grants, until)))
  for (const promotion of open) {
    const used_nanos = promotion.used_nanos + (used.get(promotion.id) ?? 0n)
    const counted_until = until < promotion.expires_at ? until : promotion.expires_at
    if (counted_until <= promotion.counted_until && promotion.expires_at > until) continue
    await tx
      .update(promotions)
      .set({
        used_nanos,
        counted_until: counted_until > promotion.counted_until ? counted_until : promotion.counted_until,
      })
      .where(eq(promotions.id, promotion.id))
    if (promotion.expires_at <= until) await takeBack(tx, { ...promotion, used_nanos }, { now, newId })
  }
}

/** What is left of expired money leaves the balance; but not what gateways have drawn: that is waited for, and then let go. */
async function takeBack(
  tx: TenantTx,
  { id, cause, expires_at, amount_nanos, used_nanos, taken_nanos }: typeof promotions.$inferSelect,
  { now, newId }: Keeping,
): Promise<void> {
  // In the order of everyone who posts: the account, then its period.
  const [balance] = await tx
    .select({ id: accounts.id })
    .from(accounts)
    .where(eq(accounts.kind, 'balance'))
    .for('update')
  if (balance === undefined) throw new Error('a tenant has no balance')
  const [period] = await tx
    .select({
      free: sql<string>`greatest(0, ${account_periods.limit_nanos} - ${account_periods.spent_nanos} - ${account_periods.leased_nanos})`,
    })
    .from(account_periods)
    .where(eq(account_periods.account_id, balance.id))
    .for('update')
  const free = BigInt(period?.free ?? 0)
  const left = amount_nanos - used_nanos - taken_nanos
  const taken = left < free ? left : free
  if (taken > 0n) {
    await postToLedger(tx, {
      id: newId('ledger'),
      kind: 'promotion_expiry',
      external_id: `${id}:${taken_nanos}`,
      amount_nanos: taken,
      cause,
      created_by: 'worker',
    })
  }
  const isOver = taken === left || now.getTime() >= new Date(expires_at).getTime() + RETURN_MS
  await tx
    .update(promotions)
    .set({ taken_nanos: taken_nanos + taken, closed_at: isOver ? now.toISOString() : null })
    .where(eq(promotions.id, id))
}

async function stretchesOf(tx: TenantTx, times: readonly string[]): Promise<Stretch[]> {
  if (times.length < 2) return []
  const rows = await tx.execute<{ from: string; until: string; spent: string }>(sql`
    select at as "from", next as until,
           (select coalesce(sum(u.cost_nanos), 0) from usage_events u
             where u.tenant_id = app.current_tenant() and u.draws_on_balance
               and u.settled_at >= at::timestamptz and u.settled_at < next::timestamptz) as spent
      from (select value as at, lead(value) over (order by value) as next
              from jsonb_array_elements_text(${JSON.stringify(times)}::jsonb)) times
     where next is not null order by at`)
  return rows.map((row) => ({ from: row.from, until: row.until, spent_nanos: BigInt(row.spent) }))
}

import { allTenants, type Database, type TenantTx, withTenant } from '@stipend/db'
import { billing_accounts, mails, members } from '@stipend/db/schema'
import { and, inArray, isNotNull, isNull } from 'drizzle-orm'
import type { BalanceLevel } from '../balance/balance.ts'
import { readStanding } from '../balance/read.ts'
import type { Keeping } from './books.ts'

const WORSE: Record<BalanceLevel, number> = { enough: 0, low: 1, empty: 2 }

/**
 * Writes to those who look after the money when a balance gets low, and when it is used up: once each time it gets worse. What the
 * mail says is found out when it is sent.
 */
export async function warnOfBalances(database: Database, keeping: Keeping, signal?: AbortSignal): Promise<void> {
  for (const { id } of await allTenants(database)) {
    if (signal?.aborted) return
    await withTenant(database, id, (tx) => warnOfBalance(tx, keeping))
  }
}

export async function warnOfBalance(tx: TenantTx, { now, newId }: Keeping): Promise<void> {
  const { level, credited } = await readStanding(tx, now)
  // A tenant that has never had money isn't short of it.
  if (credited === 0n) return
  await tx.insert(billing_accounts).values({}).onConflictDoNothing()
  const [account] = await tx.select({ told_level: billing_accounts.told_level }).from(billing_accounts).for('update')
  if (account === undefined || account.told_level === level) return
  await tx.update(billing_accounts).set({ told_level: level, told_at: now.toISOString() })
  if (WORSE[level] < WORSE[account.told_level]) return
  const people = await tx
    .select({ id: members.id, email: members.email })
    .from(members)
    .where(and(inArray(members.role, ['owner', 'billing']), isNull(members.deactivated_at), isNotNull(members.user_id)))
  if (people.length === 0) return
  const at = now.toISOString()
  await tx.insert(mails).values(
    people.map((person) => ({
      id: newId('mail'),
      template: 'balance' as const,
      to_address: person.email,
      subject_id: person.id,
      created_at: at,
      next_attempt_at: at,
    })),
  )
}

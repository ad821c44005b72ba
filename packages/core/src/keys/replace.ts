import { account_periods, accounts, keys } from '@stipend/db/schema'
import { and, eq, sql } from 'drizzle-orm'
import { actorId } from '../actor.ts'
import { DomainError, notFound } from '../errors.ts'
import { usd } from '../fields.ts'
import { command } from '../operation.ts'
import { hashSecret, lastFour, newSecret } from '../secrets.ts'
import { KeyRef, ReplacedKey } from './key.ts'
import { getKey } from './operations.ts'

/**
 * A lost key ends and another takes its place, with the same settings and what is left of its budget. What the lost key spent stays
 * spent, in this period; what a running request has set aside counts as spent, for it may still be. From the next period on
 * the budget is whole.
 */
export const replace = command({
  name: 'keys.replace',
  permission: 'keys:write',
  summary: 'Revoke a lost key and make a new one with the same settings and what is left of its budget.',
  input: KeyRef,
  output: ReplacedKey,
  secret_fields: ['secret'],
  errors: ['not_found', 'conflict'],
  handle: async ({ tx, actor, input, now, newId, randomBytes }) => {
    // Whoever spends locks the period before the key: so does this, with the account to keep other changes out.
    const [account] = await tx.select().from(accounts).where(eq(accounts.id, input.id)).for('no key update')
    const [period] = await tx
      .select()
      .from(account_periods)
      .where(
        and(
          eq(account_periods.account_id, input.id),
          sql`${account_periods.starts_at} = app.period_start(${account?.renewal ?? 'never'}, (select time_zone from tenants), ${now.toISOString()}::timestamptz)`,
        ),
      )
      .for('update')
    const [row] = await tx.select().from(keys).where(eq(keys.id, input.id)).for('update')
    const lost = await getKey(tx, actor, input.id, now)
    if (account === undefined || row === undefined) throw notFound('key')
    if (lost.status === 'revoked') throw new DomainError('conflict', 'This key was revoked already. Create a new one.')
    if (lost.status === 'expired') {
      throw new DomainError(
        'conflict',
        'The window of this key has ended, and the new one would have the same. Create a new key.',
      )
    }
    const limit = period?.limit_nanos ?? account.limit_nanos
    const used = period === undefined ? 0n : period.spent_nanos + period.leased_nanos
    const left = limit === null ? null : limit > used ? limit - used : 0n
    if (left === 0n && account.renewal === 'never') {
      throw new DomainError('conflict', 'Nothing is left of this key’s budget. Revoke it and create a new one.')
    }

    const at = now.toISOString()
    await tx.update(keys).set({ revoked_at: at }).where(eq(keys.id, lost.id))
    const id = newId('key')
    const secret = newSecret('key', randomBytes)
    await tx.insert(accounts).values({ ...account, id, created_at: at })
    if (period !== undefined && left !== null) {
      const { account_id: _, tenant_id, starts_at, renewals } = period
      await tx.insert(account_periods).values({ tenant_id, account_id: id, starts_at, renewals, limit_nanos: left })
    }
    await tx.insert(keys).values({
      ...row,
      id,
      secret_hash: hashSecret(secret),
      last_four: lastFour(secret),
      created_by: actorId(actor),
      created_at: at,
      last_used_at: null,
    })
    const key = await getKey(tx, actor, id, now)
    const carried_usd = usd(limit === null || left === null ? 0n : limit - left)
    return {
      output: { ...key, secret, replaced_id: lost.id, carried_usd },
      audit: [
        { target_id: lost.id, before: lost, after: { revoked_at: at, replaced_by: id } },
        { target_id: id, after: { ...key, replaces: lost.id } },
      ],
    }
  },
})

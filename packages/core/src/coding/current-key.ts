import type { TenantTx } from '@stipend/db'
import { accounts, keys, members } from '@stipend/db/schema'
import { and, desc, eq, isNotNull, isNull, type SQL, sql } from 'drizzle-orm'
import type { Actor } from '../actor.ts'
import { given } from '../conditions.ts'
import { hasStatus } from '../keys/list.ts'
import { spentNanos } from '../keys/operations.ts'
import { matchingPeople } from '../members/operations.ts'
import { UNGROUPED } from '../members/scope.ts'
import type { PersonFilter } from './person.ts'

/**
 * The key each person works with: the newest that isn't revoked, read in one pass over an index. Goes by the name of the table it is
 * read from, so that conditions on keys can be asked of it.
 */
export function currentKeys(tx: TenantTx) {
  return tx
    .selectDistinctOn([keys.member_id])
    .from(keys)
    .where(isNull(keys.revoked_at))
    .orderBy(desc(keys.member_id), desc(keys.created_at), desc(keys.id))
    .as('keys')
}

/** Whether a filter asks for anything of the key, which then has to be looked up for everybody. */
export const asksForKey = (filter: PersonFilter) => filter.key !== undefined || filter.used_min !== undefined

/** The condition for people of the Coding page: those who are there and active. */
export function codingPeople(tx: TenantTx, actor: Actor, filter: PersonFilter, now: Date): SQL | undefined {
  const { kind, location_id, group_id, search } = filter
  return and(
    isNull(members.deactivated_at),
    matchingPeople(tx, actor, { kind, location_id, group_id, search }),
    given(filter.is_ungrouped || undefined, () => UNGROUPED),
    given(filter.account, (account) => (account === 'none' ? isNull(members.user_id) : isNotNull(members.user_id))),
    given(filter.key, (state) => {
      if (state === 'none') return isNull(keys.id)
      return state === 'any' ? isNotNull(keys.id) : and(isNotNull(keys.id), hasStatus(state, now))
    }),
    given(
      filter.used_min,
      (percent) =>
        sql`${accounts.limit_nanos} is not null and ${spentNanos} * 100 >= ${accounts.limit_nanos} * ${percent}`,
    ),
  )
}

export const accountOfKey = and(eq(accounts.tenant_id, sql`keys.tenant_id`), eq(accounts.id, sql`keys.id`))

export const ofMember = sql`keys.tenant_id = members.tenant_id and keys.member_id = members.id`

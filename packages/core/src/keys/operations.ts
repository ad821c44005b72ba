import type { TenantTx } from '@stipend/db'
import { account_periods, accounts, allocations, keys, members, providers, tenants } from '@stipend/db/schema'
import { and, eq, type SQL, sql } from 'drizzle-orm'
import { type Actor, actorId } from '../actor.ts'
import { DomainError, invalidField, notFound } from '../errors.ts'
import { toNanos, usd, usdOrNull } from '../fields.ts'
import { membersInScope, requireMember } from '../members/scope.ts'
import { type Call, command, query } from '../operation.ts'
import { hashSecret, lastFour, newSecret } from '../secrets.ts'
import {
  type Budget,
  CreatedKey,
  CreateKey,
  Key,
  KeyRef,
  type KeyTerms,
  keyStatus,
  maskedKey,
  RaiseKey,
  type Renewal,
  UpdateKey,
} from './key.ts'
import { checkRestrictions } from './restrictions.ts'

/** What a budget shows, read from an account and its current period (which is missing until the first draw in it). */
export const budgetColumns = {
  limit_nanos: accounts.limit_nanos,
  renewal: accounts.renewal,
  period_limit_nanos: account_periods.limit_nanos,
  period_spent_nanos: account_periods.spent_nanos,
  renews_at: sql<string | null>`app.period_end(${accounts.renewal}, ${tenants.time_zone}, now())`,
}

export const currentPeriod = and(
  eq(account_periods.tenant_id, accounts.tenant_id),
  eq(account_periods.account_id, accounts.id),
  sql`${account_periods.starts_at} = app.period_start(${accounts.renewal}, ${tenants.time_zone}, now())`,
)

/** What `budgetView` shows as spent, for conditions and orders. */
export const spentNanos = sql`greatest(0, coalesce(${account_periods.spent_nanos}, 0)
  - coalesce(${account_periods.limit_nanos} - ${accounts.limit_nanos}, 0))`

type BudgetRow = {
  limit_nanos: bigint | null
  renewal: Renewal
  period_limit_nanos: bigint | null
  period_spent_nanos: bigint | null
  renews_at: string | null
}

/**
 * A period's limit is the budget, more the earlier budgets of one that renews when used up, less what a lost key had spent that this
 * one replaced. What shows is the newest budget, and of it what is spent.
 */
export function budgetView(row: BudgetRow): Budget {
  const earlier = (row.period_limit_nanos ?? row.limit_nanos ?? 0n) - (row.limit_nanos ?? 0n)
  const spent = (row.period_spent_nanos ?? 0n) - earlier
  const shown = spent > 0n ? spent : 0n
  const remaining = row.limit_nanos === null ? null : row.limit_nanos - shown
  return {
    limit_usd: usdOrNull(row.limit_nanos),
    spent_usd: usd(shown),
    remaining_usd: usdOrNull(remaining !== null && remaining < 0n ? 0n : remaining),
    renewal: row.renewal,
    renews_at: row.renews_at === null ? null : new Date(row.renews_at).toISOString(),
  }
}

const keyColumns = {
  id: keys.id,
  name: keys.name,
  last_four: keys.last_four,
  member_id: keys.member_id,
  member_name: members.name,
  member_deactivated_at: members.deactivated_at,
  created_by: keys.created_by,
  allocation_id: keys.allocation_id,
  provider_id: keys.provider_id,
  provider_name: sql<string | null>`(select p.name from ${providers} p where p.id = ${keys.provider_id})`,
  allowed_models: keys.allowed_models,
  allowed_ips: keys.allowed_ips,
  requests_per_minute: keys.requests_per_minute,
  valid_from: keys.valid_from,
  valid_until: keys.valid_until,
  disabled_at: keys.disabled_at,
  paused_group_id: keys.paused_group_id,
  revoked_at: keys.revoked_at,
  last_used_at: keys.last_used_at,
  created_at: keys.created_at,
  ...budgetColumns,
}

type KeyRow = BudgetRow &
  Omit<Key, 'status' | 'masked' | 'budget'> & {
    last_four: string
    member_email: string
    member_deactivated_at: string | null
    sort_key: string
  }

export function keyView({ last_four, member_email: _, sort_key: __, ...row }: KeyRow, now: Date): Key {
  const {
    limit_nanos,
    renewal,
    period_limit_nanos,
    period_spent_nanos,
    renews_at,
    member_deactivated_at: ___,
    ...facts
  } = row
  return { ...facts, status: keyStatus(row, now), masked: maskedKey(last_four), budget: budgetView(row) }
}

/** Keys with all that `keyView` needs; `sort_key` is for lists that are paged. */
export function selectKeys(tx: TenantTx, sort_key = sql<string>`''`) {
  return tx
    .select({ ...keyColumns, member_email: members.email, sort_key })
    .from(keys)
    .innerJoin(members, ofMember)
    .innerJoin(accounts, ofAccount)
    .innerJoin(tenants, eq(tenants.id, keys.tenant_id))
    .leftJoin(account_periods, currentPeriod)
}

/** The ids of keys that match a condition on any of these tables. */
export function selectKeyIds(tx: TenantTx, condition: SQL | undefined) {
  return tx
    .select({ id: keys.id })
    .from(keys)
    .innerJoin(members, ofMember)
    .innerJoin(accounts, ofAccount)
    .innerJoin(tenants, eq(tenants.id, keys.tenant_id))
    .leftJoin(account_periods, currentPeriod)
    .where(condition)
}

const ofMember = and(eq(members.tenant_id, keys.tenant_id), eq(members.id, keys.member_id))
const ofAccount = and(eq(accounts.tenant_id, keys.tenant_id), eq(accounts.id, keys.id))

export async function getKey(tx: TenantTx, actor: Actor, id: string, now: Date): Promise<Key> {
  const [row] = await selectKeys(tx).where(and(eq(keys.id, id), membersInScope(actor)))
  if (row === undefined) throw notFound('key')
  return keyView(row, now)
}

export const get = query({
  name: 'keys.get',
  permission: 'keys:read',
  summary: 'One key. Never its secret.',
  input: KeyRef,
  output: Key,
  errors: ['not_found'],
  handle: ({ tx, actor, input, now }) => getKey(tx, actor, input.id, now),
})

export const create = command({
  name: 'keys.create',
  permission: 'keys:write',
  summary: 'Create a key for a person. The secret is in this answer and never again.',
  input: CreateKey,
  output: CreatedKey,
  secret_fields: ['secret'],
  errors: ['not_found', 'conflict'],
  handle: async (call) => {
    const { tx, actor, input, now } = call
    const member = await requireMember(tx, actor, input.member_id)
    if (member.user_id === null || member.deactivated_at !== null) {
      throw new DomainError(
        'conflict',
        `${member.name} has no account yet. Keys are made only for people who can sign in.`,
        {
          fields: [{ path: 'member_id', message: 'This person has no account yet.' }],
        },
      )
    }
    await requireTerms(call, input)
    const [made] = await insertKeys(call, [member.id], input)
    if (made === undefined) throw new Error('the key just made is not there')
    const key = await getKey(tx, actor, made.id, now)
    return { output: { ...key, secret: made.secret }, audit: { target_id: made.id, after: key } }
  },
})

/** Throws unless the terms can be granted now: an end in the future, an allocation that is there. */
export async function requireTerms(
  { tx, now }: Pick<Call<'tenant', unknown>, 'tx' | 'now'>,
  terms: KeyTerms,
): Promise<void> {
  const { valid_until, allocation_id } = terms
  if (valid_until !== null && valid_until <= now.toISOString()) {
    throw new DomainError('invalid_request', 'valid_until: The end has passed already.', {
      fields: [{ path: 'valid_until', message: 'The end has passed already. Choose a later one.' }],
      param: 'valid_until',
    })
  }
  if (allocation_id !== null) {
    const [allocation] = await tx
      .select({ id: allocations.id })
      .from(allocations)
      .where(eq(allocations.id, allocation_id))
    if (allocation === undefined) throw notFound('allocation')
  }
  await checkRestrictions(tx, terms)
}

/** Makes a key with its account for each of the people, however many, in two statements. The secrets are here and nowhere else. */
export async function insertKeys(
  { tx, actor, now, newId, randomBytes }: Omit<Call<'tenant', unknown>, 'input'>,
  member_ids: readonly string[],
  terms: KeyTerms,
): Promise<{ id: string; secret: string }[]> {
  const made = member_ids.map((member_id) => ({ id: newId('key'), member_id, secret: newSecret('key', randomBytes) }))
  const limit_nanos = terms.budget_usd === null ? null : toNanos(terms.budget_usd)
  await tx
    .insert(accounts)
    .values(made.map(({ id }) => ({ id, kind: 'key' as const, limit_nanos, renewal: terms.renewal })))
  await tx.insert(keys).values(
    made.map(({ id, member_id, secret }) => ({
      id,
      secret_hash: hashSecret(secret),
      last_four: lastFour(secret),
      name: terms.name,
      member_id,
      created_by: actorId(actor),
      allocation_id: terms.allocation_id,
      provider_id: terms.provider_id,
      allowed_models: terms.allowed_models,
      allowed_ips: terms.allowed_ips,
      requests_per_minute: terms.requests_per_minute,
      valid_from: terms.valid_from,
      valid_until: terms.valid_until,
      created_at: now.toISOString(),
    })),
  )
  return made
}

export const update = command({
  name: 'keys.update',
  permission: 'keys:write',
  summary: 'Change a key’s name, budget, renewal, window or restrictions. Takes effect on every gateway at once.',
  input: UpdateKey,
  output: Key,
  errors: ['not_found', 'conflict'],
  handle: async ({ tx, actor, input, now }) => {
    // Whoever spends locks the period before the key: so does this, with the account to keep other changes out.
    const [account] = await tx.select().from(accounts).where(eq(accounts.id, input.id)).for('no key update')
    const before = await getKey(tx, actor, input.id, now)
    if (account === undefined) throw notFound('key')
    refuseRevoked(before)
    const window = {
      valid_from: input.valid_from === undefined ? before.valid_from : input.valid_from,
      valid_until: input.valid_until === undefined ? before.valid_until : input.valid_until,
    }
    if (window.valid_from !== null && window.valid_until !== null && window.valid_until <= window.valid_from) {
      throw invalidField('valid_until', 'The end must be later than the start.')
    }
    const { provider_id = before.provider_id, allowed_models = before.allowed_models } = input
    const { allowed_ips = before.allowed_ips, requests_per_minute = before.requests_per_minute } = input
    const limits = { provider_id, allowed_models, allowed_ips, requests_per_minute }
    await checkRestrictions(tx, limits, before)
    if (input.budget_usd !== undefined || input.renewal !== undefined) await setBudget(tx, account, input)
    await tx
      .update(keys)
      .set({ name: input.name ?? before.name, ...window, ...limits })
      .where(eq(keys.id, input.id))
    const after = await getKey(tx, actor, input.id, now)
    return { output: after, audit: { target_id: input.id, before, after } }
  },
})

export const raise = command({
  name: 'keys.raise',
  permission: 'keys:write',
  summary:
    'Raise a key’s budget by an amount. Takes effect on every gateway at once; two who do it at once raise it twice.',
  input: RaiseKey,
  output: Key,
  errors: ['not_found', 'conflict'],
  handle: async ({ tx, actor, input, now }) => {
    const [account] = await tx.select().from(accounts).where(eq(accounts.id, input.id)).for('no key update')
    const before = await getKey(tx, actor, input.id, now)
    if (account === undefined) throw notFound('key')
    refuseRevoked(before)
    if (account.limit_nanos === null) {
      throw new DomainError('conflict', 'This key has no limit of its own: there is nothing to raise.')
    }
    await setBudget(tx, account, { id: input.id, budget_usd: usd(account.limit_nanos + toNanos(input.by_usd)) })
    const after = await getKey(tx, actor, input.id, now)
    return { output: after, audit: { target_id: input.id, before, after } }
  },
})

/**
 * Changes an account's limit or renewal, and with it its current period. A limit below what is spent or leased leaves an overhang:
 * nothing more can be drawn. The account's row is locked by the caller, so that a period made meanwhile waits for the new limit.
 */
async function setBudget(
  tx: TenantTx,
  old: typeof accounts.$inferSelect,
  { id, budget_usd, renewal: wanted }: UpdateKey,
): Promise<void> {
  const limit_nanos = budget_usd === undefined ? old.limit_nanos : budget_usd === null ? null : toNanos(budget_usd)
  const renewal = wanted ?? (limit_nanos === null ? 'never' : old.renewal)
  if (limit_nanos === null && renewal !== 'never') {
    throw invalidField('renewal', 'An unlimited key has nothing to renew. Use "never".')
  }
  await tx.update(accounts).set({ limit_nanos, renewal }).where(eq(accounts.id, id))
  // Earlier budgets of one that renews when used up stay, and so does what a lost key had spent that this one replaced.
  const earlier =
    renewal === old.renewal && old.limit_nanos !== null
      ? sql`coalesce(${account_periods.limit_nanos} - ${old.limit_nanos}::bigint, 0)`
      : sql`0`
  const limit = limit_nanos === null ? sql`null::bigint` : sql`greatest(0, ${limit_nanos}::bigint + ${earlier})`
  const used = sql`${account_periods.spent_nanos} + ${account_periods.leased_nanos}`
  await tx
    .update(account_periods)
    .set({ limit_nanos: limit, overhang_nanos: sql`greatest(0, ${used} - coalesce(${limit}, ${used}))` })
    .where(
      and(
        eq(account_periods.account_id, id),
        sql`${account_periods.starts_at} = app.period_start(${renewal}, (select time_zone from tenants), now())`,
      ),
    )
}

/** A command that sets one of a key's switches and says before and after. */
function switching(
  name: string,
  summary: string,
  change: (
    key: Key,
    now: string,
  ) => Partial<{ disabled_at: string | null; paused_group_id: null; revoked_at: string }> | null,
) {
  return command({
    name,
    permission: 'keys:write',
    summary,
    input: KeyRef,
    output: Key,
    errors: ['not_found', 'conflict'],
    handle: async ({ tx, actor, input, now }) => {
      await tx.select({ id: keys.id }).from(keys).where(eq(keys.id, input.id)).for('update')
      const before = await getKey(tx, actor, input.id, now)
      const values = change(before, now.toISOString())
      if (values === null) return { output: before, audit: [] }
      await tx.update(keys).set(values).where(eq(keys.id, input.id))
      const after = await getKey(tx, actor, input.id, now)
      return { output: after, audit: { target_id: input.id, before, after } }
    },
  })
}

export const revoke = switching(
  'keys.revoke',
  'Revoke a key for good. It is refused from now on; its record stays.',
  (key, now) => (key.revoked_at === null ? { revoked_at: now } : null),
)

export const disable = switching('keys.disable', 'Disable a key until it is enabled again.', (key, now) => {
  refuseRevoked(key)
  // From a lesson's pause on it is more than that: the lesson doesn't lift it any more.
  return key.disabled_at === null || key.paused_group_id !== null ? { disabled_at: now, paused_group_id: null } : null
})

export const enable = switching('keys.enable', 'Enable a key that was disabled.', (key) => {
  refuseRevoked(key)
  return key.disabled_at === null ? null : { disabled_at: null, paused_group_id: null }
})

function refuseRevoked(key: Key): void {
  if (key.revoked_at !== null) {
    throw new DomainError('conflict', 'This key was revoked, which can’t be undone. Create a new one.')
  }
}

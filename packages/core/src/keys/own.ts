import type { TenantTx } from '@stipend/db'
import { keys, members, tenants } from '@stipend/db/schema'
import { and, eq, isNull } from 'drizzle-orm'
import { z } from 'zod'
import { type Actor, actorId } from '../actor.ts'
import { DomainError, invalidField, notFound } from '../errors.ts'
import { toNanos, UsdOutput, usd } from '../fields.ts'
import { type Call, command, query } from '../operation.ts'
import { CreatedKey, CreateOwnKey, Key, KeyRef } from './key.ts'
import { insertKeys, keyView, requireTerms, selectKeys } from './operations.ts'

const DAY_MS = 24 * 60 * 60_000

/** Who asks, locked: what they make at the same time is counted one after the other. */
async function requireSelf(tx: TenantTx, actor: Actor) {
  const [member] = await tx
    .select()
    .from(members)
    .where(eq(members.id, actorId(actor)))
    .for('no key update')
  if (member === undefined) throw notFound('member')
  return member
}

async function ownKey(tx: TenantTx, actor: Actor, id: string, now: Date): Promise<Key> {
  const [row] = await selectKeys(tx).where(and(eq(keys.id, id), eq(keys.member_id, actorId(actor))))
  if (row === undefined) throw notFound('key')
  return keyView(row, now)
}

export const getOwn = query({
  name: 'keys.get_own',
  permission: 'own',
  summary: 'One key of the person who asks. Never its secret.',
  input: KeyRef,
  output: Key,
  errors: ['not_found'],
  handle: ({ tx, actor, input, now }) => ownKey(tx, actor, input.id, now),
})

export const getOwnLimits = query({
  name: 'keys.get_own_limits',
  permission: 'own',
  summary: 'Whether the person who asks may make keys for themselves, and within which limits.',
  input: z.strictObject({}),
  output: z.strictObject({
    may_create: z.boolean().describe('False where keys are handed out, or when they have as many as they may.'),
    keys_max: z.number().int(),
    budget_max_usd: UsdOutput,
    days_max: z.number().int().nullable(),
    may_renew: z.boolean(),
  }),
  errors: ['not_found'],
  handle: async ({ tx, actor }) => {
    const [limits] = await tx.select().from(tenants)
    const [member] = await tx
      .select()
      .from(members)
      .where(eq(members.id, actorId(actor)))
    if (limits === undefined || member === undefined) throw notFound('member')
    const theirs = await tx.$count(keys, and(eq(keys.member_id, member.id), isNull(keys.revoked_at)))
    return {
      may_create: limits.own_key_kinds.includes(member.kind) && theirs < limits.own_keys_max,
      keys_max: limits.own_keys_max,
      budget_max_usd: usd(limits.own_key_budget_max_nanos),
      days_max: limits.own_key_days_max,
      may_renew: limits.own_key_may_renew,
    }
  },
})

export const createOwn = command({
  name: 'keys.create_own',
  permission: 'own',
  summary: 'Make a key for oneself, within the limits the organisation has set.',
  input: CreateOwnKey,
  output: CreatedKey,
  secret_fields: ['secret'],
  errors: ['not_found', 'conflict', 'forbidden'],
  handle: async (call) => {
    const { tx, actor, input, now } = call
    const member = await requireSelf(tx, actor)
    await requireWithinLimits(call, member.kind)
    const terms = { ...input, allocation_id: null }
    await requireTerms(call, terms)
    const [made] = await insertKeys(call, [member.id], terms)
    if (made === undefined) throw new Error('the key just made is not there')
    const key = await ownKey(tx, actor, made.id, now)
    return { output: { ...key, secret: made.secret }, audit: { target_id: made.id, after: key } }
  },
})

async function requireWithinLimits(
  { tx, actor, input, now }: Call<'tenant', CreateOwnKey>,
  kind: (typeof members.$inferSelect)['kind'],
): Promise<void> {
  const [limits] = await tx.select().from(tenants)
  if (limits === undefined || !limits.own_key_kinds.includes(kind)) {
    throw new DomainError('forbidden', 'Keys are handed out here. Ask the person who looks after them for one.')
  }
  const most = limits.own_key_budget_max_nanos
  if (toNanos(input.budget_usd) > most) throw invalidField('budget_usd', `At most $${usd(most)} is allowed.`)
  if (input.renewal !== 'never' && !limits.own_key_may_renew) {
    throw invalidField('renewal', 'The budget of your own keys may not renew. Choose “Not renewed”.')
  }
  const days = limits.own_key_days_max
  const until = days === null ? null : new Date(now.getTime() + days * DAY_MS).toISOString()
  if (until !== null && (input.valid_until === null || input.valid_until > until)) {
    throw invalidField('valid_until', `A key of your own works for at most ${days} days. Choose an earlier end.`)
  }
  const theirs = await tx.$count(keys, and(eq(keys.member_id, actorId(actor)), isNull(keys.revoked_at)))
  if (theirs >= limits.own_keys_max) {
    throw new DomainError(
      'conflict',
      `You have ${theirs} keys, and may have ${limits.own_keys_max}. Revoke one you no longer use.`,
    )
  }
}

export const revokeOwn = command({
  name: 'keys.revoke_own',
  permission: 'own',
  summary: 'Revoke a key of one’s own for good: it was lost, or somebody else has seen it.',
  input: KeyRef,
  output: Key,
  errors: ['not_found'],
  handle: async ({ tx, actor, input, now }) => {
    await tx.select({ id: keys.id }).from(keys).where(eq(keys.id, input.id)).for('update')
    const before = await ownKey(tx, actor, input.id, now)
    if (before.revoked_at !== null) return { output: before, audit: [] }
    await tx.update(keys).set({ revoked_at: now.toISOString() }).where(eq(keys.id, input.id))
    const after = await ownKey(tx, actor, input.id, now)
    return { output: after, audit: { target_id: input.id, before, after } }
  },
})

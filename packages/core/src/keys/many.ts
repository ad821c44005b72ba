import type { TenantTx } from '@stipend/db'
import { keys, leases, members } from '@stipend/db/schema'
import { and, eq, inArray, isNotNull, isNull, or, type SQL, sql } from 'drizzle-orm'
import type { Actor } from '../actor.ts'
import { contains, given } from '../conditions.ts'
import { notFound } from '../errors.ts'
import { membersInScope, UNGROUPED } from '../members/scope.ts'
import { command, query } from '../operation.ts'
import { type KeyAct, ManyChanged, ManyPreviewed, PreviewMany, SelectKeys } from './key.ts'
import { matchingKeys } from './list.ts'
import { selectKeyIds } from './operations.ts'

/** Keys that an act changes; the others of a selection are in that state already, or can't be. */
const CHANGES: Record<KeyAct, SQL | undefined> = {
  revoke: isNull(keys.revoked_at),
  // What a lesson paused is disabled to stay so.
  disable: and(isNull(keys.revoked_at), or(isNull(keys.disabled_at), isNotNull(keys.paused_group_id))),
  enable: and(isNull(keys.revoked_at), isNotNull(keys.disabled_at)),
}

/** The condition for what is selected and may be seen. Throws not_found when one that is named is not there, or not theirs. */
async function selectedKeys(tx: TenantTx, actor: Actor, input: SelectKeys, now: Date): Promise<SQL | undefined> {
  if (input.filter !== undefined) {
    const { member_search, is_ungrouped, disabled_exactly_at, ...filter } = input.filter
    return and(
      matchingKeys(actor, filter, now),
      given(member_search, (text) => or(contains(members.name, text), contains(members.email, text))),
      given(is_ungrouped || undefined, () => UNGROUPED),
      given(disabled_exactly_at, (at) => sql`${keys.disabled_at} = ${at}::timestamptz`),
    )
  }
  if (input.member_ids !== undefined) {
    const wanted = [...new Set(input.member_ids)]
    const seen = await tx
      .select({ id: members.id })
      .from(members)
      .where(and(inArray(members.id, wanted), membersInScope(actor)))
    if (seen.length < wanted.length) throw notFound('member')
    return inArray(keys.member_id, wanted)
  }
  const wanted = [...new Set(input.ids)]
  const seen = await tx
    .select({ id: keys.id })
    .from(keys)
    .innerJoin(members, and(eq(members.tenant_id, keys.tenant_id), eq(members.id, keys.member_id)))
    .where(and(inArray(keys.id, wanted), membersInScope(actor)))
  if (seen.length < wanted.length) throw notFound('key')
  return inArray(keys.id, wanted)
}

export const previewMany = query({
  name: 'keys.preview_many',
  permission: 'keys:read',
  summary: 'What revoking, disabling or enabling many keys would hit. Changes nothing.',
  input: PreviewMany,
  output: ManyPreviewed,
  errors: ['not_found'],
  handle: async ({ tx, actor, input, now }) => {
    const { act, ...selection } = input
    const changes = CHANGES[act] ?? sql`true`
    const isRunning = sql`exists (select from ${leases} l
      where l.tenant_id = keys.tenant_id and l.key_id = keys.id and l.amount_nanos > 0)`
    const meant = selectKeyIds(tx, await selectedKeys(tx, actor, selection, now))
    const [counts] = await tx
      .select({
        keys_count: sql<number>`(count(*) filter (where ${changes}))::int`,
        members_count: sql<number>`(count(distinct ${keys.member_id}) filter (where ${changes}))::int`,
        running_count: sql<number>`(count(*) filter (where ${changes} and ${isRunning}))::int`,
        unchanged_count: sql<number>`(count(*) filter (where not (${changes})))::int`,
      })
      .from(keys)
      .where(inArray(keys.id, meant))
    if (counts === undefined) throw new Error('a count without a row')
    return counts
  },
})

/**
 * A command that sets one of the switches of many keys, in one statement. Rows are locked in the order of their ids, so that two such
 * acts wait for each other instead of stopping each other. Each key has its entry in the audit log.
 */
function changingMany(act: KeyAct, summary: string, change: (now: string) => Partial<typeof keys.$inferInsert>) {
  return command({
    name: `keys.${act}_many`,
    permission: 'keys:write',
    summary,
    input: SelectKeys,
    output: ManyChanged,
    errors: ['not_found'],
    handle: async ({ tx, actor, input, now }) => {
      const at = now.toISOString()
      const meant = await selectKeyIds(tx, and(await selectedKeys(tx, actor, input, now), CHANGES[act]))
        .orderBy(keys.id)
        .for('no key update', { of: keys })
      if (meant.length === 0) return { output: { keys_count: 0, at }, audit: [] }
      const changed = await tx
        .update(keys)
        .set(change(at))
        .where(and(sql`${keys.id} = any (${sql.param(meant.map((row) => row.id))}::text[])`, CHANGES[act]))
        .returning({ id: keys.id, disabled_at: keys.disabled_at, revoked_at: keys.revoked_at })
      return {
        output: { keys_count: changed.length, at },
        audit: changed.map(({ id, ...after }) => ({ target_id: id, after })),
      }
    },
  })
}

export const revokeMany = changingMany(
  'revoke',
  'Revoke many keys for good: these, those of these people, or all that match. Running answers are cut.',
  (now) => ({ revoked_at: now }),
)

export const disableMany = changingMany(
  'disable',
  'Disable many keys until they are enabled again: these, those of these people, or all that match.',
  (now) => ({ disabled_at: now, paused_group_id: null }),
)

export const enableMany = changingMany(
  'enable',
  'Enable many keys that were disabled. With `filter.disabled_exactly_at` it undoes one act.',
  () => ({ disabled_at: null, paused_group_id: null }),
)

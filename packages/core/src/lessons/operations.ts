import type { TenantTx } from '@stipend/db'
import { group_members, keys, members } from '@stipend/db/schema'
import { and, eq, inArray, isNotNull, isNull, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Actor } from '../actor.ts'
import { invalidField, notFound } from '../errors.ts'
import { toNanos, usd } from '../fields.ts'
import { idSchema } from '../id.ts'
import { keyView, selectKeys } from '../keys/operations.ts'
import { membersInScope, requireGroup } from '../members/scope.ts'
import { command, query } from '../operation.ts'
import { EndLesson, Lesson, lessonState, Paused, PauseLesson, WORKING_SECONDS } from './lesson.ts'

/** The people of a group that the actor may see, each with the key they work with. Two questions, however large the group. */
async function peopleOf(tx: TenantTx, actor: Actor, group_id: string, now: Date) {
  const at = now.toISOString()
  const mine = sql`k.tenant_id = members.tenant_id and k.member_id = members.id and k.revoked_at is null`
  const people = await tx
    .select({
      member_id: members.id,
      member_name: members.name,
      key_id: sql<string | null>`(select k.id from keys k where ${mine}
        order by case
          when k.valid_until <= ${at}::timestamptz then 4
          when k.valid_from > ${at}::timestamptz then 3
          when k.disabled_at is null then 0
          when k.paused_group_id is null then 2
          else 1 end, k.created_at desc, k.id desc limit 1)`,
      // A gateway keeps money drawn for a key while its requests run and for some seconds after.
      has_lease: sql<boolean>`exists (select from keys k join leases l on l.tenant_id = k.tenant_id and l.key_id = k.id
        where ${mine} and l.amount_nanos > 0)`,
      last_used_at: sql<string | null>`(select max(k.last_used_at) from keys k where ${mine})`,
      spent_today_nanos: sql<string>`(select coalesce(sum(u.cost_nanos), 0) from usage_hours u
        where u.tenant_id = members.tenant_id and u.member_id = members.id
          and u.hour >= date_trunc('day', ${at}::timestamptz, (select time_zone from tenants)))`,
      paused_group_ids: sql<string[]>`array(select distinct k.paused_group_id from keys k where ${mine}
        and k.disabled_at is not null and k.paused_group_id is not null order by 1)`,
    })
    .from(members)
    .innerJoin(
      group_members,
      and(eq(group_members.tenant_id, members.tenant_id), eq(group_members.member_id, members.id)),
    )
    .where(
      and(
        eq(group_members.group_id, group_id),
        isNull(members.deactivated_at),
        isNull(members.removed_at),
        membersInScope(actor),
      ),
    )
    .orderBy(sql`lower(${members.name})`, members.id)
  const ids = people.flatMap((one) => (one.key_id === null ? [] : [one.key_id]))
  const rows = ids.length === 0 ? [] : await selectKeys(tx).where(inArray(keys.id, ids))
  const byId = new Map(rows.map((row) => [row.id, keyView(row, now)]))
  return people.map(({ key_id, ...one }) => ({ ...one, key: (key_id === null ? undefined : byId.get(key_id)) ?? null }))
}

export const get = query({
  name: 'lessons.get',
  permission: 'keys:read',
  summary: 'A group at this moment: who is working, who is near the end of their budget, who can’t work and why.',
  input: z.strictObject({ group_id: idSchema('group') }),
  output: Lesson,
  errors: ['not_found'],
  handle: async ({ tx, actor, input, now }) => {
    const group = await requireGroup(tx, actor, input.group_id)
    const people = await peopleOf(tx, actor, group.id, now)
    return {
      group_id: group.id,
      group_name: group.name,
      at: now.toISOString(),
      people: people.map(({ has_lease, last_used_at, spent_today_nanos, ...one }) => {
        const used = last_used_at === null ? null : new Date(last_used_at)
        const isRecent = used !== null && now.getTime() - used.getTime() < WORKING_SECONDS * 1000
        const is_working = has_lease || isRecent
        const { limit_usd = null, remaining_usd = null } = one.key?.budget ?? {}
        const left =
          limit_usd === null || remaining_usd === null
            ? null
            : { limit: toNanos(limit_usd), remaining: toNanos(remaining_usd) }
        return {
          ...one,
          is_working,
          state: lessonState(one.key, left, is_working),
          last_used_at: used?.toISOString() ?? null,
          spent_today_usd: usd(BigInt(spent_today_nanos)),
        }
      }),
    }
  },
})

export const end = command({
  name: 'lessons.end',
  permission: 'keys:write',
  summary: 'Let the keys that a group works with end at a time. What ended earlier stays ended.',
  input: EndLesson,
  output: z.strictObject({ keys_count: z.number().int(), ends_at: z.string() }),
  errors: ['not_found'],
  handle: async ({ tx, actor, input, now }) => {
    const { ends_at } = input
    const group = await requireGroup(tx, actor, input.group_id)
    if (ends_at <= now.toISOString()) throw invalidField('ends_at', 'This time has passed. Choose a later one.')
    const people = await peopleOf(tx, actor, group.id, now)
    const ids = people
      .flatMap(({ key }) => (key === null || key.status === 'expired' ? [] : [key]))
      .filter((key) => key.valid_from === null || key.valid_from < ends_at)
      .map((key) => key.id)
      .toSorted()
    // In the order of their ids, like every other act on many keys.
    const locked = await tx
      .select({ id: keys.id, valid_until: keys.valid_until })
      .from(keys)
      .where(and(inArray(keys.id, ids), isNull(keys.revoked_at)))
      .orderBy(keys.id)
      .for('no key update')
    await tx
      .update(keys)
      .set({ valid_until: ends_at })
      .where(
        inArray(
          keys.id,
          locked.map((one) => one.id),
        ),
      )
    return {
      output: { keys_count: locked.length, ends_at },
      audit: locked.map(({ id, valid_until }) => ({
        target_id: id,
        before: { valid_until },
        after: { valid_until: ends_at },
      })),
    }
  },
})

/**
 * A command that changes keys of the people of a group, of all of them or of those named. Rows are locked in the order of their ids,
 * like every other act on many keys.
 */
function pausing(
  verb: 'pause' | 'resume',
  summary: string,
  which: (input: PauseLesson) => SQL | undefined,
  change: (input: PauseLesson, now: string) => { disabled_at: string | null; paused_group_id: string | null },
) {
  return command({
    name: `lessons.${verb}`,
    permission: 'keys:write',
    summary,
    input: PauseLesson,
    output: Paused,
    errors: ['not_found'],
    handle: async ({ tx, actor, input, now }) => {
      const group = await requireGroup(tx, actor, input.group_id)
      const people = await tx
        .select({ id: members.id })
        .from(members)
        .where(
          and(
            sql`exists (select from group_members gm
              where gm.tenant_id = members.tenant_id and gm.member_id = members.id and gm.group_id = ${group.id})`,
            membersInScope(actor),
            input.member_ids === undefined ? undefined : inArray(members.id, input.member_ids),
          ),
        )
      const ids = people.map((one) => one.id)
      if (input.member_ids !== undefined && ids.length < new Set(input.member_ids).size) throw notFound('member')
      const meant = await tx
        .select({ id: keys.id, member_id: keys.member_id, disabled_at: keys.disabled_at })
        .from(keys)
        .where(and(inArray(keys.member_id, ids), isNull(keys.revoked_at), which(input)))
        .orderBy(keys.id)
        .for('no key update')
      const after = change(input, now.toISOString())
      await tx
        .update(keys)
        .set(after)
        .where(
          inArray(
            keys.id,
            meant.map((one) => one.id),
          ),
        )
      return {
        output: { keys_count: meant.length, members_count: new Set(meant.map((one) => one.member_id)).size },
        audit: meant.map(({ id, disabled_at }) => ({ target_id: id, before: { disabled_at }, after })),
      }
    },
  })
}

export const pause = pausing(
  'pause',
  'Pause the keys of a group, or of some of its people, until they are resumed. What is disabled already stays as it is.',
  () => isNull(keys.disabled_at),
  ({ group_id }, now) => ({ disabled_at: now, paused_group_id: group_id }),
)

export const resume = pausing(
  'resume',
  'Resume what lessons of the group paused or, of people who are named, what any lesson did. Nothing that was disabled otherwise.',
  ({ group_id, member_ids }) =>
    member_ids === undefined ? eq(keys.paused_group_id, group_id) : isNotNull(keys.paused_group_id),
  () => ({ disabled_at: null, paused_group_id: null }),
)

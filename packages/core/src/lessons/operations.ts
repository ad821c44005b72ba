import type { TenantTx } from '@stipend/db'
import { group_members, keys, members } from '@stipend/db/schema'
import { and, eq, inArray, isNull, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Actor } from '../actor.ts'
import { invalidField } from '../errors.ts'
import { toNanos, usd } from '../fields.ts'
import { idSchema } from '../id.ts'
import { keyView, selectKeys } from '../keys/operations.ts'
import { membersInScope, requireGroup } from '../members/scope.ts'
import { command, query } from '../operation.ts'
import { EndLesson, Lesson, lessonState, WORKING_SECONDS } from './lesson.ts'

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
          when k.valid_until <= ${at}::timestamptz then 3
          when k.valid_from > ${at}::timestamptz then 2
          when k.disabled_at is not null then 1
          else 0 end, k.created_at desc, k.id desc limit 1)`,
      // A gateway keeps money drawn for a key while its requests run and for some seconds after.
      has_lease: sql<boolean>`exists (select from keys k join leases l on l.tenant_id = k.tenant_id and l.key_id = k.id
        where ${mine} and l.amount_nanos > 0)`,
      last_used_at: sql<string | null>`(select max(k.last_used_at) from keys k where ${mine})`,
      spent_today_nanos: sql<string>`(select coalesce(sum(u.cost_nanos), 0) from usage_hours u
        where u.tenant_id = members.tenant_id and u.member_id = members.id
          and u.hour >= date_trunc('day', ${at}::timestamptz, (select time_zone from tenants)))`,
      paused_key_ids: sql<string[]>`array(select k.id from keys k where ${mine}
        and k.disabled_at >= date_trunc('day', ${at}::timestamptz, (select time_zone from tenants)) order by k.id)`,
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

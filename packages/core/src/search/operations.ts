import { groups, keys, locations, members, usage_events } from '@stipend/db/schema'
import { and, desc, eq, or, sql } from 'drizzle-orm'
import { decodeTime } from 'ulid'
import { z } from 'zod'
import { contains } from '../conditions.ts'
import { Instant } from '../fields.ts'
import { idSchema } from '../id.ts'
import { maskedKey } from '../keys/key.ts'
import { byName, matchingPeople } from '../members/operations.ts'
import { groupsInScope, membersInScope } from '../members/scope.ts'
import { query } from '../operation.ts'

const EACH_MAX = 6
const DAY_MS = 24 * 60 * 60_000

const Found = z.strictObject({
  members: z.array(z.strictObject({ id: idSchema('member'), name: z.string(), email: z.string() })),
  keys: z.array(
    z.strictObject({
      id: idSchema('key'),
      name: z.string(),
      masked: z.string(),
      member_name: z.string(),
      is_revoked: z.boolean(),
    }),
  ),
  groups: z.array(z.strictObject({ id: idSchema('group'), name: z.string(), location_name: z.string() })),
  requests: z.array(
    z.strictObject({ id: idSchema('request'), member_name: z.string(), model: z.string(), started_at: Instant }),
  ),
})

export const all = query({
  name: 'search.all',
  permission: 'keys:read',
  summary: 'People, keys by name or last four characters, classes or teams, requests by their id.',
  input: z.strictObject({ text: z.string().trim().min(2, 'Type at least two characters.').max(200) }),
  output: Found,
  errors: [],
  handle: async ({ tx, actor, input: { text } }) => {
    const people = await tx
      .select({ id: members.id, name: members.name, email: members.email })
      .from(members)
      .where(matchingPeople(tx, actor, { search: text }))
      .orderBy(...byName.order)
      .limit(EACH_MAX)
    const found = await tx
      .select({
        id: keys.id,
        name: keys.name,
        last_four: keys.last_four,
        member_name: members.name,
        is_revoked: sql<boolean>`${keys.revoked_at} is not null`,
      })
      .from(keys)
      .innerJoin(members, and(eq(members.tenant_id, keys.tenant_id), eq(members.id, keys.member_id)))
      .where(
        and(
          membersInScope(actor),
          or(eq(keys.last_four, text.slice(-4)), contains(keys.name, text), eq(keys.id, text)),
        ),
      )
      .orderBy(desc(keys.created_at), desc(keys.id))
      .limit(EACH_MAX)
    const classes = await tx
      .select({ id: groups.id, name: groups.name, location_name: locations.name })
      .from(groups)
      .innerJoin(locations, and(eq(locations.tenant_id, groups.tenant_id), eq(locations.id, groups.location_id)))
      .where(and(groupsInScope(actor), or(contains(groups.name, text), eq(groups.id, text))))
      .orderBy(groups.name, groups.id)
      .limit(EACH_MAX)
    const began = requestTime(text)
    const requests =
      began === null
        ? []
        : await tx
            .select({
              id: usage_events.id,
              member_name: members.name,
              model: usage_events.model,
              started_at: usage_events.started_at,
            })
            .from(usage_events)
            .innerJoin(
              members,
              and(eq(members.tenant_id, usage_events.tenant_id), eq(members.id, usage_events.member_id)),
            )
            .where(
              and(
                membersInScope(actor),
                eq(usage_events.id, text),
                sql`${usage_events.started_at} between ${new Date(began - DAY_MS).toISOString()}::timestamptz
                  and ${new Date(began + DAY_MS).toISOString()}::timestamptz`,
              ),
            )
            .limit(EACH_MAX)
    return {
      members: people,
      keys: found.map(({ last_four, ...key }) => ({ ...key, masked: maskedKey(last_four) })),
      groups: classes,
      requests,
    }
  },
})

/** When a request of this id was made: an id says so itself, which spares looking through all of them. */
function requestTime(text: string): number | null {
  if (!/^req_[0-9a-hjkmnp-tv-z]{26}$/.test(text)) return null
  try {
    return decodeTime(text.slice(4).toUpperCase())
  } catch {
    return null
  }
}

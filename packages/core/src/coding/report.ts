import type { TenantTx } from '@stipend/db'
import { group_members, groups, keys, locations, members, usage_events, usage_hours } from '@stipend/db/schema'
import { and, eq, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { given } from '../conditions.ts'
import { Instant, Search, UsdOutput, usd } from '../fields.ts'
import { idSchema } from '../id.ts'
import { MemberKind } from '../members/member.ts'
import { matchingPeople } from '../members/operations.ts'
import { groupsInScope } from '../members/scope.ts'
import { query } from '../operation.ts'
import { PageInput, pageOf, toPage } from '../page.ts'
import { type Sortings, sorted, sortNames } from '../sorting.ts'

const SUBJECTS = ['member', 'group', 'location'] as const
type Subject = (typeof SUBJECTS)[number]

const Report = PageInput.extend({
  by: z.enum(SUBJECTS).default('member').describe('Whose use is added up.'),
  days: z.coerce.number().int().min(1).max(366).default(30).describe('How many days back, today included.'),
  kind: MemberKind.optional(),
  location_id: idSchema('location').optional(),
  group_id: idSchema('group').optional(),
  search: Search,
  sort: z
    .enum(sortNames('cost', 'requests', 'name'))
    .default('-cost')
    .describe('The order; a leading minus: downwards.'),
})

const ReportRow = z.strictObject({
  id: z
    .string()
    .describe('Of the person, the class or team, or the location.')
    .meta({ examples: ['mem_01jd4k0v8m3q6y1x2z5w7t9rbc'] }),
  name: z.string(),
  detail: z.string().nullable().describe('A person’s e-mail address, a group’s location.'),
  members_count: z.number().int().describe('People who used a key.'),
  requests: z.number().int(),
  tokens: z.number().int().describe('In and out.'),
  cost_usd: UsdOutput,
  chats_count: z.number().int().describe('Conversations, as far as tools say which request belongs to which.'),
  last_seen_at: Instant.nullable().describe('When one of their keys was last used.'),
})

/** Whose use is added up: what names a row, what stands beside the name of a row `r`, what is joined with `members` for it. */
const OF: Record<Subject, { id: SQL; name: SQL; detail: SQL; join: SQL }> = {
  member: {
    id: sql`members.id`,
    name: sql`members.name`,
    detail: sql`(select m.email from members m where m.tenant_id = app.current_tenant() and m.id = r.id)`,
    join: sql``,
  },
  group: {
    id: sql`groups.id`,
    name: sql`groups.name`,
    detail: sql`(select l.name from groups g join locations l on l.tenant_id = g.tenant_id and l.id = g.location_id
      where g.tenant_id = app.current_tenant() and g.id = r.id)`,
    join: sql`join ${group_members} on group_members.tenant_id = members.tenant_id and group_members.member_id = members.id
      join ${groups} on groups.tenant_id = members.tenant_id and groups.id = group_members.group_id`,
  },
  location: {
    id: sql`locations.id`,
    name: sql`locations.name`,
    detail: sql`null::text`,
    join: sql`join ${locations} on locations.tenant_id = members.tenant_id and locations.id = members.location_id`,
  },
}

const SORTINGS: Sortings<'cost' | 'requests' | 'name'> = {
  cost: { by: sql`r.cost_nanos`, type: 'bigint' },
  requests: { by: sql`r.requests`, type: 'bigint' },
  name: { by: sql`lower(r.name)`, type: 'text' },
}

type Row = {
  id: string
  name: string
  detail: string | null
  members_count: number
  requests: string
  tokens: string
  cost_nanos: string
  sort_key: string
}

export const report = query({
  name: 'coding.report',
  permission: 'usage:read',
  summary: 'Who used their keys how much: per person, class or team, or location.',
  input: Report,
  output: pageOf(ReportRow),
  errors: [],
  handle: async ({ tx, actor, input, now }) => {
    const { by, limit, sort, cursor, days } = input
    const of = OF[by]
    const { kind, location_id, group_id, search } = input
    const people = and(
      matchingPeople(tx, actor, { kind, location_id, group_id, ...(by === 'member' ? { search } : {}) }),
      by === 'group' ? groupsInScope(actor) : undefined,
      given(
        by === 'member' ? undefined : search,
        (text) => sql`lower(${of.name}) like ${`%${text.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`}`,
      ),
      given(by === 'group' ? group_id : undefined, (id) => eq(groups.id, id)),
    )
    const order = sorted(SORTINGS, sort, sql`r.id`, cursor)
    const zone = sql`(select time_zone from tenants)`
    const since = sql`((date_trunc('day', ${now.toISOString()}::timestamptz at time zone ${zone})
      - make_interval(days => ${days - 1})) at time zone ${zone})`
    // A person is in `u` once, and in a class once: rows are people. What stands beside a name is looked up for a page alone.
    const rows = await tx.execute<Row>(sql`
      select r.*, ${of.detail} as detail, ${order.key} as sort_key from (
        select ${of.id} as id, ${of.name} as name, count(*)::int as members_count,
               sum(u.requests)::bigint as requests, sum(u.tokens)::bigint as tokens, sum(u.cost_nanos)::bigint as cost_nanos
          from (select member_id, sum(requests) as requests, sum(input_tokens + output_tokens) as tokens, sum(cost_nanos) as cost_nanos
                  from ${usage_hours} where hour >= ${since} group by member_id) u
          join ${members} on members.tenant_id = app.current_tenant() and members.id = u.member_id ${of.join}
         where ${people} group by 1, 2) r
       where ${order.after ?? sql`true`} order by ${sql.join(order.order, sql`, `)} limit ${limit + 1}`)
    const ids = rows.slice(0, limit).map((row) => row.id)
    const chats = await chatsOf(tx, of, people, ids, since)
    const seen = await lastSeen(tx, of, people, ids)
    return toPage(
      [...rows],
      limit,
      (row): z.input<typeof ReportRow> => ({
        id: row.id,
        name: row.name,
        detail: row.detail,
        members_count: row.members_count,
        requests: Number(row.requests),
        tokens: Number(row.tokens),
        cost_usd: usd(BigInt(row.cost_nanos)),
        chats_count: chats.get(row.id) ?? 0,
        last_seen_at: seen.get(row.id) ?? null,
      }),
      order.cursorOf,
    )
  },
})

type Of = (typeof OF)[Subject]

const among = (column: SQL, ids: string[]) => sql`${column} = any (${sql.param(ids)}::text[])`

async function chatsOf(tx: TenantTx, of: Of, people: SQL | undefined, ids: string[], since: SQL) {
  const rows = await tx.execute<{ id: string; chats: number }>(sql`
    select id, count(*)::int as chats from (select distinct ${of.id} as id, e.key_id, e.thread
      from ${usage_events} e
      join ${members} on members.tenant_id = e.tenant_id and members.id = e.member_id ${of.join}
     where e.thread is not null and e.started_at >= ${since} and ${people} and ${among(of.id, ids)}) chat group by 1`)
  return new Map(rows.map((row) => [row.id, row.chats]))
}

async function lastSeen(tx: TenantTx, of: Of, people: SQL | undefined, ids: string[]) {
  const rows = await tx.execute<{ id: string; at: string | null }>(sql`
    select ${of.id} as id, max(k.last_used_at) as at
      from ${keys} k join ${members} on members.tenant_id = k.tenant_id and members.id = k.member_id ${of.join}
     where ${people} and ${among(of.id, ids)} group by 1`)
  return new Map(rows.map((row) => [row.id, row.at === null ? null : new Date(row.at).toISOString()]))
}

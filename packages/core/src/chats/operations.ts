import { chats, keys, members, usage_events } from '@stipend/db/schema'
import { and, eq, sql } from 'drizzle-orm'
import { z } from 'zod'
import { given } from '../conditions.ts'
import { Instant, UsdOutput, usd } from '../fields.ts'
import { idSchema } from '../id.ts'
import { maskedKey } from '../keys/key.ts'
import { membersInScope } from '../members/scope.ts'
import { query } from '../operation.ts'
import { PageInput, pageOf, toPage } from '../page.ts'
import { type Sortings, sorted } from '../sorting.ts'

const ListChats = PageInput.extend({
  key_id: idSchema('key').optional(),
  member_id: idSchema('member').optional(),
  days: z.coerce.number().int().min(1).max(366).default(30).describe('How many days back.'),
})

const Chat = z.strictObject({
  title: z
    .string()
    .nullable()
    .describe('The first words of it, where the organisation keeps titles of chats; null: it keeps none.'),
  thread: z.string().describe('A hash that means nothing by itself; the same for all requests of the conversation.'),
  key_id: idSchema('key'),
  key_masked: z.string(),
  member_id: idSchema('member'),
  member_name: z.string(),
  requests: z.number().int(),
  cost_usd: UsdOutput,
  models: z.array(z.string().meta({ examples: ['sandbox-large'] })),
  started_at: Instant,
  last_at: Instant,
})

const SORTINGS: Sortings<'last_at'> = { last_at: { by: sql`r.last_at`, type: 'timestamptz' } }
const DAY_MS = 24 * 60 * 60_000

type Row = {
  id: string
  title: string | null
  thread: string
  key_id: string
  last_four: string
  member_id: string
  member_name: string
  requests: number
  cost_nanos: string
  models: string[]
  started_at: string
  last_at: string
  sort_key: string
}

export const list = query({
  name: 'chats.list',
  permission: 'usage:read',
  summary:
    'Conversations made with keys, the latest first: how long, what they cost and, where the organisation keeps them, their titles.',
  input: ListChats,
  output: pageOf(Chat),
  errors: [],
  handle: async ({ tx, actor, input, now }) => {
    const since = new Date(now.getTime() - input.days * DAY_MS).toISOString()
    const order = sorted(SORTINGS, '-last_at', sql`r.id`, input.cursor)
    const condition = and(
      membersInScope(actor),
      given(input.key_id, (id) => eq(keys.id, id)),
      given(input.member_id, (id) => eq(members.id, id)),
    )
    const rows = await tx.execute<Row>(sql`
      select r.*, ${order.key} as sort_key,
             (select c.title from ${chats} c where c.key_id = r.key_id and c.thread = r.thread) as title from (
        select keys.id || e.thread as id, e.thread, keys.id as key_id, keys.last_four, members.id as member_id, members.name as member_name,
               count(*)::int as requests, sum(e.cost_nanos)::text as cost_nanos, array_agg(distinct e.model) as models,
               min(e.started_at) as started_at, max(e.started_at) as last_at
          from ${usage_events} e
          join ${keys} on keys.tenant_id = e.tenant_id and keys.id = e.key_id
          join ${members} on members.tenant_id = e.tenant_id and members.id = e.member_id
         where e.thread is not null and e.started_at >= ${since}::timestamptz and ${condition ?? sql`true`}
         group by e.thread, keys.id, keys.last_four, members.id, members.name) r
       where ${order.after ?? sql`true`} order by ${sql.join(order.order, sql`, `)} limit ${input.limit + 1}`)
    return toPage(
      [...rows],
      input.limit,
      (row): z.input<typeof Chat> => ({
        title: row.title,
        thread: row.thread,
        key_id: row.key_id,
        key_masked: maskedKey(row.last_four),
        member_id: row.member_id,
        member_name: row.member_name,
        requests: row.requests,
        cost_usd: usd(BigInt(row.cost_nanos)),
        models: row.models,
        started_at: new Date(row.started_at).toISOString(),
        last_at: new Date(row.last_at).toISOString(),
      }),
      order.cursorOf,
    )
  },
})

import type { TenantTx } from '@stipend/db'
import { keys, members, tenants, usage_events, usage_hours } from '@stipend/db/schema'
import { and, desc, eq, inArray, or, type SQL, sql } from 'drizzle-orm'
import type { Actor } from '../actor.ts'
import { contains, given } from '../conditions.ts'
import { usd } from '../fields.ts'
import { maskedKey } from '../keys/key.ts'
import { membersInScope, seesEverything } from '../members/scope.ts'
import { query } from '../operation.ts'
import { decodeCursor, pageOf, toPage } from '../page.ts'
import { ListUsage, SummarizeUsage, UsageEvent, UsageSummary } from './usage.ts'

export const list = query({
  name: 'usage.list',
  permission: 'usage:read',
  summary: 'Requests that were forwarded, newest first, with who made them and what they cost.',
  input: ListUsage,
  output: pageOf(UsageEvent),
  errors: [],
  handle: async ({ tx, actor, input }) => {
    const after = input.cursor === undefined ? undefined : decodeCursor(input.cursor, 2)
    const rows = await tx
      .select({
        id: usage_events.id,
        started_at: usage_events.started_at,
        member_id: usage_events.member_id,
        member_name: members.name,
        key_id: usage_events.key_id,
        key_name: keys.name,
        last_four: keys.last_four,
        model: usage_events.model,
        provider: usage_events.provider_name,
        status: usage_events.status,
        http_status: usage_events.http_status,
        error_code: usage_events.error_code,
        is_streamed: usage_events.is_streamed,
        is_estimated: usage_events.is_estimated,
        input_tokens: usage_events.input_tokens,
        cached_input_tokens: usage_events.cached_input_tokens,
        output_tokens: usage_events.output_tokens,
        cost_nanos: usage_events.cost_nanos,
        latency_ms: usage_events.latency_ms,
        first_byte_ms: usage_events.first_byte_ms,
      })
      .from(usage_events)
      .innerJoin(members, and(eq(members.tenant_id, usage_events.tenant_id), eq(members.id, usage_events.member_id)))
      .innerJoin(keys, and(eq(keys.tenant_id, usage_events.tenant_id), eq(keys.id, usage_events.key_id)))
      .where(
        and(
          membersInScope(actor),
          given(input.from, (from) => sql`${usage_events.started_at} >= ${from}::timestamptz`),
          given(input.to, (to) => sql`${usage_events.started_at} < ${to}::timestamptz`),
          given(input.member_id, (id) => eq(usage_events.member_id, id)),
          given(input.key_id, (id) => and(eq(usage_events.key_id, id), eq(usage_events.member_id, ownerOf(tx, id)))),
          given(input.provider_id, (id) => eq(usage_events.provider_id, id)),
          given(input.location_id, (id) => eq(members.location_id, id)),
          given(input.model, (model) => eq(usage_events.model, model)),
          given(input.status, (status) => eq(usage_events.status, status)),
          given(input.search, (text) =>
            or(contains(members.name, text), contains(members.email, text), eq(usage_events.id, text)),
          ),
          after && sql`(${usage_events.started_at}, ${usage_events.id}) < (${after[0]}::timestamptz, ${after[1]})`,
        ),
      )
      .orderBy(desc(usage_events.started_at), desc(usage_events.id))
      .limit(input.limit + 1)
    return toPage(
      rows,
      input.limit,
      ({ last_four, cost_nanos, ...row }) => ({ ...row, key_masked: maskedKey(last_four), cost_usd: usd(cost_nanos) }),
      (row) => [row.started_at, row.id],
    )
  },
})

/** Whose key it is, and always was: the index that finds a key's requests begins with the person. */
const ownerOf = (tx: TenantTx, key_id: string) =>
  sql`(${tx.select({ id: keys.member_id }).from(keys).where(eq(keys.id, key_id))})`

const sums = {
  requests: sql<string>`coalesce(sum(${usage_hours.requests}), 0)`,
  input_tokens: sql<string>`coalesce(sum(${usage_hours.input_tokens}), 0)`,
  output_tokens: sql<string>`coalesce(sum(${usage_hours.output_tokens}), 0)`,
  cost_nanos: sql<string>`coalesce(sum(${usage_hours.cost_nanos}), 0)`,
}

// Sums of bigint columns arrive as text.
function totals(row: { requests: string; input_tokens: string; output_tokens: string; cost_nanos: string }) {
  return {
    requests: Number(row.requests),
    input_tokens: Number(row.input_tokens),
    output_tokens: Number(row.output_tokens),
    cost_usd: usd(BigInt(row.cost_nanos)),
  }
}

function ofScope(tx: TenantTx, actor: Actor, location_id: string | undefined): SQL | undefined {
  if (seesEverything(actor) && location_id === undefined) return undefined
  const condition = and(
    membersInScope(actor),
    given(location_id, (id) => eq(members.location_id, id)),
  )
  return inArray(usage_hours.member_id, tx.select({ id: members.id }).from(members).where(condition))
}

/** Whole days of the tenant's zone, today included; read from the hourly sums. */
export const summary = query({
  name: 'usage.summary',
  permission: 'usage:read',
  summary: 'Spend, requests and tokens of the last days: in all, by day and by model.',
  input: SummarizeUsage,
  output: UsageSummary,
  errors: [],
  handle: async ({ tx, actor, input, now }) => {
    const [tenant] = await tx.select({ time_zone: tenants.time_zone }).from(tenants)
    const zone = tenant?.time_zone ?? 'UTC'
    const at = sql`${now.toISOString()}::timestamptz`
    const first = sql`(date_trunc('day', ${at} at time zone ${zone}) - make_interval(days => ${input.days - 1}))`
    const range = and(sql`${usage_hours.hour} >= ${first} at time zone ${zone}`, ofScope(tx, actor, input.location_id))

    const [all] = await tx.select(sums).from(usage_hours).where(range)
    // As a list of people first: counting distinct ones sorts every row.
    const people = tx.selectDistinct({ id: usage_hours.member_id }).from(usage_hours).where(range).as('people')
    const [active] = await tx.select({ count: sql<number>`count(*)::int` }).from(people)
    const by_model = await tx
      .select({ model: usage_hours.model, ...sums })
      .from(usage_hours)
      .where(range)
      .groupBy(usage_hours.model)
      .orderBy(desc(sums.cost_nanos), usage_hours.model)
      .limit(50)
    // By the hour first: there are few of them, and which day each belongs to is then worked out once.
    const perHour = tx
      .select({
        hour: usage_hours.hour,
        requests: sums.requests.as('requests'),
        input_tokens: sums.input_tokens.as('input_tokens'),
        output_tokens: sums.output_tokens.as('output_tokens'),
        cost_nanos: sums.cost_nanos.as('cost_nanos'),
      })
      .from(usage_hours)
      .where(range)
      .groupBy(usage_hours.hour)
      .as('per_hour')
    const perDay = tx
      .select({
        day: sql<string>`to_char(${perHour.hour} at time zone ${zone}, 'YYYY-MM-DD')`.as('day'),
        requests: sql<string>`sum(${perHour.requests})`.as('requests'),
        input_tokens: sql<string>`sum(${perHour.input_tokens})`.as('input_tokens'),
        output_tokens: sql<string>`sum(${perHour.output_tokens})`.as('output_tokens'),
        cost_nanos: sql<string>`sum(${perHour.cost_nanos})`.as('cost_nanos'),
      })
      .from(perHour)
      .groupBy(sql`1`)
      .as('per_day')
    const days = sql`generate_series(${first}, date_trunc('day', ${at} at time zone ${zone}), interval '1 day')`
    const by_day = await tx
      .select({
        day: sql<string>`to_char(one, 'YYYY-MM-DD')`,
        requests: sql<string>`coalesce(${perDay.requests}, 0)`,
        input_tokens: sql<string>`coalesce(${perDay.input_tokens}, 0)`,
        output_tokens: sql<string>`coalesce(${perDay.output_tokens}, 0)`,
        cost_nanos: sql<string>`coalesce(${perDay.cost_nanos}, 0)`,
      })
      .from(sql`${days} as one`)
      .leftJoin(perDay, sql`${perDay.day} = to_char(one, 'YYYY-MM-DD')`)
      .orderBy(sql`one`)

    if (all === undefined) throw new Error('a sum without a row')
    return {
      ...totals(all),
      active_members: active?.count ?? 0,
      by_day: by_day.map((row) => ({ day: row.day, ...totals(row) })),
      by_model: by_model.map((row) => ({ model: row.model, ...totals(row) })),
    }
  },
})

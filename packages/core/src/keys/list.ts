import type { TenantTx } from '@stipend/db'
import { accounts, group_members, keys, members, usage_hours } from '@stipend/db/schema'
import { and, eq, inArray, or, type SQL, sql } from 'drizzle-orm'
import type { z } from 'zod'
import { type Actor, actorId } from '../actor.ts'
import { contains, given } from '../conditions.ts'
import { usd } from '../fields.ts'
import { membersInScope } from '../members/scope.ts'
import { type Call, query } from '../operation.ts'
import { pageOf, toPage } from '../page.ts'
import { type Sortings, sorted } from '../sorting.ts'
import { type KeyFilter, type KeyStatus, ListedKey, ListKeys, ListOwnKeys } from './key.ts'
import { keyView, selectKeys, spentNanos } from './operations.ts'

const SORTINGS: Sortings<'created_at' | 'name' | 'member_name' | 'spent' | 'last_used_at' | 'valid_until'> = {
  created_at: { by: sql`${keys.created_at}`, type: 'timestamptz' },
  name: { by: sql`lower(${keys.name})`, type: 'text' },
  member_name: { by: sql`lower(${members.name})`, type: 'text' },
  spent: { by: spentNanos, type: 'bigint' },
  last_used_at: { by: sql`coalesce(${keys.last_used_at}, '-infinity')`, type: 'timestamptz' },
  valid_until: { by: sql`coalesce(${keys.valid_until}, 'infinity')`, type: 'timestamptz' },
}

/** The condition for keys that match a filter and that the actor may see; of rows joined as `selectKeys` joins them. */
export function matchingKeys(actor: Actor, filter: KeyFilter, now: Date): SQL | undefined {
  return and(
    membersInScope(actor),
    given(filter.member_id, (id) => eq(keys.member_id, id)),
    given(filter.status, (status) => hasStatus(status, now)),
    given(filter.kind, (kind) => eq(members.kind, kind)),
    given(filter.location_id, (id) => eq(members.location_id, id)),
    given(filter.group_id, inGroup),
    given(filter.allocation_id, (id) => eq(keys.allocation_id, id)),
    given(filter.provider_id, (id) => eq(keys.provider_id, id)),
    given(filter.model, (name) => sql`${name} = any (${keys.allowed_models})`),
    given(
      filter.used_min,
      (percent) =>
        sql`${accounts.limit_nanos} is not null and ${spentNanos} * 100 >= ${accounts.limit_nanos} * ${percent}`,
    ),
    given(filter.search, (text) =>
      or(
        contains(keys.name, text),
        contains(members.name, text),
        contains(members.email, text),
        eq(keys.last_four, text),
        eq(keys.id, text),
      ),
    ),
  )
}

const inGroup = (group_id: string) => sql`exists (select from ${group_members} gm
  where gm.tenant_id = ${members.tenant_id} and gm.member_id = ${members.id} and gm.group_id = ${group_id})`

/** The same rule as `keyStatus`, for rows joined with `members`. A test holds the two together. */
export function hasStatus(status: KeyStatus, now: Date): SQL {
  const at = now.toISOString()
  const revoked = sql`${keys.revoked_at} is not null`
  const disabled = sql`(${keys.disabled_at} is not null or ${members.deactivated_at} is not null)`
  const expired = sql`coalesce(${keys.valid_until} <= ${at}::timestamptz, false)`
  const early = sql`coalesce(${keys.valid_from} > ${at}::timestamptz, false)`
  switch (status) {
    case 'revoked':
      return revoked
    case 'disabled':
      return sql`not ${revoked} and ${disabled}`
    case 'expired':
      return sql`not (${revoked}) and not (${disabled}) and ${expired}`
    case 'not_yet_valid':
      return sql`not (${revoked}) and not (${disabled}) and not ${expired} and ${early}`
    case 'active':
      return sql`not (${revoked}) and not (${disabled}) and not ${expired} and not ${early}`
  }
}

async function listKeys(
  { tx, actor, now }: Pick<Call<'tenant', unknown>, 'tx' | 'actor' | 'now'>,
  input: Pick<ListKeys, 'limit' | 'cursor' | 'sort'>,
  condition: SQL | undefined,
) {
  const order = sorted(SORTINGS, input.sort, keys.id, input.cursor)
  const rows = await selectKeys(tx, order.key)
    .where(and(condition, order.after))
    .orderBy(...order.order)
    .limit(input.limit + 1)
  const [totals, creators] = [await totalsOf(tx, rows), await creatorsOf(tx, actor, rows)]
  return toPage(
    rows,
    input.limit,
    (row): z.input<typeof ListedKey> => ({
      ...keyView(row, now),
      member_email: row.member_email,
      created_by_name: creators.get(row.created_by) ?? null,
      ...(totals.get(row.id) ?? { requests: 0, tokens: 0, cost_usd: usd(0n) }),
    }),
    order.cursorOf,
  )
}

/** All that was ever used with these keys. Asked for a page's keys alone: joined, it would be summed for all that match. */
async function totalsOf(tx: TenantTx, rows: { id: string }[]) {
  if (rows.length === 0) return new Map<string, { requests: number; tokens: number; cost_usd: string }>()
  const ids = rows.map((row) => row.id)
  const sums = await tx
    .select({
      key_id: usage_hours.key_id,
      requests: sql<string>`sum(${usage_hours.requests})`,
      tokens: sql<string>`sum(${usage_hours.input_tokens} + ${usage_hours.output_tokens})`,
      cost_nanos: sql<string>`sum(${usage_hours.cost_nanos})`,
    })
    .from(usage_hours)
    .where(inArray(usage_hours.key_id, ids))
    .groupBy(usage_hours.key_id)
  return new Map(
    sums.map((row) => [
      row.key_id,
      { requests: Number(row.requests), tokens: Number(row.tokens), cost_usd: usd(BigInt(row.cost_nanos)) },
    ]),
  )
}

async function creatorsOf(tx: TenantTx, actor: Actor, rows: { created_by: string }[]): Promise<Map<string, string>> {
  const ids = [...new Set(rows.map((row) => row.created_by))]
  if (ids.length === 0) return new Map()
  const found = await tx
    .select({ id: members.id, name: members.name })
    .from(members)
    .where(and(inArray(members.id, ids), membersInScope(actor)))
  return new Map(found.map((row) => [row.id, row.name]))
}

export const list = query({
  name: 'keys.list',
  permission: 'keys:read',
  summary: 'Keys, newest first unless sorted otherwise. Never their secrets.',
  input: ListKeys,
  output: pageOf(ListedKey),
  errors: [],
  handle: (call) => listKeys(call, call.input, matchingKeys(call.actor, call.input, call.now)),
})

export const listOwn = query({
  name: 'keys.list_own',
  permission: 'own',
  summary: 'The keys of the person who asks, newest first unless sorted otherwise.',
  input: ListOwnKeys,
  output: pageOf(ListedKey),
  errors: [],
  handle: (call) => {
    const { actor, input, now } = call
    const own = and(
      eq(keys.member_id, actorId(actor)),
      given(input.status, (status) => hasStatus(status, now)),
    )
    return listKeys(call, input, own)
  },
})

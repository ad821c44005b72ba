import type { TenantTx } from '@stipend/db'
import { account_periods, accounts, groups, keys, locations, members, tenants, usage_hours } from '@stipend/db/schema'
import { and, asc, eq, inArray, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { given } from '../conditions.ts'
import { usd } from '../fields.ts'
import { currentPeriod, keyView, selectKeys, spentNanos } from '../keys/operations.ts'
import { memberColumns } from '../members/operations.ts'
import { groupsInScope, membersInScope, seesEverything, UNGROUPED } from '../members/scope.ts'
import { query } from '../operation.ts'
import { decodeCursor, pageOf, toPage } from '../page.ts'
import { type Sortings, sorted } from '../sorting.ts'
import { accountOfKey, asksForKey, codingPeople, currentKeys, ofMember } from './current-key.ts'
import { CodingGroup, ListCodingGroups, ListPeople, Person, PersonFilter } from './person.ts'

const SORTINGS: Sortings<'name' | 'spent' | 'last_used_at'> = {
  name: { by: sql`members.name_key`, type: 'text' },
  spent: { by: sql`coalesce(${spentNanos}, 0)`, type: 'bigint' },
  last_used_at: { by: sql`coalesce(keys.last_used_at, '-infinity')`, type: 'timestamptz' },
}

export const listPeople = query({
  name: 'coding.list_people',
  permission: 'keys:read',
  summary: 'People with the key they work with, by name unless sorted otherwise.',
  input: ListPeople,
  output: pageOf(Person),
  errors: [],
  handle: async ({ tx, actor, input, now }) => {
    const { limit, cursor, sort, ...filter } = input
    const order = sorted(SORTINGS, sort, members.id, cursor)
    const condition = and(codingPeople(tx, actor, filter, now), order.after)
    // First who, then all about those: what is looked up for each person is so looked up for a page of them.
    const select = { id: members.id, sort_key: order.key }
    const needsKey = asksForKey(filter) || !sort.endsWith('name')
    const found = needsKey
      ? await tx
          .select(select)
          .from(members)
          .leftJoin(currentKeys(tx), ofMember)
          .leftJoin(accounts, accountOfKey)
          .innerJoin(tenants, eq(tenants.id, members.tenant_id))
          .leftJoin(account_periods, currentPeriod)
          .where(condition)
          .orderBy(...order.order)
          .limit(limit + 1)
      : await tx
          .select(select)
          .from(members)
          .where(condition)
          .orderBy(...order.order)
          .limit(limit + 1)
    const people = await peopleOf(
      tx,
      found.slice(0, limit).map((row) => row.id),
      now,
    )
    const page = toPage(found, limit, (row) => people.get(row.id), order.cursorOf)
    return { ...page, data: page.data.filter((person) => person !== undefined) }
  },
})

async function peopleOf(tx: TenantTx, ids: string[], now: Date): Promise<Map<string, z.input<typeof Person>>> {
  if (ids.length === 0) return new Map()
  const rows = await tx.select(memberColumns).from(members).where(inArray(members.id, ids))
  const theirs = await selectKeys(tx)
    .where(and(inArray(keys.member_id, ids), sql`${keys.revoked_at} is null`))
    .orderBy(asc(keys.created_at), asc(keys.id))
  const requests = await tx
    .select({ member_id: usage_hours.member_id, requests: sql<string>`sum(${usage_hours.requests})` })
    .from(usage_hours)
    .where(inArray(usage_hours.member_id, ids))
    .groupBy(usage_hours.member_id)
  const requestsOf = new Map(requests.map((row) => [row.member_id, Number(row.requests)]))
  return new Map(
    rows.map((row) => {
      const own = theirs.filter((key) => key.member_id === row.id)
      const newest = own.at(-1)
      const key = newest === undefined ? null : keyView(newest, now)
      return [row.id, { ...row, key, keys_count: own.length, requests: requestsOf.get(row.id) ?? 0 }]
    }),
  )
}

export const countPeople = query({
  name: 'coding.count_people',
  permission: 'keys:read',
  summary: 'How many people match.',
  input: PersonFilter,
  output: z.strictObject({ count: z.number().int() }),
  errors: [],
  handle: async ({ tx, actor, input, now }) => {
    const [row] = await tx
      .select({ count: sql<number>`count(*)::int` })
      .from(members)
      .leftJoin(currentKeys(tx), ofMember)
      .leftJoin(accounts, accountOfKey)
      .innerJoin(tenants, eq(tenants.id, members.tenant_id))
      .leftJoin(account_periods, currentPeriod)
      .where(codingPeople(tx, actor, input, now))
    return { count: row?.count ?? 0 }
  },
})

export const listGroups = query({
  name: 'coding.list_groups',
  permission: 'keys:read',
  summary: 'Classes or teams with what their people have used, by location and name; last, who is in none.',
  input: ListCodingGroups,
  output: pageOf(CodingGroup),
  errors: [],
  handle: async ({ tx, actor, input }) => {
    const after = input.cursor === undefined ? undefined : decodeCursor(input.cursor, 3)
    const rows = await tx
      .select({ id: groups.id, name: groups.name, location_name: locations.name })
      .from(groups)
      .innerJoin(locations, and(eq(locations.tenant_id, groups.tenant_id), eq(locations.id, groups.location_id)))
      .where(
        and(
          groupsInScope(actor),
          given(input.location_id, (id) => eq(groups.location_id, id)),
          after && sql`(${locations.name}, ${groups.name}, ${groups.id}) > (${after[0]}, ${after[1]}, ${after[2]})`,
        ),
      )
      .orderBy(locations.name, groups.name, groups.id)
      .limit(input.limit + 1)
    const page = toPage(
      rows,
      input.limit,
      (row) => row,
      (row) => [row.location_name, row.name, row.id],
    )
    const ids = page.data.map((row) => row.id)
    const ofKind = and(
      eq(members.kind, input.kind),
      given(input.location_id, (id) => eq(members.location_id, id)),
    )
    const sums =
      ids.length === 0 ? [] : await sumsOf(tx, and(ofKind, sql`gm.group_id = any (${sql.param(ids)}::text[])`))
    const byId = new Map(sums.map((row) => [row.group_id, row]))
    const data: z.input<typeof CodingGroup>[] = page.data.map((row) => ({ ...row, ...sumView(byId.get(row.id)) }))
    // A teacher looks after groups: who is in none is not theirs.
    if (page.next_cursor === null && (seesEverything(actor) || actor.kind !== 'user' || actor.location_ids !== null)) {
      const [rest] = await sumsOf(tx, and(ofKind, membersInScope(actor), UNGROUPED))
      if (rest !== undefined && rest.members_count > 0) {
        data.push({ id: null, name: null, location_name: null, ...sumView(rest) })
      }
    }
    return { data, next_cursor: page.next_cursor }
  },
})

type Sums = {
  members_count: number
  keys_count: number
  spent_nanos: string
  limit_nanos: string
  has_unlimited: boolean
}

function sumsOf(tx: TenantTx, condition: SQL | undefined) {
  return tx.execute<Sums & { group_id: string | null }>(sql`
    select gm.group_id, count(distinct ${members.id})::int as members_count, count(${keys.id})::int as keys_count,
           coalesce(sum(${spentNanos}) filter (where ${keys.id} is not null), 0)::text as spent_nanos,
           coalesce(sum(${accounts.limit_nanos}), 0)::text as limit_nanos,
           coalesce(bool_or(${keys.id} is not null and ${accounts.limit_nanos} is null), false) as has_unlimited
      from ${members}
      left join group_members gm on gm.tenant_id = ${members.tenant_id} and gm.member_id = ${members.id}
      join ${tenants} on ${tenants.id} = ${members.tenant_id}
      left join ${keys} on ${keys.tenant_id} = ${members.tenant_id} and ${keys.member_id} = ${members.id}
       and ${keys.revoked_at} is null
      left join ${accounts} on ${accounts.tenant_id} = ${keys.tenant_id} and ${accounts.id} = ${keys.id}
      left join ${account_periods} on ${currentPeriod}
     where ${members.removed_at} is null and ${members.deactivated_at} is null and ${condition}
     group by gm.group_id`)
}

function sumView(sums: Sums | undefined) {
  if (sums === undefined) return { members_count: 0, keys_count: 0, spent_usd: usd(0n), limit_usd: usd(0n) }
  return {
    members_count: sums.members_count,
    keys_count: sums.keys_count,
    spent_usd: usd(BigInt(sums.spent_nanos)),
    limit_usd: sums.has_unlimited ? null : usd(BigInt(sums.limit_nanos)),
  }
}

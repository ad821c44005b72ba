import { keys, members } from '@stipend/db/schema'
import { and, inArray, isNull, sql } from 'drizzle-orm'
import { keyView, selectKeys } from '../keys/operations.ts'
import { afterName, byName, matchingPeople, memberColumns } from '../members/operations.ts'
import { query } from '../operation.ts'
import { pageOf, toPage } from '../page.ts'
import { ListPeople, Person } from './person.ts'

export const listPeople = query({
  name: 'coding.list_people',
  permission: 'keys:read',
  summary: 'People with the key they work with, by name.',
  input: ListPeople,
  output: pageOf(Person),
  errors: [],
  handle: async ({ tx, actor, input, now }) => {
    const rows = await tx
      .select({
        ...memberColumns,
        key_id: sql<string | null>`(select k.id from keys k
          where k.tenant_id = members.tenant_id and k.member_id = members.id and k.revoked_at is null
          order by k.created_at desc, k.id desc limit 1)`,
        keys_count: sql<number>`(select count(*)::int from keys k
          where k.tenant_id = members.tenant_id and k.member_id = members.id and k.revoked_at is null)`,
        requests: sql<number>`(select coalesce(sum(u.requests), 0)::int from usage_hours u
          where u.tenant_id = members.tenant_id and u.member_id = members.id)`,
      })
      .from(members)
      .where(and(isNull(members.deactivated_at), matchingPeople(tx, actor, input), afterName(input.cursor)))
      .orderBy(...byName.order)
      .limit(input.limit + 1)

    const ids = rows.flatMap((row) => (row.key_id === null ? [] : [row.key_id]))
    const found = ids.length === 0 ? [] : await selectKeys(tx).where(inArray(keys.id, ids))
    const byId = new Map(found.map((row) => [row.id, keyView(row, now)]))
    return toPage(
      rows,
      input.limit,
      ({ key_id, ...row }) => ({ ...row, key: (key_id === null ? undefined : byId.get(key_id)) ?? null }),
      (row) => [row.name, row.id],
    )
  },
})

import { group_members, groups, locations, members } from '@stipend/db/schema'
import { and, eq, inArray, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { type Actor, locationScope } from '../actor.ts'
import { notFound } from '../errors.ts'
import { idSchema } from '../id.ts'
import { membersInScope, requireLocation } from '../members/scope.ts'
import { command, query } from '../operation.ts'
import { decodeCursor, pageOf, toPage } from '../page.ts'
import { AddGroupMembers, CreateGroup, Group, ListGroups } from './group.ts'

const columns = {
  id: groups.id,
  name: groups.name,
  location_id: groups.location_id,
  location_name: locations.name,
  created_at: groups.created_at,
  members_count: sql<number>`(select count(*)::int from group_members gm
    where gm.tenant_id = groups.tenant_id and gm.group_id = groups.id)`,
}

const inLocation = and(eq(locations.tenant_id, groups.tenant_id), eq(locations.id, groups.location_id))

function inScope(actor: Actor): SQL | undefined {
  const scope = locationScope(actor)
  return scope === null ? undefined : inArray(groups.location_id, scope)
}

export const list = query({
  name: 'groups.list',
  permission: 'groups:read',
  summary: 'Classes or teams, by location and name.',
  input: ListGroups,
  output: pageOf(Group),
  errors: [],
  handle: async ({ tx, actor, input }) => {
    const after = input.cursor === undefined ? undefined : decodeCursor(input.cursor, 3)
    const rows = await tx
      .select(columns)
      .from(groups)
      .innerJoin(locations, inLocation)
      .where(
        and(
          inScope(actor),
          input.location_id === undefined ? undefined : eq(groups.location_id, input.location_id),
          after && sql`(${locations.name}, ${groups.name}, ${groups.id}) > (${after[0]}, ${after[1]}, ${after[2]})`,
        ),
      )
      .orderBy(locations.name, groups.name, groups.id)
      .limit(input.limit + 1)
    return toPage(
      rows,
      input.limit,
      (row) => row,
      (row) => [row.location_name, row.name, row.id],
    )
  },
})

export const create = command({
  name: 'groups.create',
  permission: 'groups:write',
  summary: 'Create a class or a team.',
  input: CreateGroup,
  output: Group,
  errors: ['conflict', 'not_found'],
  handle: async ({ tx, actor, input, newId }) => {
    await requireLocation(tx, actor, input.location_id)
    const id = newId('group')
    await tx.insert(groups).values({ id, ...input })
    const [group] = await tx.select(columns).from(groups).innerJoin(locations, inLocation).where(eq(groups.id, id))
    if (group === undefined) throw new Error('the group just made is not there')
    return { output: group, audit: { target_id: id, after: group } }
  },
})

export const addMembers = command({
  name: 'groups.add_members',
  permission: 'groups:write',
  summary: 'Put people into a class or a team. Those who are in it already stay.',
  input: AddGroupMembers,
  output: z.strictObject({ group_id: idSchema('group'), added: z.number().int() }),
  errors: ['not_found'],
  handle: async ({ tx, actor, input }) => {
    const [group] = await tx
      .select({ id: groups.id })
      .from(groups)
      .where(and(eq(groups.id, input.group_id), inScope(actor)))
    if (group === undefined) throw notFound('group')
    const wanted = [...new Set(input.member_ids)]
    const seen = await tx
      .select({ id: members.id })
      .from(members)
      .where(and(inArray(members.id, wanted), membersInScope(actor)))
    if (seen.length < wanted.length) throw notFound('member')
    const added = await tx
      .insert(group_members)
      .values(wanted.map((member_id) => ({ group_id: group.id, member_id })))
      .onConflictDoNothing()
      .returning({ member_id: group_members.member_id })
    return {
      output: { group_id: group.id, added: added.length },
      audit: { target_id: group.id, after: { added: added.map((row) => row.member_id) } },
    }
  },
})

import type { TenantTx } from '@stipend/db'
import { group_leads, group_members, groups, locations, members } from '@stipend/db/schema'
import { and, eq, inArray, isNull, notInArray, or, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Actor } from '../actor.ts'
import { contains, given } from '../conditions.ts'
import { invalidField, notFound } from '../errors.ts'
import { idSchema } from '../id.ts'
import { groupsInScope, membersInScope, requireGroup, requireLocation } from '../members/scope.ts'
import { command, query } from '../operation.ts'
import { decodeCursor, pageOf, toPage } from '../page.ts'
import { AddGroupMembers, CreateGroup, Group, GroupRef, ListGroups, SetGroupLeads, UpdateGroup } from './group.ts'

const columns = {
  id: groups.id,
  name: groups.name,
  location_id: groups.location_id,
  location_name: locations.name,
  created_at: groups.created_at,
  members_count: sql<number>`(select count(*)::int from group_members gm
    where gm.tenant_id = groups.tenant_id and gm.group_id = groups.id)`,
  leads: sql<{ id: string; name: string }[]>`coalesce((
    select json_agg(json_build_object('id', m.id, 'name', m.name) order by m.name_key, m.id)
      from group_leads gl join members m on m.tenant_id = gl.tenant_id and m.id = gl.member_id
     where gl.tenant_id = groups.tenant_id and gl.group_id = groups.id), '[]'::json)`,
}

const inLocation = and(eq(locations.tenant_id, groups.tenant_id), eq(locations.id, groups.location_id))

async function getGroup(tx: TenantTx, actor: Actor, id: string): Promise<Group> {
  const [group] = await tx
    .select(columns)
    .from(groups)
    .innerJoin(locations, inLocation)
    .where(and(eq(groups.id, id), groupsInScope(actor)))
  if (group === undefined) throw notFound('group')
  return group
}

/** Throws not_found unless all of them are there, not removed, and in the actor's scope. */
async function requirePeople(tx: TenantTx, actor: Actor, ids: string[]) {
  const seen = await tx
    .select({ id: members.id, kind: members.kind })
    .from(members)
    .where(and(inArray(members.id, ids), isNull(members.removed_at), membersInScope(actor)))
  if (seen.length < ids.length) throw notFound('member')
  return seen
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
          groupsInScope(actor),
          input.location_id === undefined ? undefined : eq(groups.location_id, input.location_id),
          given(input.search, (text) => or(contains(groups.name, text), eq(groups.id, text))),
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
    const group = await getGroup(tx, actor, id)
    return { output: group, audit: { target_id: id, after: group } }
  },
})

export const get = query({
  name: 'groups.get',
  permission: 'groups:read',
  summary: 'One class or team.',
  input: GroupRef,
  output: Group,
  errors: ['not_found'],
  handle: ({ tx, actor, input }) => getGroup(tx, actor, input.id),
})

export const update = command({
  name: 'groups.update',
  permission: 'groups:write',
  summary: 'Rename a class or a team.',
  input: UpdateGroup,
  output: Group,
  errors: ['conflict', 'not_found'],
  handle: async ({ tx, actor, input }) => {
    const before = await getGroup(tx, actor, input.id)
    await tx.update(groups).set({ name: input.name }).where(eq(groups.id, before.id))
    const after = await getGroup(tx, actor, before.id)
    return {
      output: after,
      audit: { target_id: before.id, before: { name: before.name }, after: { name: after.name } },
    }
  },
})

const deleted = z.strictObject({ id: idSchema('group'), members_count: z.number().int() })

export { remove as delete }

const remove = command({
  name: 'groups.delete',
  permission: 'groups:write',
  summary: 'Delete a class or a team. Its people, their keys and what they used stay.',
  input: GroupRef,
  output: deleted,
  errors: ['not_found'],
  handle: async ({ tx, actor, input }) => {
    const before = await getGroup(tx, actor, input.id)
    const gone = await tx.delete(group_members).where(eq(group_members.group_id, before.id)).returning()
    await tx.delete(group_leads).where(eq(group_leads.group_id, before.id))
    await tx.delete(groups).where(eq(groups.id, before.id))
    const members_count = gone.length
    return {
      output: { id: before.id, members_count },
      audit: { target_id: before.id, before: { ...before, member_ids: gone.map((row) => row.member_id) }, after: null },
    }
  },
})

export const removeMembers = command({
  name: 'groups.remove_members',
  permission: 'groups:write',
  summary: 'Take people out of a class or a team. Their keys stay.',
  input: AddGroupMembers,
  output: z.strictObject({ group_id: idSchema('group'), removed: z.number().int() }),
  errors: ['not_found'],
  handle: async ({ tx, actor, input }) => {
    const group = await requireGroup(tx, actor, input.group_id)
    const wanted = [...new Set(input.member_ids)]
    await requirePeople(tx, actor, wanted)
    const removed = await tx
      .delete(group_members)
      .where(and(eq(group_members.group_id, group.id), inArray(group_members.member_id, wanted)))
      .returning({ member_id: group_members.member_id })
    return {
      output: { group_id: group.id, removed: removed.length },
      audit: { target_id: group.id, after: { removed: removed.map((row) => row.member_id) } },
    }
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
    const group = await requireGroup(tx, actor, input.group_id)
    const wanted = [...new Set(input.member_ids)]
    await requirePeople(tx, actor, wanted)
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

export const setLeads = command({
  name: 'groups.set_leads',
  permission: 'groups:write',
  summary: 'Say who leads a class or a team. They may see its people and look after their keys.',
  input: SetGroupLeads,
  output: Group,
  errors: ['not_found'],
  handle: async ({ tx, actor, input }) => {
    const before = await getGroup(tx, actor, input.group_id)
    const group_id = before.id
    const wanted = [...new Set(input.member_ids)]
    const people = wanted.length === 0 ? [] : await requirePeople(tx, actor, wanted)
    if (people.some((one) => one.kind === 'student')) {
      throw invalidField('member_ids', 'A student can’t lead a group. Choose somebody of the staff.')
    }
    await tx
      .delete(group_leads)
      .where(
        and(
          eq(group_leads.group_id, group_id),
          wanted.length === 0 ? undefined : notInArray(group_leads.member_id, wanted),
        ),
      )
    if (wanted.length > 0) {
      await tx
        .insert(group_leads)
        .values(wanted.map((member_id) => ({ group_id, member_id })))
        .onConflictDoNothing()
    }
    const after = await getGroup(tx, actor, group_id)
    return {
      output: after,
      audit: { target_id: group_id, before: { leads: before.leads }, after: { leads: after.leads } },
    }
  },
})

import type { TenantTx } from '@stipend/db'
import { group_members, member_scopes, members, tenants } from '@stipend/db/schema'
import { and, eq, exists, isNull, or, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Actor } from '../actor.ts'
import { contains, given } from '../conditions.ts'
import { DomainError, invalidField, notFound } from '../errors.ts'
import { idSchema } from '../id.ts'
import { command, query } from '../operation.ts'
import { decodeCursor, pageOf, toPage } from '../page.ts'
import { CreateMember, ListMembers, Member } from './member.ts'
import { membersInScope, requireGroup, requireLocation, seesEverything } from './scope.ts'

// Sub-queries name their columns in plain SQL: Drizzle leaves the table off a column when a select has only one.
export const memberColumns = {
  id: members.id,
  name: members.name,
  email: members.email,
  kind: members.kind,
  role: members.role,
  location_id: members.location_id,
  location_name: sql<string | null>`(select l.name from locations l
    where l.tenant_id = members.tenant_id and l.id = members.location_id)`,
  groups: sql<{ id: string; name: string }[]>`coalesce((
    select json_agg(json_build_object('id', g.id, 'name', g.name) order by g.name, g.id)
      from group_members gm join groups g on g.tenant_id = gm.tenant_id and g.id = gm.group_id
     where gm.tenant_id = members.tenant_id and gm.member_id = members.id), '[]'::json)`,
  account: sql<'linked' | 'none'>`case when ${members.user_id} is null then 'none' else 'linked' end`,
  is_active: sql<boolean>`${members.deactivated_at} is null`,
  created_at: members.created_at,
}

export type PeopleFilter = {
  kind?: 'student' | 'staff' | 'employee' | undefined
  location_id?: string | undefined
  group_id?: string | undefined
  search?: string | undefined
}

/** The condition for people that match a filter, that the actor may see, and that were not removed. */
export function matchingPeople(tx: TenantTx, actor: Actor, filter: PeopleFilter): SQL | undefined {
  const inGroup = (group_id: string) =>
    exists(
      tx
        .select({ one: sql`1` })
        .from(group_members)
        .where(
          and(
            eq(group_members.tenant_id, members.tenant_id),
            eq(group_members.member_id, members.id),
            eq(group_members.group_id, group_id),
          ),
        ),
    )
  return and(
    isNull(members.removed_at),
    membersInScope(actor),
    given(filter.kind, (kind) => eq(members.kind, kind)),
    given(filter.location_id, (id) => eq(members.location_id, id)),
    given(filter.group_id, inGroup),
    given(filter.search, (text) =>
      or(contains(members.name_key, text), contains(members.email, text), eq(members.id, text)),
    ),
  )
}

/** Order of every list of people: by name, then id, and the rows after a cursor. */
export const byName = { order: [members.name_key, members.id] as const }
export function afterName(cursor: string | undefined): SQL | undefined {
  if (cursor === undefined) return undefined
  const [name, id] = decodeCursor(cursor, 2)
  return sql`(${members.name_key}, ${members.id}) > (lower(${name}), ${id})`
}

export const list = query({
  name: 'members.list',
  permission: 'members:read',
  summary: 'People, by name.',
  input: ListMembers,
  output: pageOf(Member),
  errors: [],
  handle: async ({ tx, actor, input }) => {
    const rows = await tx
      .select(memberColumns)
      .from(members)
      .where(and(matchingPeople(tx, actor, input), afterName(input.cursor)))
      .orderBy(...byName.order)
      .limit(input.limit + 1)
    return toPage(
      rows,
      input.limit,
      (row) => row,
      (row) => [row.name, row.id],
    )
  },
})

async function getMember(tx: TenantTx, actor: Actor, id: string): Promise<Member> {
  const [member] = await tx
    .select(memberColumns)
    .from(members)
    .where(and(eq(members.id, id), isNull(members.removed_at), membersInScope(actor)))
  if (member === undefined) throw notFound('member')
  return member
}

export const get = query({
  name: 'members.get',
  permission: 'members:read',
  summary: 'One person.',
  input: z.strictObject({ id: idSchema('member') }),
  output: Member,
  errors: ['not_found'],
  handle: ({ tx, actor, input }) => getMember(tx, actor, input.id),
})

export const create = command({
  name: 'members.create',
  permission: 'members:write',
  summary: 'Add a person.',
  input: CreateMember,
  output: Member,
  errors: ['conflict', 'not_found', 'forbidden'],
  handle: async ({ tx, actor, input, newId }) => {
    const { group_ids, scope_location_ids, ...person } = input
    await checkKind(tx, person.kind)
    if (person.role !== 'member' && !mayGiveRoles(actor)) {
      throw new DomainError('forbidden', 'Only an owner can give a role. Add the person as a member.')
    }
    if (scope_location_ids.length > 0 && person.role !== 'admin' && person.role !== 'auditor') {
      throw invalidField('scope_location_ids', 'Only an admin or an auditor can be confined to locations.')
    }
    if (person.location_id === null && !seesEverything(actor)) {
      throw invalidField('location_id', 'Choose one of your locations.')
    }
    for (const location of new Set([person.location_id, ...scope_location_ids])) {
      if (location !== null) await requireLocation(tx, actor, location)
    }
    const [taken] = await tx
      .select({ id: members.id })
      .from(members)
      .where(and(eq(members.email, person.email), isNull(members.removed_at)))
    if (taken !== undefined) {
      throw new DomainError('conflict', 'There is somebody with this e-mail address already.', {
        fields: [{ path: 'email', message: 'There is somebody with this e-mail address already.' }],
      })
    }

    const id = newId('member')
    await tx.insert(members).values({ id, ...person })
    for (const group_id of new Set(group_ids)) {
      await requireGroup(tx, actor, group_id)
      await tx.insert(group_members).values({ group_id, member_id: id })
    }
    for (const location_id of new Set(scope_location_ids)) {
      await tx.insert(member_scopes).values({ member_id: id, location_id })
    }
    const member = await getMember(tx, actor, id)
    return { output: member, audit: { target_id: id, after: { ...member, scope_location_ids } } }
  },
})

/** Neither an admin nor a script can make somebody mightier than themselves. */
function mayGiveRoles(actor: Actor): boolean {
  return actor.kind === 'operator' || (actor.kind === 'user' && actor.role === 'owner')
}

async function checkKind(tx: TenantTx, kind: Member['kind']): Promise<void> {
  const [tenant] = await tx.select({ kind: tenants.kind }).from(tenants)
  const fits = tenant?.kind === 'company' ? kind === 'employee' : kind !== 'employee'
  if (!fits) {
    const words = tenant?.kind === 'company' ? 'A company has employees.' : 'A school has students and staff.'
    throw invalidField('kind', words)
  }
}

import type { TenantTx } from '@stipend/db'
import { group_members, invitations, member_scopes, members, tenants } from '@stipend/db/schema'
import { and, eq, isNull, ne, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Actor, ROLES } from '../actor.ts'
import { DomainError, invalidField } from '../errors.ts'
import { idSchema } from '../id.ts'
import { command, query } from '../operation.ts'
import { pageOf, toPage } from '../page.ts'
import { type Sortings, sorted } from '../sorting.ts'
import { CreateMember, ListMembers, Member, PeopleFilter, UpdateMember } from './member.ts'
import { getMember, leaveGroupsElsewhere, matchingPeople, memberColumns } from './people.ts'
import { requireChangeable } from './protection.ts'
import { groupsInScope, requireGroup, requireLocation, requireMember, seesEverything } from './scope.ts'

export { deactivate, move, reactivate, remove } from './acts.ts'
export { afterName, byName, matchingPeople, memberColumns } from './people.ts'

const SORTINGS: Sortings<'name' | 'email' | 'created_at'> = {
  name: { by: sql`members.name_key`, type: 'text' },
  email: { by: sql`members.email`, type: 'text' },
  created_at: { by: sql`members.created_at`, type: 'timestamptz' },
}

/** A page of people as it is asked of the database, for `list` and for the test that looks at how it is read. */
export function selectPage(tx: TenantTx, actor: Actor, input: z.output<typeof ListMembers>) {
  const { key, order, after, cursorOf } = sorted(SORTINGS, input.sort, members.id, input.cursor)
  const query = tx
    .select({ ...memberColumns, sort_key: key })
    .from(members)
    .where(and(matchingPeople(tx, actor, input), after))
    .orderBy(...order)
    .limit(input.limit + 1)
  return { query, cursorOf }
}

export const list = query({
  name: 'members.list',
  permission: 'members:read',
  summary: 'People, by name unless asked otherwise.',
  input: ListMembers,
  output: pageOf(Member),
  errors: [],
  handle: async ({ tx, actor, input }) => {
    const { query: rows, cursorOf } = selectPage(tx, actor, input)
    return toPage(await rows, input.limit, ({ sort_key: _, ...row }) => row, cursorOf)
  },
})

export const count = query({
  name: 'members.count',
  permission: 'members:read',
  summary: 'How many people match.',
  input: PeopleFilter,
  output: z.strictObject({ count: z.number().int() }),
  errors: [],
  handle: async ({ tx, actor, input }) => ({ count: await tx.$count(members, matchingPeople(tx, actor, input)) }),
})

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
    checkScope(person.role, scope_location_ids)
    checkHome(actor, person.location_id)
    for (const location of new Set([person.location_id, ...scope_location_ids])) {
      if (location !== null) await requireLocation(tx, actor, location)
    }
    await refuseTaken(tx, person)

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
    return { output: member, audit: { target_id: id, after: member } }
  },
})

export const update = command({
  name: 'members.update',
  permission: 'members:write',
  summary: 'Change a person’s name, address, kind, role, location or groups.',
  input: UpdateMember,
  output: Member,
  errors: ['conflict', 'not_found', 'forbidden'],
  handle: async ({ tx, actor, input, now }) => {
    const row = await requireMember(tx, actor, input.id)
    await tx.select({ id: members.id }).from(members).where(eq(members.id, row.id)).for('no key update')
    const before = await getMember(tx, actor, row.id)
    await requireChangeable(tx, actor, before)
    const role = input.role ?? before.role
    const scope = input.scope_location_ids ?? (canBeConfined(role) ? before.scope_location_ids : [])
    const isRoleChanged = role !== before.role || !isSameSet(scope, before.scope_location_ids)
    if (isRoleChanged && !mayGiveRoles(actor)) {
      throw new DomainError('forbidden', 'Only an owner can give or take a role.')
    }
    if (before.role === 'owner' && role !== 'owner') await requireAnotherOwner(tx, before.id)
    checkScope(role, scope)
    if (input.kind !== undefined) await checkKind(tx, input.kind)
    if (input.kind === 'student' && before.leads.length > 0) {
      throw invalidField('kind', 'This person leads a group, which a student can’t. Choose another lead first.')
    }
    const location_id = input.location_id === undefined ? before.location_id : input.location_id
    if (location_id !== before.location_id) {
      checkHome(actor, location_id)
      if (location_id !== null) await requireLocation(tx, actor, location_id)
    }
    for (const id of input.scope_location_ids ?? []) await requireLocation(tx, actor, id)
    await refuseTaken(tx, input, before.id)

    const values = {
      name: input.name ?? before.name,
      email: input.email ?? before.email,
      kind: input.kind ?? before.kind,
      external_id: input.external_id === undefined ? before.external_id : input.external_id,
    }
    await tx
      .update(members)
      .set({ ...values, role, location_id })
      .where(eq(members.id, before.id))
    if (isRoleChanged) await setScope(tx, before.id, scope)
    if (input.group_ids !== undefined) await setGroups(tx, actor, before.id, input.group_ids)
    else if (location_id !== before.location_id) await leaveGroupsElsewhere(tx, [before.id], location_id)
    if (values.email !== before.email) {
      // The link went to the old address.
      await tx
        .update(invitations)
        .set({ revoked_at: now.toISOString() })
        .where(
          and(eq(invitations.member_id, before.id), isNull(invitations.accepted_at), isNull(invitations.revoked_at)),
        )
    }
    const after = await getMember(tx, actor, before.id)
    return { output: after, audit: { target_id: before.id, before, after } }
  },
})

/** Neither an admin nor a script can make somebody mightier than themselves. */
export function mayGiveRoles(actor: Actor): boolean {
  return actor.kind === 'operator' || (actor.kind === 'user' && actor.role === 'owner')
}

const canBeConfined = (role: (typeof ROLES)[number]) => role === 'admin' || role === 'auditor'

function checkScope(role: (typeof ROLES)[number], scope: readonly string[]): void {
  if (scope.length > 0 && !canBeConfined(role)) {
    throw invalidField('scope_location_ids', 'Only an admin or an auditor can be confined to locations.')
  }
}

/** Whoever is confined to locations would lose sight of a person without one. */
function checkHome(actor: Actor, location_id: string | null): void {
  if (location_id === null && !seesEverything(actor)) throw invalidField('location_id', 'Choose one of your locations.')
}

export async function checkKind(tx: TenantTx, kind: Member['kind']): Promise<void> {
  const [tenant] = await tx.select({ kind: tenants.kind }).from(tenants)
  const fits = tenant?.kind === 'company' ? kind === 'employee' : kind !== 'employee'
  if (!fits) {
    const words = tenant?.kind === 'company' ? 'A company has employees.' : 'A school has students and staff.'
    throw invalidField('kind', words)
  }
}

async function refuseTaken(
  tx: TenantTx,
  { email, external_id }: { email?: string | undefined; external_id?: string | null | undefined },
  except = '',
): Promise<void> {
  const taken = async (condition: SQL) =>
    (await tx.$count(members, and(condition, isNull(members.removed_at), ne(members.id, except)))) > 0
  const refuse = (path: string, message: string) =>
    new DomainError('conflict', message, { fields: [{ path, message }] })
  if (email !== undefined && (await taken(eq(members.email, email)))) {
    throw refuse('email', 'There is somebody with this e-mail address already.')
  }
  if (external_id != null && (await taken(eq(members.external_id, external_id)))) {
    throw refuse('external_id', 'There is somebody with this external id already.')
  }
}

async function requireAnotherOwner(tx: TenantTx, id: string): Promise<void> {
  // Two owners who step down at once wait for each other here, and one of them stays.
  await tx.select({ id: tenants.id }).from(tenants).for('no key update')
  const others = await tx.$count(
    members,
    and(eq(members.role, 'owner'), ne(members.id, id), isNull(members.deactivated_at), isNull(members.removed_at)),
  )
  if (others === 0) throw new DomainError('conflict', 'This is the only owner. Make somebody else an owner first.')
}

async function setScope(tx: TenantTx, member_id: string, scope: readonly string[]): Promise<void> {
  await tx.delete(member_scopes).where(eq(member_scopes.member_id, member_id))
  const ids = [...new Set(scope)]
  if (ids.length > 0) await tx.insert(member_scopes).values(ids.map((location_id) => ({ member_id, location_id })))
}

/** Groups outside of what the actor sees stay as they are: they can't have been shown to be taken away. */
async function setGroups(tx: TenantTx, actor: Actor, member_id: string, group_ids: readonly string[]): Promise<void> {
  const wanted = [...new Set(group_ids)]
  for (const group_id of wanted) await requireGroup(tx, actor, group_id)
  const visible = groupsInScope(actor) ?? sql`true`
  const isWanted = sql`group_members.group_id in (select jsonb_array_elements_text(${JSON.stringify(wanted)}::text::jsonb))`
  await tx
    .delete(group_members)
    .where(
      and(
        eq(group_members.member_id, member_id),
        sql`not ${isWanted}`,
        sql`exists (select from groups where groups.tenant_id = group_members.tenant_id and groups.id = group_members.group_id and ${visible})`,
      ),
    )
  if (wanted.length > 0) {
    await tx
      .insert(group_members)
      .values(wanted.map((group_id) => ({ group_id, member_id })))
      .onConflictDoNothing()
  }
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && new Set([...a, ...b]).size === a.length
}

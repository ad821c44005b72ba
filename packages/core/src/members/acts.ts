import type { TenantTx } from '@stipend/db'
import { group_leads, group_members, invitations, keys, mails, member_scopes, members } from '@stipend/db/schema'
import { and, eq, isNull, or, type SQL, sql } from 'drizzle-orm'
import type { z } from 'zod'
import { type Actor, actorId } from '../actor.ts'
import { invalidField, notFound } from '../errors.ts'
import { type AuditNote, type Call, command } from '../operation.ts'
import { Act, ActOutcome, MoveMembers, RemoveMembers, type Selection } from './member.ts'
import { among, leaveGroupsElsewhere, matchingPeople } from './people.ts'
import { isMightier } from './protection.ts'
import { membersInScope, requireLocation } from './scope.ts'

type Person = Awaited<ReturnType<typeof selected>>[number]
type Reason = ActOutcome['skipped'][number]['reason']

/** Who is meant and may be seen, locked. Throws not_found when one that is named is not there, or out of scope. */
export async function selected(tx: TenantTx, actor: Actor, selection: Selection) {
  const { matching } = selection
  const named = [...new Set(selection.member_ids)]
  if (named.length === 0 && matching === undefined) {
    throw invalidField('member_ids', 'Say who is meant: with member_ids, with matching, or with both.')
  }
  const people = await tx
    .select({
      id: members.id,
      name: members.name,
      email: members.email,
      role: members.role,
      user_id: members.user_id,
      location_id: members.location_id,
      deactivated_at: members.deactivated_at,
    })
    .from(members)
    .where(
      and(
        isNull(members.removed_at),
        membersInScope(actor),
        or(among(named), matching && matchingPeople(tx, actor, matching)),
      ),
    )
    .orderBy(members.id)
    .for('no key update')
  const there = new Set(people.map((one) => one.id))
  if (named.some((id) => !there.has(id))) throw notFound('member')
  return people
}

type Acting<Input> = {
  /** Why somebody is left out; null where nothing speaks against it. */
  refuses?: (person: Person) => Reason | null
  /** Whether it shuts people out: never oneself, and never the last owner. */
  shutsOut?: boolean
  /** Which memberships of groups (`gm`, joined with their group, `g`) end by it. */
  groups?: (ids: string[]) => SQL
  /** Does it, and answers what the audit log says of each. */
  change: (people: Person[], input: Input) => Promise<object>
}

/** One act on many people, in sets, that can say first what it would do. */
async function perform<Input extends z.output<typeof Act>>(
  { tx, actor, input }: Pick<Call<'tenant', Input>, 'tx' | 'actor' | 'input'>,
  { refuses, shutsOut = false, groups, change }: Acting<Input>,
): Promise<{ output: ActOutcome; audit: AuditNote[] }> {
  const people = await selected(tx, actor, input)
  const owners = shutsOut ? await ownersOf(tx) : new Set<string>()
  const skipped: ActOutcome['skipped'] = []
  const going: Person[] = []
  const reasonFor = (person: Person): Reason | null => {
    if (isMightier(actor, person)) return 'has_role'
    if (shutsOut && person.id === actorId(actor)) return 'yourself'
    const refused = refuses?.(person) ?? null
    if (refused !== null) return refused
    if (owners.has(person.id) && owners.size === 1) return 'last_owner'
    owners.delete(person.id)
    return null
  }
  for (const person of people) {
    const reason = reasonFor(person)
    if (reason === null) going.push(person)
    else skipped.push({ id: person.id, name: person.name, reason })
  }
  const ids = going.map((one) => one.id)
  const output = {
    is_done: !input.dry_run,
    people: going.length,
    skipped: skipped.slice(0, 100),
    skipped_count: skipped.length,
    accounts: going.filter((one) => one.user_id !== null).length,
    ...(await countsOf(tx, ids, groups?.(ids) ?? sql`false`)),
  }
  if (input.dry_run || going.length === 0) return { output, audit: [] }
  const after = await change(going, input)
  const audit = going.map(({ id, location_id, deactivated_at }) => ({
    target_id: id,
    before: { location_id, deactivated_at },
    after,
  }))
  return { output, audit }
}

async function ownersOf(tx: TenantTx): Promise<Set<string>> {
  const rows = await tx
    .select({ id: members.id })
    .from(members)
    .where(and(eq(members.role, 'owner'), isNull(members.deactivated_at), isNull(members.removed_at)))
    .for('no key update')
  return new Set(rows.map((row) => row.id))
}

async function countsOf(tx: TenantTx, ids: string[], groups: SQL) {
  const [row] = await tx.execute<{ keys: number; groups: number; requests: string }>(sql`select
    (select count(*)::int from keys k where k.revoked_at is null and ${among(ids, sql`k.member_id`)}) as keys,
    (select count(*)::int from group_members gm join groups g on g.tenant_id = gm.tenant_id and g.id = gm.group_id
      where ${groups}) as groups,
    (select coalesce(sum(u.requests), 0) from usage_hours u where ${among(ids, sql`u.member_id`)}) as requests`)
  return { keys: row?.keys ?? 0, groups: row?.groups ?? 0, requests: Number(row?.requests ?? 0) }
}

const idsOf = (people: Person[]) => people.map((one) => one.id)

export const deactivate = command({
  name: 'members.deactivate',
  permission: 'members:write',
  summary: 'Deactivate people: they can’t sign in and their keys are refused, until they are reactivated.',
  input: Act,
  output: ActOutcome,
  errors: ['not_found'],
  handle: (call) =>
    perform(call, {
      shutsOut: true,
      refuses: (person) => (person.deactivated_at === null ? null : 'already'),
      change: async (people) => {
        const deactivated_at = call.now.toISOString()
        await call.tx
          .update(members)
          .set({ deactivated_at })
          .where(among(idsOf(people)))
        return { deactivated_at }
      },
    }),
})

export const reactivate = command({
  name: 'members.reactivate',
  permission: 'members:write',
  summary: 'Reactivate people: they can sign in again and their keys work again.',
  input: Act,
  output: ActOutcome,
  errors: ['not_found'],
  handle: (call) =>
    perform(call, {
      refuses: (person) => (person.deactivated_at === null ? 'already' : null),
      change: async (people) => {
        await call.tx
          .update(members)
          .set({ deactivated_at: null })
          .where(among(idsOf(people)))
        return { deactivated_at: null }
      },
    }),
})

export const move = command({
  name: 'members.move',
  permission: 'members:write',
  summary: 'Move people to another location. They leave the groups of other locations; their keys stay.',
  input: MoveMembers,
  output: ActOutcome,
  errors: ['not_found'],
  handle: async (call) => {
    const { tx, actor } = call
    const { location_id } = call.input
    await requireLocation(tx, actor, location_id)
    return perform(call, {
      refuses: (person) => (person.location_id === location_id ? 'already' : null),
      groups: (ids) => sql`${among(ids, sql`gm.member_id`)} and g.location_id <> ${location_id}`,
      change: async (people) => {
        await tx
          .update(members)
          .set({ location_id })
          .where(among(idsOf(people)))
        await leaveGroupsElsewhere(tx, idsOf(people), location_id)
        return { location_id }
      },
    })
  },
})

export const remove = command({
  name: 'members.remove',
  permission: 'members:write',
  summary: 'Remove people: their keys are revoked for good and they can’t sign in. What they used stays in the books.',
  input: RemoveMembers,
  output: ActOutcome,
  errors: ['not_found'],
  handle: (call) =>
    perform(call, {
      shutsOut: true,
      groups: (ids) => among(ids, sql`gm.member_id`),
      change: async (people, { history }) => {
        const removed_at = call.now.toISOString()
        await endEverything(call.tx, idsOf(people), removed_at)
        if (history === 'anonymise') await anonymise(call.tx, idsOf(people))
        return { removed_at, history }
      },
    }),
})

/** What people had: keys, groups, roles, invitations, and with it their place in every list. */
async function endEverything(tx: TenantTx, ids: string[], at: string): Promise<void> {
  await tx
    .update(keys)
    .set({ revoked_at: at })
    .where(and(isNull(keys.revoked_at), among(ids, sql`keys.member_id`)))
  await tx.delete(group_members).where(among(ids, sql`group_members.member_id`))
  await tx.delete(group_leads).where(among(ids, sql`group_leads.member_id`))
  await tx.delete(member_scopes).where(among(ids, sql`member_scopes.member_id`))
  await tx
    .update(invitations)
    .set({ revoked_at: at })
    .where(and(among(ids, sql`invitations.member_id`), isNull(invitations.accepted_at), isNull(invitations.revoked_at)))
  await tx
    .update(members)
    .set({
      user_id: null,
      role: 'member',
      deactivated_at: sql`coalesce(deactivated_at, ${at}::timestamptz)`,
      removed_at: at,
    })
    .where(among(ids))
}

/** Takes the name and the address away from what stays. The audit log keeps what it recorded. */
async function anonymise(tx: TenantTx, ids: string[]): Promise<void> {
  const theirs = among(ids, sql`invitations.member_id`)
  await tx.delete(mails).where(sql`mails.subject_id in (select invitations.id from invitations where ${theirs})`)
  await tx.update(invitations).set({ email: sql`member_id || '@removed.invalid'` }).where(theirs)
  await tx
    .update(members)
    .set({ name: 'Removed person', email: sql`id || '@removed.invalid'`, external_id: null })
    .where(among(ids))
}

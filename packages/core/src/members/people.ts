import type { TenantTx } from '@stipend/db'
import { group_members, members } from '@stipend/db/schema'
import { and, eq, exists, isNull, or, type SQL, sql } from 'drizzle-orm'
import type { Actor } from '../actor.ts'
import { containsInLower, given } from '../conditions.ts'
import { notFound } from '../errors.ts'
import { decodeCursor } from '../page.ts'
import type { Member, PeopleFilter } from './member.ts'
import { membersInScope } from './scope.ts'

type Named = { id: string; name: string }

const openInvitation = (column: 'created_at' | 'expires_at') => sql<string | null>`(
  select to_char(i.${sql.raw(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') from invitations i
   where i.tenant_id = members.tenant_id and i.member_id = members.id and i.accepted_at is null and i.revoked_at is null limit 1)`

// Sub-queries name their columns in plain SQL: Drizzle leaves the table off a column when a select has only one.
export const memberColumns = {
  id: members.id,
  name: members.name,
  email: members.email,
  kind: members.kind,
  role: members.role,
  scope_location_ids: sql<string[]>`array(select s.location_id from member_scopes s
    where s.tenant_id = members.tenant_id and s.member_id = members.id order by s.location_id)`,
  location_id: members.location_id,
  location_name: sql<string | null>`(select l.name from locations l
    where l.tenant_id = members.tenant_id and l.id = members.location_id)`,
  groups: sql<Named[]>`coalesce((
    select json_agg(json_build_object('id', g.id, 'name', g.name) order by g.name, g.id)
      from group_members gm join groups g on g.tenant_id = gm.tenant_id and g.id = gm.group_id
     where gm.tenant_id = members.tenant_id and gm.member_id = members.id), '[]'::json)`,
  leads: sql<Named[]>`coalesce((
    select json_agg(json_build_object('id', g.id, 'name', g.name) order by g.name, g.id)
      from group_leads gl join groups g on g.tenant_id = gl.tenant_id and g.id = gl.group_id
     where gl.tenant_id = members.tenant_id and gl.member_id = members.id), '[]'::json)`,
  account: sql<'linked' | 'none'>`case when ${members.user_id} is null then 'none' else 'linked' end`,
  invited_at: openInvitation('created_at'),
  invitation_expires_at: openInvitation('expires_at'),
  external_id: members.external_id,
  is_active: sql<boolean>`${members.deactivated_at} is null`,
  created_at: members.created_at,
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
    given(filter.role, (role) => eq(members.role, role)),
    given(filter.location_id, (id) => eq(members.location_id, id)),
    given(filter.group_id, inGroup),
    given(filter.state, (state) => IN_STATE[state]),
    given(filter.search, (text) =>
      or(containsInLower(members.name_key, text), containsInLower(members.email, text), eq(members.id, text)),
    ),
  )
}

const IN_STATE: Record<NonNullable<PeopleFilter['state']>, SQL> = {
  active: sql`members.deactivated_at is null`,
  deactivated: sql`members.deactivated_at is not null`,
  no_account: sql`(members.user_id is null and members.deactivated_at is null)`,
  invited: sql`(members.user_id is null and members.deactivated_at is null and exists (select from invitations i
    where i.tenant_id = members.tenant_id and i.member_id = members.id and i.accepted_at is null and i.revoked_at is null))`,
}

/** Order of every list of people unless another is asked for: by name, then id, and the rows after a cursor. */
export const byName = { order: [members.name_key, members.id] as const }
export function afterName(cursor: string | undefined): SQL | undefined {
  if (cursor === undefined) return undefined
  const [name, id] = decodeCursor(cursor, 2)
  return sql`(${members.name_key}, ${members.id}) > (lower(${name}), ${id})`
}

/** Whose ids these are. The list travels as one parameter, so it may be long. */
export function among(ids: readonly string[], column: SQL = sql`members.id`): SQL {
  return sql`${column} in (select jsonb_array_elements_text(${JSON.stringify(ids)}::text::jsonb))`
}

export async function getMember(tx: TenantTx, actor: Actor, id: string): Promise<Member> {
  const [member] = await tx
    .select(memberColumns)
    .from(members)
    .where(and(eq(members.id, id), isNull(members.removed_at), membersInScope(actor)))
  if (member === undefined) throw notFound('member')
  return member
}

/** Whoever moves leaves the classes or teams of the place they come from. */
export async function leaveGroupsElsewhere(tx: TenantTx, ids: readonly string[], location_id: string | null) {
  await tx.execute(sql`delete from group_members gm using groups g
    where g.tenant_id = gm.tenant_id and g.id = gm.group_id and g.location_id is distinct from ${location_id}
      and ${among(ids, sql`gm.member_id`)}`)
}

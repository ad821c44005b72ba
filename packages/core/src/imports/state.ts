import type { TenantTx } from '@stipend/db'
import { groups, locations, members } from '@stipend/db/schema'
import { and, eq, isNull, or, sql } from 'drizzle-orm'
import type { Actor } from '../actor.ts'
import { among } from '../members/people.ts'
import { isMightier } from '../members/protection.ts'
import { groupsInScope, locationsInScope, membersInScope } from '../members/scope.ts'
import type { State } from './plan.ts'
import type { RosterRow } from './roster.ts'

/**
 * What a roster can touch: people with its addresses or ids, also those the actor doesn't see, because an address is given once;
 * with `everyone`, all that the actor sees; and their locations and groups.
 */
export async function readState(
  tx: TenantTx,
  actor: Actor,
  roster: readonly RosterRow[],
  everyone: boolean,
): Promise<State> {
  const emails = [...new Set(roster.map((row) => row.email))]
  const ids = [...new Set(roster.flatMap((row) => (row.external_id === null ? [] : [row.external_id])))]
  const visible = membersInScope(actor) ?? sql`true`
  const visibleGroups = groupsInScope(actor) ?? sql`true`
  const idsIn = (table: 'group_members' | 'group_leads') => sql<
    string[]
  >`array(select one.group_id from ${sql.raw(table)} one
    join groups on groups.tenant_id = one.tenant_id and groups.id = one.group_id
    where one.tenant_id = members.tenant_id and one.member_id = members.id and ${visibleGroups} order by 1)`
  const found = await tx
    .select({
      id: members.id,
      name: members.name,
      email: members.email,
      kind: members.kind,
      role: members.role,
      external_id: members.external_id,
      location_id: members.location_id,
      is_active: sql<boolean>`members.deactivated_at is null`,
      is_visible: sql<boolean>`(${visible})`,
      leads_elsewhere: sql<boolean>`exists (select from group_leads one
        join groups on groups.tenant_id = one.tenant_id and groups.id = one.group_id
        where one.tenant_id = members.tenant_id and one.member_id = members.id and not (${visibleGroups}))`,
      group_ids: idsIn('group_members'),
      lead_ids: idsIn('group_leads'),
    })
    .from(members)
    .where(
      and(
        isNull(members.removed_at),
        or(
          among(emails, sql`members.email`),
          among(ids, sql`members.external_id`),
          everyone ? and(visible, eq(members.role, 'member'), isNull(members.deactivated_at)) : undefined,
        ),
      ),
    )
    .orderBy(members.id)
  const places = await tx
    .select({ id: locations.id, name: locations.name, external_id: locations.external_id })
    .from(locations)
    .where(locationsInScope(actor))
    .orderBy(locations.id)
  const known = await tx
    .select({ id: groups.id, name: groups.name, external_id: groups.external_id, location_id: groups.location_id })
    .from(groups)
    .where(groupsInScope(actor))
    .orderBy(groups.id)
  return {
    members: found.map(({ role, leads_elsewhere, ...one }) => ({
      ...one,
      is_mightier: leads_elsewhere || isMightier(actor, { id: one.id, role }),
    })),
    locations: places,
    groups: known,
  }
}

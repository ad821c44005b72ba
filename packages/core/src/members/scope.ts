import type { TenantTx } from '@stipend/db'
import { groups, locations, members } from '@stipend/db/schema'
import { and, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import type { Actor } from '../actor.ts'
import { notFound } from '../errors.ts'

/**
 * The one place that turns who is calling into what they see. Owners and scripts see the whole tenant, admins and auditors the
 * locations they are confined to if any, a member who leads groups the people of those groups, any other member nobody.
 * What is outside is answered like what isn't there.
 */
type Reach =
  | { everything: true }
  | { everything: false; location_ids: string[] }
  | { everything: false; group_ids: string[] }

function reachOf(actor: Actor): Reach {
  if (actor.kind !== 'user') return { everything: true }
  if (actor.role === 'member' || actor.role === 'billing')
    return { everything: false, group_ids: actor.group_ids ?? [] }
  return actor.location_ids === null ? { everything: true } : { everything: false, location_ids: actor.location_ids }
}

/** Whether the actor sees the whole tenant. */
export function seesEverything(actor: Actor): boolean {
  return reachOf(actor).everything
}

/** For rows joined with `members`: those the actor may see and act on, the removed ones included. Undefined: no condition. */
export function membersInScope(actor: Actor): SQL | undefined {
  const reach = reachOf(actor)
  if (reach.everything) return undefined
  if ('location_ids' in reach) return inArray(members.location_id, reach.location_ids)
  return sql`exists (select from group_members scope
    where scope.tenant_id = members.tenant_id and scope.member_id = members.id and ${anyOf(sql`scope.group_id`, reach.group_ids)})`
}

/** For `groups`. */
export function groupsInScope(actor: Actor): SQL | undefined {
  const reach = reachOf(actor)
  if (reach.everything) return undefined
  return 'location_ids' in reach ? inArray(groups.location_id, reach.location_ids) : inArray(groups.id, reach.group_ids)
}

/** For `locations`: of a member who leads groups, those the groups are in. */
export function locationsInScope(actor: Actor): SQL | undefined {
  const reach = reachOf(actor)
  if (reach.everything) return undefined
  if ('location_ids' in reach) return inArray(locations.id, reach.location_ids)
  return sql`exists (select from groups scope
    where scope.tenant_id = locations.tenant_id and scope.location_id = locations.id and ${anyOf(sql`scope.id`, reach.group_ids)})`
}

function anyOf(column: SQL, ids: string[]): SQL {
  return ids.length === 0
    ? sql`false`
    : sql`${column} in (${sql.join(
        ids.map((id) => sql`${id}`),
        sql`, `,
      )})`
}

/** Throws not_found unless the member is there, not removed, and in the actor's scope. */
export async function requireMember(tx: TenantTx, actor: Actor, id: string) {
  const [member] = await tx
    .select()
    .from(members)
    .where(and(eq(members.id, id), isNull(members.removed_at), membersInScope(actor)))
  if (member === undefined) throw notFound('member')
  return member
}

/** Throws not_found unless the group is there and in the actor's scope. */
export async function requireGroup(tx: TenantTx, actor: Actor, id: string) {
  const [group] = await tx
    .select()
    .from(groups)
    .where(and(eq(groups.id, id), groupsInScope(actor)))
  if (group === undefined) throw notFound('group')
  return group
}

/** Throws not_found unless the location is there and in the actor's scope. */
export async function requireLocation(tx: TenantTx, actor: Actor, id: string) {
  const [location] = await tx
    .select()
    .from(locations)
    .where(and(eq(locations.id, id), locationsInScope(actor)))
  if (location === undefined) throw notFound('location')
  return location
}

/** People who are in no class or team. */
export const UNGROUPED = sql`not exists (select from group_members gm
  where gm.tenant_id = members.tenant_id and gm.member_id = members.id)`

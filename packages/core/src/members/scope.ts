import type { TenantTx } from '@stipend/db'
import { groups, locations, members } from '@stipend/db/schema'
import { and, eq, inArray, type SQL } from 'drizzle-orm'
import { type Actor, locationScope } from '../actor.ts'
import { notFound } from '../errors.ts'

/** Members an actor may see and act on: those of their locations, or all. Undefined: no condition. */
export function membersInScope(actor: Actor): SQL | undefined {
  const scope = locationScope(actor)
  return scope === null ? undefined : inArray(members.location_id, scope)
}

/** Throws not_found unless the member is there and in the actor's scope. */
export async function requireMember(tx: TenantTx, actor: Actor, id: string) {
  const [member] = await tx
    .select()
    .from(members)
    .where(and(eq(members.id, id), membersInScope(actor)))
  if (member === undefined) throw notFound('member')
  return member
}

/** Throws not_found unless the group is there and in the actor's scope. */
export async function requireGroup(tx: TenantTx, actor: Actor, id: string) {
  const scope = locationScope(actor)
  const [group] = await tx
    .select()
    .from(groups)
    .where(and(eq(groups.id, id), scope === null ? undefined : inArray(groups.location_id, scope)))
  if (group === undefined) throw notFound('group')
  return group
}

/** Throws not_found unless the location is there and in the actor's scope. */
export async function requireLocation(tx: TenantTx, actor: Actor, id: string): Promise<void> {
  const scope = locationScope(actor)
  const [location] = await tx.select({ id: locations.id }).from(locations).where(eq(locations.id, id))
  if (location === undefined || (scope !== null && !scope.includes(id))) throw notFound('location')
}

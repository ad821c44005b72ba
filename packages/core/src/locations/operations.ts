import type { TenantTx } from '@stipend/db'
import { locations, member_scopes, members, sign_up_domains } from '@stipend/db/schema'
import { and, asc, eq, isNotNull, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Actor } from '../actor.ts'
import { DomainError, notFound } from '../errors.ts'
import { idSchema } from '../id.ts'
import { locationsInScope } from '../members/scope.ts'
import { command, query } from '../operation.ts'
import { pageOf } from '../page.ts'
import { CreateLocation, Location, LocationRef, UpdateLocation } from './location.ts'

const columns = {
  id: locations.id,
  name: locations.name,
  created_at: locations.created_at,
  members_count: sql<number>`(select count(*)::int from members m
    where m.tenant_id = locations.tenant_id and m.location_id = locations.id and m.removed_at is null)`,
  groups_count: sql<number>`(select count(*)::int from groups g
    where g.tenant_id = locations.tenant_id and g.location_id = locations.id)`,
}

async function getLocation(tx: TenantTx, actor: Actor, id: string): Promise<Location> {
  const [location] = await tx
    .select(columns)
    .from(locations)
    .where(and(eq(locations.id, id), locationsInScope(actor)))
  if (location === undefined) throw notFound('location')
  return location
}

export const list = query({
  name: 'locations.list',
  permission: 'locations:read',
  summary: 'Schools or offices, by name.',
  input: z.strictObject({}),
  output: pageOf(Location),
  errors: [],
  handle: async ({ tx, actor }) => {
    const data = await tx
      .select(columns)
      .from(locations)
      .where(locationsInScope(actor))
      .orderBy(asc(locations.name), asc(locations.id))
    return { data, next_cursor: null }
  },
})

export const create = command({
  name: 'locations.create',
  permission: 'locations:write',
  summary: 'Create a school or an office.',
  input: CreateLocation,
  output: Location,
  errors: ['conflict'],
  handle: async ({ tx, actor, input, newId }) => {
    const id = newId('location')
    await tx.insert(locations).values({ id, name: input.name })
    const location = await getLocation(tx, actor, id)
    return { output: location, audit: { target_id: id, after: location } }
  },
})

export const update = command({
  name: 'locations.update',
  permission: 'locations:write',
  summary: 'Rename a school or an office.',
  input: UpdateLocation,
  output: Location,
  errors: ['conflict', 'not_found'],
  handle: async ({ tx, actor, input }) => {
    const before = await getLocation(tx, actor, input.id)
    await tx.update(locations).set({ name: input.name }).where(eq(locations.id, before.id))
    const after = await getLocation(tx, actor, before.id)
    return {
      output: after,
      audit: { target_id: before.id, before: { name: before.name }, after: { name: after.name } },
    }
  },
})

export { remove as delete }

const remove = command({
  name: 'locations.delete',
  permission: 'locations:write',
  summary: 'Delete a school or an office that has no people and no groups any more.',
  input: LocationRef,
  output: z.strictObject({ id: idSchema('location') }),
  errors: ['conflict', 'not_found'],
  handle: async ({ tx, actor, input }) => {
    const before = await getLocation(tx, actor, input.id)
    const refuse = (message: string) => new DomainError('conflict', message)
    if (before.members_count > 0) {
      throw refuse(`${counted(before.members_count, 'person is', 'people are')} here still. Move or remove them first.`)
    }
    if (before.groups_count > 0) {
      throw refuse(`${counted(before.groups_count, 'group is', 'groups are')} here still. Delete them first.`)
    }
    // Without their last location they would see all of them.
    const confined = await tx.$count(member_scopes, eq(member_scopes.location_id, before.id))
    if (confined > 0) {
      throw refuse(
        `${counted(confined, 'person is', 'people are')} confined to this location. Change their role first.`,
      )
    }
    await tx
      .update(members)
      .set({ location_id: null })
      .where(and(eq(members.location_id, before.id), isNotNull(members.removed_at)))
    await tx.update(sign_up_domains).set({ location_id: null }).where(eq(sign_up_domains.location_id, before.id))
    await tx.delete(locations).where(eq(locations.id, before.id))
    return { output: { id: before.id }, audit: { target_id: before.id, before, after: null } }
  },
})

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`
}

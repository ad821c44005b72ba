import { locations } from '@stipend/db/schema'
import { asc, eq, sql } from 'drizzle-orm'
import { z } from 'zod'
import { locationsInScope } from '../members/scope.ts'
import { command, query } from '../operation.ts'
import { pageOf } from '../page.ts'
import { CreateLocation, Location } from './location.ts'

const columns = {
  id: locations.id,
  name: locations.name,
  created_at: locations.created_at,
  members_count: sql<number>`(select count(*)::int from members m
    where m.tenant_id = locations.tenant_id and m.location_id = locations.id and m.removed_at is null)`,
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
  handle: async ({ tx, input, newId }) => {
    const id = newId('location')
    await tx.insert(locations).values({ id, name: input.name })
    const [location] = await tx.select(columns).from(locations).where(eq(locations.id, id))
    if (location === undefined) throw new Error('the location just made is not there')
    return { output: location, audit: { target_id: id, after: location } }
  },
})

import { z } from 'zod'
import { Instant, Name } from '../fields.ts'
import { idSchema } from '../id.ts'

export const Location = z.strictObject({
  id: idSchema('location'),
  name: z.string(),
  members_count: z.number().int(),
  groups_count: z.number().int(),
  created_at: Instant,
})
export type Location = z.infer<typeof Location>

export const CreateLocation = z.strictObject({ name: Name })
export const UpdateLocation = z.strictObject({ id: idSchema('location'), name: Name })
export const LocationRef = z.strictObject({ id: idSchema('location') })

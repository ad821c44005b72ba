import { z } from 'zod'
import { Instant, Name } from '../fields.ts'
import { idSchema } from '../id.ts'
import { PageInput } from '../page.ts'

export const Group = z.strictObject({
  id: idSchema('group'),
  name: z.string(),
  location_id: idSchema('location'),
  location_name: z.string(),
  members_count: z.number().int(),
  created_at: Instant,
})
export type Group = z.infer<typeof Group>

export const CreateGroup = z.strictObject({ name: Name, location_id: idSchema('location') })
export const ListGroups = PageInput.extend({ location_id: idSchema('location').optional() })
export const AddGroupMembers = z.strictObject({
  group_id: idSchema('group'),
  member_ids: z.array(idSchema('member')).min(1).max(1000),
})

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
  leads: z
    .array(z.strictObject({ id: idSchema('member'), name: z.string() }))
    .describe('Who looks after it: the teachers of a class, the leaders of a team.'),
  created_at: Instant,
})
export type Group = z.infer<typeof Group>

export const CreateGroup = z.strictObject({ name: Name, location_id: idSchema('location') })
export const UpdateGroup = z.strictObject({ id: idSchema('group'), name: Name })
export const GroupRef = z.strictObject({ id: idSchema('group') })
export const ListGroups = PageInput.extend({
  location_id: idSchema('location').optional(),
  search: z.string().trim().max(200).optional().describe('Part of a name.'),
})
export const AddGroupMembers = z.strictObject({
  group_id: idSchema('group'),
  member_ids: z.array(idSchema('member')).min(1).max(1000),
})

export const SetGroupLeads = z.strictObject({
  group_id: idSchema('group'),
  member_ids: z
    .array(idSchema('member'))
    .max(20)
    .describe('Staff or employees. They replace those who lead it now; an empty list leaves it without.'),
})

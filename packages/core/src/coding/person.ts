import { z } from 'zod'
import { Search, UsdOutput } from '../fields.ts'
import { idSchema } from '../id.ts'
import { KEY_STATUSES, Key } from '../keys/key.ts'
import { Member, MemberKind } from '../members/member.ts'
import { PageInput } from '../page.ts'
import { sortNames } from '../sorting.ts'

/** A row of the Coding page: a person, the key they work with, and what they have used it for. */
export const Person = Member.extend({
  key: Key.nullable().describe('The newest key that isn’t revoked.'),
  keys_count: z.number().int().describe('Keys that aren’t revoked.'),
  requests: z.number().int().describe('Requests made with any of their keys.'),
})
export type Person = z.infer<typeof Person>

/** What people of the Coding page can be chosen by. */
const filter = {
  kind: MemberKind.optional(),
  location_id: idSchema('location').optional(),
  group_id: idSchema('group').optional(),
  is_ungrouped: z.boolean().optional().describe('People who are in no class or team.'),
  account: z.enum(['linked', 'none']).optional(),
  key: z
    .enum([...KEY_STATUSES, 'none', 'any'])
    .optional()
    .describe('The state of the newest key that isn’t revoked; none: there is none.'),
  used_min: z.number().int().min(0).max(100).optional().describe('At least this much of its budget spent, in percent.'),
  search: Search,
}
export const PersonFilter = z.strictObject(filter)
export type PersonFilter = z.infer<typeof PersonFilter>

export const PERSON_SORTS = sortNames('name', 'spent', 'last_used_at')
export const ListPeople = PageInput.extend({ ...filter, sort: z.enum(PERSON_SORTS).default('name') })
export type ListPeople = z.infer<typeof ListPeople>

/** A class or a team on the Coding page, with what its people have. `id` null: those who are in none. */
export const CodingGroup = z.strictObject({
  id: idSchema('group').nullable(),
  name: z.string().nullable(),
  location_name: z.string().nullable(),
  members_count: z.number().int(),
  keys_count: z.number().int().describe('Keys of theirs that aren’t revoked.'),
  spent_usd: UsdOutput.describe('Spent with those keys in their current periods.'),
  limit_usd: UsdOutput.nullable().describe('The budgets of those keys together; null if one of them is unlimited.'),
})
export type CodingGroup = z.infer<typeof CodingGroup>

export const ListCodingGroups = PageInput.extend({
  kind: MemberKind,
  location_id: idSchema('location').optional(),
})

import { z } from 'zod'
import { Search } from '../fields.ts'
import { idSchema } from '../id.ts'
import { Key } from '../keys/key.ts'
import { Member, MemberKind } from '../members/member.ts'
import { PageInput } from '../page.ts'

/** A row of the Coding page: a person, the key they work with, and what they have used it for. */
export const Person = Member.extend({
  key: Key.nullable().describe('The newest key that isn’t revoked.'),
  keys_count: z.number().int().describe('Keys that aren’t revoked.'),
  requests: z.number().int().describe('Requests made with any of their keys.'),
})
export type Person = z.infer<typeof Person>

export const ListPeople = PageInput.extend({
  kind: MemberKind.optional(),
  location_id: idSchema('location').optional(),
  group_id: idSchema('group').optional(),
  search: Search,
})

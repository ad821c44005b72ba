import { z } from 'zod'
import { ROLES } from '../actor.ts'
import { Email, Instant, Name, Search } from '../fields.ts'
import { idSchema } from '../id.ts'
import { PageInput } from '../page.ts'

export const MEMBER_KINDS = ['student', 'staff', 'employee'] as const
export const MemberKind = z.enum(MEMBER_KINDS)

export const Member = z.strictObject({
  id: idSchema('member'),
  name: z.string(),
  email: z.string(),
  kind: MemberKind.describe('student or staff in a school, employee in a company.'),
  role: z.enum(ROLES),
  location_id: idSchema('location').nullable(),
  location_name: z.string().nullable(),
  groups: z.array(z.strictObject({ id: idSchema('group'), name: z.string() })),
  account: z
    .enum(['linked', 'none'])
    .describe('Whether this person can sign in. Keys are only made for those who can.'),
  is_active: z.boolean(),
  created_at: Instant,
})
export type Member = z.infer<typeof Member>

export const CreateMember = z.strictObject({
  name: Name,
  email: Email,
  kind: MemberKind,
  role: z.enum(ROLES).default('member'),
  location_id: idSchema('location').nullable().default(null),
  group_ids: z.array(idSchema('group')).max(50).default([]),
  scope_location_ids: z
    .array(idSchema('location'))
    .max(100)
    .default([])
    .describe('Confines an admin or auditor to these locations. Empty: the whole tenant.'),
})

export const ListMembers = PageInput.extend({
  kind: MemberKind.optional(),
  location_id: idSchema('location').optional(),
  group_id: idSchema('group').optional(),
  search: Search,
})

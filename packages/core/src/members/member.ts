import { z } from 'zod'
import { ROLES } from '../actor.ts'
import { Email, Instant, Name, Search } from '../fields.ts'
import { idSchema } from '../id.ts'
import { PageInput } from '../page.ts'
import { sortNames } from '../sorting.ts'

export const MEMBER_KINDS = ['student', 'staff', 'employee'] as const
export const MemberKind = z.enum(MEMBER_KINDS)

const GroupName = z.strictObject({ id: idSchema('group'), name: z.string() })

export const Member = z.strictObject({
  id: idSchema('member'),
  name: z.string(),
  email: z.string(),
  kind: MemberKind.describe('student or staff in a school, employee in a company.'),
  role: z.enum(ROLES),
  scope_location_ids: z
    .array(idSchema('location'))
    .describe('The locations an admin or auditor is confined to. Empty: none, so the whole organisation.'),
  location_id: idSchema('location').nullable(),
  location_name: z.string().nullable(),
  groups: z.array(GroupName),
  leads: z.array(GroupName).describe('Groups whose people and keys they look after.'),
  account: z
    .enum(['linked', 'none'])
    .describe('Whether this person can sign in. Keys are only made for those who can.'),
  invited_at: Instant.nullable().describe('When they were last invited, until they accept or it is withdrawn.'),
  invitation_expires_at: Instant.nullable(),
  external_id: z.string().nullable().describe('Their id in the system they are imported from.'),
  is_active: z.boolean(),
  created_at: Instant,
})
export type Member = z.infer<typeof Member>

const ScopeLocations = z
  .array(idSchema('location'))
  .max(100)
  .describe('Confines an admin or auditor to these locations. Empty: the whole tenant.')
const ExternalId = z.string().trim().min(1).max(200)

export const CreateMember = z.strictObject({
  name: Name,
  email: Email,
  kind: MemberKind,
  role: z.enum(ROLES).default('member'),
  location_id: idSchema('location').nullable().default(null),
  group_ids: z.array(idSchema('group')).max(50).default([]),
  scope_location_ids: ScopeLocations.default([]),
  external_id: ExternalId.nullable().default(null),
})

/** Only the fields given are changed. */
export const UpdateMember = z.strictObject({
  id: idSchema('member'),
  name: Name.optional(),
  email: Email.optional().describe(
    'Where mail goes. Whoever has an account keeps signing in with the address it was made with.',
  ),
  kind: MemberKind.optional(),
  role: z.enum(ROLES).optional().describe('Given and taken by owners alone.'),
  scope_location_ids: ScopeLocations.optional(),
  location_id: idSchema('location')
    .nullable()
    .optional()
    .describe('Whoever moves leaves the groups of other locations, unless group_ids says otherwise.'),
  group_ids: z.array(idSchema('group')).max(50).optional().describe('All the groups they are to be in.'),
  external_id: ExternalId.nullable().optional(),
})
export type UpdateMember = z.infer<typeof UpdateMember>

export const MEMBER_STATES = ['active', 'deactivated', 'no_account', 'invited'] as const

/** What people can be chosen by. */
export const PeopleFilter = z.strictObject({
  kind: MemberKind.optional(),
  role: z.enum(ROLES).optional(),
  location_id: idSchema('location').optional(),
  group_id: idSchema('group').optional(),
  state: z
    .enum(MEMBER_STATES)
    .optional()
    .describe('no_account: active, can’t sign in yet; invited: those of them with an open invitation.'),
  search: Search,
})
export type PeopleFilter = z.infer<typeof PeopleFilter>

export const ListMembers = PageInput.extend({
  ...PeopleFilter.shape,
  sort: z.enum(sortNames('name', 'email', 'created_at')).default('name'),
})

export const MEMBERS_AT_ONCE_MAX = 5000

/** Who is meant: these, and everybody that matches. */
export const Selection = z.strictObject({
  member_ids: z.array(idSchema('member')).max(MEMBERS_AT_ONCE_MAX).default([]),
  matching: PeopleFilter.optional().describe('And everybody who matches; `{}` is everybody.'),
})
export type Selection = z.infer<typeof Selection>

export const Act = Selection.extend({
  dry_run: z.boolean().default(false).describe('Say what it would hit, and change nothing.'),
})
export const MoveMembers = Act.extend({ location_id: idSchema('location').describe('Where they go.') })
export const RemoveMembers = Act.extend({
  history: z
    .enum(['keep', 'anonymise'])
    .default('keep')
    .describe('Whether what they did stays under their name, or under none.'),
})

export const SKIP_REASONS = ['yourself', 'has_role', 'last_owner', 'already'] as const

/** What an act on people did or, with `dry_run`, would do. */
export const ActOutcome = z.strictObject({
  is_done: z.boolean(),
  people: z.number().int().describe('Who it is about, without those left out.'),
  skipped: z
    .array(z.strictObject({ id: idSchema('member'), name: z.string(), reason: z.enum(SKIP_REASONS) }))
    .describe('Who is left out, and why; a hundred at most.'),
  skipped_count: z.number().int(),
  accounts: z.number().int().describe('Of these people, those who can sign in.'),
  keys: z.number().int().describe('Their keys that aren’t revoked.'),
  groups: z.number().int().describe('Memberships of groups that end.'),
  requests: z.number().int().describe('Requests they made so far. They are never deleted.'),
})
export type ActOutcome = z.infer<typeof ActOutcome>

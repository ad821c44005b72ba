import { z } from 'zod'
import { UsdInput, UsdOutput } from '../fields.ts'
import { idSchema } from '../id.ts'
import { CreatedKey, checkTerms, KEY_TERMS, RENEWALS } from './key.ts'

/** At most this many keys are made in one act: above it a location is done group by group. */
export const KEYS_AT_ONCE_MAX = 1_000

const MemberIds = z.array(idSchema('member')).min(1, 'Choose somebody.').max(KEYS_AT_ONCE_MAX)

/** For whom: a group, a location, or people one by one; together, those of the people who are in the group or location. */
const RECIPIENTS = {
  group_id: idSchema('group').optional().describe('Those in this group.'),
  location_id: idSchema('location').optional().describe('Those in this location.'),
  with_active_key: z
    .enum(['skip', 'add'])
    .default('skip')
    .describe('What is done for people who have a key that works, or will: they are left out, or get another.'),
}

function checkRecipients(
  input: {
    group_id?: string | undefined
    location_id?: string | undefined
    member_ids?: readonly string[] | undefined
  },
  context: z.RefinementCtx,
): void {
  if (input.group_id !== undefined || input.location_id !== undefined || input.member_ids !== undefined) return
  const message = 'Say for whom: group_id, location_id or member_ids. Together they mean those whom each of them names.'
  context.addIssue({ code: 'custom', path: ['group_id'], message })
}

export const CreateManyKeys = z
  .strictObject({
    ...RECIPIENTS,
    member_ids: MemberIds.optional().describe(
      'Just these people. All of them have to be in the group or location, if one is named.',
    ),
    ...KEY_TERMS,
    expected_keys: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe('How many keys the preview promised. If it would be another number by now, nothing is made.'),
  })
  .superRefine((input, context) => {
    checkRecipients(input, context)
    checkTerms(input, context)
  })

export const PreviewManyKeys = z
  .strictObject({
    ...RECIPIENTS,
    member_ids: z
      .union([
        MemberIds,
        z
          .string()
          .max(64 * KEYS_AT_ONCE_MAX)
          .transform((text) => text.split(','))
          .pipe(MemberIds),
      ])
      .optional()
      .describe(
        'Just these people, all of them in the group or location, if one is named. In a query string: their ids with commas between.',
      ),
    budget_usd: UsdInput.optional().describe('What each is to get, for the sum. Without it there is none.'),
    renewal: z.enum(RENEWALS).default('never'),
  })
  .superRefine(checkRecipients)

export const LEFT_OUT = ['deactivated', 'no_account', 'has_active_key'] as const

const Recipient = z.strictObject({ member_id: idSchema('member'), member_name: z.string() })
const LeftOut = Recipient.extend({
  reason: z.enum(LEFT_OUT).describe('Why this person gets none.'),
})

export const ManyKeysPreview = z.strictObject({
  recipients: z.array(Recipient),
  left_out: z.array(LeftOut),
  at_most_usd: UsdOutput.nullable().describe(
    'The most that all of them together may spend in one period, or each time it renews. Null without a budget.',
  ),
  available_usd: UsdOutput.nullable().describe('What the balance has. Null for those who may not see it.'),
})
export type ManyKeysPreview = z.infer<typeof ManyKeysPreview>

export const CreatedKeys = z.strictObject({
  keys: z.array(CreatedKey).describe('By name of the person, each with its secret, this once.'),
  left_out: z.array(LeftOut),
})

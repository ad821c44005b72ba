import { z } from 'zod'
import { idSchema } from '../id.ts'
import { Selection } from '../members/member.ts'

export const INVITATION_DAYS = 14

export const SendInvitations = Selection.extend({
  dry_run: z.boolean().default(false).describe('Say who would get one, and send none.'),
})
export const RevokeInvitations = Selection

export const NOT_INVITED = ['has_account', 'deactivated', 'just_invited'] as const

export const SentInvitations = z.strictObject({
  is_done: z.boolean(),
  people: z.number().int().describe('Who gets a mail.'),
  again: z.number().int().describe('Of them, those whose earlier link this replaces.'),
  skipped: z
    .array(z.strictObject({ id: idSchema('member'), name: z.string(), reason: z.enum(NOT_INVITED) }))
    .describe('Who gets none, and why; a hundred at most.'),
  skipped_count: z.number().int(),
})
export const RevokedInvitations = z.strictObject({ revoked: z.number().int() })

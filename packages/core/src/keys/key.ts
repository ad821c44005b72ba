import { z } from 'zod'
import { Instant, InstantInput, Name, Search, UsdInput, UsdOutput } from '../fields.ts'
import { idSchema } from '../id.ts'
import { MemberKind } from '../members/member.ts'
import { PageInput } from '../page.ts'
import { sortNames } from '../sorting.ts'
import { restrictions } from './restrictions.ts'

export const RENEWALS = ['never', 'when_used_up', 'daily', 'weekly', 'monthly'] as const
export type Renewal = (typeof RENEWALS)[number]

export const KEY_STATUSES = ['active', 'not_yet_valid', 'expired', 'disabled', 'revoked'] as const
export type KeyStatus = (typeof KEY_STATUSES)[number]

export const Budget = z.strictObject({
  limit_usd: UsdOutput.nullable().describe('The most the key may spend in a period; null: no limit of its own.'),
  spent_usd: UsdOutput.describe('Spent in the current period.'),
  remaining_usd: UsdOutput.nullable().describe('Limit less what is spent; null without a limit.'),
  renewal: z.enum(RENEWALS),
  renews_at: Instant.nullable().describe('When the next period begins; null where no clock decides it.'),
})
export type Budget = z.infer<typeof Budget>

export const Key = z.strictObject({
  id: idSchema('key'),
  name: z.string(),
  member_id: idSchema('member'),
  member_name: z.string(),
  created_by: z.string().describe('The member, service token or operator that made it.'),
  status: z
    .enum(KEY_STATUSES)
    .describe('The key of somebody who is deactivated is disabled, whatever `disabled_at` says.'),
  masked: z
    .string()
    .describe('What may be shown of the secret.')
    .meta({ examples: ['sk-stp-…x7Qa'] }),
  allocation_id: idSchema('allocation').nullable(),
  provider_id: idSchema('provider').nullable().describe('The one provider it is linked to; null: any.'),
  provider_name: z.string().nullable(),
  allowed_models: z
    .array(z.string().meta({ examples: ['gpt-6-mini'] }))
    .nullable()
    .describe('The models it may use; null: all.'),
  allowed_ips: z
    .array(z.string().meta({ examples: ['192.0.2.0/24'] }))
    .nullable()
    .describe('The addresses it may be used from; null: anywhere.'),
  requests_per_minute: z
    .number()
    .int()
    .nullable()
    .describe('How many requests it may make in a minute; null: no limit.'),
  budget: Budget,
  valid_from: Instant.nullable(),
  valid_until: Instant.nullable(),
  created_at: Instant,
  last_used_at: Instant.nullable(),
  disabled_at: Instant.nullable(),
  paused_group_id: idSchema('group')
    .nullable()
    .describe('The group in whose lesson it was paused; null: it is not, or was disabled to stay so.'),
  revoked_at: Instant.nullable(),
})
export type Key = z.infer<typeof Key>

export const CreatedKey = Key.extend({
  secret: z
    .string()
    .nullable()
    .describe('The key itself, shown this once. Null when a request is repeated with the same Idempotency-Key.'),
})
export type CreatedKey = z.infer<typeof CreatedKey>

export const ReplacedKey = CreatedKey.extend({
  replaced_id: idSchema('key').describe('The lost key, which is revoked.'),
  carried_usd: UsdOutput.describe('What the lost key had spent or set aside of this period’s budget: it stays spent.'),
})

/** What is granted with a key, to one person or to many at once. */
export const KEY_TERMS = {
  name: Name,
  budget_usd: UsdInput.nullable().describe(
    'The most the key may spend in a period. Null: unlimited, the balance still limits it.',
  ),
  renewal: z.enum(RENEWALS).default('never').describe('When the budget is given anew.'),
  valid_from: InstantInput.nullable().default(null).describe('Before this time the key is refused.'),
  valid_until: InstantInput.nullable().default(null).describe('From this time on the key is refused.'),
  allocation_id: idSchema('allocation').nullable().default(null).describe('A pot of money it draws from as well.'),
  provider_id: restrictions.provider_id.default(null),
  allowed_models: restrictions.allowed_models.default(null),
  allowed_ips: restrictions.allowed_ips.default(null),
  requests_per_minute: restrictions.requests_per_minute.default(null),
}
const KeyTerms = z.strictObject(KEY_TERMS)
export type KeyTerms = z.infer<typeof KeyTerms>

/** What terms can't be, whoever they are for. */
export function checkTerms(
  terms: Pick<KeyTerms, 'budget_usd' | 'renewal' | 'valid_from' | 'valid_until'>,
  context: z.RefinementCtx,
): void {
  if (terms.budget_usd === null && terms.renewal !== 'never') {
    const message = 'An unlimited key has nothing to renew. Use "never".'
    context.addIssue({ code: 'custom', path: ['renewal'], message })
  }
  if (terms.valid_from !== null && terms.valid_until !== null && terms.valid_until <= terms.valid_from) {
    context.addIssue({ code: 'custom', path: ['valid_until'], message: 'The end must be later than the start.' })
  }
}

export const CreateKey = z
  .strictObject({
    member_id: idSchema('member').describe('Whom the key is for. The person must have a linked account.'),
    ...KEY_TERMS,
  })
  .superRefine(checkTerms)
export type CreateKey = z.infer<typeof CreateKey>

export const RaiseKey = z.strictObject({
  id: idSchema('key'),
  by_usd: UsdInput.describe('What is added to the budget of this period and of those to come.'),
})

const { allocation_id: _, ...OWN_TERMS } = KEY_TERMS
export const CreateOwnKey = z
  .strictObject({ ...OWN_TERMS, budget_usd: UsdInput.describe('The most the key may spend in a period.') })
  .superRefine(checkTerms)
export type CreateOwnKey = z.infer<typeof CreateOwnKey>

/** Only the fields given are changed. A new renewal begins its own period, with the whole budget. */
export const UpdateKey = z.strictObject({
  id: idSchema('key'),
  name: Name.optional(),
  budget_usd: UsdInput.nullable()
    .optional()
    .describe('The most the key may spend in a period, also below what is spent. Null: unlimited.'),
  renewal: z.enum(RENEWALS).optional(),
  valid_from: InstantInput.nullable().optional(),
  valid_until: InstantInput.nullable().optional(),
  provider_id: restrictions.provider_id.optional(),
  allowed_models: restrictions.allowed_models.optional(),
  allowed_ips: restrictions.allowed_ips.optional(),
  requests_per_minute: restrictions.requests_per_minute.optional(),
})
export type UpdateKey = z.infer<typeof UpdateKey>

export const KEY_SORTS = sortNames('created_at', 'name', 'member_name', 'spent', 'last_used_at', 'valid_until')

/** Which keys: of one person, of a place, in a state. */
const keyFilter = {
  member_id: idSchema('member').optional(),
  status: z.enum(KEY_STATUSES).optional(),
  kind: MemberKind.optional().describe('Keys of students, staff or employees only.'),
  location_id: idSchema('location').optional().describe('Keys of the people of one location.'),
  group_id: idSchema('group').optional().describe('Keys of the people of one class or team.'),
  allocation_id: idSchema('allocation').optional(),
  provider_id: idSchema('provider').optional().describe('Keys linked to this provider.'),
  model: z.string().max(300).optional().describe('Keys limited to models, this one among them by this name.'),
  used_min: z.coerce
    .number()
    .int()
    .min(0)
    .max(100)
    .optional()
    .describe('Keys of whose budget at least this much is spent, in percent.'),
  search: Search.describe(
    'Part of the key’s name, of the person’s name or e-mail address, or the last four characters.',
  ),
}
export const KeyFilter = z.strictObject(keyFilter)
export type KeyFilter = z.infer<typeof KeyFilter>

export const ListKeys = PageInput.extend({
  ...keyFilter,
  sort: z.enum(KEY_SORTS).default('-created_at').describe('The order; a leading minus: downwards.'),
})
export type ListKeys = z.infer<typeof ListKeys>

const { sort, status } = ListKeys.shape
export const ListOwnKeys = PageInput.extend({ sort, status })

/** A key in a list: with whose it is, who made it and all that was ever used with it. */
export const ListedKey = Key.extend({
  member_email: z.string(),
  created_by_name: z.string().nullable().describe('Null for what is no person, or nobody the caller may see.'),
  requests: z.number().int(),
  tokens: z.number().int().describe('In and out.'),
  cost_usd: UsdOutput.describe('Of all periods.'),
})

const AT_ONCE_MAX = 1000

/** Keys an act is meant for: these, those of these people, or all that match. Exactly one of the three. */
const selection = {
  ids: z.array(idSchema('key')).min(1).max(AT_ONCE_MAX).optional(),
  member_ids: z.array(idSchema('member')).min(1).max(AT_ONCE_MAX).optional().describe('All keys of these people.'),
  filter: KeyFilter.extend({
    member_search: Search.describe('Part of the person’s name or e-mail address.'),
    is_ungrouped: z.boolean().optional().describe('Keys of people who are in no class or team.'),
    disabled_exactly_at: InstantInput.optional().describe('Keys disabled at this very moment: to undo one act.'),
  })
    .optional()
    .describe('All keys that match, on every page of the list.'),
}
const ONE_OF_THREE = 'Say which keys with exactly one of ids, member_ids and filter.'
const isOneOfThree = (input: { ids?: unknown; member_ids?: unknown; filter?: unknown }) =>
  [input.ids, input.member_ids, input.filter].filter((one) => one !== undefined).length === 1

export const SelectKeys = z.strictObject(selection).refine(isOneOfThree, ONE_OF_THREE)
export type SelectKeys = z.infer<typeof SelectKeys>

export const KEY_ACTS = ['revoke', 'disable', 'enable'] as const
export type KeyAct = (typeof KEY_ACTS)[number]
export const PreviewMany = z.strictObject({ act: z.enum(KEY_ACTS), ...selection }).refine(isOneOfThree, ONE_OF_THREE)

/** What an act would hit, or has hit. */
export const ManyPreviewed = z.strictObject({
  keys_count: z.number().int().describe('Keys that change.'),
  members_count: z.number().int().describe('People they belong to.'),
  running_count: z
    .number()
    .int()
    .describe('Of those keys, how many a gateway holds money for: they were used a moment ago.'),
  unchanged_count: z.number().int().describe('Keys meant that are in this state already, or are revoked.'),
})
export const ManyChanged = z.strictObject({
  keys_count: z.number().int(),
  at: Instant.describe('The moment of the act; `disabled_at` of keys disabled by it.'),
})

export const KeyRef = z.strictObject({ id: idSchema('key') })

/** What a list shows in place of the secret. */
export function maskedKey(lastFour: string): string {
  return `sk-stp-…${lastFour}`
}

/** What the state of a key depends on. */
type KeyFacts = {
  revoked_at: string | null
  disabled_at: string | null
  /** When its member was deactivated: their keys are refused until they are back. */
  member_deactivated_at: string | null
  valid_from: string | null
  valid_until: string | null
}

/** The state of a key at a moment. Revoked outranks disabled, disabled outranks its window. */
export function keyStatus(key: KeyFacts, now: Date): KeyStatus {
  if (key.revoked_at !== null) return 'revoked'
  if (key.disabled_at !== null || key.member_deactivated_at !== null) return 'disabled'
  const at = now.toISOString()
  if (key.valid_until !== null && key.valid_until <= at) return 'expired'
  if (key.valid_from !== null && key.valid_from > at) return 'not_yet_valid'
  return 'active'
}

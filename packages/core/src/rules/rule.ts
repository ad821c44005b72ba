import { z } from 'zod'
import { ROLES } from '../actor.ts'
import { DAYS } from '../clock.ts'
import { Instant, InstantInput, Name } from '../fields.ts'
import { idSchema } from '../id.ts'
import { MEMBER_KINDS } from '../members/member.ts'
import { pageOf } from '../page.ts'

/** So many rules a tenant may have: each is asked of each request until one matches. */
export const RULES_MAX = 500
const ENTRIES_MAX = 200

/** Lists without repetition; an empty one means the same as none: any. */
const listOf = <T extends z.ZodType<string>>(entry: T, max = ENTRIES_MAX) =>
  z
    .array(entry)
    .max(max, `At most ${max} entries.`)
    .transform((entries) => (entries.length === 0 ? null : [...new Set(entries)]))
    .nullable()

const ModelPattern = z
  .string()
  .trim()
  .min(1, 'Give the name of a model.')
  .max(300)
  .refine((text) => !text.slice(0, -1).includes('*'), 'A * stands for the rest of a name: put it at the end.')
  .meta({ examples: ['gpt-6-mini', 'claude-opus*'] })

const Time = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'Write a time as 17:00, between 00:00 and 23:59.')
  .meta({ examples: ['17:00'] })

const fields = {
  name: Name.describe('What people read when it refuses them.').meta({ examples: ['No coding after school'] }),
  effect: z.enum(['allow', 'block']),
  is_enabled: z.boolean(),
  member_ids: listOf(idSchema('member')).describe('These people. Null or empty: anybody.'),
  kinds: listOf(z.enum(MEMBER_KINDS)).describe('Students, staff, employees. Null or empty: all of them.'),
  roles: listOf(z.enum(ROLES)).describe('People with one of these roles. Null or empty: any role.'),
  group_ids: listOf(idSchema('group')).describe('People in one of these groups. Null or empty: in any or none.'),
  location_ids: listOf(idSchema('location')).describe('People of these locations. Null or empty: of any.'),
  models: listOf(ModelPattern).describe(
    'Models by any of their names, or by the beginning of one with a `*`: `gpt-6-mini`, `claude-*`, `openai/*`. Null or empty: all.',
  ),
  provider_ids: listOf(idSchema('provider')).describe('Models at these providers. Null or empty: at any.'),
  days: listOf(z.enum(DAYS)).describe(
    'Days on which it applies, in the organisation’s time zone. A time that passes midnight belongs to the day it began on. Null or empty: every day.',
  ),
  time_from: Time.nullable().describe(
    'From this time of day on, in the organisation’s time zone. With `time_until`, or neither: all day.',
  ),
  time_until: Time.nullable().describe('Until this time of day; of the next day, where it is not after `time_from`.'),
}

const terms = {
  ...fields,
  is_enabled: fields.is_enabled.default(true),
  member_ids: fields.member_ids.default(null),
  kinds: fields.kinds.default(null),
  roles: fields.roles.default(null),
  group_ids: fields.group_ids.default(null),
  location_ids: fields.location_ids.default(null),
  models: fields.models.default(null),
  provider_ids: fields.provider_ids.default(null),
  days: fields.days.default(null),
  time_from: fields.time_from.default(null),
  time_until: fields.time_until.default(null),
}

const Position = z
  .number()
  .int()
  .min(1)
  .max(RULES_MAX)
  .optional()
  .describe('Its place among the rules; 1 is asked first. Left out, or beyond the end: last.')

export const CreateRule = z.strictObject({ ...terms, position: Position })

/** Only the fields given are changed. */
export const UpdateRule = z
  .strictObject({ id: idSchema('rule'), ...fields })
  .partial()
  .required({ id: true })

export const RuleRef = z.strictObject({ id: idSchema('rule') })
export const DeletedRule = z.strictObject({ id: idSchema('rule') })

export const ReorderRules = z.strictObject({
  ids: z.array(idSchema('rule')).min(1).max(RULES_MAX).describe('All rules, in the order they are to be asked in.'),
})

const nullableList = <T extends z.ZodType>(entry: T) => z.array(entry).nullable()

export const Rule = z.strictObject({
  id: idSchema('rule'),
  name: z.string(),
  effect: fields.effect,
  is_enabled: z.boolean(),
  position: z.number().int().describe('1 is asked first.'),
  member_ids: nullableList(idSchema('member')),
  kinds: nullableList(z.enum(MEMBER_KINDS)),
  roles: nullableList(z.enum(ROLES)),
  group_ids: nullableList(idSchema('group')),
  location_ids: nullableList(idSchema('location')),
  models: nullableList(z.string().meta({ examples: ['claude-*'] })),
  provider_ids: nullableList(idSchema('provider')),
  days: nullableList(z.enum(DAYS)),
  time_from: z
    .string()
    .nullable()
    .meta({ examples: ['17:00'] }),
  time_until: z
    .string()
    .nullable()
    .meta({ examples: ['08:00'] }),
  names: z
    .array(z.strictObject({ id: z.string().meta({ examples: ['grp_01jd4k0v8m3q6y1x2z5w7t9rbc'] }), name: z.string() }))
    .describe('What the ids above are called. One without a name here is gone, and matches nothing any more.'),
  hidden_count: z
    .number()
    .int()
    .describe('How many people, groups and locations it names beyond those that the caller may see.'),
  requests_7_days: z
    .number()
    .int()
    .describe('How many requests it decided in the last seven days. A few may be missing after a gateway crashed.'),
  created_at: Instant,
  updated_at: Instant,
})
export type Rule = z.infer<typeof Rule>
export const RuleList = pageOf(Rule)

export const TryRules = z.strictObject({
  member_id: idSchema('member').optional().describe('Who asks. Give this or `key_id`.'),
  key_id: idSchema('key').optional().describe('The key that is used, with its own limits on models.'),
  model: z.string().trim().min(1, 'Give the name of a model.').max(300).describe('As a request names it.'),
  provider_id: idSchema('provider').optional().describe('Look at this provider alone.'),
  at: InstantInput.optional().describe('When; now unless given.'),
  draft: z
    .strictObject({ id: idSchema('rule').optional(), ...terms, position: Position })
    .optional()
    .describe('A rule as if it were saved: with an `id` in place of that one, else as a new one.'),
})

const Decider = z
  .strictObject({ id: idSchema('rule').nullable().describe('Null: the draft, which has none yet.'), name: z.string() })
  .nullable()
  .describe('The rule that decided; null where none matched.')

export const Trial = z.strictObject({
  effect: fields.effect,
  rule: Decider,
  code: z.string().nullable().describe('The code of the error that the tool gets; null where it is allowed.'),
  sentence: z.string().nullable().describe('What the person reads in their tool; null where it is allowed.'),
  opens_at: Instant.nullable().describe('Where only the time stands against it: from when on it is allowed.'),
  candidates: z
    .array(
      z.strictObject({
        model: z.string(),
        provider_id: idSchema('provider'),
        provider: z.string(),
        effect: fields.effect,
        rule: Decider,
      }),
    )
    .describe('Where the request may go, in the order they are tried; those that are blocked are passed over.'),
})
export type Trial = z.infer<typeof Trial>

import { z } from 'zod'
import { Instant, Name, UsdInput, UsdOutput } from '../fields.ts'
import { idSchema } from '../id.ts'
import { MemberKind } from '../members/member.ts'
import { PLATFORM_OWNER } from '../providers/kinds.ts'

export const TENANT_KINDS = ['school', 'company'] as const

/** Nothing but counts; titles of chats too, which are the first words of them. */
export const CONTENT_KEPT = ['nothing', 'titles'] as const

/**
 * An IANA zone such as Europe/Amsterdam, or UTC. Short names are refused: IST is India to this system's clock and Israel to the
 * database's.
 */
const ZONE =
  /^(?:UTC|(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific)(?:\/[A-Za-z0-9_+-]+)+)$/
export const TimeZone = z.string().refine((zone) => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return ZONE.test(zone)
  } catch {
    return false
  }
}, 'Give a time zone such as Europe/Amsterdam.')

export const Slug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'Use lower-case letters, digits and hyphens, such as lindenhof.')
  .refine((slug) => slug !== PLATFORM_OWNER, 'This name is the platform’s own. Choose another one.')

export const Tenant = z.strictObject({
  id: idSchema('tenant'),
  slug: z.string(),
  kind: z.enum(TENANT_KINDS),
  name: z.string(),
  time_zone: z.string(),
  accent_color: z.string().describe('A colour name of the console’s palette.'),
  own_keys: z
    .strictObject({
      kinds: z.array(MemberKind).describe('Who may make keys for themselves. Empty: nobody.'),
      keys_max: z.number().int().describe('How many keys that aren’t revoked a person may have so.'),
      budget_max_usd: UsdOutput.describe('The most such a key may spend in a period.'),
      days_max: z.number().int().nullable().describe('How many days such a key may work; null: as long as wanted.'),
      may_renew: z.boolean().describe('Whether its budget may renew by itself.'),
    })
    .describe('What people may do for themselves, without an administrator.'),
  content: z
    .strictObject({ kept: z.enum(CONTENT_KEPT), days: z.number().int() })
    .describe('What is kept of what people and models write, and for how many days. Counts and costs are always kept.'),
  created_at: Instant,
})
export type Tenant = z.infer<typeof Tenant>

export const CreateTenant = z.strictObject({
  slug: Slug,
  kind: z.enum(TENANT_KINDS),
  name: Name,
  time_zone: TimeZone,
  accent_color: z.string().max(20).default('blue'),
})

/** Only the fields given are changed. */
export const UpdateTenant = z.strictObject({
  name: Name.optional(),
  time_zone: TimeZone.optional().describe('Days, weeks and months of budgets follow its clock.'),
  accent_color: z.string().max(20).optional(),
  own_keys: z
    .strictObject({
      kinds: z.array(MemberKind).max(3),
      keys_max: z.number().int().min(1).max(100),
      budget_max_usd: UsdInput,
      days_max: z.number().int().min(1).max(3650).nullable(),
      may_renew: z.boolean(),
    })
    .optional(),
  content: z.strictObject({ kept: z.enum(CONTENT_KEPT), days: z.number().int().min(1).max(3650) }).optional(),
})

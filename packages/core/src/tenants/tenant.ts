import { z } from 'zod'
import { Instant, Name } from '../fields.ts'
import { idSchema } from '../id.ts'

export const TENANT_KINDS = ['school', 'company'] as const

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

export const Tenant = z.strictObject({
  id: idSchema('tenant'),
  slug: z.string(),
  kind: z.enum(TENANT_KINDS),
  name: z.string(),
  time_zone: z.string(),
  accent_color: z.string().describe('A colour name of the console’s palette.'),
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

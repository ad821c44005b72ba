import { z } from 'zod'
import { Instant } from '../fields.ts'
import { idSchema } from '../id.ts'
import { MemberKind } from '../members/member.ts'

/** A mail domain in lower case, such as `school.example`. */
export const DomainName = z
  .string()
  .trim()
  .toLowerCase()
  .overwrite((text) => text.replace(/^@/, ''))
  .max(200)
  .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'Give a domain, such as school.example.')
  .meta({ examples: ['school.example'] })

/** Addresses that anybody can have: letting them in is letting everybody in. */
export const PUBLIC_DOMAINS = new Set([
  'gmail.com',
  'googlemail.com',
  'outlook.com',
  'hotmail.com',
  'live.com',
  'msn.com',
  'yahoo.com',
  'icloud.com',
  'me.com',
  'proton.me',
  'protonmail.com',
  'gmx.de',
  'gmx.net',
  'web.de',
  'aol.com',
  'ziggo.nl',
  'kpnmail.nl',
  'orange.fr',
  'mail.com',
])

const role = z.enum(['member', 'auditor', 'billing'])

export const Domain = z.strictObject({
  domain: DomainName,
  kind: MemberKind,
  role,
  location_id: idSchema('location').nullable(),
  location_name: z.string().nullable(),
  created_at: Instant,
})

export const SetDomain = z.strictObject({
  domain: DomainName,
  kind: MemberKind.describe('What whoever comes this way is.'),
  role: role.default('member').describe('Never owner or admin: those are given by hand.'),
  location_id: idSchema('location').nullable().default(null),
})
export const RemoveDomain = z.strictObject({ domain: DomainName })

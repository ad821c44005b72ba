import { z } from 'zod'
import { Instant } from '../fields.ts'
import { idSchema } from '../id.ts'
import { MemberKind } from '../members/member.ts'
import { PageInput } from '../page.ts'
import { FIELDS } from './mapping.ts'
import { PROBLEMS } from './roster.ts'
import { DELIMITERS } from './table.ts'

const Column = z.number().int().min(0).max(199)
const MappingSchema = z
  .strictObject(
    Object.fromEntries(FIELDS.map((field) => [field, Column.optional()])) as Record<
      (typeof FIELDS)[number],
      z.ZodOptional<typeof Column>
    >,
  )
  .meta({ examples: [{ name: 0, email: 1, group: 2 }] })

const Domain = z
  .string()
  .meta({ examples: ['school.example'] })
  .trim()
  .toLowerCase()
  .transform((text) => text.replace(/^@/, ''))
  .pipe(
    z
      .string()
      .max(200)
      .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'Give a domain, such as school.example.'),
  )

/** How a file is to be read, and how far it may go. What isn't given is found out from the file. */
export const Settings = z.strictObject({
  has_header: z.boolean(),
  mapping: MappingSchema.describe('Which column (from 0) says what. Files of School Data Sync need none.'),
  default_kind: MemberKind.describe('Of people whose kind the file doesn’t say.'),
  default_location_id: idSchema('location').nullable().describe('Of new people whose location the file doesn’t say.'),
  email_domain: Domain.nullable().describe('Completes user names without a domain.'),
  deactivate_missing: z
    .boolean()
    .describe('Deactivate who isn’t in the file, of the locations and kinds of people that are in it.'),
  reactivate: z.boolean().describe('Reactivate people in the file who are deactivated.'),
  replace_groups: z.boolean().describe('Take people out of groups that the file doesn’t name for them.'),
})
export type Settings = z.infer<typeof Settings>

const SomeSettings = Settings.partial().meta({ examples: [{ default_kind: 'student' }] })

export const CreateImport = z.strictObject({
  files: z
    .array(
      z.strictObject({
        name: z.string().trim().min(1).max(200),
        content_base64: z
          .base64('Give the bytes of the file in base64.')
          .max(32 * 1024 * 1024)
          .meta({ examples: ['bmFtZSxlbWFpbApBZGEsYWRhQGxpbmRlbmhvZi5leGFtcGxlCg=='] })
          .describe('The file as it is, in base64: CSV, or a zip of CSV files.'),
      }),
    )
    .min(1)
    .max(20),
  settings: SomeSettings.default({}),
  dry_run: z.boolean().default(true).describe('Plan and say what would happen. False: do it at once.'),
})
export const UpdateImport = z.strictObject({ id: idSchema('import'), settings: SomeSettings })
export const ImportRef = z.strictObject({ id: idSchema('import') })
export const RunImport = z.strictObject({
  id: idSchema('import'),
  fingerprint: z
    .string()
    .max(64)
    .optional()
    .describe('Of the plan that was looked at: if people have changed since, nothing is done.'),
})

export const OUTCOMES = ['add', 'change', 'unchanged', 'merged', 'skip', 'deactivate'] as const

export const CHANGED_FIELDS = ['name', 'email', 'kind', 'location', 'external_id', 'groups', 'leads', 'state'] as const

export const ImportRow = z.strictObject({
  file: z.string().nullable().describe('Null for somebody who isn’t in any.'),
  line: z.number().int().nullable(),
  name: z.string(),
  email: z.string(),
  member_id: idSchema('member').nullable().describe('Who it is, if known already.'),
  outcome: z.enum(OUTCOMES).describe('merged: another row about the same person.'),
  reason: z.enum(PROBLEMS).nullable(),
  changes: z.array(
    z.strictObject({ field: z.enum(CHANGED_FIELDS), before: z.string().nullable(), after: z.string().nullable() }),
  ),
})
export type ImportRow = z.infer<typeof ImportRow>

export const Summary = z.strictObject({
  rows: z.number().int(),
  add: z.number().int(),
  change: z.number().int(),
  unchanged: z.number().int(),
  merged: z.number().int(),
  skip: z.number().int(),
  deactivate: z.number().int(),
  new_locations: z.array(z.string()).meta({ examples: [['Lindenhof South']] }),
  new_groups: z
    .array(z.string())
    .meta({ examples: [['7b']] })
    .describe('Names; a hundred at most.'),
  new_groups_count: z.number().int(),
})
export type Summary = z.infer<typeof Summary>

export const Import = z.strictObject({
  id: idSchema('import'),
  status: z.enum(['draft', 'applied']),
  format: z.enum(['csv', 'sds_v1', 'sds_v2']).describe('sds: School Data Sync, told by its files.'),
  files: z.array(
    z.strictObject({
      name: z.string(),
      encoding: z.string().meta({ examples: ['utf-8'] }),
      delimiter: z.enum(DELIMITERS),
      rows: z.number().int(),
    }),
  ),
  columns: z
    .array(
      z.strictObject({
        index: z.number().int(),
        header: z.string().meta({ examples: ['E-mail'] }),
        samples: z.array(z.string()).meta({ examples: [['ada@lindenhof.example']] }),
      }),
    )
    .describe('Of the first file, to map.'),
  settings: Settings,
  summary: Summary.describe('What would happen now or, once applied, what did.'),
  fingerprint: z.string().meta({ examples: ['5d41402abc4b2a76b9719d911017c592'] }),
  progress: z
    .strictObject({ done: z.number().int(), total: z.number().int() })
    .nullable()
    .describe('While it is being applied.'),
  created_at: Instant,
  applied_at: Instant.nullable(),
})
export type Import = z.infer<typeof Import>

export const ListImportRows = PageInput.extend({ id: idSchema('import'), outcome: z.enum(OUTCOMES).optional() })

import { z } from 'zod'
import { Instant, Name } from '../fields.ts'
import { idSchema } from '../id.ts'
import { DIALECTS } from './kinds.ts'

/** Picodollars per token, as an integer in a string: JSON has no bigint. */
const Picos = z.string().regex(/^\d{1,15}$/, 'Give whole picodollars per token.')

export const Price = z.strictObject({
  input_picos: Picos,
  cached_input_picos: Picos.nullable().default(null),
  cache_write_picos: Picos.nullable().default(null),
  cache_write_1h_picos: Picos.nullable().default(null),
  output_picos: Picos,
  source: Name,
})

export const CreatePlatformProvider = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'Use lower-case letters, digits and hyphens.'),
  base_url: z.url().describe('What comes before /chat/completions, so mostly ends in /v1.'),
  credential_sealed: z.instanceof(Buffer).nullable().describe('From sealCredential, for `id`.'),
  id: idSchema('provider'),
  models: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(200),
        upstream_name: z.string().min(1).max(200),
        dialects: z.array(z.enum(DIALECTS)).min(1).default(['chat']),
        context_tokens_max: z.int().positive(),
        output_tokens_max: z.int().positive(),
        price: Price,
      }),
    )
    .min(1),
})

export const PlatformProvider = z.strictObject({
  id: idSchema('provider'),
  name: z.string(),
  base_url: z.string(),
  models: z.array(z.string()),
  created_at: Instant,
})

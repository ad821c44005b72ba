import { z } from 'zod'
import { PERMISSIONS } from '../actor.ts'
import { Instant, Name } from '../fields.ts'
import { idSchema } from '../id.ts'
import { PageInput } from '../page.ts'

export const ServiceToken = z.strictObject({
  id: idSchema('service_token'),
  name: z.string(),
  masked: z.string(),
  scopes: z.array(z.enum(PERMISSIONS)).describe('What it may do.'),
  created_by: z.string(),
  created_at: Instant,
  last_used_at: Instant.nullable(),
  revoked_at: Instant.nullable(),
})
export const CreatedServiceToken = ServiceToken.extend({ secret: z.string().nullable() })
export const CreateServiceToken = z.strictObject({ name: Name, scopes: z.array(z.enum(PERMISSIONS)).min(1) })
export const ListServiceTokens = PageInput
export const ServiceTokenRef = z.strictObject({ id: idSchema('service_token') })

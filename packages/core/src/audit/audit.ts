import { z } from 'zod'
import { Instant } from '../fields.ts'
import { idSchema } from '../id.ts'
import { PageInput } from '../page.ts'

export const AuditEntry = z.strictObject({
  id: idSchema('audit'),
  created_at: Instant,
  actor_id: z.string(),
  operation: z.string(),
  target_id: z.string(),
  before: z.unknown(),
  after: z.unknown(),
  ip: z.string().nullable(),
  request_id: z.string(),
})
export const ListAudit = PageInput.extend({ target_id: z.string().max(64).optional() })

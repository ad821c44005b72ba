import { z } from 'zod'
import { Instant, Name, UsdInput } from '../fields.ts'
import { idSchema } from '../id.ts'
import { Budget, RENEWALS } from '../keys/key.ts'
import { PageInput } from '../page.ts'

export const Allocation = z.strictObject({
  id: idSchema('allocation'),
  name: z.string(),
  budget: Budget,
  keys_count: z.number().int(),
  created_at: Instant,
})
export type Allocation = z.infer<typeof Allocation>

export const CreateAllocation = z.strictObject({
  name: Name,
  budget_usd: UsdInput,
  renewal: z.enum(RENEWALS).default('never'),
})
export const ListAllocations = PageInput

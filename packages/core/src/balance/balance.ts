import { z } from 'zod'
import { Instant, Name, UsdInput, UsdOutput } from '../fields.ts'
import { idSchema } from '../id.ts'

export const Balance = z.strictObject({
  available_usd: UsdOutput.describe('What can still be spent: credited, less spent and set aside.'),
  credited_usd: UsdOutput,
  spent_usd: UsdOutput,
  set_aside_usd: UsdOutput.describe('Held for requests that are running.'),
})
export type Balance = z.infer<typeof Balance>

export const CreditBalance = z.strictObject({
  amount_usd: UsdInput,
  cause: Name.describe('Why: an invoice number, a payment, a gift.'),
})
export const LedgerEntry = z.strictObject({
  id: idSchema('ledger'),
  amount_usd: UsdOutput,
  cause: z.string(),
  created_at: Instant,
})

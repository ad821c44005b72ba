import { z } from 'zod'
import { Instant, Name, UsdInput, UsdOutput } from '../fields.ts'
import { idSchema } from '../id.ts'

export const Balance = z.strictObject({
  available_usd: UsdOutput.describe('What is not spent yet: credited less spent.'),
  credited_usd: UsdOutput,
  spent_usd: UsdOutput,
  set_aside_usd: UsdOutput.describe('The part of it that gateways have drawn for running requests and those to come.'),
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

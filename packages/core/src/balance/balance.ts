import { LEDGER_ACCOUNTS, LEDGER_KINDS } from '@stipend/db/schema'
import { z } from 'zod'
import { Instant, InstantInput, Name, UsdInput, UsdOutput } from '../fields.ts'
import { idSchema } from '../id.ts'
import { PageInput, pageOf } from '../page.ts'

export const BalanceLevel = z.enum(['enough', 'low', 'empty'])
export type BalanceLevel = z.infer<typeof BalanceLevel>

export const Balance = z.strictObject({
  available_usd: UsdOutput.describe(
    'What is not spent yet: credited less spent. Below zero after a refund or a dispute of money that was spent.',
  ),
  credited_usd: UsdOutput.describe('All that ever came in, less what was refunded, disputed or has expired.'),
  spent_usd: UsdOutput,
  set_aside_usd: UsdOutput.describe('The part of it that gateways have drawn for running requests and those to come.'),
  promotional_usd: UsdOutput.describe('The part of what is available that expires if it is not used.'),
  level: BalanceLevel,
  low_below_usd: UsdOutput.describe('Below this it counts as low: as set, or else what a week costs.'),
  daily_spend_usd: UsdOutput.describe('The mean of the last seven days, or of as many as there were.'),
  runs_out_at: Instant.nullable().describe('When it will be used up if spending goes on as in the last seven days.'),
})
export type Balance = z.infer<typeof Balance>

export const Level = z.strictObject({ level: BalanceLevel })

export const CreditBalance = z.strictObject({
  amount_usd: UsdInput,
  cause: Name.describe('Why: an invoice number, a payment, a gift.'),
})

export const PromoteBalance = z.strictObject({
  amount_usd: UsdInput,
  cause: Name.describe('Why: a campaign, a trial.'),
  expires_at: InstantInput.describe('What is not used by then leaves the balance.'),
})

export const Promotion = z.strictObject({
  id: idSchema('promotion'),
  amount_usd: UsdOutput,
  left_usd: UsdOutput,
  cause: z.string(),
  expires_at: Instant,
  created_at: Instant,
})
export type Promotion = z.infer<typeof Promotion>

export const LedgerTransaction = z.strictObject({
  id: idSchema('ledger'),
  number: z.int().describe('Counts up from 1 without gaps.'),
  kind: z.enum(LEDGER_KINDS),
  cause: z.string(),
  amount_usd: UsdOutput.describe('What it did to the balance.'),
  balance_after_usd: UsdOutput,
  entries: z
    .array(z.strictObject({ account: z.enum(LEDGER_ACCOUNTS), amount_usd: UsdOutput }))
    .describe('What it did to each account of the books; they sum to zero.'),
  payment_id: z.string().nullable(),
  covers_from: Instant.nullable().describe('Of usage: the hour it is for.'),
  covers_until: Instant.nullable(),
  effective_at: Instant.describe('The moment it counts for, by which it belongs to a month.'),
  created_at: Instant,
})
export type LedgerTransaction = z.infer<typeof LedgerTransaction>

export const ListLedger = PageInput.extend({
  kind: z.enum(LEDGER_KINDS).optional(),
  without_usage: z.stringbool().or(z.boolean()).optional().describe('Leave out the hourly charges.'),
})
export const LedgerPage = pageOf(LedgerTransaction)

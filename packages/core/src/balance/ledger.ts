import type { TenantTx } from '@stipend/db'
import type { LEDGER_ACCOUNTS, LEDGER_KINDS } from '@stipend/db/schema'
import type { Nanodollars } from '@stipend/money'
import { sql } from 'drizzle-orm'

export type LedgerKind = (typeof LEDGER_KINDS)[number]
export type LedgerAccount = (typeof LEDGER_ACCOUNTS)[number]

/** Where the money of each kind comes from or goes to, and which way: 1 into the balance, -1 out of it. */
const OTHER_SIDE: Record<Exclude<LedgerKind, 'usage'>, { account: LedgerAccount; sign: 1n | -1n }> = {
  top_up: { account: 'stripe', sign: 1n },
  credit: { account: 'invoices', sign: 1n },
  promotion: { account: 'promotions', sign: 1n },
  promotion_expiry: { account: 'promotions', sign: -1n },
  refund: { account: 'refunds', sign: -1n },
  refund_reversal: { account: 'refunds', sign: 1n },
  dispute: { account: 'disputes', sign: -1n },
  dispute_reversal: { account: 'disputes', sign: 1n },
}

export type Posting = {
  id: string
  kind: Exclude<LedgerKind, 'usage'>
  /** Of one kind, one external id is posted once. */
  external_id: string
  /** More than zero; the kind says which way it goes. */
  amount_nanos: Nanodollars
  cause: string
  created_by: string
  payment_id?: string | null
}

/**
 * Posts a movement of a tenant's money, in its transaction, and changes what may be spent with it; gateways hear of it when the
 * transaction commits. Answers whether it was posted: false where it had been before.
 */
export async function postToLedger(tx: TenantTx, posting: Posting): Promise<boolean> {
  const { account, sign } = OTHER_SIDE[posting.kind]
  const amount = sign * posting.amount_nanos
  if (posting.amount_nanos <= 0n) throw new Error('a movement of nothing')
  const entries = JSON.stringify({ balance: amount.toString(), [account]: (-amount).toString() })
  const [row] = await tx.execute<{ id: string | null }>(sql`
    select id from app.post_to_ledger(${posting.id}, ${posting.kind}, ${posting.external_id}, ${posting.cause},
      ${posting.created_by}, ${entries}::jsonb, p_payment_id => ${posting.payment_id ?? null})`)
  return row?.id === posting.id
}

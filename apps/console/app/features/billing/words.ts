import { nanos } from '../../money.ts'

/** Kinds of movements, as people call them. */
export const KIND_WORDS = {
  top_up: 'Top-up',
  credit: 'Credit',
  promotion: 'Gift',
  promotion_expiry: 'Gift expired',
  usage: 'Usage',
  refund: 'Refund',
  refund_reversal: 'Refund that failed',
  dispute: 'Dispute',
  dispute_reversal: 'Dispute won',
} as const
export type Kind = keyof typeof KIND_WORDS

export const PAYMENT_WORDS = {
  created: { label: 'Starting', color: 'gray' },
  open: { label: 'Not paid yet', color: 'gray' },
  processing: { label: 'On its way', color: 'blue' },
  needs_confirmation: { label: 'Needs confirmation', color: 'yellow' },
  succeeded: { label: 'Paid', color: 'green' },
  failed: { label: 'Failed', color: 'red' },
  canceled: { label: 'Canceled', color: 'gray' },
} as const

/** "Lasts about 23 days", by the moment it runs out; null where nobody can tell. */
export function lastsWords(runs_out_at: string | null, now: Date): string | null {
  if (runs_out_at === null) return null
  const days = Math.floor((new Date(runs_out_at).getTime() - now.getTime()) / 86_400_000)
  if (days > 365) return 'Lasts more than a year'
  if (days >= 2) return `Lasts about ${days} days`
  return days === 1 ? 'Lasts about a day' : 'Lasts less than a day'
}

/** "+$25.00" or "-$1.20": a movement shows which way it went. */
export const isIn = (usd: string): boolean => nanos(usd) > 0n

/** "November 2026" of "2026-11". */
export function monthWords(month: string): string {
  return new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(
    new Date(`${month}-15T00:00:00Z`),
  )
}

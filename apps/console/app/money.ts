import { displayUsd, type Nanodollars, parseUsd } from '@stipend/money'

/** Nanodollars of an amount the API gave. */
export function nanos(usd: string): Nanodollars {
  const parsed = parseUsd(usd, { negative: true })
  if (!parsed.ok) throw new RangeError(`${JSON.stringify(usd)} is not an amount`)
  return parsed.nanos
}

/** "$1,234.50" for lists; below a cent "<$0.01". */
export function shortUsd(usd: string): string {
  return displayUsd(nanos(usd))
}

/** "$0.0000125": every digit there is. */
export function exactUsd(usd: string): string {
  return usd.startsWith('-') ? `-$${usd.slice(1)}` : `$${usd}`
}

/** How much of a budget is used, from 0 to 100. What is used at all shows, and only what is used up is full. */
export function percentUsed(spent_usd: string, limit_usd: string): number {
  const spent = nanos(spent_usd)
  const limit = nanos(limit_usd)
  if (limit <= 0n || spent >= limit) return 100
  if (spent <= 0n) return 0
  return Math.min(99, Math.max(1, Number((spent * 100n) / limit)))
}

export function sumUsd(amounts: readonly string[]): Nanodollars {
  return amounts.reduce((sum, amount) => sum + nanos(amount), 0n)
}

/** For the height of a bar in a chart, never for an amount that is written or added up. */
export function plotted(usd: string): number {
  return Number(usd)
}

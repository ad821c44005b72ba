import { formatDecimal, groupThousands, parseDecimal } from './decimal.ts'
import { divide } from './divide.ts'

/** An amount of money: a whole number of 1e-9 US dollars. Fields that hold one end in `_nanos`. */
export type Nanodollars = bigint

export const NANOS_PER_USD = 1_000_000_000n

/** The largest amount one may write, in whole US dollars. Nine of them still add up inside a PostgreSQL `bigint` of nanodollars. */
export const USD_MAX = 1_000_000_000n

export type ParsedUsd = { ok: true; nanos: Nanodollars } | { ok: false; reason: string }

/**
 * Reads an amount as the API and pages write it ("5", "5.00", "0.000000001"), exactly. At most 9 digits after the point and
 * at most `USD_MAX`; below zero only with `negative`. `reason` is a sentence for the person who typed it, ready for a zod issue:
 *
 *     z.string().transform((text, context) => {
 *       const parsed = parseUsd(text)
 *       if (parsed.ok) return parsed.nanos
 *       context.addIssue({ code: 'custom', message: parsed.reason })
 *       return z.NEVER
 *     })
 */
export function parseUsd(text: string, options: { negative?: boolean } = {}): ParsedUsd {
  const parsed = parseDecimal(text, { decimals: 9, max: USD_MAX, negative: options.negative ?? false })
  return parsed.ok ? { ok: true, nanos: parsed.scaled } : parsed
}

/** An amount written in code (`usd('5.00')`), of either sign. Throws a RangeError where `parseUsd` would refuse: not for input. */
export function usd(text: string): Nanodollars {
  const parsed = parseUsd(text, { negative: true })
  if (!parsed.ok) throw new RangeError(`${JSON.stringify(text)} is not an amount in US dollars: ${parsed.reason}`)
  return parsed.nanos
}

/** The exact amount for machines: at least two digits after the point, as many as it needs ("5.00", "0.0000125", "-3.50"). */
export function formatUsd(nanos: Nanodollars): string {
  return formatDecimal(nanos, 9)
}

/**
 * The amount for people: "$1,234.50", rounded to cents (ties to the even cent). What is not nothing never reads as nothing:
 * between zero and one cent it is "<$0.01", between minus one cent and zero ">-$0.01". Not for machines: it loses what it rounds.
 */
export function displayUsd(nanos: Nanodollars): string {
  const nanosPerCent = NANOS_PER_USD / 100n
  if (nanos > 0n && nanos < nanosPerCent) return '<$0.01'
  if (nanos < 0n && nanos > -nanosPerCent) return '>-$0.01'

  const cents = divide(nanos, nanosPerCent, 'half-even')
  const [dollars = '', rest = ''] = formatDecimal(cents < 0n ? -cents : cents, 2).split('.')
  return `${cents < 0n ? '-' : ''}$${groupThousands(dollars)}.${rest}`
}

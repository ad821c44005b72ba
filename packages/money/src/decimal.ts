/** A decimal number as text, scaled to a whole number; or a sentence for the person who typed it. */
export type Decimal = { ok: true; scaled: bigint } | { ok: false; reason: string }

export interface DecimalFormat {
  /** Digits allowed after the point: "1.5" with 3 decimals is 1500. */
  decimals: number
  /** The largest whole part allowed, itself included (but nothing after its point). */
  max: bigint
  negative: boolean
}

/**
 * Reads an ASCII decimal such as "5", "5.00" or "0.000000001" exactly. Everything a lenient parser would guess at is refused:
 * exponents, signs, blanks, separators, a missing digit on either side of the point, needless leading zeros, other scripts' digits.
 */
export function parseDecimal(text: string, format: DecimalFormat): Decimal {
  const match = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?$/.exec(text)
  if (!match) return refuse('Write a decimal number with digits and a point only, such as "5" or "5.25".')

  const [, sign = '', whole = '', fraction = ''] = match
  if (sign && !format.negative) return refuse('The number must not be negative.')
  if (fraction.length > format.decimals) return refuse(`Use at most ${format.decimals} digits after the point.`)

  // Checked by length first: turning ten megabytes of digits into a bigint takes more than a second.
  const limit = format.max * scaleOf(format)
  const tooLong = whole.length > format.max.toString().length
  const scaled = tooLong ? limit + 1n : BigInt(whole + fraction.padEnd(format.decimals, '0'))
  if (scaled > limit) return refuse(`The number must not be larger than ${groupThousands(format.max.toString())}.`)

  return { ok: true, scaled: sign ? -scaled : scaled }
}

/** The exact decimal, with at least two digits after the point and no further zeros at its end. */
export function formatDecimal(scaled: bigint, decimals: number): string {
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(decimals + 1, '0')
  const point = digits.length - decimals
  const fraction = digits.slice(point).replace(/0+$/, '').padEnd(2, '0')
  return `${scaled < 0n ? '-' : ''}${digits.slice(0, point)}.${fraction}`
}

/** "1234567" as "1,234,567". */
export function groupThousands(digits: string): string {
  return digits.replace(/\B(?=(?:[0-9]{3})+$)/g, ',')
}

function scaleOf(format: DecimalFormat): bigint {
  return 10n ** BigInt(format.decimals)
}

function refuse(reason: string): Decimal {
  return { ok: false, reason }
}

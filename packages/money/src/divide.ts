/** Which way a quotient that isn't whole goes: towards +infinity, towards -infinity, or to the nearest (ties to the even one). */
export type Rounding = 'up' | 'down' | 'half-even'

/** `n / d` as a whole number, rounded as told; also for negative numbers. Throws a RangeError when `d` is zero. */
export function divide(n: bigint, d: bigint, rounding: Rounding): bigint {
  if (d === 0n) throw new RangeError('division by zero')
  if (d < 0n) return divide(-n, -d, rounding)

  const truncated = n / d
  const floor = n % d < 0n ? truncated - 1n : truncated
  const rest = n - floor * d
  if (rest === 0n || rounding === 'down') return floor
  if (rounding === 'up') return floor + 1n

  const twice = 2n * rest
  if (twice === d) return floor % 2n === 0n ? floor : floor + 1n
  return twice > d ? floor + 1n : floor
}

/**
 * Splits `total` in proportion to `weights` so that the shares add up to it exactly. Each share is within one unit of its
 * exact size; units left over go to the largest remainders, the earlier share first where they are equal. A weight of zero gets nothing.
 * A negative total is split like the positive one, with the signs turned.
 * Throws a RangeError when a weight is negative or none is above zero.
 */
export function allocate(total: bigint, weights: readonly bigint[]): bigint[] {
  if (weights.some((weight) => weight < 0n)) throw new RangeError('a weight is negative')
  const sum = weights.reduce((a, b) => a + b, 0n)
  if (sum === 0n) throw new RangeError('no weight is above zero')
  if (total < 0n) return allocate(-total, weights).map((share) => -share)

  const shares = weights.map((weight, index) => ({
    index,
    whole: (total * weight) / sum,
    remainder: (total * weight) % sum,
  }))
  let left = total - shares.reduce((a, share) => a + share.whole, 0n)
  const byRemainder = shares.toSorted((a, b) => (a.remainder < b.remainder ? 1 : a.remainder > b.remainder ? -1 : 0))
  for (const share of byRemainder) {
    if (left === 0n) break
    share.whole += 1n
    left -= 1n
  }
  return shares.map((share) => share.whole)
}

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { allocate, divide, type Rounding } from './divide.ts'

const integer = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n })
const divisor = integer.filter((d) => d !== 0n)
const rounding = fc.constantFrom<Rounding>('up', 'down', 'half-even')
const abs = (n: bigint) => (n < 0n ? -n : n)

describe('divide', () => {
  test.each<[bigint, bigint, Rounding, bigint]>([
    [7n, 2n, 'up', 4n],
    [7n, 2n, 'down', 3n],
    [-7n, 2n, 'up', -3n],
    [-7n, 2n, 'down', -4n],
    [7n, -2n, 'down', -4n],
    [-7n, -2n, 'up', 4n],
    [6n, 2n, 'up', 3n],
    [-6n, 2n, 'down', -3n],
    [5n, 2n, 'half-even', 2n],
    [7n, 2n, 'half-even', 4n],
    [-5n, 2n, 'half-even', -2n],
    [-7n, 2n, 'half-even', -4n],
    [2n, 3n, 'half-even', 1n],
    [-1n, 3n, 'half-even', 0n],
  ])('%i / %i %s is %i', (n, d, how, expected) => {
    expect(divide(n, d, how)).toBe(expected)
  })

  test('up is the least whole number not below the quotient, down the greatest not above it', () => {
    fc.assert(
      fc.property(integer, divisor, (n, d) => {
        // Both sides times d * d, so that the sign of d doesn't matter.
        const exact = n * d
        const up = divide(n, d, 'up') * d * d
        const down = divide(n, d, 'down') * d * d
        expect(up >= exact && up - d * d < exact).toBe(true)
        expect(down <= exact && down + d * d > exact).toBe(true)
      }),
    )
  })

  test('half-even is never more than a half away, and even when it is exactly a half away', () => {
    fc.assert(
      fc.property(fc.oneof(integer, fc.bigInt(-20n, 20n)), fc.oneof(divisor, fc.constantFrom(2n, -4n)), (n, d) => {
        const quotient = divide(n, d, 'half-even')
        const twiceOff = abs(2n * (n - quotient * d))
        expect(twiceOff <= abs(d)).toBe(true)
        if (twiceOff === abs(d)) expect(quotient % 2n).toBe(0n)
      }),
    )
  })

  test('what divides evenly is exact, whatever the rounding', () => {
    fc.assert(
      fc.property(integer, divisor, rounding, (q, d, how) => {
        expect(divide(q * d, d, how)).toBe(q)
      }),
    )
  })

  test('division by zero throws', () => {
    expect(() => divide(1n, 0n, 'up')).toThrow(RangeError)
  })
})

describe('allocate', () => {
  const weights = fc
    .array(fc.bigInt(0n, 10n ** 12n), { minLength: 1, maxLength: 20 })
    .filter((all) => all.some((weight) => weight > 0n))

  test('leftovers go to the largest remainders, then to the earlier share', () => {
    expect(allocate(100n, [1n, 1n, 1n])).toEqual([34n, 33n, 33n])
    expect(allocate(10n, [1n, 0n, 2n])).toEqual([3n, 0n, 7n])
    expect(allocate(-100n, [1n, 1n, 1n])).toEqual([-34n, -33n, -33n])
    expect(allocate(0n, [5n, 3n])).toEqual([0n, 0n])
  })

  test('shares add up to the total, each within one unit of exact, none for a weight of zero', () => {
    fc.assert(
      fc.property(integer, weights, (total, all) => {
        const shares = allocate(total, all)
        const sum = all.reduce((a, b) => a + b, 0n)
        expect(shares.reduce((a, b) => a + b, 0n)).toBe(total)
        for (const [index, weight] of all.entries()) {
          const share = shares[index] ?? 0n
          expect(abs(share * sum - total * weight) < sum).toBe(true)
          if (weight === 0n) expect(share).toBe(0n)
        }
      }),
    )
  })

  test('a larger weight never gets less', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 15n), weights, (total, all) => {
        const pairs = allocate(total, all).map((share, index) => ({ share, weight: all[index] ?? 0n }))
        for (const a of pairs) for (const b of pairs) if (a.weight > b.weight) expect(a.share >= b.share).toBe(true)
      }),
    )
  })

  test.each([
    { why: 'none', bad: [] },
    { why: 'all zero', bad: [0n, 0n] },
    { why: 'one negative', bad: [1n, -1n, 2n] },
  ])('refuses weights: $why', ({ bad }) => {
    expect(() => allocate(1n, bad)).toThrow(RangeError)
  })
})

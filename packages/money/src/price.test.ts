import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  fullPrice,
  modelPrice,
  PICODOLLARS_PER_TOKEN_MAX,
  picodollarsPerToken,
  usdPerMillion,
  withMarkup,
} from './price.ts'

describe('picodollarsPerToken', () => {
  test.each<[string, bigint]>([
    ['2.50', 2_500_000n],
    ['0.15', 150_000n],
    ['0', 0n],
    ['0.000001', 1n],
    ['540000', 540_000_000_000n],
    ['1000000', PICODOLLARS_PER_TOKEN_MAX],
  ])('%s US dollars per million tokens are %i', (text, picodollars) => {
    expect(picodollarsPerToken(text)).toEqual({ ok: true, picodollars })
  })

  test.each(['', '-1', '1e-6', '0.0000001', '0.0000010', '1000000.000001', '2,5', 'free', ' 1'])(
    'refuses %j',
    (text) => {
      const parsed = picodollarsPerToken(text)
      expect(parsed.ok ? '' : parsed.reason).toMatch(/^[A-Z].*\.$/)
    },
  )

  test('comes back exactly', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, PICODOLLARS_PER_TOKEN_MAX), (price) => {
        expect(picodollarsPerToken(usdPerMillion(price))).toEqual({ ok: true, picodollars: price })
      }),
    )
    expect(usdPerMillion(2_500_000n)).toBe('2.50')
    expect(usdPerMillion(75_000n)).toBe('0.075')
  })
})

describe('modelPrice', () => {
  test('leaves what is not named to the rule for absent kinds', () => {
    expect(modelPrice({ input: '2.50', cached_input: '1.25', output: '10' })).toEqual({
      input: 2_500_000n,
      cached_input: 1_250_000n,
      cache_write: null,
      cache_write_1h: null,
      output: 10_000_000n,
      tiers: [],
    })
    expect(() => modelPrice({ input: '2.50', output: 'ten' })).toThrow(RangeError)
  })
})

describe('fullPrice', () => {
  test('an absent kind costs what input costs', () => {
    expect(fullPrice(modelPrice({ input: '3', output: '15' }))).toEqual({
      input: 3_000_000n,
      cached_input: 3_000_000n,
      cache_write: 3_000_000n,
      cache_write_1h: 3_000_000n,
      output: 15_000_000n,
    })
  })

  test('an hour in the cache costs what five minutes cost when it has no price of its own', () => {
    expect(fullPrice(modelPrice({ input: '3', cache_write: '3.75', output: '15' })).cache_write_1h).toBe(3_750_000n)
  })

  test('free is a price, not an absent one', () => {
    const free = fullPrice(
      modelPrice({ input: '3', cached_input: '0', cache_write: '0', cache_write_1h: '0', output: '0' }),
    )
    expect([free.cached_input, free.cache_write, free.cache_write_1h]).toEqual([0n, 0n, 0n])
  })
})

describe('withMarkup', () => {
  test('raises every kind and tier, and leaves absent kinds absent', () => {
    const price = modelPrice({
      input: '2.50',
      cached_input: '0.25',
      output: '10',
      tiers: [{ above_input_tokens: 200_000, input: '5', output: '15' }],
    })
    expect(withMarkup(price, 1_250)).toEqual(
      modelPrice({
        input: '2.8125',
        cached_input: '0.28125',
        output: '11.25',
        tiers: [{ above_input_tokens: 200_000, input: '5.625', output: '16.875' }],
      }),
    )
    expect(withMarkup(price, 0)).toEqual(price)
  })

  test('is never less than its share, and at most a picodollar more', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, PICODOLLARS_PER_TOKEN_MAX), fc.nat({ max: 100_000 }), (input, markup_bp) => {
        const raised = withMarkup({ ...modelPrice({ input: '0', output: '0' }), input }, markup_bp).input * 10_000n
        const exact = input * (10_000n + BigInt(markup_bp))
        expect(raised >= exact && raised < exact + 10_000n).toBe(true)
      }),
    )
  })
})

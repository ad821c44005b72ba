import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { affordableOutputTokens, costOf, worstCaseCost } from './cost.ts'
import { type ModelPrice, modelPrice, PICODOLLARS_PER_TOKEN_MAX, type TokenPrices } from './price.ts'
import { checkUsage, TOKENS_MAX, type TokenUsage } from './usage.ts'

const none: TokenUsage = {
  input_tokens: 0,
  cached_input_tokens: 0,
  cache_write_tokens: 0,
  cache_write_1h_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: null,
}
const BIGINT_MAX = 2n ** 63n - 1n

const perToken = fc.oneof(fc.constant(0n), fc.bigInt(0n, 30_000_000n), fc.bigInt(0n, PICODOLLARS_PER_TOKEN_MAX))
const perKind = {
  input: perToken,
  cached_input: fc.option(perToken),
  cache_write: fc.option(perToken),
  cache_write_1h: fc.option(perToken),
  output: perToken,
}
const flatPrice: fc.Arbitrary<ModelPrice> = fc.record({ ...perKind, tiers: fc.constant([]) })
const anyTiers = fc
  .uniqueArray(fc.record({ above_input_tokens: fc.integer({ min: 1, max: 300_000 }), ...perKind }), {
    maxLength: 3,
    selector: (tier) => tier.above_input_tokens,
  })
  .map((tiers) => tiers.sort((a, b) => a.above_input_tokens - b.above_input_tokens))
const anyPrice: fc.Arbitrary<ModelPrice> = fc.oneof(flatPrice, fc.record({ ...perKind, tiers: anyTiers }))

/** Built from its parts, so that every plausible usage can come out. */
const tokens = fc.oneof(fc.nat({ max: 10 }), fc.nat({ max: 200_000 }), fc.nat({ max: TOKENS_MAX / 4 }))
const anyUsage: fc.Arbitrary<TokenUsage> = fc
  .record({
    uncached: tokens,
    cached: tokens,
    written5m: tokens,
    written1h: tokens,
    answer: tokens,
    reasoning: fc.option(tokens),
  })
  .map(({ uncached, cached, written5m, written1h, answer, reasoning }) => ({
    input_tokens: uncached + cached + written5m + written1h,
    cached_input_tokens: cached,
    cache_write_tokens: written5m + written1h,
    cache_write_1h_tokens: written1h,
    output_tokens: answer + (reasoning ?? 0),
    reasoning_tokens: reasoning,
  }))

function sum(a: TokenUsage, b: TokenUsage): TokenUsage {
  return {
    input_tokens: a.input_tokens + b.input_tokens,
    cached_input_tokens: a.cached_input_tokens + b.cached_input_tokens,
    cache_write_tokens: a.cache_write_tokens + b.cache_write_tokens,
    cache_write_1h_tokens: a.cache_write_1h_tokens + b.cache_write_1h_tokens,
    output_tokens: a.output_tokens + b.output_tokens,
    reasoning_tokens: null,
  }
}

describe('costOf', () => {
  test('prices each kind of token once', () => {
    const price = modelPrice({
      input: '3',
      cached_input: '0.30',
      cache_write: '3.75',
      cache_write_1h: '6',
      output: '15',
    })
    const usage: TokenUsage = {
      input_tokens: 10_000,
      cached_input_tokens: 6_000,
      cache_write_tokens: 3_000,
      cache_write_1h_tokens: 1_000,
      output_tokens: 500,
      reasoning_tokens: 400,
    }
    // 1000 at 3, 6000 at 0.30, 2000 at 3.75, 1000 at 6, 500 at 15 US dollars per million: 0.0258 US dollars.
    expect(costOf(usage, price)).toBe(25_800_000n)
  })

  test('prices an absent kind as input', () => {
    const usage = { ...none, input_tokens: 100, cached_input_tokens: 50, cache_write_tokens: 50, output_tokens: 10 }
    expect(costOf(usage, modelPrice({ input: '2', output: '8' }))).toBe(280_000n)
  })

  test('rounds up once, at the end', () => {
    const price = { ...modelPrice({ input: '0', output: '0' }), input: 1n, cached_input: 1n, output: 1n }
    expect(costOf(none, price)).toBe(0n)
    expect(costOf({ ...none, input_tokens: 1 }, price)).toBe(1n)
    expect(costOf({ ...none, input_tokens: 2, cached_input_tokens: 1, output_tokens: 998 }, price)).toBe(1n)
    expect(costOf({ ...none, input_tokens: 2, cached_input_tokens: 1, output_tokens: 999 }, price)).toBe(2n)
  })

  test('is exact where a double is not', () => {
    const usage = { ...none, input_tokens: 999_999_999 }
    const price = { ...modelPrice({ input: '0', output: '0' }), input: 999_999_999_999n }
    expect(costOf(usage, price)).toBe((999_999_999n * 999_999_999_999n) / 1000n + 1n)
  })

  test('charges every token of a long request at the prices of its tier', () => {
    const price = modelPrice({
      input: '1.25',
      cached_input: '0.125',
      output: '10',
      tiers: [
        { above_input_tokens: 200_000, input: '2.50', cached_input: '0.25', output: '15' },
        { above_input_tokens: 500_000, input: '5', output: '20' },
      ],
    })
    const usage = (input_tokens: number) => ({ ...none, input_tokens, cached_input_tokens: 1_000, output_tokens: 10 })
    // The threshold itself is still the shorter request.
    expect(costOf(usage(200_000), price)).toBe(199_000n * 1_250n + 1_000n * 125n + 10n * 10_000n)
    expect(costOf(usage(200_001), price)).toBe(199_001n * 2_500n + 1_000n * 250n + 10n * 15_000n)
    expect(costOf(usage(600_000), price)).toBe(600_000n * 5_000n + 10n * 20_000n)
  })

  test('throws for figures that cannot be true', () => {
    const price = modelPrice({ input: '1', output: '1' })
    expect(() => costOf({ ...none, input_tokens: 1, cached_input_tokens: 2 }, price)).toThrow(/implausible usage/)
    expect(() => costOf({ ...none, output_tokens: Number.NaN }, price)).toThrow(/implausible usage/)
  })

  test('is within one nanodollar above the exact sum, token by token', () => {
    fc.assert(
      fc.property(anyUsage, anyPrice, (usage, { tiers, ...base }) => {
        fc.pre(checkUsage(usage).ok)
        let price: TokenPrices = base
        for (const tier of tiers) if (usage.input_tokens > tier.above_input_tokens) price = tier
        const cacheWrite = price.cache_write ?? price.input
        const picodollars =
          BigInt(usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens) * price.input +
          BigInt(usage.cached_input_tokens) * (price.cached_input ?? price.input) +
          BigInt(usage.cache_write_tokens - usage.cache_write_1h_tokens) * cacheWrite +
          BigInt(usage.cache_write_1h_tokens) * (price.cache_write_1h ?? cacheWrite) +
          BigInt(usage.output_tokens) * price.output
        const cost = costOf(usage, { ...base, tiers }) * 1000n
        expect(cost >= picodollars && cost < picodollars + 1000n).toBe(true)
      }),
    )
  })

  test('two requests cost at least as much as one that used both, and at most a nanodollar more', () => {
    fc.assert(
      fc.property(anyUsage, anyUsage, flatPrice, (a, b, price) => {
        const both = sum(a, b)
        fc.pre(checkUsage(both).ok)
        const apart = costOf(a, price) + costOf(b, price)
        const together = costOf(both, price)
        expect(apart >= together && apart <= together + 1n).toBe(true)
        // Which is also: more of anything never costs less.
        expect(together >= costOf(a, price)).toBe(true)
      }),
    )
  })
})

describe('worstCaseCost', () => {
  test('takes the dearest kind of input', () => {
    const bounds = { input_tokens_max: 1_000, output_tokens_max: 100 }
    expect(worstCaseCost(bounds, modelPrice({ input: '2', cached_input: '1', output: '8' }))).toBe(2_800_000n)
    expect(worstCaseCost(bounds, modelPrice({ input: '2', cache_write: '2.50', output: '8' }))).toBe(3_300_000n)
    expect(worstCaseCost(bounds, modelPrice({ input: '2', cached_input: '3', output: '8' }))).toBe(3_800_000n)
    expect(worstCaseCost(bounds, modelPrice({ input: '2', cache_write_1h: '4', output: '8' }))).toBe(4_800_000n)
  })

  test('is never below the cost of anything within the bounds', () => {
    fc.assert(
      fc.property(anyUsage, anyPrice, fc.nat({ max: 1_000 }), fc.nat({ max: 1_000 }), (usage, price, in_, out) => {
        const bounds = { input_tokens_max: usage.input_tokens + in_, output_tokens_max: usage.output_tokens + out }
        fc.pre(bounds.input_tokens_max <= TOKENS_MAX && bounds.output_tokens_max <= TOKENS_MAX)
        expect(worstCaseCost(bounds, price) >= costOf(usage, price)).toBe(true)
      }),
    )
  })

  test('is what some usage within the bounds really costs', () => {
    fc.assert(
      fc.property(tokens, tokens, flatPrice, (input, output, price) => {
        const total = { ...none, input_tokens: input, output_tokens: output }
        const written = { ...total, cache_write_tokens: input }
        const possible = [
          total,
          { ...total, cached_input_tokens: input },
          written,
          { ...written, cache_write_1h_tokens: input },
        ]
        const worst = worstCaseCost({ input_tokens_max: input, output_tokens_max: output }, price)
        expect(possible.map((usage) => costOf(usage, price))).toContain(worst)
      }),
    )
  })

  test('the dearest request there can be fits a database bigint', () => {
    const price = modelPrice({ input: '1000000', output: '1000000' })
    const worst = worstCaseCost({ input_tokens_max: TOKENS_MAX, output_tokens_max: TOKENS_MAX }, price)
    expect(worst).toBe(2_000_000_000_000_000_000n)
    expect(worst < BIGINT_MAX).toBe(true)
  })

  test.each([-1, 0.5, Number.NaN, TOKENS_MAX + 1])('throws for a bound of %d', (bad) => {
    const price = modelPrice({ input: '1', output: '1' })
    expect(() => worstCaseCost({ input_tokens_max: bad, output_tokens_max: 0 }, price)).toThrow(RangeError)
    expect(() => worstCaseCost({ input_tokens_max: 0, output_tokens_max: bad }, price)).toThrow(RangeError)
    expect(() => affordableOutputTokens(1n, bad, price)).toThrow(RangeError)
  })
})

describe('affordableOutputTokens', () => {
  const price = modelPrice({ input: '2', output: '8' })

  test('is what is left after the input', () => {
    expect(affordableOutputTokens(2_800_000n, 1_000, price)).toBe(100)
    expect(affordableOutputTokens(2_799_999n, 1_000, price)).toBe(99)
    expect(affordableOutputTokens(2_000_000n, 1_000, price)).toBe(0)
  })

  test('is undefined when the budget does not pay for the input', () => {
    expect(affordableOutputTokens(1_999_999n, 1_000, price)).toBeUndefined()
    expect(affordableOutputTokens(-1n, 0, price)).toBeUndefined()
  })

  test('has no limit but the most there can be when output is free', () => {
    const free = modelPrice({ input: '2', output: '0' })
    expect(affordableOutputTokens(2_000_000n, 1_000, free)).toBe(TOKENS_MAX)
    expect(affordableOutputTokens(1_999_999n, 1_000, free)).toBeUndefined()
  })

  test('fits the budget, and one token more does not', () => {
    const budget = fc.oneof(fc.bigInt(-10n, 10_000n), fc.bigInt(0n, 10n ** 12n), fc.bigInt(0n, BIGINT_MAX))
    let seen = 0
    fc.assert(
      fc.property(budget, tokens, anyPrice, (nanos, input, any) => {
        const cost = (output: number) => worstCaseCost({ input_tokens_max: input, output_tokens_max: output }, any)
        const affordable = affordableOutputTokens(nanos, input, any)
        if (affordable === undefined) {
          expect(cost(0) > nanos).toBe(true)
          return
        }
        expect(cost(affordable) <= nanos).toBe(true)
        if (affordable < TOKENS_MAX) {
          seen += 1
          expect(cost(affordable + 1) > nanos).toBe(true)
        }
      }),
      { numRuns: 1_000 },
    )
    expect(seen).toBeGreaterThan(50)
  })
})

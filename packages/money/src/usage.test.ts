import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkUsage, isCount, normalizeUsage, TOKENS_MAX, type TokenUsage } from './usage.ts'

const plain: TokenUsage = {
  input_tokens: 100,
  cached_input_tokens: 60,
  cache_write_tokens: 40,
  cache_write_1h_tokens: 30,
  output_tokens: 20,
  reasoning_tokens: 20,
}

const nonsense = fc.oneof(fc.double(), fc.integer({ min: -5, max: 50 }), fc.integer({ max: 2 * TOKENS_MAX }))
const anyUsage: fc.Arbitrary<TokenUsage> = fc.record({
  input_tokens: nonsense,
  cached_input_tokens: nonsense,
  cache_write_tokens: nonsense,
  cache_write_1h_tokens: nonsense,
  output_tokens: nonsense,
  reasoning_tokens: fc.option(nonsense),
})

describe('checkUsage', () => {
  test.each<[string, Partial<TokenUsage>]>([
    ['parts as large as their totals', {}],
    ['nothing at all', { input_tokens: 0, cached_input_tokens: 0, cache_write_tokens: 0, cache_write_1h_tokens: 0 }],
    ['no figure for reasoning', { reasoning_tokens: null }],
    ['the most there can be', { input_tokens: TOKENS_MAX, output_tokens: TOKENS_MAX }],
  ])('accepts %s', (_, change) => {
    expect(checkUsage({ ...plain, ...change })).toEqual({ ok: true })
  })

  test.each<[keyof TokenUsage, number]>(
    (Object.keys(plain) as (keyof TokenUsage)[]).flatMap((name) =>
      [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, TOKENS_MAX + 1].map((count): [keyof TokenUsage, number] => [
        name,
        count,
      ]),
    ),
  )('refuses %s of %d and names it', (name, count) => {
    const check = checkUsage({ ...plain, [name]: count })
    expect(check.ok ? '' : check.reason).toContain(name)
  })

  test.each<[string, Partial<TokenUsage>]>([
    ['cached_input_tokens and cache_write_tokens together exceed input_tokens', { cached_input_tokens: 61 }],
    ['cached_input_tokens and cache_write_tokens together exceed input_tokens', { cache_write_tokens: 41 }],
    ['cache_write_1h_tokens exceeds cache_write_tokens', { cache_write_1h_tokens: 41 }],
    ['reasoning_tokens exceeds output_tokens', { reasoning_tokens: 21 }],
  ])('refuses: %s', (reason, change) => {
    expect(checkUsage({ ...plain, ...change })).toEqual({ ok: false, reason })
  })

  test('refuses a figure that is missing, or is text', () => {
    const { cached_input_tokens: _, ...rest } = plain
    expect(checkUsage(rest as TokenUsage).ok).toBe(false)
    expect(checkUsage({ ...plain, input_tokens: '100' as unknown as number }).ok).toBe(false)
    expect(checkUsage({ ...plain, output_tokens: null as unknown as number }).ok).toBe(false)
    expect(checkUsage({ ...plain, reasoning_tokens: undefined as unknown as null }).ok).toBe(false)
  })
})

describe('normalizeUsage', () => {
  test('makes any figures plausible, and leaves plausible ones alone', () => {
    fc.assert(
      fc.property(anyUsage, (usage) => {
        const normal = normalizeUsage(usage)
        expect(checkUsage(normal)).toEqual({ ok: true })
        expect(normalizeUsage(normal)).toEqual(normal)
        if (checkUsage(usage).ok) expect(normal).toEqual(usage)
      }),
      { numRuns: 1_000 },
    )
  })

  test('believes totals and cuts parts, the cached ones first', () => {
    expect(normalizeUsage({ ...plain, cached_input_tokens: 90, reasoning_tokens: 25 })).toEqual(plain)
    expect(normalizeUsage({ ...plain, input_tokens: 30 })).toMatchObject({
      input_tokens: 30,
      cached_input_tokens: 0,
      cache_write_tokens: 30,
    })
  })

  test('rounds up, takes nothing for what is not a number, and stops at the most there can be', () => {
    expect(normalizeUsage({ ...plain, input_tokens: 100.2 }).input_tokens).toBe(101)
    expect(normalizeUsage({ ...plain, output_tokens: Number.NaN })).toMatchObject({
      output_tokens: 0,
      reasoning_tokens: 0,
    })
    expect(normalizeUsage({ ...plain, output_tokens: Number.POSITIVE_INFINITY }).output_tokens).toBe(TOKENS_MAX)
  })
})

test('isCount', () => {
  expect([0, 1, TOKENS_MAX].every(isCount)).toBe(true)
  expect([-1, 0.1, TOKENS_MAX + 1, Number.NaN, '1', null, undefined, 1n].some(isCount)).toBe(false)
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { displayUsd, formatUsd, NANOS_PER_USD, parseUsd, USD_MAX, usd } from './amount.ts'

const MAX = USD_MAX * NANOS_PER_USD
const amount = fc.oneof(fc.bigInt(-MAX, MAX), fc.bigInt(-2n * NANOS_PER_USD, 2n * NANOS_PER_USD))

/** The bounds of what a text of digits may mean, worked out without the parser. */
function nanosOf(whole: bigint, fraction: string): bigint {
  let nanos = whole * NANOS_PER_USD
  let place = NANOS_PER_USD
  for (const digit of fraction) {
    place /= 10n
    nanos += BigInt('0123456789'.indexOf(digit)) * place
  }
  return nanos
}

describe('parseUsd', () => {
  test.each<[string, bigint]>([
    ['5', 5_000_000_000n],
    ['5.00', 5_000_000_000n],
    ['0', 0n],
    ['0.000000001', 1n],
    ['0.1', 100_000_000n],
    ['10.5', 10_500_000_000n],
    ['1000000000', MAX],
    ['999999999.999999999', MAX - 1n],
    ['9007199.254740993', 9_007_199_254_740_993n],
  ])('%s is %i nanodollars', (text, nanos) => {
    expect(parseUsd(text)).toEqual({ ok: true, nanos })
  })

  test.each([
    '',
    ' ',
    ' 5',
    '5 ',
    '5\n',
    '+5',
    '-',
    '-1',
    '-0',
    '--1',
    '1e3',
    '1E3',
    '0x1',
    '0b1',
    '1_000',
    '1,000',
    '5,00',
    '.5',
    '5.',
    '.',
    '1.2.3',
    '05',
    '00.5',
    '$5',
    '5 USD',
    '5n',
    'NaN',
    'Infinity',
    'null',
    '\u0665',
    '\uff15',
    '5\u200b',
    '\u22125',
    '5.0000000000',
    '0.0000000001',
    '1000000000.000000001',
    '1000000001',
    '9223372036.854775808',
  ])('refuses %j with a sentence', (text) => {
    const parsed = parseUsd(text)
    expect(parsed.ok).toBe(false)
    expect(parsed.ok ? '' : parsed.reason).toMatch(/^[A-Z].*\.$/)
  })

  test('says what to do', () => {
    const reasons = ['1e3', '-1', '0.0000000001', '1000000001'].map((text) => parseUsd(text))
    expect(reasons).toEqual([
      { ok: false, reason: 'Write a decimal number with digits and a point only, such as "5" or "5.25".' },
      { ok: false, reason: 'The number must not be negative.' },
      { ok: false, reason: 'Use at most 9 digits after the point.' },
      { ok: false, reason: 'The number must not be larger than 1,000,000,000.' },
    ])
  })

  test('takes negative amounts only when asked to', () => {
    expect(parseUsd('-3.5', { negative: true })).toEqual({ ok: true, nanos: -3_500_000_000n })
    expect(parseUsd('-0', { negative: true })).toEqual({ ok: true, nanos: 0n })
    expect(parseUsd('-3.5', { negative: false }).ok).toBe(false)
    expect(parseUsd('-1000000001', { negative: true }).ok).toBe(false)
  })

  test('refuses ten megabytes of digits without working on them', () => {
    expect(parseUsd('9'.repeat(10_000_000)).ok).toBe(false)
    expect(parseUsd(`0.${'0'.repeat(10_000_000)}`).ok).toBe(false)
  })

  test('reads digits for what they are worth', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 9 })
    fc.assert(
      fc.property(fc.bigInt(0n, USD_MAX - 1n), digits, (whole, fraction) => {
        expect(parseUsd(`${whole}.${fraction}`)).toEqual({ ok: true, nanos: nanosOf(whole, fraction) })
      }),
    )
  })

  test('any text is either refused or read as the number it writes', () => {
    const nearly = fc.string({ unit: fc.constantFrom(...'0123456789.-+,e_ x'), maxLength: 14 })
    fc.assert(
      fc.property(fc.oneof(nearly, fc.string(), fc.string({ unit: 'binary' })), (text) => {
        const parsed = parseUsd(text, { negative: true })
        if (!parsed.ok) return
        // Only the plain decimal form may pass, and formatting gives the same digits back.
        expect(text).toMatch(/^-?[0-9]+(\.[0-9]+)?$/)
        const canonical = (decimal: string) => (decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal)
        const expected = canonical(text)
        expect(canonical(formatUsd(parsed.nanos))).toBe(expected === '-0' ? '0' : expected)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('usd', () => {
  test('is for literals: throws where input would be refused', () => {
    expect(usd('5.00')).toBe(5_000_000_000n)
    expect(usd('-0.01')).toBe(-10_000_000n)
    expect(() => usd('5,00')).toThrow(RangeError)
  })
})

describe('formatUsd', () => {
  test.each<[bigint, string]>([
    [0n, '0.00'],
    [5_000_000_000n, '5.00'],
    [12_500n, '0.0000125'],
    [-3_500_000_000n, '-3.50'],
    [-1n, '-0.000000001'],
    [100_000_000_000n, '100.00'],
    [123_000_000n, '0.123'],
    [-9_223_372_036_854_775_808n, '-9223372036.854775808'],
  ])('%i is %s', (nanos, text) => {
    expect(formatUsd(nanos)).toBe(text)
  })

  test('parses back to the same amount, and is never longer than it need be', () => {
    fc.assert(
      fc.property(amount, (nanos) => {
        const text = formatUsd(nanos)
        expect(parseUsd(text, { negative: true })).toEqual({ ok: true, nanos })
        expect(text).toMatch(/^-?(0|[1-9][0-9]*)\.([0-9]{2}|[0-9]{2,8}[1-9])$/)
      }),
    )
  })
})

describe('displayUsd', () => {
  test.each<[bigint, string]>([
    [0n, '$0.00'],
    [1n, '<$0.01'],
    [9_999_999n, '<$0.01'],
    [10_000_000n, '$0.01'],
    [15_000_000n, '$0.02'],
    [25_000_000n, '$0.02'],
    [25_000_001n, '$0.03'],
    [-1n, '>-$0.01'],
    [-9_999_999n, '>-$0.01'],
    [-10_000_000n, '-$0.01'],
    [-15_000_000n, '-$0.02'],
    [999_994_999_999n, '$999.99'],
    [999_995_000_000n, '$1,000.00'],
    [1_234_500_000_000n, '$1,234.50'],
    [-1_234_567_891_000_000_000n, '-$1,234,567,891.00'],
  ])('%i is %s', (nanos, text) => {
    expect(displayUsd(nanos)).toBe(text)
  })

  test('is never more than half a cent off, and never says nothing where there is something', () => {
    fc.assert(
      fc.property(amount, (nanos) => {
        const text = displayUsd(nanos)
        if (text === '<$0.01' || text === '>-$0.01') {
          const size = text === '<$0.01' ? nanos : -nanos
          expect(size > 0n && size < 10_000_000n).toBe(true)
          return
        }
        expect(text).toMatch(/^-?\$[0-9]{1,3}(,[0-9]{3})*\.[0-9]{2}$/)
        const shown = usd(text.replaceAll(/[$,]/g, ''))
        const off = shown > nanos ? shown - nanos : nanos - shown
        expect(off <= 5_000_000n).toBe(true)
        expect(shown === 0n).toBe(nanos === 0n)
      }),
    )
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { Email, Instant, InstantInput, Name, Search, toNanos, UsdInput, usd, usdOrNull } from './fields.ts'

const accepts = (schema: z.ZodType, value: unknown) => schema.safeParse(value).success
const sentence = (schema: z.ZodType, value: unknown) => schema.safeParse(value).error?.issues[0]?.message

/** Any text at all, control characters and halves of pairs included. */
const anyText = fc
  .array(fc.oneof(fc.nat(0xff), fc.nat(0xffff)), { maxLength: 20 })
  .map((codes) => String.fromCharCode(...codes))

describe('an amount that is given', () => {
  it.each(['0.000000001', '0.01', '5', '5.00', '999999999.999999999', '1000000000'])('%s is accepted', (text) => {
    expect(UsdInput.parse(text)).toBe(text)
    expect(usd(toNanos(text))).toMatch(/^\d+\.\d{2,9}$/)
  })

  it.each(['0', '0.00', '-1', '1e3', '1,000', '5.0000000001', '1000000000.01', '', ' 5', 'NaN', '9'.repeat(41)])(
    '%j is refused with a sentence',
    (text) => {
      expect(sentence(UsdInput, text)).toMatch(/\w/)
    },
  )

  it.each([5, 5n, null, undefined, ['5'], { usd: '5' }, true])('what isn’t text is refused: %o', (value) => {
    expect(accepts(UsdInput, value)).toBe(false)
  })

  it('never throws, and reads nothing but plain decimals', () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.string(), fc.double().map(String)), (junk) => {
        const parsed = UsdInput.safeParse(junk)
        if (!parsed.success) return
        expect(junk).toMatch(/^\d+(\.\d{1,9})?$/)
        expect(toNanos(parsed.data)).toBeGreaterThan(0n)
      }),
      { numRuns: 1_000 },
    )
  })

  it('nothing is told from no amount', () => {
    expect([usdOrNull(null), usdOrNull(0n)]).toEqual([null, '0.00'])
    expect(() => toNanos('five')).toThrow()
  })
})

describe('a time that is given', () => {
  it.each([
    ['2026-11-21T10:00:00+01:00', '2026-11-21T09:00:00.000Z'],
    ['2026-11-21T10:00:00Z', '2026-11-21T10:00:00.000Z'],
    ['2026-11-21T10:00:00.123Z', '2026-11-21T10:00:00.123Z'],
    ['2028-02-29T23:59:59-12:00', '2028-03-01T11:59:59.000Z'],
    ['2026-11-21T10:00:00.123999Z', '2026-11-21T10:00:00.123Z'],
  ])('%s is kept as %s', (text, kept) => {
    expect(InstantInput.parse(text)).toBe(kept)
    expect(accepts(Instant, kept)).toBe(true)
  })

  it.each([
    '2026-11-21',
    '2026-11-21T10:00:00',
    '2026-02-29T10:00:00Z',
    '2026-02-30T10:00:00Z',
    '2026-13-01T10:00:00Z',
    '2026-11-21T24:00:00Z',
    '2026-11-21T10:61:00Z',
    '1969-12-31T23:59:59Z',
    '9999-01-01T00:00:00Z',
    '10000-01-01T00:00:00Z',
    '+012026-11-21T10:00:00Z',
    'infinity',
    'now',
    '',
    '1732183200',
    '21.11.2026 10:00',
  ])('%s is refused with a sentence', (text) => {
    expect(sentence(InstantInput, text)).toMatch(/^Give a time .*\.$/)
  })

  it('never throws, and what it keeps is a moment', () => {
    const nearly = fc
      .tuple(
        fc.integer({ min: -1, max: 12_000 }),
        fc.nat(14),
        fc.nat(33),
        fc.nat(26),
        fc.nat(62),
        fc.nat(62),
        fc.constantFrom('Z', '+00:00', '-14:00', '+23:59', '+24:00', ''),
      )
      .map(([y, mo, d, h, mi, s, zone]) => {
        const two = (n: number) => String(n).padStart(2, '0')
        return `${String(y).padStart(4, '0')}-${two(mo)}-${two(d)}T${two(h)}:${two(mi)}:${two(s)}${zone}`
      })
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.string(), nearly), (junk) => {
        const parsed = InstantInput.safeParse(junk)
        if (!parsed.success) return
        expect(parsed.data).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
        expect(new Date(parsed.data).getTime()).toBe(new Date(junk as string).getTime())
      }),
      { numRuns: 3_000 },
    )
  })
})

describe('a name', () => {
  it('is trimmed and otherwise kept, whatever the script', () => {
    for (const name of [
      '  Ada Lovelace ',
      'Jürgen Müßig',
      '李小龍',
      'O’Neill, Zoë-Anne',
      'عائشة',
      "Robert'); drop table members; --",
    ]) {
      expect(Name.parse(name)).toBe(name.trim())
    }
  })

  it.each(['', '   ', 'a\nb', 'a\r\nx-header: 1', 'a\u0000b', 'a\u001bb', 'a\u2028b', 'a'.repeat(201)])(
    '%j is refused',
    (name) => {
      expect(sentence(Name, name)).toMatch(/\.$/)
    },
  )

  it('never holds what would break a line', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const parsed = Name.safeParse(text)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
        if (parsed.success) expect(parsed.data).not.toMatch(/[\u0000-\u001f\u007f]/)
      }),
    )
  })
})

describe('an e-mail address', () => {
  it('is kept in small letters without spaces around it', () => {
    expect(Email.parse(' Ada.Lovelace@School.Example ')).toBe('ada.lovelace@school.example')
  })

  it.each([
    '',
    'ada',
    'ada@',
    '@school.example',
    'a b@school.example',
    'ada@school',
    'a@b.example\nx',
    `${'a'.repeat(250)}@b.example`,
  ])('%j is refused with a sentence', (text) => {
    expect(sentence(Email, text)).toMatch(/\.$/)
  })
})

it('a search is short and may be missing', () => {
  expect(Search.parse(undefined)).toBeUndefined()
  expect(Search.parse(' ada ')).toBe('ada')
  expect(accepts(Search, 'a'.repeat(201))).toBe(false)
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DomainError } from './errors.ts'
import { decodeCursor, encodeCursor, PageInput, toPage } from './page.ts'

const values = fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 4 })

/** Any text at all, control characters and halves of pairs included. */
const anyText = fc
  .array(fc.oneof(fc.nat(0xff), fc.nat(0xffff)), { maxLength: 20 })
  .map((codes) => String.fromCharCode(...codes))

describe('a cursor', () => {
  it('gives back what it was made of, and is fit for a URL', () => {
    fc.assert(
      fc.property(values, (given) => {
        const cursor = encodeCursor(given)
        expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/)
        expect(decodeCursor(cursor, given.length)).toEqual(given)
      }),
    )
  })

  it('is refused if it isn’t ours, always in the same words', () => {
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const junk = fc.oneof(
      fc.string(),
      anyText,
      fc.base64String(),
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
      values.filter((one) => one.length !== 2).map(encodeCursor),
      fc.constantFrom(
        encode([1, 2]),
        encode([null, 'a']),
        encode(['a', ['b']]),
        encode({ 0: 'a', 1: 'b', length: 2 }),
        '',
      ),
    )
    fc.assert(
      fc.property(junk, (cursor) => {
        let thrown: unknown
        try {
          // What happens to be two texts is ours, as far as a cursor can tell.
          expect(decodeCursor(cursor, 2)).toHaveLength(2)
          return
        } catch (error) {
          thrown = error
        }
        expect(thrown).toBeInstanceOf(DomainError)
        expect(thrown).toMatchObject({ code: 'invalid_request', details: { param: 'cursor' } })
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('a page', () => {
  const rows = (n: number) => Array.from({ length: n }, (_, i) => ({ id: `r${i}` }))
  const page = (n: number, limit: number) =>
    toPage(
      rows(n),
      limit,
      (row) => row.id,
      (row) => [row.id],
    )

  it('shows as many rows as asked for, and where the next begins', () => {
    const { data, next_cursor } = page(4, 3)
    expect(data).toEqual(['r0', 'r1', 'r2'])
    expect(decodeCursor(next_cursor ?? '', 1)).toEqual(['r2'])
  })

  it('is the last when nothing follows', () => {
    expect(page(3, 3)).toEqual({ data: ['r0', 'r1', 'r2'], next_cursor: null })
    expect(page(0, 3)).toEqual({ data: [], next_cursor: null })
  })

  it('has from 1 to 200 rows, 50 unless said otherwise', () => {
    expect(PageInput.parse({})).toEqual({ limit: 50 })
    expect(PageInput.parse({ limit: '7' })).toEqual({ limit: 7 })
    for (const limit of [0, -1, 201, 1.5, 'many', null, '', '1e2x', Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(PageInput.safeParse({ limit }).success, String(limit)).toBe(false)
    }
    expect(PageInput.safeParse({ cursor: 'a'.repeat(501) }).success).toBe(false)
    expect(PageInput.safeParse({ offset: 3 }).success).toBe(false)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ID_PREFIXES, type IdKind, idSchema, newId } from './id.ts'

const KINDS = Object.keys(ID_PREFIXES) as IdKind[]

/** Any text at all, control characters and halves of pairs included. */
const anyText = fc
  .array(fc.oneof(fc.nat(0xff), fc.nat(0xffff)), { maxLength: 20 })
  .map((codes) => String.fromCharCode(...codes))

describe('ids', () => {
  it('say what they name, and fit the schema of their kind only', () => {
    for (const kind of KINDS) {
      const id = newId(kind)
      expect(id).toMatch(new RegExp(`^${ID_PREFIXES[kind]}_[0-9a-hjkmnp-tv-z]{26}$`))
      expect(KINDS.filter((other) => idSchema(other).safeParse(id).success)).toEqual([kind])
    }
  })

  it('have a prefix each of its own', () => {
    expect(new Set(Object.values(ID_PREFIXES)).size).toBe(KINDS.length)
  })

  it('are never the same, and use every character of their alphabet alike', () => {
    const ids = Array.from({ length: 20_000 }, () => newId('request'))
    expect(new Set(ids).size).toBe(ids.length)
    const counts = new Map<string, number>()
    for (const id of ids) for (const character of id.slice(-16)) counts.set(character, (counts.get(character) ?? 0) + 1)
    expect([...counts.keys()].sort().join('')).toBe('0123456789abcdefghjkmnpqrstvwxyz')
    // Chi-squared with 31 degrees of freedom: beyond 95 once in a hundred million runs.
    const expected = (ids.length * 16) / 32
    const chi = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    expect(chi).toBeLessThan(95)
  })

  it('sort by when they were made', async () => {
    const first = newId('key')
    const from = Date.now()
    while (Date.now() <= from) await new Promise((resolve) => setTimeout(resolve, 1))
    expect(newId('key') > first).toBe(true)
  })

  it('are refused with a sentence when they can’t be ids', () => {
    const refused = [
      '',
      'key',
      'key_',
      'KEY_01',
      'key_01JD',
      'key_a\n',
      ' key_a',
      'key_a b',
      'mem_01',
      'key_é',
      `key_${'a'.repeat(61)}`,
    ]
    for (const id of refused) {
      const parsed = idSchema('key').safeParse(id)
      expect(parsed.success, id).toBe(false)
    }
    expect(idSchema('key').safeParse('mem_01').error?.issues[0]?.message).toBe('Expected an id that begins with key_.')
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          anyText.map((text) => `key_${text}`),
        ),
        (junk) => {
          const parsed = idSchema('key').safeParse(junk)
          if (parsed.success) expect(junk).toMatch(/^key_[0-9a-z]+$/)
        },
      ),
    )
  })
})

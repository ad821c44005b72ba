import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hashSecret, lastFour, newSecret, parseSecret, type SecretKind } from './secrets.ts'

const BASE62 = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz']
/** Any text at all, control characters and halves of pairs included. */
const anyText = fc
  .array(fc.oneof(fc.nat(0xff), fc.nat(0xffff)), { maxLength: 20 })
  .map((codes) => String.fromCharCode(...codes))

const kinds = fc.constantFrom<SecretKind>('key', 'service_token')
const PREFIX: Record<SecretKind, string> = { key: 'sk-stp-', service_token: 'st-stp-' }

/** A secret made of any bytes, as a source of chance would give them, and more when those run out. */
const secret = fc
  .tuple(kinds, fc.uint8Array({ minLength: 28, maxLength: 28 }))
  .map(([kind, bytes]): [SecretKind, string] => {
    let isFirst = true
    const source = (size: number) => {
      const given = isFirst ? Buffer.from(bytes) : randomBytes(size)
      isFirst = false
      return given
    }
    return [kind, newSecret(kind, source)]
  })

describe('a secret', () => {
  it('has a prefix, 28 characters of chance and 6 of checksum', () => {
    fc.assert(
      fc.property(secret, ([kind, text]) => {
        expect(text).toMatch(new RegExp(`^${PREFIX[kind]}[0-9A-Za-z]{34}$`))
        expect(parseSecret(text)).toBe(kind)
        expect(lastFour(text)).toBe(text.slice(-4))
      }),
    )
  })

  it('uses every character alike', () => {
    const counts = new Map<string, number>(BASE62.map((character) => [character, 0]))
    const rounds = 4_000
    for (let i = 0; i < rounds; i++) {
      for (const character of newSecret('key', randomBytes).slice(7, 35)) {
        counts.set(character, (counts.get(character) ?? 0) + 1)
      }
    }
    expect(counts.size).toBe(62)
    // Chi-squared with 61 degrees of freedom: beyond 140 once in ten million runs. Taking bytes modulo 62 gives over 900.
    const expected = (rounds * 28) / 62
    const chi = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    expect(chi).toBeLessThan(140)
  })

  it('leaves bytes out that would favour some characters', () => {
    const given = [Buffer.alloc(28, 255), Buffer.alloc(28, 248), Buffer.alloc(28, 247)]
    const text = newSecret('key', () => given.shift() ?? Buffer.alloc(28, 0))
    expect(text.slice(7, 35)).toBe('z'.repeat(28))
    expect(given).toEqual([])
  })

  it('differs from every other', () => {
    expect(new Set(Array.from({ length: 2_000 }, () => newSecret('key', randomBytes))).size).toBe(2_000)
  })
})

describe('the checksum', () => {
  it('finds every single wrong character', () => {
    for (const kind of ['key', 'service_token'] as const) {
      const text = newSecret(kind, randomBytes)
      for (let at = PREFIX[kind].length; at < text.length; at++) {
        for (const other of BASE62) {
          if (other === text[at]) continue
          expect(parseSecret(text.slice(0, at) + other + text.slice(at + 1))).toBeNull()
        }
      }
    }
  })

  it('finds neighbours that were swapped', () => {
    fc.assert(
      fc.property(secret, fc.nat(32), ([kind, text], n) => {
        const at = PREFIX[kind].length + n
        const [a = '', b = ''] = [text[at], text[at + 1]]
        fc.pre(a !== b)
        expect(parseSecret(text.slice(0, at) + b + a + text.slice(at + 2))).toBeNull()
      }),
      { numRuns: 500 },
    )
  })

  it('belongs to its prefix', () => {
    fc.assert(
      fc.property(secret, ([kind, text]) => {
        const other = kind === 'key' ? 'service_token' : 'key'
        expect(parseSecret(PREFIX[other] + text.slice(PREFIX[kind].length))).toBeNull()
      }),
    )
  })

  it('finds what was cut, lengthened or written in another case', () => {
    fc.assert(
      fc.property(secret, fc.constantFrom(...BASE62), ([, text], more) => {
        expect(parseSecret(text.slice(0, -1))).toBeNull()
        expect(parseSecret(text.slice(0, 7) + text.slice(8))).toBeNull()
        expect(parseSecret(text + more)).toBeNull()
        for (const around of [` ${text}`, `${text} `, `${text}\n`, `"${text}"`, text.toUpperCase()]) {
          expect(parseSecret(around)).toBeNull()
        }
      }),
    )
  })

  it('lets next to nothing pass that was made up', () => {
    const made = fc.string({ unit: fc.constantFrom(...BASE62), minLength: 34, maxLength: 34 })
    fc.assert(
      fc.property(kinds, made, (kind, body) => parseSecret(PREFIX[kind] + body) === null),
      { numRuns: 5_000 },
    )
  })
})

it('junk is no secret, and never throws', () => {
  const junk = fc.oneof(
    fc.string(),
    anyText,
    fc.string({ unit: 'grapheme' }).map((text) => `sk-stp-${text}`),
    fc.constantFrom('', 'sk-stp-', 'st-stp-', 'sk-', 'sk-stp-\u0000', '__proto__', `sk-stp-${'a'.repeat(1_000_000)}`),
  )
  fc.assert(
    fc.property(junk, (text) => {
      expect(parseSecret(text)).toBeNull()
      expect(hashSecret(text)).toHaveLength(32)
    }),
    { numRuns: 2_000 },
  )
})

it('its hash is what the database looks for', () => {
  expect(hashSecret('sk-stp-example').toString('hex')).toMatch(/^[0-9a-f]{64}$/)
  expect(hashSecret('abc').toString('hex')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})

import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSealedWith, type MasterKeys, openCredential, type Place, sealCredential } from './credential.ts'

const master: MasterKeys = [randomBytes(32)]
const place: Place = { tenant_id: 'ten_a', provider_id: 'prv_a' }
const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.constantFrom('', 'sk-x', 'é'.repeat(500)))

describe('a credential', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(text, (credential) => {
        expect(openCredential(master, sealCredential(master, credential, place), place)).toBe(credential)
      }),
    )
  })

  it('is not to be seen in what is kept, and never looks the same twice', () => {
    const sealed = [1, 2].map(() => sealCredential(master, 'sk-secret-secret', place))
    for (const one of sealed) expect(one.toString('latin1')).not.toContain('secret')
    expect(sealed[0]?.equals(sealed[1] ?? Buffer.alloc(0))).toBe(false)
    const nonces = new Set(
      Array.from({ length: 500 }, () => sealCredential(master, 'x', place).subarray(5, 17).toString('hex')),
    )
    expect(nonces.size).toBe(500)
  })

  it.each<[string, Place]>([
    ['another provider of the tenant', { tenant_id: 'ten_a', provider_id: 'prv_b' }],
    ['another tenant', { tenant_id: 'ten_b', provider_id: 'prv_a' }],
    ['the platform', { tenant_id: null, provider_id: 'prv_a' }],
  ])('doesn’t open in the row of %s', (_, elsewhere) => {
    const sealed = sealCredential(master, 'sk-x', place)
    expect(() => openCredential(master, sealed, elsewhere)).toThrow()
  })

  it('doesn’t open with another master key', () => {
    const sealed = sealCredential(master, 'sk-x', place)
    expect(() => openCredential([randomBytes(32)], sealed, place)).toThrow()
    const nearly = Buffer.from(master[0])
    nearly[31] = (nearly[31] ?? 0) ^ 1
    expect(() => openCredential([nearly], sealed, place)).toThrow()
  })

  it('doesn’t open with any byte of it changed', () => {
    const sealed = sealCredential(master, 'sk-secret', place)
    for (let at = 0; at < sealed.length; at++) {
      for (const bit of [1, 128]) {
        const changed = Buffer.from(sealed)
        changed[at] = (changed[at] ?? 0) ^ bit
        expect(() => openCredential(master, changed, place), `byte ${at}`).toThrow()
      }
    }
  })

  it.each(['sk-secret', ''])('doesn’t open cut short or lengthened: %j', (credential) => {
    const sealed = sealCredential(master, credential, place)
    for (let length = 0; length < sealed.length; length++) {
      expect(() => openCredential(master, sealed.subarray(0, length), place), `${length} bytes`).toThrow()
    }
    expect(() => openCredential(master, Buffer.concat([sealed, Buffer.of(0)]), place)).toThrow()
  })

  it('opens with any of the master keys there are, and is sealed with the first', () => {
    const [newer, other] = [randomBytes(32), randomBytes(32)]
    const before = sealCredential(master, 'sk-x', place)
    expect(openCredential([newer, other, master[0]], before, place)).toBe('sk-x')
    const after = sealCredential([newer, master[0]], 'sk-x', place)
    expect(isSealedWith(newer, after)).toBe(true)
    expect(isSealedWith(master[0], after)).toBe(false)
    expect(openCredential([newer], after, place)).toBe('sk-x')
    expect(() => openCredential(master, after, place)).toThrow()
  })
})

import { randomFillSync } from 'node:crypto'
import { z } from 'zod'

export const ID_PREFIXES = {
  tenant: 'ten',
  location: 'loc',
  group: 'grp',
  member: 'mem',
  user: 'usr',
  key: 'key',
  allocation: 'alc',
  provider: 'prv',
  model: 'mod',
  price: 'prc',
  service_token: 'tok',
  lease: 'lea',
  audit: 'aud',
  ledger: 'led',
  request: 'req',
  gateway: 'gtw',
} as const

export type IdKind = keyof typeof ID_PREFIXES

/** A new id, `key_01jd…`: the prefix says what it names, the rest sorts by time of creation. */
export function newId(kind: IdKind): string {
  return `${ID_PREFIXES[kind]}_${ulid(Date.now())}`
}

/**
 * A ULID in lower case: 48 bits of milliseconds, 80 of chance, in Crockford's base 32. Written out here because the package for it
 * asks the system for every single character, which takes longer than all else the gateway does for a request.
 */
function ulid(now: number): string {
  let text = ''
  for (let rest = now, i = 0; i < 10; i++) {
    text = BASE32.charAt(rest % 32) + text
    rest = Math.floor(rest / 32)
  }
  for (let i = 0; i < 16; i++) text += BASE32.charAt(randomByte() % 32)
  return text
}

const BASE32 = '0123456789abcdefghjkmnpqrstvwxyz'
const pool = Buffer.alloc(4_096)
let used = pool.length

function randomByte(): number {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  return pool.readUInt8(used++)
}

/** Schema of a reference to something: the shape only; whether it is there is found out by looking. */
export function idSchema(kind: IdKind) {
  const prefix = ID_PREFIXES[kind]
  return z
    .string()
    .max(64)
    .regex(new RegExp(`^${prefix}_[0-9a-z]{1,40}$`), `Expected an id that begins with ${prefix}_.`)
    .meta({ examples: [`${prefix}_01jd4k0v8m3q6y1x2z5w7t9rbc`] })
}

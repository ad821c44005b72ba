import { randomFillSync } from 'node:crypto'
import { ulid } from 'ulid'
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
  promotion: 'pro',
  payment: 'pay',
  request: 'req',
  gateway: 'gtw',
  invitation: 'inv',
  password_reset: 'pwr',
  mail: 'mai',
  import: 'imp',
  rule: 'rul',
} as const

export type IdKind = keyof typeof ID_PREFIXES

const pool = Buffer.alloc(4096)
let used = pool.length

/** Chance for ulid. Its own source asks the system anew for every character, twenty times as dear as the rest of an id. */
function chance(): number {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const byte = pool[used] ?? 0
  used += 1
  return byte / 256
}

/** A new id, `key_01jd…`: the prefix says what it names, the rest sorts by time of creation. */
export function newId(kind: IdKind): string {
  return `${ID_PREFIXES[kind]}_${ulid(undefined, chance).toLowerCase()}`
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

import { randomFillSync } from 'node:crypto'
import { encodeTime } from 'ulid'
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

/** Crockford's base 32, as in ULIDs, in small letters. */
const ALPHABET = Buffer.from('0123456789abcdefghjkmnpqrstvwxyz')
const TIME_LENGTH = 10
const CHANCE_LENGTH = 16

const bytes = Buffer.alloc(256 * CHANCE_LENGTH)
/** Letters of chance for the next ids, and how many are used up. */
let letters = ''
let used = 0
let lastMs = Number.NaN
let lastTime = ''

function chance(): string {
  if (used === letters.length) {
    randomFillSync(bytes)
    for (let i = 0; i < bytes.length; i++) bytes[i] = ALPHABET[(bytes[i] ?? 0) % ALPHABET.length] ?? 0
    letters = bytes.toString('latin1')
    used = 0
  }
  used += CHANCE_LENGTH
  return letters.slice(used - CHANCE_LENGTH, used)
}

function time(): string {
  const ms = Date.now()
  if (ms !== lastMs) {
    lastMs = ms
    lastTime = encodeTime(ms, TIME_LENGTH).toLowerCase()
  }
  return lastTime
}

/**
 * A new id, `key_01jd…`: the prefix says what it names, the rest is a ULID and sorts by time of creation. Put together here: each request
 * has one, and ulid's own way asks the system for every character.
 */
export function newId(kind: IdKind): string {
  return `${ID_PREFIXES[kind]}_${time()}${chance()}`
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

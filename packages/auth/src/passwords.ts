import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { invalidField } from '@stipend/core/errors'

const derive = promisify(argon2)

/** OWASP's choice for argon2id: 19 MiB, two passes, one lane; some 50 ms. Stored with each hash, so it can be raised later. */
const COST = { memory: 19_456, passes: 2, parallelism: 1 }
const SALT_BYTES = 16
const HASH_BYTES = 32

export const PASSWORD_LENGTH = { min: 10, max: 200 }

/** A PHC string, `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`. Refuses a password that is too short or too long. */
export async function hashPassword(password: string): Promise<string> {
  const { min, max } = PASSWORD_LENGTH
  const length = [...password].length
  if (length < min) throw invalidField('password', `Use at least ${min} characters.`)
  if (length > max) throw invalidField('password', `Use at most ${max} characters.`)
  const salt = randomBytes(SALT_BYTES)
  const hash = await derive('argon2id', { ...COST, message: normal(password), nonce: salt, tagLength: HASH_BYTES })
  const { memory, passes, parallelism } = COST
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(hash)}`
}

/**
 * Whether the password is the hashed one. Without a hash (nobody has that e-mail address) it does the same work and says no, so
 * that the time taken doesn't tell who has an account.
 */
export async function verifyPassword(hash: string | null, password: string): Promise<boolean> {
  // Nobody's password is this long; hashing it would only be work.
  if (password.length > PASSWORD_LENGTH.max * 2) return false
  const { parameters, salt, expected } = parsePhc(hash ?? NOBODY)
  const given = await derive('argon2id', {
    ...parameters,
    message: normal(password),
    nonce: salt,
    tagLength: expected.length,
  })
  return timingSafeEqual(given, expected) && hash !== null
}

const NOBODY = `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${base64(Buffer.alloc(SALT_BYTES))}$${base64(Buffer.alloc(HASH_BYTES))}`

function parsePhc(hash: string) {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(hash)
  if (match === null) throw new Error('a stored password hash is not an argon2id PHC string')
  const [, memory, passes, parallelism, salt = '', expected = ''] = match
  return {
    parameters: { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    salt: Buffer.from(salt, 'base64'),
    expected: Buffer.from(expected, 'base64'),
  }
}

/** The same letters typed on another system may come as other code points. */
function normal(password: string): Buffer {
  return Buffer.from(password.normalize('NFKC'))
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}

import { createHash, hash, type randomBytes as RandomBytes } from 'node:crypto'

/**
 * Secrets that we hand out: `sk-stp-` keys and `st-stp-` service tokens. A prefix that scanners can find, 28 characters of
 * base62 (over 160 random bits), and 6 of checksum, so that a mistyped or made-up one is told apart without asking anybody.
 */
const PREFIXES = { key: 'sk-stp-', service_token: 'st-stp-' } as const
export type SecretKind = keyof typeof PREFIXES

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const RANDOM_LENGTH = 28
const CHECKSUM_LENGTH = 6
const BODY = new RegExp(`^[0-9A-Za-z]{${RANDOM_LENGTH + CHECKSUM_LENGTH}}$`)

export function newSecret(kind: SecretKind, randomBytes: typeof RandomBytes | ((size: number) => Buffer)): string {
  let random = ''
  while (random.length < RANDOM_LENGTH) {
    for (const byte of randomBytes(RANDOM_LENGTH)) {
      // 248 is the largest multiple of 62 in a byte: above it some characters would be likelier than others.
      if (byte < 248 && random.length < RANDOM_LENGTH) random += ALPHABET.charAt(byte % 62)
    }
  }
  return `${PREFIXES[kind]}${random}${checksum(kind, random)}`
}

/** The kind of a well-formed secret, or null. Says nothing about whether it was ever handed out. */
export function parseSecret(text: string): SecretKind | null {
  for (const kind of Object.keys(PREFIXES) as SecretKind[]) {
    if (!text.startsWith(PREFIXES[kind])) continue
    const body = text.slice(PREFIXES[kind].length)
    const random = body.slice(0, RANDOM_LENGTH)
    return BODY.test(body) && body.slice(RANDOM_LENGTH) === checksum(kind, random) ? kind : null
  }
  return null
}

/** SHA-256: what is stored and looked up. The secret has too much chance in it for anything slower to be needed. */
export function hashSecret(secret: string): Buffer {
  return hash('sha256', secret, 'buffer')
}

/** What may be shown of a secret: its last four characters. */
export function lastFour(secret: string): string {
  return secret.slice(-4)
}

function checksum(kind: SecretKind, random: string): string {
  let rest = createHash('sha256').update(`${PREFIXES[kind]}${random}`).digest().readUIntBE(0, 6)
  let text = ''
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    text += ALPHABET.charAt(rest % 62)
    rest = Math.floor(rest / 62)
  }
  return text
}

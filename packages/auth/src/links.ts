import { createHash, randomBytes } from 'node:crypto'

/** The secret of a link that is sent by mail: 256 random bits. The database has its SHA-256. */
export function newLinkSecret(): { secret: string; hash: Buffer } {
  const secret = randomBytes(32).toString('base64url')
  return { secret, hash: linkHash(secret) }
}

export function linkHash(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

export const isLinkSecret = (text: string): boolean => /^[A-Za-z0-9_-]{43}$/.test(text)

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/**
 * Provider credentials at rest: AES-256-GCM under the platform's master key. The provider's id and its owner's are bound in as
 * associated data, so a ciphertext moved to another row doesn't open. Layout: version, nonce, tag, ciphertext.
 */
const VERSION = 1
const NONCE_LENGTH = 12
const TAG_LENGTH = 16

export type Place = { tenant_id: string | null; provider_id: string }

export function sealCredential(masterKey: Buffer, credential: string, place: Place): Buffer {
  const nonce = randomBytes(NONCE_LENGTH)
  const cipher = createCipheriv('aes-256-gcm', masterKey, nonce)
  cipher.setAAD(associated(place))
  const sealed = Buffer.concat([cipher.update(credential, 'utf8'), cipher.final()])
  return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), sealed])
}

/** Throws if the master key is another, or the bytes were changed or moved. */
export function openCredential(masterKey: Buffer, sealed: Buffer, place: Place): string {
  if (sealed[0] !== VERSION) throw new Error('a credential of an unknown version')
  const nonce = sealed.subarray(1, 1 + NONCE_LENGTH)
  const tag = sealed.subarray(1 + NONCE_LENGTH, 1 + NONCE_LENGTH + TAG_LENGTH)
  const decipher = createDecipheriv('aes-256-gcm', masterKey, nonce, { authTagLength: TAG_LENGTH })
  decipher.setAAD(associated(place))
  decipher.setAuthTag(tag)
  const rest = sealed.subarray(1 + NONCE_LENGTH + TAG_LENGTH)
  return Buffer.concat([decipher.update(rest), decipher.final()]).toString('utf8')
}

function associated(place: Place): Buffer {
  return Buffer.from(`${place.tenant_id ?? 'platform'}/${place.provider_id}`)
}

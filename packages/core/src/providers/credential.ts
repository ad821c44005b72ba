import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/**
 * Provider credentials at rest: AES-256-GCM under a master key of the platform. The provider's id and its owner's are bound in as
 * associated data, so a ciphertext moved to another row doesn't open. Layout: version, id of the master key, nonce, tag, ciphertext.
 */
const VERSION = 2
const KEY_ID_LENGTH = 4
const NONCE_LENGTH = 12
const TAG_LENGTH = 16

/** Of 32 bytes each. The first, the newest, seals; any of them opens. */
export type MasterKeys = readonly [Buffer, ...Buffer[]]

export type Place = { tenant_id: string | null; provider_id: string }

export function sealCredential(keys: MasterKeys, credential: string, place: Place): Buffer {
  const nonce = randomBytes(NONCE_LENGTH)
  const cipher = createCipheriv('aes-256-gcm', keys[0], nonce)
  cipher.setAAD(associated(place))
  const sealed = Buffer.concat([cipher.update(credential, 'utf8'), cipher.final()])
  return Buffer.concat([Buffer.of(VERSION), keyId(keys[0]), nonce, cipher.getAuthTag(), sealed])
}

/** Throws if none of the master keys is the one that sealed it, or the bytes were changed or moved. */
export function openCredential(keys: MasterKeys, sealed: Buffer, place: Place): string {
  const key = keys.find((one) => isSealedWith(one, sealed))
  if (key === undefined) throw new Error('a credential that was sealed with a master key we don’t have')
  const rest = sealed.subarray(1 + KEY_ID_LENGTH)
  const tag = rest.subarray(NONCE_LENGTH, NONCE_LENGTH + TAG_LENGTH)
  const decipher = createDecipheriv('aes-256-gcm', key, rest.subarray(0, NONCE_LENGTH), { authTagLength: TAG_LENGTH })
  decipher.setAAD(associated(place))
  decipher.setAuthTag(tag)
  const opened = [decipher.update(rest.subarray(NONCE_LENGTH + TAG_LENGTH)), decipher.final()]
  return Buffer.concat(opened).toString('utf8')
}

/** Whether this master key sealed it, by what it says of itself. */
export function isSealedWith(key: Buffer, sealed: Buffer): boolean {
  return sealed[0] === VERSION && sealed.subarray(1, 1 + KEY_ID_LENGTH).equals(keyId(key))
}

function keyId(key: Buffer): Buffer {
  return createHash('sha256').update('stipend master key').update(key).digest().subarray(0, KEY_ID_LENGTH)
}

function associated(place: Place): Buffer {
  return Buffer.from(`${place.tenant_id ?? 'platform'}/${place.provider_id}`)
}

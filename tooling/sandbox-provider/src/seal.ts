import { createHmac } from 'node:crypto'

/** Not a secret: it tells what came from here, unchanged, after a restart too. */
const KEY = 'sandbox model'

/** A signature by which a thought is known that comes back in a later request. */
export function sealOf(thought: string): string {
  return createHmac('sha256', KEY).update(thought).digest('base64')
}

/** A thought in a form its client can only send back. */
export function sealed(thought: string): string {
  return `${Buffer.from(thought).toString('base64')}.${sealOf(thought)}`
}

export function isSealed(content: string): boolean {
  const [thought = '', seal] = content.split('.')
  return sealOf(Buffer.from(thought, 'base64').toString()) === seal
}

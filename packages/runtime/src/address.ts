import type { IncomingMessage } from 'node:http'

/** A request as far as it says where it comes from. */
type From = Pick<IncomingMessage, 'headers'> & { socket: { remoteAddress?: string | undefined } }

/**
 * The address a request comes from. `trustedProxies`: so many proxies of our own stand in front, each of which adds to
 * x-forwarded-for where it was called from; further than they wrote it the header isn't believed. Empty where the connection is gone.
 */
export function addressOf({ headers, socket }: From, trustedProxies: number): string {
  const peer = socket.remoteAddress ?? ''
  if (trustedProxies === 0) return plain(peer)
  const forwarded = String(headers['x-forwarded-for'] ?? '')
  const hops = [...forwarded.split(',').map((hop) => hop.trim()), peer].filter((hop) => hop !== '')
  return plain(hops[Math.max(0, hops.length - 1 - trustedProxies)] ?? peer)
}

/** IPv4 as itself, not within IPv6, as a socket that listens to both has it. */
function plain(address: string): string {
  const inner = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  return inner ?? address
}

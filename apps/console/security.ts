import type { IncomingHttpHeaders } from 'node:http'

/** Headers of every answer. `nonce` lets in the scripts this answer itself carries, and no others. */
export function securityHeaders(nonce: string, behindTls: boolean): [string, string][] {
  const policy = [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    // Mantine and the chart library size and place things by `style` attributes, which a nonce can't allow.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
  return [
    ['content-security-policy', policy],
    ['x-content-type-options', 'nosniff'],
    ['x-frame-options', 'DENY'],
    ['referrer-policy', 'same-origin'],
    ['cross-origin-opener-policy', 'same-origin'],
    ['cross-origin-resource-policy', 'same-origin'],
    ['permissions-policy', 'camera=(), microphone=(), geolocation=(), payment=(), usb=()'],
    ...(behindTls ? ([['strict-transport-security', 'max-age=31536000']] as [string, string][]) : []),
  ]
}

/**
 * Whether a request that changes something comes from our own pages. Browsers say so in `Sec-Fetch-Site`; the few that don't
 * send `Origin`. A request with neither isn't a page of ours.
 */
export function isSameOrigin(headers: IncomingHttpHeaders, ownOrigin: string | null): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin') return false
  const { origin } = headers
  if (origin === undefined) return site === 'same-origin'
  if (ownOrigin !== null) return origin === ownOrigin
  const from = URL.parse(origin)
  return from !== null && headers.host !== undefined && from.host === headers.host
}

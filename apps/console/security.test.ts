import { describe, expect, test } from 'vitest'
import { isSameOrigin, securityHeaders } from './security.ts'

describe('a request that changes something', () => {
  const host = 'console.school.example'
  test.each([
    ['our page in a current browser', { host, origin: `https://${host}`, 'sec-fetch-site': 'same-origin' }, true],
    ['our page in an old browser', { host, origin: `https://${host}` }, true],
    ['another site', { host, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, false],
    ['another site in an old browser', { host, origin: 'https://evil.example' }, false],
    [
      'a neighbour under the same domain',
      { host, origin: 'https://blog.school.example', 'sec-fetch-site': 'same-site' },
      false,
    ],
    ['an address typed in', { host, 'sec-fetch-site': 'none' }, false],
    ['a sandboxed frame', { host, origin: 'null' }, false],
    ['a program that says nothing', { host }, false],
  ])('%s', (_, headers, allowed) => {
    expect(isSameOrigin(headers, null)).toBe(allowed)
  })

  test('with an origin of its own, the host header decides nothing', () => {
    const headers = { host: 'evil.example', origin: 'https://evil.example' }
    expect(isSameOrigin(headers, 'https://console.school.example')).toBe(false)
    expect(
      isSameOrigin(
        { host: '10.0.0.7:3000', origin: 'https://console.school.example' },
        'https://console.school.example',
      ),
    ).toBe(true)
  })
})

test('only scripts with the nonce run', () => {
  const policy = new Map(securityHeaders('abc', true)).get('content-security-policy')
  expect(policy).toContain("script-src 'self' 'nonce-abc'")
  expect(policy).not.toMatch(/script-src[^;]*unsafe/)
  expect(policy).toContain("frame-ancestors 'none'")
})

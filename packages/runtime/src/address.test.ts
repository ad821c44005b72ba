import { expect, test } from 'vitest'
import { addressOf } from './address.ts'

const from = (remoteAddress: string | undefined, forwarded: string | undefined, proxies: number) =>
  addressOf(
    { headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }, socket: { remoteAddress } },
    proxies,
  )

test.each([
  ['10.0.0.1', undefined, 0, '10.0.0.1'],
  ['::ffff:10.0.0.1', undefined, 0, '10.0.0.1'],
  ['2001:db8::1', undefined, 0, '2001:db8::1'],
  [undefined, undefined, 0, ''],
  // Nobody but a proxy of ours is believed.
  ['10.0.0.1', '203.0.113.7', 0, '10.0.0.1'],
  ['10.0.0.1', '203.0.113.7', 1, '203.0.113.7'],
  ['10.0.0.1', '9.9.9.9, 203.0.113.7', 1, '203.0.113.7'],
  ['10.0.0.1', '9.9.9.9,203.0.113.7 , 10.0.0.2', 2, '203.0.113.7'],
  ['10.0.0.1', '::ffff:203.0.113.7', 1, '203.0.113.7'],
  // A request that came past the proxies.
  ['10.0.0.1', undefined, 2, '10.0.0.1'],
  ['10.0.0.1', ', ,', 1, '10.0.0.1'],
])('of %s with %j behind %i is %s', (peer, forwarded, proxies, address) => {
  expect(from(peer, forwarded, proxies)).toBe(address)
})

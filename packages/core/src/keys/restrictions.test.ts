import { describe, expect, it } from 'vitest'
import { restrictions } from './restrictions.ts'

const read = (entries: string[]) => {
  const parsed = restrictions.allowed_ips.safeParse(entries)
  return parsed.success ? parsed.data : parsed.error.issues[0]?.message
}

describe('the addresses of a key', () => {
  it.each([
    '192.0.2.7',
    '192.0.2.0/24',
    '0.0.0.0/0',
    '10.0.0.1/32',
    '::',
    '::1',
    '2001:db8::/32',
    '2001:db8::7/128',
    '::ffff:192.0.2.7',
  ])('%s', (entry) => {
    expect(read([entry])).toEqual([entry])
  })

  it.each([
    '',
    'school.example',
    '192.0.2',
    '192.0.2.256',
    '0300.0.2.7',
    '192.0.2.0/33',
    '192.0.2.0/-1',
    '192.0.2.0/08',
    '192.0.2.0/',
    '192.0.2.0/24/24',
    '192.0.2.0-192.0.2.9',
    '2001:db8::/129',
    'fe80::1%eth0',
    '[::1]',
    '192.0.2.7:443',
    '*',
  ])('refuses %j', (entry) => {
    expect(read([entry])).toMatch(/^Write an address such as/)
  })

  it('are told without blanks and capitals, each once; none means anywhere', () => {
    expect(read([' 2001:DB8::7 ', '2001:db8::7'])).toEqual(['2001:db8::7'])
    expect(read([])).toBeNull()
    expect(read(Array.from({ length: 101 }, (_, n) => `192.0.2.${n}`))).toBe('At most 100 entries.')
  })
})

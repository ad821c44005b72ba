import { expect, test } from 'vitest'
import { hashPassword, verifyPassword } from './passwords.ts'

test('a hash is salted, says its cost, and knows its password only', async () => {
  const [one, two] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')])
  expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  expect(one).not.toBe(two)
  expect(await verifyPassword(one, 'correct horse')).toBe(true)
  expect(await verifyPassword(one, 'correct horse ')).toBe(false)
  expect(await verifyPassword(one, '')).toBe(false)
})

test('reads what other argon2id implementations write', async () => {
  // Made with the reference implementation: argon2 -id -t 2 -m 16 -p 1 -l 24, salt "somesalt".
  const foreign = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
  expect(await verifyPassword(foreign, 'password')).toBe(true)
  expect(await verifyPassword(foreign, 'Password')).toBe(false)
})

test('nobody has no password, not even the one the empty hash stands for', async () => {
  expect(await verifyPassword(null, 'correct horse')).toBe(false)
})

test('an accent is the same whether typed as one code point or two', async () => {
  expect(await verifyPassword(await hashPassword('caf\u00e9 au lait'), 'cafe\u0301 au lait')).toBe(true)
})

test('length is counted in characters, 10 to 200', async () => {
  await expect(hashPassword('ninechars')).rejects.toMatchObject({
    code: 'invalid_request',
    details: { fields: [{ path: 'password', message: 'Use at least 10 characters.' }] },
  })
  await expect(hashPassword('x'.repeat(201))).rejects.toMatchObject({ code: 'invalid_request' })
  const long = '🦊'.repeat(200)
  expect(await verifyPassword(await hashPassword(long), long)).toBe(true)
  expect(await verifyPassword(await hashPassword('x'.repeat(200)), 'x'.repeat(1_000_000))).toBe(false)
})

test('a damaged hash is a fault, not a wrong password', async () => {
  await expect(verifyPassword('plain text', 'correct horse')).rejects.toThrow('PHC')
})

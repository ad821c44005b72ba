import { expect, test } from 'vitest'
import { lastsWords } from './words.ts'

test('how long the balance lasts', () => {
  const now = new Date('2026-11-24T12:00:00Z')
  expect(lastsWords(null, now)).toBeNull()
  expect(lastsWords('2026-11-25T11:59:00Z', now)).toBe('Lasts less than a day')
  expect(lastsWords('2026-11-25T12:00:00Z', now)).toBe('Lasts about a day')
  expect(lastsWords('2026-12-17T13:00:00Z', now)).toBe('Lasts about 23 days')
  expect(lastsWords('2027-11-25T12:00:00Z', now)).toBe('Lasts more than a year')
})

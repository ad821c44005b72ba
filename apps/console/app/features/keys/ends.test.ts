import { expect, test } from 'vitest'
import { endOf } from './ends.ts'

const AMSTERDAM = 'Europe/Amsterdam'
const end = (which: Parameters<typeof endOf>[0], now: string) => endOf(which, null, null, AMSTERDAM, new Date(now))

test('an end at a click is on the wall clock of the tenant', () => {
  expect(end('hour', '2026-11-24T10:00:00Z')).toBe('2026-11-24T11:00:00.000Z')
  expect(end('day', '2026-11-24T10:00:00Z')).toBe('2026-11-25T10:00:00.000Z')
  expect(end('never', '2026-11-24T10:00:00Z')).toBeNull()
  expect(end('month', '2026-01-31T10:00:00Z')).toBe('2026-02-28T10:00:00.000Z')
  expect(end('month', '2026-12-15T10:00:00Z')).toBe('2027-01-15T10:00:00.000Z')
})

test('a day across the end of summer time has 25 hours, and an hour one', () => {
  expect(end('day', '2026-10-24T10:00:00Z')).toBe('2026-10-25T11:00:00.000Z')
  expect(end('hour', '2026-10-25T00:30:00Z')).toBe('2026-10-25T01:30:00.000Z')
})

test('one that is kept or chosen is that one', () => {
  const now = new Date('2026-11-24T10:00:00Z')
  expect(endOf('keep', '2027-01-01T00:00:00.000Z', null, AMSTERDAM, now)).toBe('2027-01-01T00:00:00.000Z')
  expect(endOf('choose', null, '2026-12-01 10:00:00', AMSTERDAM, now)).toBe('2026-12-01T09:00:00.000Z')
  expect(endOf('choose', null, null, AMSTERDAM, now)).toBeNull()
})

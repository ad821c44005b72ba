import { describe, expect, test } from 'vitest'
import {
  ago,
  dayAndClock,
  exact,
  instantToLocal,
  localToInstant,
  startOfDay,
  startOfHolidays,
  startOfNextWeek,
  windowWords,
} from './time.ts'

const AMSTERDAM = 'Europe/Amsterdam'

describe('wall clocks and instants', () => {
  test.each([
    ['in winter', '2026-11-21 10:00:00', AMSTERDAM, '2026-11-21T09:00:00.000Z'],
    ['in summer', '2026-07-01 10:00:00', AMSTERDAM, '2026-07-01T08:00:00.000Z'],
    ['just before the clock goes forward', '2027-03-28 01:59:59', AMSTERDAM, '2027-03-28T00:59:59.000Z'],
    ['just after the clock went forward', '2027-03-28 03:00:00', AMSTERDAM, '2027-03-28T01:00:00.000Z'],
    ['skipped by the clock: as far after the gap', '2027-03-28 02:30:00', AMSTERDAM, '2027-03-28T01:30:00.000Z'],
    ['shown twice: the first', '2026-10-25 02:30:00', AMSTERDAM, '2026-10-25T00:30:00.000Z'],
    ['after the clock went back', '2026-10-25 03:00:00', AMSTERDAM, '2026-10-25T02:00:00.000Z'],
    ['midnight of the day it goes back', '2026-10-25 00:00:00', AMSTERDAM, '2026-10-24T22:00:00.000Z'],
    ['across the ocean', '2026-11-01 01:30:00', 'America/New_York', '2026-11-01T05:30:00.000Z'],
    ['a change of half an hour', '2026-10-04 02:30:00', 'Australia/Lord_Howe', '2026-10-03T15:30:00.000Z'],
    ['an odd offset', '2026-11-21 10:00', 'Asia/Kathmandu', '2026-11-21T04:15:00.000Z'],
    ['a date alone', '2026-11-21', 'Asia/Tokyo', '2026-11-20T15:00:00.000Z'],
  ])('%s', (_, local, zone, instant) => {
    expect(localToInstant(local, zone)).toBe(instant)
  })

  test('every hour of a year comes back as it went, but for the hour shown twice', () => {
    const lost: string[] = []
    for (let at = Date.UTC(2026, 0, 1); at < Date.UTC(2027, 0, 1); at += 3_600_000) {
      const instant = new Date(at).toISOString()
      if (localToInstant(instantToLocal(instant, AMSTERDAM), AMSTERDAM) !== instant) lost.push(instant)
    }
    expect(lost).toEqual(['2026-10-25T01:00:00.000Z'])
  })

  test('refuses what is no time', () => {
    expect(() => localToInstant('tomorrow', AMSTERDAM)).toThrow(RangeError)
  })
})

describe('days', () => {
  test('a day may have 25 hours', () => {
    expect(startOfDay('2026-10-25T12:00:00Z', AMSTERDAM)).toBe('2026-10-24T22:00:00.000Z')
    expect(startOfDay('2026-10-25T12:00:00Z', AMSTERDAM, 1)).toBe('2026-10-25T23:00:00.000Z')
  })

  test('belongs to the tenant, not to UTC', () => {
    expect(startOfDay('2026-11-21T23:30:00Z', AMSTERDAM)).toBe('2026-11-21T23:00:00.000Z')
  })

  test.each([
    ['Friday', '2026-11-20T12:00:00Z'],
    ['Sunday', '2026-11-22T12:00:00Z'],
    ['Monday a week before', '2026-11-16T12:00:00Z'],
  ])('next week begins on Monday, seen from %s', (_, instant) => {
    expect(startOfNextWeek(instant, AMSTERDAM)).toBe('2026-11-22T23:00:00.000Z')
  })
})

describe('words', () => {
  const now = new Date('2026-11-21T09:00:00Z') // 10:00 in Amsterdam

  test('what has passed', () => {
    expect(ago('2026-11-21T08:59:55Z', AMSTERDAM, now)).toBe('just now')
    expect(ago('2026-11-21T08:59:00Z', AMSTERDAM, now)).toBe('1 min ago')
    expect(ago('2026-11-21T06:00:00Z', AMSTERDAM, now)).toBe('3 hours ago')
    expect(ago('2026-11-20T09:00:00Z', AMSTERDAM, now)).toBe('yesterday')
    expect(ago('2025-11-12T09:00:00Z', AMSTERDAM, now)).toBe('12 Nov 2025')
  })

  test('windows', () => {
    expect(windowWords(null, null, AMSTERDAM, now)).toBeNull()
    expect(windowWords('2026-11-21T10:00:00Z', '2026-11-21T11:00:00Z', AMSTERDAM, now)).toBe('today 11:00–12:00')
    expect(windowWords('2026-11-21T08:00:00Z', '2026-11-21T11:00:00Z', AMSTERDAM, now)).toBe('until today 12:00')
    expect(windowWords(null, '2026-11-21T23:00:00Z', AMSTERDAM, now)).toBe('until the end of today')
    expect(windowWords('2026-11-22T10:00:00Z', null, AMSTERDAM, now)).toBe('from tomorrow 11:00')
    expect(windowWords('2026-11-22T10:00:00Z', '2026-11-24T10:00:00Z', AMSTERDAM, now)).toBe(
      'tomorrow 11:00 – 24 Nov 11:00',
    )
  })

  test('exact times name their zone', () => {
    expect(exact('2026-11-21T09:30:15Z', AMSTERDAM)).toBe('21 Nov 2026, 10:30:15 (Europe/Amsterdam)')
    expect(dayAndClock('2026-11-22T09:30:15Z', AMSTERDAM, now)).toBe('tomorrow 10:30')
  })
})

test('the next long holidays begin on a Saturday, at least a week away', () => {
  const begins = (now: string) => instantToLocal(startOfHolidays(now, 'Europe/Amsterdam'), 'Europe/Amsterdam')
  expect(begins('2026-11-24T10:00:00Z')).toBe('2026-12-19 00:00:00')
  expect(begins('2026-12-15T10:00:00Z')).toBe('2027-07-10 00:00:00')
  expect(begins('2026-03-01T10:00:00Z')).toBe('2026-07-11 00:00:00')
})

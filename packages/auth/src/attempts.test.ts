import { describe, expect, test } from 'vitest'
import { Attempts } from './attempts.ts'

const START = Date.parse('2026-11-21T09:00:00Z')
const at = (seconds: number) => new Date(START + seconds * 1000)
const threeAMinute = () => new Attempts({ failuresMax: 3, windowMs: 60_000 })

describe('failed attempts', () => {
  test('are allowed up to the limit; then the wait is told to the second', () => {
    const attempts = threeAMinute()
    for (const seconds of [0, 10, 20]) attempts.begin('ada', at(seconds))
    expect(() => attempts.begin('ada', at(25))).toThrow('Try again in 35 seconds.')
    expect(() => attempts.begin('ada', at(59.999))).toThrow(expect.objectContaining({ code: 'rate_limited' }))
    attempts.begin('ada', at(60))
    // Now those of 10, 20 and 60 count.
    expect(() => attempts.begin('ada', at(61))).toThrow(
      expect.objectContaining({ details: { retry_after_seconds: 9 } }),
    )
  })

  test('of one do not limit another', () => {
    const attempts = threeAMinute()
    for (const seconds of [0, 0, 0]) attempts.begin('ada', at(seconds))
    attempts.begin('bob', at(0))
  })

  test('that are refused do not make the wait longer', () => {
    const attempts = threeAMinute()
    for (const seconds of [0, 0, 0]) attempts.begin('ada', at(seconds))
    for (let second = 1; second < 60; second++) expect(() => attempts.begin('ada', at(second))).toThrow()
    attempts.begin('ada', at(60))
  })

  test('count while they run, so a hundred at once are three', () => {
    const attempts = threeAMinute()
    let begun = 0
    for (let i = 0; i < 100; i++) {
      try {
        attempts.begin('ada', at(0))
        begun++
      } catch {}
    }
    expect(begun).toBe(3)
  })

  test('that turn out well do not count', () => {
    const attempts = threeAMinute()
    for (let i = 0; i < 10; i++) attempts.begin('ada', at(i))()
    for (let i = 0; i < 3; i++) attempts.begin('ada', at(i))
    expect(() => attempts.begin('ada', at(3))).toThrow()
  })

  test('a long wait is told in minutes', () => {
    const attempts = new Attempts({ failuresMax: 1, windowMs: 900_000 })
    attempts.begin('ada', at(0))
    expect(() => attempts.begin('ada', at(1))).toThrow('Try again in 15 minutes.')
  })
})

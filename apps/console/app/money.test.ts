import { describe, expect, test } from 'vitest'
import { exactUsd, percentUsed, shortUsd } from './money.ts'

describe('amounts in lists', () => {
  test.each([
    ['0.00', '$0.00'],
    ['0.0000125', '<$0.01'],
    ['1234.5', '$1,234.50'],
    ['-3.50', '-$3.50'],
  ])('%s reads %s', (usd, words) => {
    expect(shortUsd(usd)).toBe(words)
  })

  test('every digit on hover', () => {
    expect(exactUsd('0.0000125')).toBe('$0.0000125')
    expect(exactUsd('-3.50')).toBe('-$3.50')
  })
})

describe('used', () => {
  test.each([
    ['0.00', '5.00', 0],
    ['0.000000001', '5.00', 1],
    ['2.50', '5.00', 50],
    ['4.999999999', '5.00', 99],
    ['5.00', '5.00', 100],
    ['6.00', '5.00', 100],
  ])('%s of %s is %i percent', (spent, limit, percent) => {
    expect(percentUsed(spent, limit)).toBe(percent)
  })
})

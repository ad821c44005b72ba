import { describe, expect, test } from 'vitest'
import { daysLeft, exactUsd, percentUsed, shortUsd } from './money.ts'

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

describe('how long the balance lasts', () => {
  const days = (...costs: string[]) => costs.map((cost_usd) => ({ cost_usd }))

  test('the running day says nothing yet', () => {
    expect(daysLeft('100.00', days('0.00', '0.00', '50.00'))).toBeNull()
  })

  test('the pace since the first spending day', () => {
    expect(daysLeft('100.00', days('0.00', '0.00', '5.00', '15.00', '1.00'))).toBe(10)
  })

  test('at most the last fourteen days', () => {
    expect(daysLeft('140.00', days(...Array(20).fill('1000.00'), ...Array(14).fill('10.00'), '0.00'))).toBe(14)
  })

  test('nothing left is no forecast', () => {
    expect(daysLeft('0.00', days('5.00', '1.00'))).toBeNull()
  })
})

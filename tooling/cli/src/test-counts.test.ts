import { describe, expect, test } from 'vitest'
import { countPlaywright, countVitest, sumLine } from './test-counts.ts'

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((one) => ({ status: one })),
})

describe('counts of vitest', () => {
  const numbers = { numPassedTests: 3, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1 }

  test('are its own, with what is to do among the skipped', () => {
    const testResults = [file('passed', 'passed', 'passed', 'skipped'), file('failed', 'passed', 'failed')]
    expect(countVitest({ ...numbers, testResults })).toEqual({ passed: 3, failed: 1, skipped: 3 })
  })

  test('add one failure for each file that could not be loaded', () => {
    const testResults = [file('failed', 'failed'), file('failed'), file('failed')]
    expect(countVitest({ ...numbers, testResults }).failed).toBe(3)
  })

  test('are not made up from a report of another shape', () => {
    expect(() => countVitest({ passed: 3 })).toThrow()
  })
})

test('a browser test that passed only when repeated has failed', () => {
  const stats = { expected: 5, unexpected: 1, flaky: 1, skipped: 2 }
  expect(countPlaywright({ stats })).toEqual({ passed: 5, failed: 2, skipped: 2 })
  expect(countPlaywright({ stats, errors: [{ message: 'global set-up failed' }] }).failed).toBe(3)
})

test('the last line is alone on its line and names skipped tests only when there are some', () => {
  expect(sumLine({ passed: 120, failed: 0, skipped: 0 })).toBe('120 passed, 0 failed')
  expect(sumLine({ passed: 119, failed: 1, skipped: 2 })).toBe('119 passed, 1 failed, 2 skipped')
})

import { expect, test } from 'vitest'
import { findGaps } from './lockcheck.ts'

const turbo = {
  name: 'turbo',
  version: '2.11.9',
  optionalDependencies: { 'turbo-darwin-arm64': '2.11.9', 'turbo-linux-64': '^2.11.9', 'turbo-windows-64': '2.11.9' },
}

test('a platform that the lockfile lacks is named', () => {
  expect(findGaps([turbo], 'turbo-linux-64@2.11.9:')).toEqual([
    { package: 'turbo@2.11.9', missing: ['turbo-darwin-arm64@2.11.9'] },
  ])
})

test('another version of the binary does not do', () => {
  const lockfile = 'turbo-linux-64@2.11.9: turbo-darwin-arm64@2.11.8:'
  expect(findGaps([turbo], lockfile)).toHaveLength(1)
})

test('complete packages and those without binaries pass', () => {
  const lockfile = 'turbo-linux-64@2.11.9: turbo-darwin-arm64@2.11.9:'
  expect(findGaps([turbo, { name: 'zod', version: '4.6.7' }], lockfile)).toEqual([])
})

import { SETUPS } from '@stipend/setups'
import { expect, test } from 'vitest'
import { CLIENTS } from './clients.ts'

test('every tool whose users are told how to set it up is tried', () => {
  const tried = CLIENTS.flatMap(({ setup }) => setup ?? [])
  for (const [id, setup] of Object.entries(SETUPS)) expect(tried, id).toContain(setup)
})

test('versions are exact', () => {
  for (const { packages } of CLIENTS) {
    for (const version of Object.values(packages)) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
  }
  expect(new Set(CLIENTS.map(({ id }) => id)).size).toBe(CLIENTS.length)
})

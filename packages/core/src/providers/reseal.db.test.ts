import { randomBytes } from 'node:crypto'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import * as core from '../index.ts'
import { createProvider, createScene, type Scene } from '../testing.ts'

const [older, newer] = [randomBytes(32), randomBytes(32)]

let test: TestDatabase
let scene: Scene
beforeEach(async () => {
  test = await createTestDatabase(inject('testCluster'))
  scene = await createScene(test.database)
})
afterEach(() => test.drop())

async function credentials(keys: core.MasterKeys) {
  const platform = await core.loadPlatformCatalogue(test.database, keys)
  const all = await core.loadTenantCatalogue(test.database, keys, scene.tenant_id, platform)
  return new Set(all.map(({ provider }) => provider.credential))
}

it('credentials of everybody are sealed anew, once, and open with the new master key alone', async () => {
  const provide = { base_url: 'https://p.example/v1', masterKey: older }
  await createProvider(test.database, { ...provide, credential: 'sk-platform' })
  await createProvider(test.database, { ...provide, credential: 'sk-own', tenant_id: scene.tenant_id, name: 'own' })
  await createProvider(test.database, { ...provide, name: 'open' })
  await expect(credentials([newer])).rejects.toThrow(/master key we don’t have/)
  // Whoever can do without is told which is left out.
  const leftOut: string[] = []
  const served = await core.loadPlatformCatalogue(test.database, [newer], ({ name }) => leftOut.push(name))
  expect(served.map(({ provider }) => provider.credential)).toEqual([null])
  expect(leftOut).toEqual(['sandbox'])
  expect(await core.resealCredentials(test.database, [newer, older])).toBe(2)
  expect(await credentials([newer])).toEqual(new Set([null, 'sk-own', 'sk-platform']))
  expect(await core.resealCredentials(test.database, [newer, older])).toBe(0)
})

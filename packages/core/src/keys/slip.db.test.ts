import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import * as core from '../index.ts'
import { newSecret } from '../secrets.ts'
import { createScene, type Scene } from '../testing.ts'

let test: TestDatabase
let scene: Scene
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  scene = await createScene(test.database)
})
afterAll(() => test.drop())

const slipOf = (secret: string, now = new Date()) => core.readSlip(test.database, secret, now)

it('says what is left, until when, and nothing of whose it is', async () => {
  const key = await scene.key({ budget_usd: '5', valid_until: '2199-01-01T00:00:00Z', renewal: 'weekly' })
  expect(await slipOf(key.secret)).toEqual({
    tenant_name: scene.tenant.name,
    tenant_kind: 'school',
    time_zone: 'Europe/Amsterdam',
    status: 'active',
    budget: {
      limit_usd: '5.00',
      spent_usd: '0.00',
      remaining_usd: '5.00',
      renewal: 'weekly',
      renews_at: expect.any(String),
    },
    valid_from: null,
    valid_until: '2199-01-01T00:00:00.000Z',
  })
})

it('follows the key: disabled, revoked, its person deactivated', async () => {
  const key = await scene.key()
  await scene.run(core.keys.disable, { id: key.id })
  expect(await slipOf(key.secret)).toMatchObject({ status: 'disabled' })
  await scene.run(core.keys.enable, { id: key.id })
  await test.admin`update members set deactivated_at = now() where id = ${key.member_id}`
  expect(await slipOf(key.secret)).toMatchObject({ status: 'disabled' })
  await scene.run(core.keys.revoke, { id: key.id })
  expect(await slipOf(key.secret)).toMatchObject({ status: 'revoked' })
})

it('knows nothing of a misspelt key, of one that never was, and of another kind of secret', async () => {
  const key = await scene.key()
  const token = await scene.run(core.serviceTokens.create, { name: 'Script', scopes: ['keys:read'] })
  const unknown = newSecret('key', (size: number) => Buffer.alloc(size, 9))
  for (const one of ['', 'sk-stp-', `${key.secret.slice(0, -1)}!`, `${key.secret}x`, unknown, token.secret ?? '']) {
    expect(await slipOf(one), one).toBeNull()
  }
})

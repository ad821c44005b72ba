import { findServiceToken } from '@stipend/db'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import type { Actor } from '../actor.ts'
import * as core from '../index.ts'
import { hashSecret, parseSecret } from '../secrets.ts'
import { createScene, refusalOf, type Scene } from '../testing.ts'

let test: TestDatabase
let scene: Scene
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  scene = await createScene(test.database)
})
afterAll(() => test.drop())

it('a token is shown once, works until it is revoked, and is revoked once', async () => {
  const made = await scene.run(core.serviceTokens.create, {
    name: 'Sync',
    scopes: ['keys:read', 'keys:read', 'members:read'],
  })
  const { secret, ...rest } = made
  expect(parseSecret(secret ?? '')).toBe('service_token')
  expect(rest).toMatchObject({
    scopes: ['keys:read', 'members:read'],
    masked: `st-stp-…${secret?.slice(-4)}`,
    revoked_at: null,
  })
  expect((await scene.run(core.serviceTokens.list, {})).data).toEqual([rest])
  const found = () => findServiceToken(test.database, hashSecret(secret ?? ''))
  expect(await found()).toEqual({ tenant_id: scene.tenant_id, id: made.id, scopes: ['keys:read', 'members:read'] })

  const revoked = await scene.run(core.serviceTokens.revoke, { id: made.id })
  expect(revoked.revoked_at).not.toBeNull()
  expect(await scene.run(core.serviceTokens.revoke, { id: made.id })).toEqual(revoked)
  expect(await found()).toBeNull()
  const entries = await scene.run(core.audit.list, { target_id: made.id })
  expect(entries.data.map((one) => one.operation)).toEqual(['service_tokens.revoke', 'service_tokens.create'])
})

it('gives nobody more than they may do themselves', async () => {
  const token: Actor = {
    kind: 'service_token',
    tenant_id: scene.tenant_id,
    token_id: 'tok_x',
    permissions: ['service_tokens:write', 'keys:read'],
  }
  const create = (scopes: core.TenantPermission[], actor: Actor) =>
    scene.run(core.serviceTokens.create, { name: 'More', scopes }, actor)
  expect((await refusalOf(create(['keys:write'], token))).code).toBe('forbidden')
  expect((await refusalOf(create(['keys:read', 'balance:read'], token))).code).toBe('forbidden')
  expect((await create(['keys:read'], token)).scopes).toEqual(['keys:read'])
  const admin: Actor = { ...(await scene.owner()), role: 'admin' }
  expect((await refusalOf(create(['keys:read'], admin))).code).toBe('forbidden')
})

it('refuses scopes that don’t exist, and none', async () => {
  for (const scopes of [[], ['keys:destroy'], ['platform:write'], ['own'], 'keys:read']) {
    const input = { name: 'Odd', scopes } as { name: string; scopes: core.TenantPermission[] }
    expect((await refusalOf(scene.run(core.serviceTokens.create, input))).code).toBe('invalid_request')
  }
})

it('answers alike for a token that isn’t there and one of another', async () => {
  const other = await createScene(test.database)
  const foreign = await other.run(core.serviceTokens.create, { name: 'Theirs', scopes: ['keys:read'] })
  const revoke = (id: string) => refusalOf(scene.run(core.serviceTokens.revoke, { id }))
  expect(await revoke(foreign.id)).toEqual(await revoke(core.newId('service_token')))
  expect((await other.run(core.serviceTokens.list, {})).data[0]?.revoked_at).toBeNull()
})

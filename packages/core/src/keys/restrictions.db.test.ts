import { randomBytes } from 'node:crypto'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import * as core from '../index.ts'
import { hashSecret } from '../secrets.ts'
import { draw } from '../spend/index.ts'
import { createProvider, createScene, refusalOf, type Scene } from '../testing.ts'

const masterKey = randomBytes(32)

let test: TestDatabase
let scene: Scene
beforeEach(async () => {
  test = await createTestDatabase(inject('testCluster'))
  scene = await createScene(test.database)
})
afterEach(() => test.drop())

const provide = (options: Partial<Parameters<typeof createProvider>[1]> = {}) =>
  createProvider(test.database, { base_url: 'https://provider.example/v1', masterKey, models: ['alpha'], ...options })

/** What a gateway is told of a key. */
async function factsOf(secret: string) {
  const drawn = await draw(test.database, {
    secret_hash: hashSecret(secret),
    gateway_id: 'gtw_test',
    lease_id: core.newId('lease'),
    want_nanos: 0n,
    least_nanos: 0n,
    uses_balance: true,
  })
  if (drawn.outcome !== 'granted') throw new Error(drawn.outcome)
  return drawn.facts
}

describe('a key', () => {
  it('is unrestricted unless told otherwise', async () => {
    const key = await scene.key()
    const unrestricted = { allowed_models: null, allowed_ips: null, provider_id: null, requests_per_minute: null }
    expect(key).toMatchObject(unrestricted)
    expect(await factsOf(key.secret)).toMatchObject({ ...unrestricted, group_ids: [] })
  })

  it('keeps its models, addresses and provider, and gateways are told of them and of its member’s groups', async () => {
    const provider = await provide()
    const person = await scene.member()
    const group = await scene.run(core.groups.create, { name: '3B', location_id: scene.location.id })
    await scene.run(core.groups.addMembers, { group_id: group.id, member_ids: [person.id] })
    const given = {
      allowed_models: ['alpha', 'stipend:sandbox/alpha'],
      allowed_ips: ['192.0.2.0/24', '2001:db8::7'],
      provider_id: provider.id,
      requests_per_minute: 20,
    }
    const { secret, id } = await scene.key({ member_id: person.id, ...given })
    expect(await scene.run(core.keys.get, { id })).toMatchObject(given)
    expect(await factsOf(secret)).toMatchObject({ ...given, group_ids: [group.id] })

    const changed = await scene.run(core.keys.update, { id, allowed_ips: [], allowed_models: null })
    const rest = { allowed_ips: null, allowed_models: null, provider_id: provider.id, requests_per_minute: 20 }
    expect(changed).toMatchObject(rest)
    expect(await factsOf(secret)).toMatchObject(rest)
    const faster = await scene.run(core.keys.update, { id, requests_per_minute: 100_000 })
    expect(faster).toMatchObject({ ...rest, requests_per_minute: 100_000 })
    await scene.run(core.keys.update, { id, requests_per_minute: null })
    expect(await factsOf(secret)).toMatchObject({ ...rest, requests_per_minute: null })
  })

  it('can’t be limited to a model nobody offers, but keeps one that was there', async () => {
    await provide()
    const member_id = (await scene.member()).id
    const refused = await refusalOf(scene.key({ member_id, allowed_models: ['alpha', 'alhpa'] }))
    expect(refused).toMatchObject({ code: 'invalid_request', details: { param: 'allowed_models' } })
    expect(refused.message).toContain('"alhpa"')

    const { id } = await scene.key({ member_id, allowed_models: ['sandbox/alpha'] })
    await test.admin`update models set is_enabled = false`
    const kept = await scene.run(core.keys.update, { id, name: 'Renamed', allowed_models: ['sandbox/alpha'] })
    expect(kept.allowed_models).toEqual(['sandbox/alpha'])
    expect(await refusalOf(scene.run(core.keys.update, { id, allowed_models: ['alpha'] }))).toMatchObject({
      code: 'invalid_request',
    })
  })

  it('can’t be linked to a provider of another tenant, which reads like one that isn’t there', async () => {
    const other = await createScene(test.database)
    const theirs = await provide({ tenant_id: other.tenant_id })
    const { id } = await scene.key()
    for (const provider_id of [theirs.id, core.newId('provider')]) {
      expect(await refusalOf(scene.key({ provider_id }))).toEqual({
        code: 'not_found',
        message: 'There is no such provider.',
        details: {},
      })
      expect(await refusalOf(scene.run(core.keys.update, { id, provider_id }))).toMatchObject({ code: 'not_found' })
    }
  })
})

it('gateways hear of a change of restrictions, of groups and of shares', async () => {
  const { id, member_id } = await scene.key()
  const provider = await provide()
  const own = await provide({ tenant_id: scene.tenant_id, name: 'own' })
  const heard: string[] = []
  const { unlisten } = await test.admin.listen('stipend', (message) => heard.push(message))
  await scene.run(core.keys.update, { id, allowed_ips: ['192.0.2.7'] })
  await scene.run(core.keys.update, { id, requests_per_minute: 7 })
  const group = await scene.run(core.groups.create, { name: '3B', location_id: scene.location.id })
  await scene.run(core.groups.addMembers, { group_id: group.id, member_ids: [member_id] })
  await test.admin`insert into provider_shares (tenant_id, provider_id, group_ids) values (${scene.tenant_id}, ${own.id}, '{}')`
  await test.admin`update providers set priority = 5 where id = ${own.id}`
  await test.admin`update providers set priority = 5 where id = ${provider.id}`
  await expect
    .poll(() => heard)
    .toEqual([
      `key ${id}`,
      `key ${id}`,
      `member ${member_id}`,
      `catalogue ${scene.tenant_id}`,
      `catalogue ${scene.tenant_id}`,
      'catalogue',
    ])
  await unlisten()
})

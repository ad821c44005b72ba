import { randomBytes } from 'node:crypto'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import * as core from '../index.ts'
import { createProvider, createScene, refusalOf, type Scene } from '../testing.ts'

let test: TestDatabase
let scene: Scene
let provider_id: string
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  scene = await createScene(test.database)
  const provider = { base_url: 'https://provider.example/v1', masterKey: randomBytes(32), models: ['alpha', 'beta'] }
  provider_id = (await createProvider(test.database, { ...provider, name: 'first' })).id
})
afterAll(() => test.drop())

const idsOf = (page: { data: { id: string }[] }) => page.data.map((key) => key.id).sort()

it('is filtered by the provider a key is linked to, and by a model it is limited to', async () => {
  const linked = await scene.key({ provider_id, allowed_models: ['alpha'] })
  const limited = await scene.key({ allowed_models: ['alpha', 'beta'] })
  await scene.key()
  expect(linked.provider_name).toBe('first')
  expect(idsOf(await scene.run(core.keys.list, { provider_id }))).toEqual([linked.id])
  expect(idsOf(await scene.run(core.keys.list, { model: 'alpha' }))).toEqual([linked.id, limited.id].sort())
  expect(idsOf(await scene.run(core.keys.list, { model: 'beta' }))).toEqual([limited.id])
  expect(idsOf(await scene.run(core.keys.list, { model: 'gamma' }))).toEqual([])
  // An act on all that match means exactly those that are shown.
  for (const filter of [{ provider_id }, { model: 'alpha' }, { model: 'gamma' }]) {
    const shown = await scene.run(core.keys.list, filter)
    const { keys_count } = await scene.run(core.keys.previewMany, { act: 'disable', filter })
    expect(keys_count).toBe(shown.data.length)
  }
})

it('one’s own keys are listed by state and order, and looked at one by one; those of others are not there', async () => {
  const person = await scene.member()
  const self = {
    kind: 'user' as const,
    tenant_id: scene.tenant_id,
    user_id: 'usr_self',
    member_id: person.id,
    role: 'member' as const,
    location_ids: null,
    group_ids: null,
  }
  const first = await scene.key({ member_id: person.id, name: 'A' })
  const second = await scene.key({ member_id: person.id, name: 'B' })
  const other = await scene.key()
  await scene.run(core.keys.disable, { id: second.id })
  const listed = async (input: { sort?: 'name' | '-name'; status?: 'active' | 'disabled' }) =>
    (await scene.run(core.keys.listOwn, input, self)).data.map((key) => key.id)
  expect(await listed({ sort: 'name' })).toEqual([first.id, second.id])
  expect(await listed({ sort: '-name' })).toEqual([second.id, first.id])
  expect(await listed({ status: 'disabled' })).toEqual([second.id])
  expect(await scene.run(core.keys.getOwn, { id: first.id }, self)).toMatchObject({ id: first.id, name: 'A' })
  expect((await refusalOf(scene.run(core.keys.getOwn, { id: other.id }, self))).code).toBe('not_found')
})

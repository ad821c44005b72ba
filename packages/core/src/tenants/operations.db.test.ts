import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import type { Actor } from '../actor.ts'
import * as core from '../index.ts'
import { createScene, refusalOf, type Scene } from '../testing.ts'

let test: TestDatabase
let scene: Scene
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  scene = await createScene(test.database)
})
afterAll(() => test.drop())

const input = { slug: 'lindenhof', kind: 'school' as const, name: 'Lindenhof', time_zone: 'Europe/Berlin' }
const create = (changes: object = {}) => {
  const operator: Actor = { kind: 'operator', tenant_id: core.newId('tenant'), name: 'test' }
  return scene.run(core.tenants.create, { ...input, ...changes }, operator)
}

it('an organisation is made by an operator, with an empty balance, and its address is taken for all', async () => {
  const made = await create()
  expect(made).toEqual({
    ...input,
    id: expect.stringMatching(/^ten_/),
    accent_color: 'blue',
    created_at: expect.stringMatching(/Z$/),
  })
  expect((await refusalOf(create())).code).toBe('conflict')
  const operator: Actor = { kind: 'operator', tenant_id: made.id, name: 'test' }
  expect(await scene.run(core.tenants.get, {}, operator)).toEqual(made)
  expect((await scene.run(core.balance.get, {}, operator)).credited_usd).toBe('0.00')
  expect((await refusalOf(scene.run(core.tenants.create, { ...input, slug: 'mine' }, await scene.owner()))).code).toBe(
    'forbidden',
  )
})

it.each([
  ['slug', ''],
  ['slug', 'Lindenhof'],
  ['slug', '-a'],
  ['slug', 'a-'],
  ['slug', 'a/../b'],
  ['slug', 'a'.repeat(64)],
  ['time_zone', 'Europe/Atlantis'],
  ['time_zone', '+01:00'],
  ['time_zone', "UTC'; drop table tenants; --"],
  ['time_zone', ''],
  ['kind', 'club'],
  ['name', ''],
])('refuses the %s %j', async (field, value) => {
  expect((await refusalOf(create({ [field]: value }))).details.param).toBe(field)
})

it('a time zone that is accepted is one the database knows', async () => {
  for (const time_zone of [
    'UTC',
    'Etc/GMT+5',
    'America/Argentina/Buenos_Aires',
    'Asia/Kolkata',
    'America/St_Johns',
    'Europe/Kyiv',
  ]) {
    const place = await createScene(test.database, { time_zone })
    const key = await place.key({ renewal: 'daily' })
    expect(key.budget.renews_at).not.toBeNull()
    expect((await place.run(core.usage.summary, { days: 2 })).by_day).toHaveLength(2)
  }
})

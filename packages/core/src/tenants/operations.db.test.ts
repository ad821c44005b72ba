import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import type { Actor } from '../actor.ts'
import * as core from '../index.ts'
import { createScene, refusalOf, type Scene } from '../testing.ts'
import { TimeZone } from './tenant.ts'

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
    own_keys: { kinds: [], keys_max: 3, budget_max_usd: '5.00', days_max: null, may_renew: false },
    content: { kept: 'nothing', days: 30 },
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

it('an organisation is changed in the fields given, by its owner and by admins of all of it', async () => {
  const place = await createScene(test.database)
  const own_keys = {
    kinds: ['staff' as const, 'staff' as const],
    keys_max: 2,
    budget_max_usd: '12.5',
    days_max: 30,
    may_renew: true,
  }
  const changed = await place.run(core.tenants.update, { own_keys, name: ' New name ' }, await place.owner())
  expect(changed).toEqual({
    ...place.tenant,
    name: 'New name',
    own_keys: { ...own_keys, kinds: ['staff'], budget_max_usd: '12.50' },
  })
  const admin = await place.owner()
  const again = await place.run(
    core.tenants.update,
    { time_zone: 'Asia/Tokyo', content: { kept: 'titles', days: 7 } },
    { ...admin, role: 'admin' },
  )
  expect(again).toEqual({ ...changed, time_zone: 'Asia/Tokyo', content: { kept: 'titles', days: 7 } })
  expect(await place.run(core.tenants.get, {})).toEqual(again)
  const confined = await place.adminOf(place.location.id)
  expect((await refusalOf(place.run(core.tenants.update, { name: 'Mine' }, confined))).code).toBe('forbidden')
  const wrong = refusalOf(place.run(core.tenants.update, { own_keys: { ...own_keys, budget_max_usd: '0' } }))
  expect((await wrong).details.param).toBe('own_keys.budget_max_usd')
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
  ['time_zone', 'IST'],
  ['time_zone', 'PST'],
  ['time_zone', 'SystemV/EST5'],
  ['time_zone', ''],
  ['kind', 'club'],
  ['name', ''],
])('refuses the %s %j', async (field, value) => {
  expect((await refusalOf(create({ [field]: value }))).details.param).toBe(field)
})

it('time zones that are accepted are those the database knows', async () => {
  const accepted = [...Intl.supportedValuesOf('timeZone'), 'Asia/Kolkata', 'Etc/GMT+12', 'UTC'].filter(
    (zone) => TimeZone.safeParse(zone).success,
  )
  expect(accepted.length).toBeGreaterThan(400)
  const unknown = await test.admin`
    select zone from unnest(${accepted}::text[]) as zone where zone not in (select name from pg_timezone_names)`
  expect(unknown.map((row) => row.zone)).toEqual([])
})

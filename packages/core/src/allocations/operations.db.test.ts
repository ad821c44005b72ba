import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import * as core from '../index.ts'
import { createScene, refusalOf } from '../testing.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
})
afterAll(() => test.drop())

it('an allocation is made, drawn from by keys, and listed newest first', async () => {
  const scene = await createScene(test.database)
  const first = await scene.run(core.allocations.create, { name: 'Robotics', budget_usd: '20', renewal: 'monthly' })
  expect(first).toMatchObject({
    id: expect.stringMatching(/^alc_/),
    keys_count: 0,
    budget: { limit_usd: '20.00', spent_usd: '0.00', remaining_usd: '20.00', renewal: 'monthly' },
  })
  const second = await scene.run(core.allocations.create, { name: 'Chess', budget_usd: '1' })
  await scene.key({ allocation_id: first.id })
  await scene.key({ allocation_id: first.id })
  const { data } = await scene.run(core.allocations.list, {})
  expect(data.map((one) => [one.id, one.keys_count])).toEqual([
    [second.id, 0],
    [first.id, 2],
  ])
  const page = await scene.run(core.allocations.list, { limit: 1 })
  const next = await scene.run(core.allocations.list, { limit: 1, cursor: page.next_cursor ?? '' })
  expect([page.data[0]?.id, next.data[0]?.id, next.next_cursor]).toEqual([second.id, first.id, null])
})

it('its name is taken within the tenant only, and its budget is an amount', async () => {
  const [scene, other] = [await createScene(test.database), await createScene(test.database)]
  const create = (of: typeof scene, budget_usd: string) => of.run(core.allocations.create, { name: 'Pot', budget_usd })
  await create(scene, '1')
  expect((await refusalOf(create(scene, '1'))).code).toBe('conflict')
  await create(other, '1')
  for (const budget_usd of ['0', '-1', '1e3', '']) {
    expect((await refusalOf(create(scene, budget_usd))).details.param).toBe('budget_usd')
  }
  expect((await scene.run(core.allocations.list, {})).data).toHaveLength(1)
})

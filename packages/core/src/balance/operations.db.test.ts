import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { usd } from '@stipend/money'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import * as core from '../index.ts'
import { auditLedger } from '../spend/index.ts'
import { createScene, refusalOf } from '../testing.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
})
afterAll(() => test.drop())

it('a balance begins with nothing and is what was credited', async () => {
  const scene = await createScene(test.database, { balance_usd: null })
  const empty = { available_usd: '0.00', credited_usd: '0.00', spent_usd: '0.00', set_aside_usd: '0.00' }
  expect(await scene.run(core.balance.get, {})).toEqual(empty)
  const entry = await scene.run(core.balance.credit, { amount_usd: '0.000000001', cause: 'A gift' })
  expect(entry).toMatchObject({ id: expect.stringMatching(/^led_/), amount_usd: '0.000000001', cause: 'A gift' })
  expect(await scene.run(core.balance.get, {})).toMatchObject({
    available_usd: '0.000000001',
    credited_usd: '0.000000001',
  })
  expect((await auditLedger(test.database)).violations).toEqual([])
})

it('loses nothing of many credits at once', async () => {
  const scene = await createScene(test.database, { balance_usd: null })
  await Promise.all(
    Array.from({ length: 25 }, (_, n) =>
      scene.run(core.balance.credit, { amount_usd: `${n + 1}.01`, cause: `No. ${n}` }),
    ),
  )
  expect(usd((await scene.run(core.balance.get, {})).available_usd)).toBe(usd('325.25'))
  expect((await auditLedger(test.database)).violations).toEqual([])
})

it.each(['0', '-5', '1e2', '5,00', '', '1000000001'])('refuses a credit of %j', async (amount_usd) => {
  const scene = await createScene(test.database, { balance_usd: null })
  const refused = await refusalOf(scene.run(core.balance.credit, { amount_usd, cause: 'x' }))
  expect(refused).toMatchObject({ code: 'invalid_request', details: { param: 'amount_usd' } })
  expect((await scene.run(core.balance.get, {})).credited_usd).toBe('0.00')
})

import { newId } from '@stipend/core'
import { keepBooksOf } from '@stipend/core/spend'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from 'vitest'
import { billing, statements } from '../src/index.ts'
import type { Reconciliation } from '../src/reconcile.ts'
import type { Statement } from '../src/statements.ts'
import { createHouse, type House } from './house.ts'

let test: TestDatabase
let house: House
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
})
afterAll(() => test.drop())
beforeEach(async () => {
  house = await createHouse(test, { balance_usd: '3' })
})
afterEach(() => house.close())

const month = () => new Date().toISOString().slice(0, 7)
const differences = async () => ((await house.run(billing.reconcile, {})) as Reconciliation).differences
const settle = async () => {
  for (const event of house.sandbox.events()) await house.deliver(event)
}

it('a month lists what came in and went out, and its ends meet the balance', async () => {
  await house.paid('25')
  await settle()
  house.sandbox.payments.refund(house.intent(), 500)
  await settle()
  const statement = (await house.run(statements.get, { month: month() })) as Statement
  expect(statement).toMatchObject({ is_final: false, opening_usd: '0.00', closing_usd: '23.00' })
  expect(statement.lines.map((line) => [line.kind, line.cause, line.amount_usd, line.balance_after_usd])).toEqual([
    ['credit', 'test', '3.00', '3.00'],
    ['top_up', 'Visa ending in 4242', '25.00', '28.00'],
    ['refund', 'Refund', '-5.00', '23.00'],
  ])
  expect(statement.totals).toEqual([
    { kind: 'credit', count: 1, amount_usd: '3.00' },
    { kind: 'top_up', count: 1, amount_usd: '25.00' },
    { kind: 'refund', count: 1, amount_usd: '-5.00' },
  ])
  expect(await house.run(statements.list, {})).toEqual({
    data: [{ month: month(), is_final: false, opening_usd: '0.00', closing_usd: '23.00' }],
  })
  await expect(house.run(statements.get, { month: '2999-01' })).rejects.toMatchObject({ code: 'not_found' })
  await expect(house.run(statements.get, { month: '2026-13' })).rejects.toMatchObject({ code: 'invalid_request' })
})

it('where all is well, nothing differs; each thing that goes wrong is found', async () => {
  await house.paid('25')
  await settle()
  await keepBooksOf(test.database, house.tenant_id, { now: new Date(), newId })
  expect(await differences()).toEqual([])

  // Stripe knows of money that we don't: its events are on their way.
  await house.paid('50')
  house.sandbox.payments.refund(
    house.sandbox.events().find((event) => event.type === 'payment_intent.succeeded')?.data.object.id as string,
    700,
  )
  const late = (await differences()).map(({ between, ours_usd, theirs_usd }) => `${between} ${ours_usd} ${theirs_usd}`)
  expect(late.toSorted()).toEqual(['payments_and_stripe 0.00 50.00', 'payments_and_stripe 25.00 18.00'])
  await settle()
  expect(await differences()).toEqual([])

  // Somebody changed the balance past the ledger, and a payment past both.
  await test.admin`update accounts set limit_nanos = limit_nanos + 1 where tenant_id = ${house.tenant_id} and kind = 'balance'`
  await test.admin`update payments set credited_nanos = credited_nanos + 10000000 where tenant_id = ${house.tenant_id} and amount_nanos = 25000000000`
  const found = await differences()
  expect(found.map((one) => one.between).toSorted()).toEqual([
    'ledger_and_balance',
    'ledger_and_payments',
    'payments_and_stripe',
  ])
})

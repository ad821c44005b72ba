import * as core from '@stipend/core'
import { hashSecret } from '@stipend/core/secrets'
import { draw } from '@stipend/core/spend'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { formatUsd, usd } from '@stipend/money'
import { sign } from '@stipend/sandbox-stripe'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { topUpShort } from '../src/automatic.ts'
import { processEvent, processWaiting, receiveEvent } from '../src/inbox.ts'
import { createHouse, type House, WEBHOOK_SECRET } from './house.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
})
afterAll(() => test.drop())

/** What happens at Stripe, and what of it reaches us. */
type Step =
  | { do: 'pay'; cents: number; card: string }
  | { do: 'refund' | 'dispute'; which: number; part: number }
  | { do: 'fail refund' | 'win' | 'lose'; which: number }
  | { do: 'deliver'; which: number; times: number }
  | { do: 'crash'; which: number; at: number }
  | { do: 'check'; which: number }

const which = fc.nat({ max: 30 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('pay' as const),
      cents: fc.integer({ min: 500, max: 100_000 }),
      card: fc.constantFrom('4242424242424242', '4000000000000002', '4000000000000259'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('refund' as const, 'dispute' as const),
      which,
      part: fc.integer({ min: 1, max: 100 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('fail refund' as const, 'win' as const, 'lose' as const), which }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('deliver' as const), which, times: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('crash' as const), which, at: fc.integer({ min: 1, max: 14 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('check' as const), which }) },
)

/** What a payment is worth at Stripe at this moment: what came in, less what went back and what is disputed. */
function worth(house: House): { net: bigint; received: bigint } {
  const objects = new Map(house.sandbox.events().map(({ data: { object } }) => [String(object.id), object]))
  let received = 0n
  let gone = 0n
  const CENT = 10_000_000n
  for (const [, object] of objects) {
    if (object.object === 'payment_intent' && object.status === 'succeeded')
      received += BigInt(object.amount as number) * CENT
    if (object.object === 'refund' && object.status === 'succeeded') gone += BigInt(object.amount as number) * CENT
    if (object.object === 'dispute' && ['needs_response', 'lost'].includes(String(object.status)))
      gone += BigInt(object.amount as number) * CENT
  }
  return { net: received - gone, received }
}

const quietly = (work: () => unknown) => {
  try {
    work()
  } catch {
    // There was nothing to refund or to dispute.
  }
}

async function perform(house: House, one: Step, topUps: string[]): Promise<void> {
  const { sandbox } = house
  const of = (kind: string) => [
    ...new Set(
      sandbox
        .events()
        .filter((event) => event.data.object.object === kind)
        .map((event) => String(event.data.object.id)),
    ),
  ]
  const pick = <T>(all: T[], at: number): T | undefined => all[at % Math.max(1, all.length)]
  switch (one.do) {
    case 'pay': {
      const { id, checkout_url } = (await house.run((await import('../src/index.ts')).topUps.create, {
        amount_usd: formatUsd(BigInt(one.cents) * 10_000_000n),
      })) as { id: string; checkout_url: string }
      topUps.push(id)
      return quietly(() => sandbox.pay(checkout_url.split('/').at(-1) ?? '', { card: one.card }))
    }
    case 'refund':
    case 'dispute': {
      const intent = pick(of('payment_intent'), one.which) ?? ''
      if (one.do === 'refund') return quietly(() => sandbox.payments.refund(intent, one.part * 10))
      return quietly(() =>
        sandbox.payments.dispute(
          intent,
          one.part % 2 === 0 ? 'needs_response' : 'warning_needs_response',
          one.part * 10,
        ),
      )
    }
    case 'fail refund':
      return quietly(() => sandbox.payments.failRefund(pick(of('refund'), one.which) ?? ''))
    case 'win':
    case 'lose':
      return quietly(() =>
        sandbox.payments.changeDispute(pick(of('dispute'), one.which) ?? '', one.do === 'win' ? 'won' : 'lost'),
      )
    case 'deliver': {
      const event = pick(sandbox.events(), one.which)
      if (event === undefined) return
      await Promise.all(Array.from({ length: one.times }, () => house.deliver(event)))
      return
    }
    case 'crash': {
      const event = pick(sandbox.events(), one.which)
      if (event === undefined) return
      await deliverUntil(house, event, one.at)
      return
    }
    case 'check': {
      const id = pick(topUps, one.which)
      if (id !== undefined) await house.check(id)
    }
  }
}

type Event = ReturnType<House['sandbox']['events']>[number]
class Crash extends Error {}

/** Delivers an event to a program that dies at its n-th step. Answers whether it died. */
async function deliverUntil(house: House, event: Event, n: number): Promise<boolean> {
  let count = 0
  const deps = {
    ...house.deps,
    step: () => {
      count += 1
      if (count === n) throw new Crash()
    },
  }
  const { body, signature } = sign(event, WEBHOOK_SECRET)
  try {
    const id = await receiveEvent(deps, Buffer.from(body), signature)
    if (id !== null) await processEvent(deps, id)
    return false
  } catch (error) {
    if (error instanceof Crash) return true
    throw error
  }
}

describe('whatever order events come in, repeated, late, lost or cut off', () => {
  it('no payment counts twice at any moment, and in the end the balance is what Stripe has', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 25 }), async (steps) => {
        const house = await createHouse(test)
        const topUps: string[] = []
        try {
          for (const one of steps) {
            await perform(house, one, topUps)
            const { data } = (await house.run(core.balance.listLedger, { kind: 'top_up', limit: 200 })) as {
              data: { amount_usd: string; payment_id: string }[]
            }
            // Each payment at most once, and never more than has come in.
            expect(new Set(data.map((entry) => entry.payment_id)).size).toBe(data.length)
            const credited = data.reduce((sum, entry) => sum + usd(entry.amount_usd), 0n)
            expect(credited <= worth(house).received).toBe(true)
          }
          // What got lost is sent again, and the worker does what nobody finished.
          for (const event of house.sandbox.events().toReversed()) await house.receive(event)
          await house.worker()
          expect(await house.available()).toBe(formatUsd(worth(house).net))
          await house.sound()
        } finally {
          await house.close()
        }
      }),
      { numRuns: 25, seed: 20_261_124, endOnFailure: true },
    )
  }, 180_000)
})

describe('a program that dies between any two steps', () => {
  it('of taking in and processing an event leaves what the worker finishes', async () => {
    const died: number[] = []
    for (let n = 1; ; n += 1) {
      const house = await createHouse(test)
      await house.paid('40')
      house.sandbox.payments.refund(house.intent(), 500)
      const event = house.sandbox.events().find((one) => one.type === 'charge.refunded') as Event
      const isDead = await deliverUntil(house, event, n)
      expect(['0.00', '35.00']).toContain(await house.available())
      await house.receive(event)
      await processWaiting(house.deps, new Date(Date.now() + 60_000))
      expect(await house.available()).toBe('35.00')
      await house.sound()
      await house.close()
      if (!isDead) break
      died.push(n)
    }
    expect(died.length).toBeGreaterThan(8)
  }, 120_000)

  it('of an automatic top-up charges once', async () => {
    for (let n = 1; ; n += 1) {
      const house = await createHouse(test, { balance_usd: '1' })
      await house.saveCard()
      const { billing } = await import('../src/index.ts')
      await house.run(billing.setAutomatic, { threshold_usd: '10', amount_usd: '20', monthly_max_usd: '100' })
      let count = 0
      const dying = {
        ...house.deps,
        step: () => {
          count += 1
          if (count === n) throw new Crash()
        },
      }
      const first = await topUpShort(dying, house.tenant_id, new Date()).catch((error: unknown) => {
        if (error instanceof Crash) return 'died'
        throw error
      })
      for (let again = 0; again < 3; again += 1) await house.topUpShort()
      const intents = house.sandbox.events().filter((event) => event.type === 'payment_intent.created')
      expect(intents).toHaveLength(1)
      for (const event of house.sandbox.events()) await house.deliver(event)
      await house.worker()
      expect(await house.available()).toBe('21.00')
      await house.sound()
      await house.close()
      if (first !== 'died') {
        expect(n).toBeGreaterThan(6)
        break
      }
    }
  }, 120_000)
})

it('money that was spent and is taken back leaves a debt, and keys stop until it is made up for', async () => {
  const house = await createHouse(test)
  await house.paid('25')
  for (const event of house.sandbox.events()) await house.deliver(event)
  const key = await house.scene.key({ budget_usd: '100' })
  const ask = () =>
    draw(test.database, {
      secret_hash: hashSecret(key.secret),
      gateway_id: 'gtw_test',
      lease_id: core.newId('lease'),
      want_nanos: usd('20'),
      least_nanos: usd('20'),
      uses_balance: true,
    })
  expect((await ask()).outcome).toBe('granted')
  house.sandbox.payments.dispute(house.intent(), 'lost')
  for (const event of house.sandbox.events()) await house.deliver(event)
  // Twenty are out with a gateway: they can't be taken back, and nothing more is given.
  expect(await house.run(core.balance.get, {})).toMatchObject({ available_usd: '0.00', set_aside_usd: '20.00' })
  expect(await ask()).toMatchObject({ outcome: 'short', error: { code: 'balance_exhausted' } })
  await house.sound()
  await house.paid('50')
  for (const event of house.sandbox.events()) await house.deliver(event)
  expect((await ask()).outcome).toBe('granted')
  await house.sound()
  await house.close()
})

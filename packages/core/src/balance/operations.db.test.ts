import { withTenant } from '@stipend/db'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { usd } from '@stipend/money'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import * as core from '../index.ts'
import { hashSecret } from '../secrets.ts'
import { auditLedger, draw, keepBooksOf, settle } from '../spend/index.ts'
import { createScene, refusalOf, type Scene } from '../testing.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
})
afterAll(() => test.drop())

const sound = async () => expect((await auditLedger(test.database)).violations).toEqual([])
const available = async (scene: Scene) => (await scene.run(core.balance.get, {})).available_usd
const keep = (scene: Scene, at: string | Date) =>
  keepBooksOf(test.database, scene.tenant_id, { now: new Date(at), newId: core.newId })

it('a balance begins with nothing and is what was credited', async () => {
  const scene = await createScene(test.database, { balance_usd: null })
  const empty = {
    available_usd: '0.00',
    credited_usd: '0.00',
    spent_usd: '0.00',
    set_aside_usd: '0.00',
    level: 'empty',
  }
  expect(await scene.run(core.balance.get, {})).toMatchObject(empty)
  const entry = await scene.run(core.balance.credit, { amount_usd: '0.000000001', cause: 'A gift' })
  expect(entry).toMatchObject({ id: expect.stringMatching(/^led_/), amount_usd: '0.000000001', cause: 'A gift' })
  expect(await scene.run(core.balance.get, {})).toMatchObject({
    available_usd: '0.000000001',
    credited_usd: '0.000000001',
    level: 'low',
  })
  await sound()
})

it('loses nothing of many credits at once, and numbers them without gaps', async () => {
  const scene = await createScene(test.database, { balance_usd: null })
  await Promise.all(
    Array.from({ length: 25 }, (_, n) =>
      scene.run(core.balance.credit, { amount_usd: `${n + 1}.01`, cause: `No. ${n}` }),
    ),
  )
  expect(usd((await scene.run(core.balance.get, {})).available_usd)).toBe(usd('325.25'))
  const first = await scene.run(core.balance.listLedger, { limit: 10 })
  const second = await scene.run(core.balance.listLedger, { limit: 50, cursor: first.next_cursor ?? '' })
  const all = [...first.data, ...second.data]
  expect(all.map((one) => one.number)).toEqual(Array.from({ length: 25 }, (_, n) => 25 - n))
  expect(all[0]?.balance_after_usd).toBe('325.25')
  for (const one of all) expect(one.entries.reduce((sum, { amount_usd }) => sum + usd(amount_usd), 0n)).toBe(0n)
  await sound()
})

it.each(['0', '-5', '1e2', '5,00', '', '1000000001'])('refuses a credit of %j', async (amount_usd) => {
  const scene = await createScene(test.database, { balance_usd: null })
  const refused = await refusalOf(scene.run(core.balance.credit, { amount_usd, cause: 'x' }))
  expect(refused).toMatchObject({ code: 'invalid_request', details: { param: 'amount_usd' } })
  expect((await scene.run(core.balance.get, {})).credited_usd).toBe('0.00')
})

it('owners see the balance; others whether there is enough', async () => {
  const scene = await createScene(test.database)
  const owner = await scene.owner()
  expect((await scene.run(core.balance.get, {}, owner)).available_usd).toBe('100.00')
  for (const role of ['admin', 'auditor', 'member'] as const) {
    const actor = { ...owner, role }
    expect((await refusalOf(scene.run(core.balance.get, {}, actor))).code).toBe('forbidden')
    expect((await refusalOf(scene.run(core.balance.listLedger, {}, actor))).code).toBe('forbidden')
    expect(await scene.run(core.balance.level, {}, actor)).toEqual({ level: 'enough' })
  }
})

it('a movement is posted once for its external id, however many try at once', async () => {
  const scene = await createScene(test.database, { balance_usd: null })
  const post = () =>
    withTenant(test.database, scene.tenant_id, (tx) =>
      core.postToLedger(tx, {
        id: core.newId('ledger'),
        kind: 'top_up',
        external_id: 'pi_1',
        amount_nanos: usd('25'),
        cause: 'x',
        created_by: 'test',
      }),
    )
  const posted = await Promise.all(Array.from({ length: 20 }, post))
  expect(posted.filter(Boolean)).toHaveLength(1)
  expect(await available(scene)).toBe('25.00')
})

it('a transaction of one side is refused by the database', async () => {
  const scene = await createScene(test.database)
  const oneSided = (entries: [string, number][]) =>
    test.admin.begin(async (tx) => {
      const id = core.newId('ledger')
      await tx`insert into ledger_transactions (tenant_id, id, number, kind, external_id, cause, effective_at, balance_after_nanos, created_by)
        values (${scene.tenant_id}, ${id}, 99, 'credit', ${id}, 'x', now(), 0, 'x')`
      for (const [account, amount] of entries)
        await tx`insert into ledger_entries (tenant_id, transaction_id, account, amount_nanos) values (${scene.tenant_id}, ${id}, ${account}, ${amount})`
    })
  const refused = { code: '23514' }
  await expect(oneSided([])).rejects.toMatchObject(refused)
  await expect(oneSided([['balance', 5]])).rejects.toMatchObject(refused)
  await expect(
    oneSided([
      ['balance', 5],
      ['invoices', -4],
    ]),
  ).rejects.toMatchObject(refused)
})

// --- usage and promotions ---------------------------------------------------------------------------------------------

/** Draws from the balance and settles, as a gateway does; `settled_at` is set afterwards, as the superuser. */
async function spend(scene: Scene, secret: string, key: { id: string; member_id: string }, cost: string, at: string) {
  const id = core.newId('request')
  const lease_id = core.newId('lease')
  const drawn = await draw(test.database, {
    secret_hash: hashSecret(secret),
    gateway_id: 'gtw_test',
    lease_id,
    want_nanos: usd(cost),
    least_nanos: usd(cost),
    uses_balance: true,
  })
  if (drawn.outcome !== 'granted') throw new Error(`the draw was ${drawn.outcome}`)
  await settle(
    test.database,
    [
      {
        id,
        started_at: at,
        gateway_id: 'gtw_test',
        tenant_id: scene.tenant_id,
        key_id: key.id,
        member_id: key.member_id,
        allocation_id: null,
        draws_on_balance: true,
        lease_id,
        model: 'm',
        provider_id: 'prv_test',
        provider_name: 'p',
        price_id: 'prc_test',
        status: 'succeeded',
        http_status: 200,
        error_code: null,
        is_streamed: false,
        is_estimated: false,
        input_tokens: 1,
        cached_input_tokens: 0,
        cache_write_tokens: 0,
        cache_write_1h_tokens: 0,
        output_tokens: 1,
        reasoning_tokens: null,
        hold_nanos: usd(cost),
        cost_nanos: usd(cost),
        excess_nanos: 0n,
        latency_ms: 1,
        first_byte_ms: null,
      },
    ],
    [{ tenant_id: scene.tenant_id, lease_id, keep_nanos: 0n }],
  )
  await test.admin.begin(async (tx) => {
    await tx`alter table usage_events disable trigger append_only`
    await tx`update usage_events set settled_at = ${at} where id = ${id}`
    await tx`alter table usage_events enable trigger append_only`
  })
}

it('usage is charged by the hour, once, and what comes late to an hour is charged too', async () => {
  const scene = await createScene(test.database)
  const key = await scene.key({ budget_usd: '90' })
  const pay = (cost: string, at: string) => spend(scene, key.secret, key, cost, at)
  await pay('1', '2026-11-20T10:10:00.000Z')
  await pay('2', '2026-11-20T10:59:59.999Z')
  await pay('4', '2026-11-20T11:00:00.000Z')
  await keep(scene, '2026-11-20T11:30:00Z')
  await keep(scene, '2026-11-20T11:30:00Z')
  const charges = async () =>
    (await scene.run(core.balance.listLedger, { kind: 'usage' })).data.map(({ amount_usd, covers_from }) => [
      covers_from,
      amount_usd,
    ])
  expect(await charges()).toEqual([['2026-11-20T10:00:00.000Z', '-3.00']])
  await pay('8', '2026-11-20T10:30:00.000Z')
  await Promise.all([keep(scene, '2026-11-20T12:30:00Z'), keep(scene, '2026-11-20T12:30:00Z')])
  expect(await charges()).toEqual([
    ['2026-11-20T11:00:00.000Z', '-4.00'],
    ['2026-11-20T10:00:00.000Z', '-8.00'],
    ['2026-11-20T10:00:00.000Z', '-3.00'],
  ])
  // It was taken when it was settled: the ledger only tells of it.
  expect(await available(scene)).toBe('85.00')
  const [newest] = (await scene.run(core.balance.listLedger, {})).data
  expect(newest?.balance_after_usd).toBe('85.00')
  const now = new Date('2026-11-21T10:00:00Z')
  const standing = await scene.run(core.balance.get, {}, scene.operator, { now })
  expect([standing.daily_spend_usd, standing.runs_out_at]).toEqual(['15.00', '2026-11-27T02:00:00.000Z'])
  await sound()
})

it('promotional money is used first, soonest to expire first, and what is left of it then leaves', async () => {
  const scene = await createScene(test.database, { balance_usd: '10' })
  const key = await scene.key({ budget_usd: '90' })
  const pay = (cost: string, at: string) => spend(scene, key.secret, key, cost, at)
  const promote = (amount_usd: string, expires_at: string) =>
    scene.run(core.balance.promote, { amount_usd, expires_at, cause: 'Trial' }, scene.operator, {
      now: new Date('2026-11-20T00:00:00Z'),
    })
  await promote('5', '2026-11-22T00:00:00Z')
  await promote('3', '2026-11-21T00:00:00Z')
  expect(await available(scene)).toBe('18.00')
  await pay('4', '2026-11-20T12:00:00.000Z')
  await keep(scene, '2026-11-20T13:00:00Z')
  expect((await scene.run(core.balance.listPromotions, {})).data.map((one) => one.left_usd)).toEqual(['0.00', '4.00'])
  await keep(scene, '2026-11-21T00:10:00Z')
  expect(await available(scene)).toBe('14.00')
  await pay('1', '2026-11-21T12:00:00.000Z')
  // Spent when the promotion had expired: it is paid for by money that doesn't.
  await pay('2', '2026-11-22T00:00:00.500Z')
  await keep(scene, '2026-11-22T00:10:00Z')
  await keep(scene, '2026-11-22T00:10:00Z')
  expect(await available(scene)).toBe('8.00')
  expect((await scene.run(core.balance.listPromotions, {})).data).toEqual([])
  await sound()
})

it('money that expires is not taken from under what is set aside or spent', async () => {
  const scene = await createScene(test.database, { balance_usd: null })
  const key = await scene.key({ budget_usd: '90' })
  const expires_at = '2026-11-21T00:00:00Z'
  const now = new Date('2026-11-20T00:00:00Z')
  await scene.run(core.balance.promote, { amount_usd: '8', expires_at, cause: 'Trial' }, scene.operator, { now })
  const lease_id = core.newId('lease')
  const asked = { secret_hash: hashSecret(key.secret), gateway_id: 'gtw_test', lease_id, uses_balance: true }
  await draw(test.database, { ...asked, want_nanos: usd('6'), least_nanos: usd('6') })
  await keep(scene, '2026-11-21T00:05:00Z')
  expect(await scene.run(core.balance.get, {})).toMatchObject({ available_usd: '6.00', set_aside_usd: '6.00' })
  await settle(test.database, [], [{ tenant_id: scene.tenant_id, lease_id, keep_nanos: usd('1') }])
  await keep(scene, '2026-11-21T00:06:00Z')
  expect(await scene.run(core.balance.get, {})).toMatchObject({ available_usd: '1.00', set_aside_usd: '1.00' })
  await keep(scene, '2026-11-21T00:31:00Z')
  await settle(test.database, [], [{ tenant_id: scene.tenant_id, lease_id, keep_nanos: 0n }])
  await keep(scene, '2026-11-21T00:40:00Z')
  // Waited for long enough: what was still set aside then is let go.
  expect(await available(scene)).toBe('1.00')
  await sound()
})

import { createScene, type Scene } from '@stipend/core/testing'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { commandOn, type Ran } from './testing.ts'

let db: TestDatabase
let scene: Scene
let credit: (...args: string[]) => Promise<Ran>
beforeAll(async () => {
  db = await createTestDatabase(inject('testCluster'))
  scene = await createScene(db.database, { balance_usd: null })
  const command = commandOn(db)
  credit = (...args) => command(['credit', ...args])
})
afterAll(() => db.drop())

const balance = async () => {
  const [row] = await db.admin<{ limit_nanos: string }[]>`
    select limit_nanos::text from account_periods where account_id = ${scene.tenant_id}`
  return row?.limit_nanos
}
const invoice = () => ['--tenant', scene.tenant.slug, '--usd', '250.00', '--cause', 'Invoice 2026-14']

test('an invoice is credited once, however often it is said, and audited as the operator’s act', async () => {
  const first = await credit(...invoice())
  expect(first).toMatchObject({ code: 0, err: '' })
  expect(first.out).toMatch(/^t-\S+: \$250\.00 credited for "Invoice 2026-14", as \w+\.\n$/)
  expect((await credit(...invoice())).out).toBe(first.out)
  expect(await balance()).toBe('250000000000')
  const entries = await db.admin`select tenant_id, actor_id from audit_entries where operation = 'balance.credit'`
  expect([...entries]).toEqual([{ tenant_id: scene.tenant_id, actor_id: 'operator:cli' }])
})

test('another amount for the same invoice is refused, and changes nothing', async () => {
  const { code, err } = await credit('--tenant', scene.tenant.slug, '--usd', '25', '--cause', 'Invoice 2026-14')
  expect({ code, err }).toMatchObject({ code: 1, err: expect.stringMatching(/used for another request/) })
  expect(await balance()).toBe('250000000000')
})

test('a gift says when it ends', async () => {
  const gift = ['--tenant', scene.tenant.slug, '--usd', '10', '--cause', 'Pilot', '--expires', '2999-01-01T00:00:00Z']
  expect(await credit(...gift)).toMatchObject({ code: 0 })
  const [row] = await db.admin`select expires_at::text from promotions`
  expect(row).toMatchObject({ expires_at: expect.stringContaining('2999-01-01') })
  expect(await balance()).toBe('260000000000')
})

test.each([
  ['nothing said', [], /^\nSay whom, how much and why: npm run credit/],
  [
    'nobody of that name',
    ['--tenant', 'nobody', '--usd', '1', '--cause', 'x'],
    /no organisation "nobody". There are: t-/,
  ],
  ['no amount', ['--usd', 'ten', '--cause', 'x'], /^\namount_usd: /],
  ['a time that has gone', ['--usd', '1', '--cause', 'x', '--expires', '2001-01-01T00:00:00Z'], /^\nexpires_at: /],
  ['an option that isn’t', ['--euro', '1'], /Unknown option '--euro'/],
])('%s: a sentence, no stack, and nothing is written', async (_, args, words) => {
  const before = await balance()
  const whom = args.includes('--usd') && !args.includes('--tenant') ? ['--tenant', scene.tenant.slug] : []
  const { code, out, err } = await credit(...whom, ...args)
  expect(code).toBe(1)
  expect(out).toBe('')
  expect(err).toMatch(words)
  expect(err).not.toMatch(/\n\s+at /)
  expect(await balance()).toBe(before)
})

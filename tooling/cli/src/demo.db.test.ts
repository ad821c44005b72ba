import { randomBytes } from 'node:crypto'
import { signIn } from '@stipend/auth'
import { type Actor, execute, lessons, loadPlatformCatalogue, loadTenantCatalogue, newId } from '@stipend/core'
import { auditLedger } from '@stipend/core/spend'
import { allTenants } from '@stipend/db'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { seedDemo } from './demo.ts'
import { DEMO_MODELS } from './demo-data.ts'
import type { DemoTenant } from './demo-file.ts'

const masterKey = randomBytes(32)
const now = new Date()
let db: TestDatabase
let tenants: DemoTenant[]

beforeAll(async () => {
  db = await createTestDatabase(inject('testCluster'))
  const sandboxProviderUrl = 'http://127.0.0.1:3003'
  tenants = await seedDemo({ database: db.database, masterKey, sandboxProviderUrl, now })
})
afterAll(() => db.drop())

test('both organisations are there, and what is told of them is true', async () => {
  expect((await allTenants(db.database)).map((tenant) => tenant.slug).sort()).toEqual(['brightwater', 'lindenhof'])
  expect(tenants.map(({ kind, members }) => [kind, members.length])).toEqual([
    ['school', 68],
    ['company', 40],
  ])
  const keys = await db.admin`select id from keys order by id`
  expect(keys.map((key) => key.id)).toEqual(tenants.flatMap((tenant) => tenant.keys.map((key) => key.id)).sort())
})

test('owners and members can sign in with the passwords told', async () => {
  for (const { owner, members } of tenants) {
    const member = members.find((one) => one.password !== undefined && one.email !== owner.email)
    expect(member).toBeDefined()
    for (const person of [owner, member]) {
      const credentials = { email: person?.email ?? '', password: person?.password ?? '' }
      await expect(signIn(db.database, credentials, { ip: null, now })).resolves.toBeDefined()
    }
  }
})

test('its models have prices, and its ledger is sound', async () => {
  const catalogue = await loadPlatformCatalogue(db.database, [masterKey])
  expect(catalogue.map(({ name }) => name).sort()).toEqual(DEMO_MODELS.map((model) => model.name).sort())
  const company = (await allTenants(db.database)).find(({ slug }) => slug === 'brightwater')
  const own = await loadTenantCatalogue(db.database, [masterKey], company?.id ?? '', [])
  expect(own.map(({ name, provider }) => [name, provider.name, provider.credential])).toEqual([
    ['engineering-large', 'on-site', 'sandbox'],
  ])
  const { violations, tenants: looked } = await auditLedger(db.database)
  expect(violations).toEqual([])
  expect(looked).toBe(2)
})

test('a month was worked, within every budget, and a class is at work', async () => {
  const school = tenants.find(({ kind }) => kind === 'school')
  const [days] = await db.admin`
    select count(distinct date_trunc('day', started_at))::int as count from usage_events where tenant_id = ${school?.id ?? ''}`
  expect(days?.count).toBeGreaterThan(20)

  const actor: Actor = { kind: 'operator', tenant_id: school?.id ?? '', name: 'test' }
  const request = { request_id: newId('request'), ip: null }
  const input = { group_id: school?.lesson?.group_id }
  const { output } = await execute(lessons.get, { database: db.database, given: { now } }, actor, input, { request })
  const states = new Set(output.people.map(({ state }) => state))
  expect([...states]).toEqual(expect.arrayContaining(['idle', 'working', 'near_end', 'no_key']))
  expect(school?.lesson?.secrets).toHaveLength(14)
})

import { randomBytes } from 'node:crypto'
import { signIn } from '@stipend/auth'
import { loadPlatformCatalogue, loadTenantCatalogue } from '@stipend/core'
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

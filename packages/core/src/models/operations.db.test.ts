import { randomBytes } from 'node:crypto'
import { withPlatform, withTenant } from '@stipend/db'
import { models, prices, providers } from '@stipend/db/schema'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { modelPrice } from '@stipend/money'
import { eq } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import * as core from '../index.ts'
import { createProvider, createScene, refusalOf, type Scene } from '../testing.ts'

const HOUR_MS = 3_600_000
const masterKey = randomBytes(32)

let test: TestDatabase
let scene: Scene
beforeEach(async () => {
  test = await createTestDatabase(inject('testCluster'))
  scene = await createScene(test.database)
})
afterEach(() => test.drop())

const provide = (names: string[], options: Partial<Parameters<typeof createProvider>[1]> = {}) =>
  createProvider(test.database, { base_url: 'https://provider.example/v1', masterKey, models: names, ...options })

const listed = async () => (await scene.run(core.models.list, {}, await scene.owner())).data
const names = async () => (await listed()).map(({ name }) => name)

async function modelId(name: string): Promise<string> {
  const [found] = await withPlatform(test.database, (tx) => tx.select().from(models).where(eq(models.name, name)))
  if (found === undefined) throw new Error(`no model ${name}`)
  return found.id
}

/** A price from so many hours from now on. */
async function price(model_id: string, hours: number, input_picos: bigint): Promise<void> {
  const valid_from = new Date(Date.now() + hours * HOUR_MS).toISOString()
  await withPlatform(test.database, (tx) =>
    tx
      .insert(prices)
      .values({ id: core.newId('price'), model_id, valid_from, input_picos, output_picos: 7n, source: 'test' }),
  )
}

describe('what is listed', () => {
  it('is nothing where nothing is connected', async () => {
    expect(await scene.run(core.models.list, {})).toEqual({ data: [], next_cursor: null })
  })

  it('is every model by name, with its limits and its prices per million tokens', async () => {
    const free = modelPrice({ input: '0.000001', output: '0' })
    await provide(['zeta', 'alpha'])
    await provide(['mini'], { name: 'other', price: free, output_tokens_max: 99 })
    const zeta = {
      name: 'zeta',
      provider: 'sandbox',
      context_tokens_max: 128_000,
      output_tokens_max: 4_096,
      input_usd_per_million: '2.50',
      cached_input_usd_per_million: '1.25',
      output_usd_per_million: '10.00',
    }
    const mini = {
      name: 'mini',
      provider: 'other',
      context_tokens_max: 128_000,
      output_tokens_max: 99,
      input_usd_per_million: '0.000001',
      // Without a price of its own, cached input costs what input costs.
      cached_input_usd_per_million: '0.000001',
      output_usd_per_million: '0.00',
    }
    expect(await scene.run(core.models.list, {})).toEqual({
      data: [{ ...zeta, name: 'alpha' }, mini, zeta],
      next_cursor: null,
    })
  })

  it('costs what the newest price in force says', async () => {
    await provide(['alpha'])
    const id = await modelId('alpha')
    await price(id, -48, 1_000_000n)
    expect(await listed()).toMatchObject([{ input_usd_per_million: '2.50' }])
    await price(id, 1, 9_000_000n)
    expect(await listed()).toMatchObject([{ input_usd_per_million: '2.50' }])
    await price(id, 0, 3_000_000n)
    expect(await listed()).toMatchObject([{ input_usd_per_million: '3.00', cached_input_usd_per_million: '3.00' }])
  })

  it('leaves out a model without a price in force', async () => {
    const { id: provider_id } = await provide(['alpha'])
    const id = core.newId('model')
    await withPlatform(test.database, (tx) =>
      tx.insert(models).values({
        id,
        provider_id,
        name: 'beta',
        upstream_name: 'beta',
        context_tokens_max: 1,
        output_tokens_max: 1,
      }),
    )
    expect(await names()).toEqual(['alpha'])
    await price(id, 1, 1n)
    expect(await names()).toEqual(['alpha'])
    await price(id, 0, 1n)
    expect(await names()).toEqual(['alpha', 'beta'])
  })

  it('leaves out what is switched off', async () => {
    await provide(['alpha', 'beta'])
    await provide(['gamma'], { name: 'other' })
    await withPlatform(test.database, async (tx) => {
      await tx.update(models).set({ is_enabled: false }).where(eq(models.name, 'alpha'))
      await tx.update(providers).set({ is_enabled: false }).where(eq(providers.name, 'other'))
    })
    expect(await names()).toEqual(['beta'])
  })

  it('leaves out what a tenant has for itself, as the gateway does', async () => {
    await provide(['alpha'])
    const [provider_id, id] = [core.newId('provider'), core.newId('model')]
    const { tenant_id } = scene
    await withTenant(test.database, tenant_id, async (tx) => {
      await tx.insert(providers).values({
        tenant_id,
        id: provider_id,
        name: 'own',
        kind: 'openai_compatible',
        base_url: 'https://own.example/v1',
      })
      await tx.insert(models).values({
        tenant_id,
        id,
        provider_id,
        name: 'own',
        upstream_name: 'own',
        context_tokens_max: 1,
        output_tokens_max: 1,
      })
      await tx.insert(prices).values({
        tenant_id,
        id: core.newId('price'),
        model_id: id,
        valid_from: new Date(0).toISOString(),
        input_picos: 1n,
        output_picos: 1n,
        source: 'test',
      })
    })
    expect(await names()).toEqual(['alpha'])
  })

  it('is what the gateway serves: of two models with one name, the older', async () => {
    await provide(['alpha'], { output_tokens_max: 11 })
    await provide(['alpha', 'beta'], { name: 'other', output_tokens_max: 22 })
    const served = await core.loadPlatformCatalogue(test.database, [masterKey])
    const shown = (await listed()).map(({ name, provider, output_tokens_max }) => [name, provider, output_tokens_max])
    expect(shown).toEqual([
      ['alpha', 'sandbox', 11],
      ['beta', 'other', 22],
    ])
    expect([...served.values()].map((one) => [one.name, one.provider.name, one.output_tokens_max])).toEqual(shown)
  })
})

describe('who may read it', () => {
  it('every member, whatever their role, and an administrator of some locations', async () => {
    await provide(['alpha'])
    const owner = await scene.owner()
    const actors = [...core.ROLES.map((role) => ({ ...owner, role })), await scene.adminOf(scene.location.id)]
    for (const actor of actors) {
      expect((await scene.run(core.models.list, {}, actor)).data, actor.role).toHaveLength(1)
    }
  })

  it('a service token with the scope tenant:read, and no other', async () => {
    await provide(['alpha'])
    const token = (permissions: core.TenantPermission[]): core.Actor => ({
      kind: 'service_token',
      tenant_id: scene.tenant_id,
      token_id: core.newId('service_token'),
      permissions,
    })
    expect((await scene.run(core.models.list, {}, token(['tenant:read']))).data).toHaveLength(1)
    const others = core.PERMISSIONS.filter((one) => one !== 'tenant:read')
    expect(await refusalOf(scene.run(core.models.list, {}, token(others)))).toMatchObject({ code: 'forbidden' })
  })
})

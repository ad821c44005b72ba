import { randomBytes } from 'node:crypto'
import { withPlatform, withTenant } from '@stipend/db'
import { models, prices, provider_shares, providers } from '@stipend/db/schema'
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
    const zeta = (name: string) => ({
      id: expect.stringMatching(/^mod_/),
      name,
      aliases: [],
      qualified_name: `stipend:sandbox/${name}`,
      provider: 'sandbox',
      provider_id: expect.stringMatching(/^prv_/),
      draws_on_balance: true,
      dialects: ['chat'],
      context_tokens_max: 128_000,
      output_tokens_max: 4_096,
      input_usd_per_million: '2.50',
      cached_input_usd_per_million: '1.25',
      cache_write_usd_per_million: '2.50',
      cache_write_1h_usd_per_million: '2.50',
      output_usd_per_million: '10.00',
      tiers: [],
    })
    const mini = {
      ...zeta('mini'),
      qualified_name: 'stipend:other/mini',
      provider: 'other',
      output_tokens_max: 99,
      input_usd_per_million: '0.000001',
      // Without a price of its own, every other kind of input costs what input costs.
      cached_input_usd_per_million: '0.000001',
      cache_write_usd_per_million: '0.000001',
      cache_write_1h_usd_per_million: '0.000001',
      output_usd_per_million: '0.00',
    }
    expect(await scene.run(core.models.list, {})).toEqual({
      data: [zeta('alpha'), mini, zeta('zeta')],
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

  it('is what a tenant has for itself too, which no other tenant sees', async () => {
    await provide(['alpha'])
    await provide(['own', 'alpha'], { name: 'own', tenant_id: scene.tenant_id, priority: 10 })
    const shown = (await listed()).map(({ qualified_name, draws_on_balance }) => [qualified_name, draws_on_balance])
    const { slug } = scene.tenant
    expect(shown).toEqual([
      [`${slug}:own/alpha`, false],
      ['stipend:sandbox/alpha', true],
      [`${slug}:own/own`, false],
    ])
    const other = await createScene(test.database)
    expect((await other.run(core.models.list, {})).data.map(({ name }) => name)).toEqual(['alpha'])
  })

  it('is what the gateway serves, in the order it is tried', async () => {
    await provide(['alpha'])
    await provide(['alpha', 'beta'], { name: 'second', tenant_id: scene.tenant_id })
    await provide(['alpha'], { name: 'first', priority: 1 })
    const platform = await core.loadPlatformCatalogue(test.database, [masterKey])
    const served = await core.loadTenantCatalogue(test.database, [masterKey], scene.tenant_id, platform)
    const usable = core.usableModels(core.catalogueOf(served), {
      provider_id: null,
      allowed_models: null,
      group_ids: [],
    })
    const shown = (await listed()).map(({ id, qualified_name }) => [id, qualified_name])
    expect(usable.map(({ id, name, provider }) => [id, `${provider.owner}:${provider.name}/${name}`])).toEqual(shown)
    expect(shown.map(([, name]) => name)).toEqual([
      'stipend:first/alpha',
      'stipend:sandbox/alpha',
      `${scene.tenant.slug}:second/alpha`,
      `${scene.tenant.slug}:second/beta`,
    ])
  })

  it('of a provider that is shared with groups, is shown to their members and to who looks after keys', async () => {
    const { id: provider_id } = await provide(['alpha'])
    const group = await scene.run(core.groups.create, { name: '3B', location_id: scene.location.id })
    const [inside, outside] = [await scene.member(), await scene.member()]
    await scene.run(core.groups.addMembers, { group_id: group.id, member_ids: [inside.id] })
    const share = (group_ids: string[]) =>
      withTenant(test.database, scene.tenant_id, (tx) =>
        tx
          .insert(provider_shares)
          .values({ provider_id, group_ids })
          .onConflictDoUpdate({ target: [provider_shares.tenant_id, provider_shares.provider_id], set: { group_ids } }),
      )
    const owner = await scene.owner()
    const seenBy = async (member_id: string) =>
      (await scene.run(core.models.list, {}, { ...owner, member_id, role: 'member' })).data.length
    await share([group.id])
    expect([await seenBy(inside.id), await seenBy(outside.id), (await listed()).length]).toEqual([1, 0, 1])
    await share([])
    expect([await seenBy(inside.id), await seenBy(outside.id), (await listed()).length]).toEqual([0, 0, 0])
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

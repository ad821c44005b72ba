import { randomBytes } from 'node:crypto'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import type { z } from 'zod'
import { execute } from '../execute.ts'
import * as core from '../index.ts'
import type { Reach } from '../operation.ts'
import { createProvider, createScene, refusalOf, type Scene } from '../testing.ts'
import { openCredential } from './credential.ts'

const masterKeys = [randomBytes(32)] as const
const SECRET = 'sk-very-secret-credential'
const PRICE = { input_usd_per_million: '2.50', output_usd_per_million: '10' }

let test: TestDatabase
let scene: Scene
beforeEach(async () => {
  test = await createTestDatabase(inject('testCluster'))
  scene = await createScene(test.database)
})
afterEach(() => test.drop())

async function run<O extends core.AnyOperation>(
  operation: O,
  input: z.input<O['input']>,
  { reach, actor = scene.operator }: { reach?: Reach; actor?: core.Actor } = {},
): Promise<z.output<O['output']>> {
  const deps = { database: test.database, masterKeys, ...(reach === undefined ? {} : { reach }) }
  const request = { request_id: core.newId('request'), ip: null }
  return (await execute(operation, deps, actor, input, { request })).output
}

const connect = (input: Partial<z.input<typeof core.providers.create.input>> = {}) =>
  run(core.providers.create, { name: 'openai', kind: 'openai', credential: SECRET, ...input })

async function served() {
  const platform = await core.loadPlatformCatalogue(test.database, masterKeys)
  return core.loadTenantCatalogue(test.database, masterKeys, scene.tenant_id, platform)
}

describe('a provider', () => {
  it('is connected with the usual address of its kind, before the platform’s, and is served with its credential', async () => {
    const made = await connect()
    expect(made).toMatchObject({
      name: 'openai',
      owner: 'organisation',
      base_url: 'https://api.openai.com/v1',
      has_credential: true,
      priority: 50,
      is_enabled: true,
      shared_with: null,
      models: 0,
      health: { state: 'idle' },
      today: { requests: 0, cost_usd: '0.00' },
    })
    await run(core.providers.setModels, { id: made.id, models: [{ name: 'gpt-5', aliases: ['fast'], price: PRICE }] })
    expect(await served()).toMatchObject([
      {
        name: 'gpt-5',
        aliases: ['fast'],
        dialects: ['chat', 'responses'],
        price: { input: 2_500_000n, output: 10_000_000n },
        provider: { owner: scene.tenant.slug, tenant_id: scene.tenant_id, credential: SECRET },
      },
    ])
  })

  it.each([
    [{ kind: 'vllm' as const, credential: undefined }, 'base_url'],
    [{ kind: 'openai' as const, credential: undefined }, 'credential'],
    [{ name: 'a:b' }, 'name'],
    [{ name: 'a/b' }, 'name'],
    [{ base_url: 'ftp://x.example' }, 'base_url'],
    [{ base_url: 'https://user:secret@x.example/v1' }, 'base_url'],
    [{ credential: 'two words' }, 'credential'],
  ])('is refused with words for the field: %j', async (input, field) => {
    const refusal = await refusalOf(connect(input))
    expect(refusal).toMatchObject({ code: 'invalid_request', details: { param: field } })
  })

  it('has a name of its own, which is free again when it is removed', async () => {
    const first = await connect()
    expect(await refusalOf(connect())).toMatchObject({ code: 'conflict', details: { fields: [{ path: 'name' }] } })
    await run(core.providers.delete, { id: first.id })
    expect((await run(core.providers.list, {})).data).toEqual([])
    expect(await refusalOf(run(core.providers.get, { id: first.id }))).toMatchObject({ code: 'not_found' })
    await connect()
    const [kept] = await test.admin`select credential, deleted_at from providers where id = ${first.id}`
    expect(kept).toMatchObject({ credential: null, deleted_at: expect.any(Date) })
  })

  it('that keys are linked to isn’t removed from under them', async () => {
    const { id } = await connect()
    const key = await scene.key({ provider_id: id })
    expect((await refusalOf(run(core.providers.delete, { id }))).message).toMatch(/^One key is linked/)
    await run(core.keys.revoke, { id: key.id })
    await run(core.providers.delete, { id })
  })

  it('doesn’t send its credential to another host because somebody changed its address', async () => {
    const { id } = await connect()
    const elsewhere = { id, base_url: 'https://evil.example/v1' }
    expect(await refusalOf(run(core.providers.update, elsewhere))).toMatchObject({ details: { param: 'credential' } })
    await run(core.providers.update, { id, base_url: 'https://api.openai.com/v2' })
    await run(core.providers.update, { ...elsewhere, credential: 'sk-other' })
    const [row] = await test.admin<{ credential: Buffer }[]>`select credential from providers where id = ${id}`
    const place = { tenant_id: scene.tenant_id, provider_id: id }
    expect(openCredential(masterKeys, row?.credential ?? Buffer.alloc(0), place)).toBe('sk-other')
  })

  it('is not another tenant’s to see or touch, nor the platform’s to change', async () => {
    const { id } = await connect()
    const other = await createScene(test.database)
    for (const operation of [core.providers.get, core.providers.delete, core.providers.listModels]) {
      expect(await refusalOf(run(operation, { id }, { actor: other.operator }))).toMatchObject({ code: 'not_found' })
    }
    const platform = await createProvider(test.database, { base_url: 'https://p.example/v1', masterKey: masterKeys[0] })
    const owner = await scene.owner()
    for (const [operation, input] of [
      [core.providers.update, { id: platform.id, priority: 1 }],
      [core.providers.delete, { id: platform.id }],
      [core.providers.rotateCredential, { id: platform.id, credential: 'sk-mine' }],
      [core.providers.setModels, { id: platform.id, models: [{ name: 'sandbox-small', is_enabled: false }] }],
    ] as const) {
      expect(await refusalOf(run(operation, input as never, { actor: owner }))).toMatchObject({ code: 'not_found' })
    }
    expect(await run(core.providers.get, { id: platform.id })).toMatchObject({ owner: 'platform', base_url: null })
  })

  it('never shows its credential: not in an answer, not in the audit log, not in an error', async () => {
    const told: unknown[] = []
    const made = await connect()
    told.push(made, await run(core.providers.rotateCredential, { id: made.id, credential: `${SECRET}-2` }))
    told.push(
      await run(core.providers.update, { id: made.id, credential: `${SECRET}-3`, base_url: 'https://b.example' }),
    )
    told.push(await refusalOf(connect({ credential: `${SECRET} broken` })))
    told.push(await refusalOf(connect({ credential: SECRET })))
    const reach: Reach = async (_, { headers }) => {
      throw new Error(`connection refused with ${JSON.stringify(headers)}`)
    }
    told.push(await run(core.providers.tryAgain, { id: made.id }, { reach }))
    told.push(await run(core.providers.list, {}), await test.admin`select * from audit_entries`)
    told.push(await test.admin`select * from idempotency_keys`)
    const text = JSON.stringify(told)
    expect(text).toContain('providers.rotate_credential')
    expect(text).not.toContain('very-secret')
  })
})

describe('sharing', () => {
  it('is with groups, with nobody, and with everyone again; of the platform’s providers too', async () => {
    const platform = await createProvider(test.database, { base_url: 'https://p.example/v1', masterKey: masterKeys[0] })
    const group = await scene.run(core.groups.create, { name: '3B', location_id: scene.location.id })
    for (const group_ids of [[group.id], [], null]) {
      expect(await run(core.providers.share, { id: platform.id, group_ids })).toMatchObject({ shared_with: group_ids })
      expect(await served()).toMatchObject([{ shared_with: group_ids }])
    }
    const other = await createScene(test.database)
    const foreign = await other.run(core.groups.create, { name: '3C', location_id: other.location.id })
    const refused = refusalOf(run(core.providers.share, { id: platform.id, group_ids: [group.id, foreign.id] }))
    expect(await refused).toMatchObject({ code: 'not_found', message: 'There is no such group.' })
  })
})

describe('models', () => {
  const set = (id: string, ...models: z.input<typeof core.providers.setModels.input>['models']) =>
    run(core.providers.setModels, { id, models }).then(({ data }) => data)

  it('without a price are named, and not served', async () => {
    const { id } = await connect()
    await set(id, { name: 'gpt-5' }, { name: 'o9', price: PRICE }, { name: 'off', is_enabled: false })
    expect(await run(core.providers.get, { id })).toMatchObject({ models: 2, models_without_price: ['gpt-5'] })
    expect((await scene.run(core.models.list, {})).data.map(({ name }) => name)).toEqual(['o9'])
  })

  it('get new prices in addition to the old ones, and none where nothing changes', async () => {
    const { id } = await connect()
    const [model] = await set(id, { name: 'gpt-5', price: PRICE })
    await set(id, { name: 'gpt-5', price: { ...PRICE, input_usd_per_million: '2.5' } })
    await set(id, {
      name: 'gpt-5',
      price: {
        ...PRICE,
        input_usd_per_million: '3',
        tiers: [{ above_input_tokens: 200_000, input_usd_per_million: '6', output_usd_per_million: '15' }],
      },
    })
    const history = (await run(core.providers.listPrices, { model_id: model?.id ?? '' })).data
    expect(history.map((price) => [price.input_usd_per_million, price.tiers.length])).toEqual([
      ['3.00', 1],
      ['2.50', 0],
    ])
    expect(await served()).toMatchObject([
      { price: { input: 3_000_000n, tiers: [{ above_input_tokens: 200_000, input: 6_000_000n }] } },
    ])
  })

  it('are free only where that is said', async () => {
    const { id } = await connect()
    const free = { input_usd_per_million: '0', output_usd_per_million: '0.00' }
    expect((await refusalOf(set(id, { name: 'gpt-5', price: free }))).message).toMatch(/say that it is free/)
    expect((await refusalOf(set(id, { name: 'gpt-5', price: { ...PRICE, is_free: true } }))).code).toBe(
      'invalid_request',
    )
    await set(id, { name: 'gpt-5', price: { ...free, is_free: true } })
    expect(await served()).toMatchObject([{ price: { input: 0n, output: 0n } }])
  })

  it('have names that mean one of them', async () => {
    const { id } = await connect()
    await set(id, { name: 'a', aliases: ['fast'] }, { name: 'b' })
    expect((await refusalOf(set(id, { name: 'b', aliases: ['fast'] }))).message).toMatch(
      /"fast" would name both a and b/,
    )
    expect((await refusalOf(set(id, { name: 'fast' }))).message).toMatch(/"fast" would name both/)
    expect((await refusalOf(set(id, { name: 'c' }, { name: 'c' }))).message).toMatch(/named twice/)
    await set(id, { name: 'a', aliases: [] }, { name: 'b', aliases: ['fast'] })
  })

  it('change only in what is given', async () => {
    const { id } = await connect()
    await set(id, { name: 'a', aliases: ['fast'], context_tokens_max: 7, price: PRICE })
    const [model] = await set(id, { name: 'a', is_enabled: false })
    expect(model).toMatchObject({
      aliases: ['fast'],
      context_tokens_max: 7,
      is_enabled: false,
      price: { source: 'operator:test' },
    })
  })
})

describe('health and spend', () => {
  it('are those of the gateways’ last reports', async () => {
    const { id } = await connect()
    const report = {
      tenant_id: scene.tenant_id,
      provider_id: id,
      state: 'up' as const,
      last_error_code: null,
      last_error_at: null,
    }
    await core.reportHealth(test.database, 'gtw_a', [{ ...report, requests: 9, failures: 0, latency_ms: 100 }])
    await core.reportHealth(test.database, 'gtw_b', [
      {
        ...report,
        requests: 1,
        failures: 1,
        latency_ms: null,
        last_error_code: 'provider_timeout',
        last_error_at: new Date(),
      },
    ])
    expect((await run(core.providers.get, { id })).health).toMatchObject({
      state: 'up',
      failure_percent: 10,
      latency_ms: 100,
      last_error_code: 'provider_timeout',
    })
    await core.reportHealth(test.database, 'gtw_a', [
      { ...report, state: 'resting', requests: 9, failures: 9, latency_ms: 100 },
    ])
    expect((await run(core.providers.get, { id })).health.state).toBe('failing')
    await test.admin`update provider_health set at = now() - interval '11 minutes'`
    expect((await run(core.providers.get, { id })).health).toMatchObject({ state: 'idle', latency_ms: null })
  })
})

describe('trying', () => {
  const answers =
    (status: number, body: unknown): Reach =>
    async () => ({ status, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) })
  const fails = (code: string, name = 'Error'): Reach => {
    const error = Object.assign(new Error(`at 10.0.0.7: ${code}`), { code, name })
    return () => Promise.reject(error)
  }
  const attempt = (reach: Reach) => run(core.providers.tryNew, { kind: 'openai', credential: SECRET }, { reach })
  const ticks = (verdict: Awaited<ReturnType<typeof attempt>>) =>
    [verdict.reachable, verdict.credential, verdict.models, verdict.latency].map((tick) => tick.is_ok)

  it('finds the models, with the prices of the catalogue', async () => {
    const verdict = await attempt(answers(200, { data: [{ id: 'gpt-5.4' }, { id: 'ft:own' }] }))
    expect(ticks(verdict)).toEqual([true, true, true, true])
    expect(verdict.found).toMatchObject([
      { name: 'gpt-5.4', context_tokens_max: 1_050_000, price: { input_usd_per_million: '2.50' } },
      { name: 'ft:own', price: null },
    ])
  })

  it.each<[string, Reach, (boolean | null)[], RegExp]>([
    ['a wrong API key', answers(401, {}), [true, false, null, true], /refuses this API key/],
    ['a provider that fails', answers(503, 'sorry'), [false, null, null, true], /with an error \(503\)/],
    ['a page', answers(200, '<html>'), [true, null, false, true], /no list of models/],
    ['another address', answers(301, ''), [true, null, false, true], /sends on/],
    ['no models', answers(200, { data: [] }), [true, true, false, true], /no models yet/],
    ['no host', fails('ENOTFOUND'), [false, null, null, null], /no such host/],
    ['nobody there', fails('ECONNREFUSED'), [false, null, null, null], /Nothing listens/],
    ['silence', fails('', 'TimeoutError'), [false, null, null, null], /within 10 seconds/],
    ['the platform’s own network', fails('FORBIDDEN_ADDRESS'), [false, null, null, null], /not on the internet/],
  ])('%s', async (_, reach, expected, says) => {
    const verdict = await attempt(reach)
    expect(ticks(verdict)).toEqual(expected)
    expect(verdict.is_ok).toBe(false)
    const wrong = [verdict.reachable, verdict.credential, verdict.models].find((tick) => tick.is_ok === false)
    expect(wrong?.says).toMatch(says)
    expect(JSON.stringify(verdict)).not.toContain('10.0.0.7')
  })

  it('sends the credential as the provider wants it, and never trusts the address', async () => {
    const asked: Parameters<Reach>[] = []
    const reach: Reach = async (...args) => {
      asked.push(args)
      return { status: 200, body: Buffer.from('{"data": [{"id": "claude-sonnet-4-5"}]}') }
    }
    const { id } = await run(core.providers.create, { name: 'anthropic', kind: 'anthropic', credential: SECRET })
    await run(core.providers.tryAgain, { id }, { reach })
    expect(asked).toMatchObject([
      ['https://api.anthropic.com/v1/models?limit=1000', { headers: { 'x-api-key': SECRET }, isTrusted: false }],
    ])
  })

  it('of somebody else’s provider is not possible, before anything is asked', async () => {
    const { id } = await connect()
    const other = await createScene(test.database)
    const reach: Reach = () => Promise.reject(new Error('asked'))
    for (const actor of [other.operator, { ...(await scene.owner()), role: 'auditor' as const }]) {
      const { code } = await refusalOf(run(core.providers.tryAgain, { id }, { reach, actor }))
      expect(code).toBe(actor.kind === 'operator' ? 'not_found' : 'forbidden')
    }
  })
})

describe('importing prices', () => {
  const litellm = JSON.stringify({
    'gpt-5': { litellm_provider: 'openai', mode: 'chat', input_cost_per_token: 1.25e-6, output_cost_per_token: 1e-5 },
    'gpt-4': { litellm_provider: 'openai', mode: 'chat', input_cost_per_token: 3e-5, output_cost_per_token: 6e-5 },
    gratis: { litellm_provider: 'openai', mode: 'chat', input_cost_per_token: 0, output_cost_per_token: 0 },
    'azure/gpt-5': { litellm_provider: 'azure', mode: 'chat', input_cost_per_token: 9e-6, output_cost_per_token: 9e-5 },
  })
  const prepared = async () => {
    const { id } = await connect()
    const models = [
      { name: 'gpt-5', price: PRICE },
      { name: 'four', upstream_name: 'gpt-4' },
      { name: 'gratis' },
      { name: 'own' },
    ]
    await run(core.providers.setModels, { id, models })
    return id
  }

  it('shows first what would change, and changes nothing', async () => {
    const id = await prepared()
    const preview = await run(core.providers.previewPrices, { id, document: litellm })
    expect(preview.data.map(({ name, change, after }) => [name, change, after?.input_usd_per_million])).toEqual([
      ['four', 'new', '30.00'],
      ['gpt-5', 'changed', '1.25'],
      ['gratis', 'free', '0.00'],
      ['own', 'missing', undefined],
    ])
    expect((await served()).find(({ name }) => name === 'gpt-5')?.price?.input).toBe(2_500_000n)
  })

  it('takes what is wanted, once, and what costs nothing only where that is said', async () => {
    const id = await prepared()
    const priced = async () =>
      (await served()).flatMap(({ name, price }) => (price === null ? [] : [`${name} ${price.input}`])).sort()
    await run(core.providers.importPrices, { id, document: litellm, names: ['four'] })
    expect(await priced()).toEqual(['four 30000000', 'gpt-5 2500000'])
    await run(core.providers.importPrices, { id, document: litellm })
    expect(await priced()).toEqual(['four 30000000', 'gpt-5 1250000'])
    await run(core.providers.importPrices, { id, document: litellm, free: ['gratis'] })
    expect(await priced()).toEqual(['four 30000000', 'gpt-5 1250000', 'gratis 0'])
    const [{ count } = { count: 0 }] = await test.admin`select count(*)::int from prices`
    expect(count).toBe(4)
  })

  it.each([
    ['no JSON', /not JSON/],
    ['[1, 2]', /no list of prices/],
    ['{"a": {"litellm_provider": "groq", "mode": "chat"}}', /no prices of "openai". It has: groq/],
  ])('%s is refused with words', async (document, words) => {
    const id = await prepared()
    expect((await refusalOf(run(core.providers.previewPrices, { id, document }))).message).toMatch(words)
  })
})

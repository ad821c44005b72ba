import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import * as core from '@stipend/core'
import { createScene, type Scene } from '@stipend/core/testing'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { createLog } from '@stipend/runtime'
import { createCaller } from '@stipend/wire/trpc'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { createServer } from '../src/server.ts'
import { apiClient } from './client.ts'

const FOLDER = path.join(
  process.env.STIPEND_FIXTURES ?? path.join(import.meta.dirname, '../../../../shared/fixtures'),
  'prices',
)
const isThere = existsSync(FOLDER)
if (!isThere) console.log('price import: the public lists are not here; tested on lists of the same size, made here')

const PRICES = { 'gpt-4o-mini': ['0.15', '0.60'], 'gpt-4o': ['2.50', '10.00'] } as const
const MODELS = Object.keys(PRICES)

/** Two thousand models of some other provider, so that the list has the size of a public one. */
function madeHere(format: 'litellm' | 'models.dev'): string {
  const perToken = (usd: string) => Number(`${usd}e-6`)
  const filler = Array.from({ length: 2_000 }, (_, nth) => [`filler-${nth}`, 'x'.repeat(600)] as const)
  if (format === 'litellm') {
    const entry = (provider: string, input: string, output: string, comment = '') => ({
      ...{ litellm_provider: provider, mode: 'chat', comment },
      ...{ input_cost_per_token: perToken(input), output_cost_per_token: perToken(output) },
    })
    const known = Object.entries(PRICES).map(([name, [input, output]]) => [name, entry('openai', input, output)])
    return JSON.stringify(
      Object.fromEntries([...known, ...filler.map(([name, text]) => [name, entry('x', '1', '2', text)])]),
    )
  }
  const models = Object.entries(PRICES).map(([id, [input, output]]) => [
    id,
    { id, cost: { input: Number(input), output: Number(output) } },
  ])
  const others = filler.map(([id, text]) => [id, { id, name: text, cost: { input: 1, output: 2 } }])
  return JSON.stringify({
    openai: { models: Object.fromEntries(models) },
    x: { models: Object.fromEntries(others) },
  })
}

const LISTS = [
  ['litellm', 'litellm-model-prices.json'],
  ['models.dev', 'models-dev.json'],
] as const
const listed = (format: 'litellm' | 'models.dev', file: string) =>
  isThere ? readFileSync(path.join(FOLDER, file), 'utf8') : madeHere(format)

let db: TestDatabase
let server: FastifyInstance
let scene: Scene
let api: ReturnType<typeof apiClient>

beforeAll(async () => {
  db = await createTestDatabase(inject('testCluster'))
  scene = await createScene(db.database)
  const { secret } = await scene.run(core.serviceTokens.create, { name: 'Script', scopes: ['providers:write'] })
  const log = createLog({ app: 'api', level: 'silent' })
  server = createServer({ database: db.database, masterKeys: [Buffer.alloc(32, 7)], log, requestTimeoutMs: 5_000 })
  api = apiClient(await server.listen({ host: '127.0.0.1', port: 0 }), secret ?? '')
})
afterAll(async () => {
  await server.close()
  await db.drop()
})

async function openai(name: string): Promise<string> {
  const made = await api('POST /v1/providers', { body: { name, kind: 'openai', credential: 'sk-test' } })
  const models = MODELS.map((model) => ({ name: model }))
  await api(`POST /v1/providers/${made.body.id}/models`, { body: { models } })
  return made.body.id
}

const pricesOf = async (id: string) =>
  Object.fromEntries(
    (
      await db.admin<{ name: string; input: string; output: string }[]>`
      select m.name, p.input_picos::text as input, p.output_picos::text as output
        from prices p join models m on m.id = p.model_id where m.provider_id = ${id}`
    ).map(({ name, input, output }) => [name, [input, output]]),
  )
const WRITTEN = { 'gpt-4o-mini': ['150000', '600000'], 'gpt-4o': ['2500000', '10000000'] }

test.each(LISTS)('the whole list of %s is shown and taken over REST', async (format, file) => {
  const id = await openai(`openai-${format}`)
  const document = listed(format, file)
  const shown = await api(`POST /v1/providers/${id}/preview_prices`, { body: { document } })
  expect(shown).toMatchObject({ status: 200, body: { format } })
  for (const [name, [input, output]] of Object.entries(PRICES)) {
    expect(shown.body.data).toContainEqual(
      expect.objectContaining({
        ...{ name, change: 'new', before: null },
        after: expect.objectContaining({ input_usd_per_million: input, output_usd_per_million: output }),
      }),
    )
  }
  expect(await pricesOf(id)).toEqual({})
  expect(await api(`POST /v1/providers/${id}/import_prices`, { body: { document } })).toMatchObject({ status: 200 })
  expect(await pricesOf(id)).toEqual(WRITTEN)
})

test.each(LISTS)('the whole list of %s is shown and taken in the console', async (format, file) => {
  const id = await openai(`console-${format}`)
  const deps = { database: db.database }
  const door = createCaller({ deps, actor: await scene.owner(), request: { request_id: 'req_test', ip: null } })
  const document = listed(format, file)
  const { data } = await door.providers.previewPrices({ id, document })
  expect(data.map(({ name, change }) => [name, change])).toEqual([...MODELS].sort().map((name) => [name, 'new']))
  await door.providers.importPrices({ id, document })
  expect(await pricesOf(id)).toEqual(WRITTEN)
})

test('all prices of a list are written, or none', async () => {
  const id = await openai('openai-half')
  // Two tiers that begin at the same length can’t be charged: the second of the models spoils the first.
  const tier = { input: 1, output: 2, tier: { size: 1_000 } }
  const models = {
    'gpt-4o': { cost: { input: 2.5, output: 10 } },
    'gpt-4o-mini': {
      cost: { input: 1, output: 2, tiers: Array.from({ length: 6 }, (_, n) => ({ ...tier, tier: { size: n + 1 } })) },
    },
  }
  const document = JSON.stringify({ openai: { models } })
  expect((await api(`POST /v1/providers/${id}/import_prices`, { body: { document } })).status).not.toBe(200)
  expect(await pricesOf(id)).toEqual({})
})

test('a list beyond all measure is refused with words', async () => {
  const id = await openai('openai-large')
  const large = JSON.stringify({ document: 'x'.repeat(9 * 1024 * 1024) })
  expect(await api(`POST /v1/providers/${id}/preview_prices`, { raw: large })).toMatchObject({
    status: 400,
    body: { detail: expect.stringContaining('At most 8 MB') },
  })
  const larger = JSON.stringify({ document: 'x'.repeat(18 * 1024 * 1024) })
  expect(await api(`POST /v1/providers/${id}/import_prices`, { raw: larger })).toMatchObject({
    status: 413,
    body: { code: 'request_too_large', detail: expect.stringContaining('17 MiB for a list of prices') },
  })
})

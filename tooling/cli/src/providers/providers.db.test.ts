import { randomBytes } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { loadPlatformCatalogue } from '@stipend/core'
import { createScene } from '@stipend/core/testing'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { type SandboxProvider, startSandboxProvider } from '@stipend/sandbox-provider'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { commandOn, type Ran } from '../testing.ts'

const SECRET = 'sk-platform-secret-of-the-test'
const masterKey = randomBytes(32)

let db: TestDatabase
let sandbox: SandboxProvider
/** Everything any command said. */
let said = ''
let run: (args: string[], more?: Parameters<ReturnType<typeof commandOn>>[1]) => Promise<Ran>
beforeAll(async () => {
  db = await createTestDatabase(inject('testCluster'))
  sandbox = await startSandboxProvider({ credential: SECRET })
  const command = commandOn(db, masterKey)
  run = async (args, more) => {
    const ran = await command(['providers', ...args], more)
    said += ran.out + ran.err
    return ran
  }
})
afterAll(async () => {
  await sandbox.close()
  await db.drop()
})

const served = async () =>
  (await loadPlatformCatalogue(db.database, [masterKey])).map(({ name, aliases, price, provider }) => ({
    name,
    aliases,
    input: price?.input,
    credential: provider.credential,
  }))
const failed = (words: RegExp) => ({ code: 1, err: expect.stringMatching(words) })
const adding = (...more: string[]) => [
  ...['add', '--kind', 'openai_compatible', '--name', 'sandbox', '--url', `${sandbox.url}/v1`],
  ...['--credential-env', 'SANDBOX_KEY', ...more],
]

describe('a provider of the platform', () => {
  test('is not connected with a credential that doesn’t work, nor with one as an argument', async () => {
    expect(await run(['list'])).toMatchObject({ code: 0, out: expect.stringContaining('no provider yet') })
    expect(await run(adding())).toMatchObject(failed(/no variable SANDBOX_KEY/))
    const wrong = await run(adding(), { env: { SANDBOX_KEY: 'sk-wrong' } })
    expect(wrong).toMatchObject(failed(/Nothing was changed/))
    expect(wrong.out).toMatch(/ok +reachable.*\nWRONG +credential +It refuses this API key/)
    expect(await run(['add', '--kind', 'openai', '--name', 'x', '--credential', 'sk-typed'])).toMatchObject(
      failed(/not given as an argument/),
    )
    expect(await run(adding('--markup', 'ten'), { env: { SANDBOX_KEY: SECRET } })).toMatchObject(failed(/--markup/))
    expect(await db.admin`select from providers`).toHaveLength(0)
  })

  test('is tried and connected, at an address that tenants couldn’t name', async () => {
    const made = await run(adding('--markup', '10'), { env: { SANDBOX_KEY: SECRET } })
    expect(made).toMatchObject({ code: 0, err: '' })
    expect(made.out).toMatch(/ok +credential.*\nok +models +It offers \d+ models/)
    const [row] = await db.admin`select tenant_id, priority, markup_bp from providers`
    expect(row).toEqual({ tenant_id: null, priority: 100, markup_bp: 1000 })
    expect(await run(adding(), { env: { SANDBOX_KEY: SECRET } })).toMatchObject(failed(/name already/))
  })

  test('serves models that are switched on and have a price, with the markup', async () => {
    expect((await run(['models', 'sandbox'])).out).toMatch(/sandbox-small +no price/)
    expect(await run(['models', 'sandbox', '--enable', 'gpt-nonsense'])).toMatchObject(
      failed(/offers no "gpt-nonsense"/),
    )
    const on = await run(['models', 'sandbox', '--enable', 'sandbox-small,sandbox-large'])
    expect(on.out).toMatch(/sandbox-small has no price, so it is refused/)
    expect(await run(['price', 'sandbox', 'sandbox-small', '--input', '0', '--output', '0'])).toMatchObject(
      failed(/say that it is free/),
    )
    expect(await run(['price', 'sandbox', 'sandbox-large', '--input', 'free', '--output', '1'])).toMatchObject({
      code: 1,
    })
    const priced = await run(['price', 'sandbox', 'sandbox-small', '--input', '2', '--output', '8'])
    expect(priced.out).toMatch(/sandbox-small +on +\$2\.20 in, \$8\.80 out/)
    await run(['price', 'sandbox', 'sandbox-large', '--free'])
    await run(['model', 'sandbox', 'sandbox-small', '--aliases', 'fast,best', '--context', '64000'])
    expect(await served()).toEqual([
      { name: 'sandbox-small', aliases: ['fast', 'best'], input: 2_200_000n, credential: SECRET },
      { name: 'sandbox-large', aliases: [], input: 0n, credential: SECRET },
    ])
    await run(['models', 'sandbox', '--disable', 'sandbox-large'])
    expect((await served()).map(({ name }) => name)).toEqual(['sandbox-small'])
  })

  test('another markup is a new price of each model; the earlier ones stay', async () => {
    const { out } = await run(['set', 'sandbox', '--markup', '12.5', '--priority', '7'])
    expect(out).toMatch(/markup +12\.5 %/)
    expect(await served()).toMatchObject([{ input: 2_250_000n }])
    const rows = await db.admin<{ markup_bp: number }[]>`
      select p.markup_bp from prices p join models m on m.id = p.model_id where m.name = 'sandbox-small' order by p.id`
    expect(rows.map(({ markup_bp }) => markup_bp)).toEqual([1000, 1250])
    await run(['set', 'sandbox', '--markup', '12.5'])
    expect(
      await db.admin`select from prices p join models m on m.id = p.model_id where m.name = 'sandbox-small'`,
    ).toHaveLength(2)
    expect(await run(['set', 'sandbox', '--priority', 'high'])).toMatchObject(failed(/--priority: give a whole number/))
    expect(await run(['set', 'sandbox', '--url', 'https://elsewhere.example/v1'])).toMatchObject(
      failed(/^\ncredential: /),
    )
  })

  test('is tested again, and shows how it does', async () => {
    expect(await run(['test', 'sandbox'])).toMatchObject({ code: 0, out: expect.stringMatching(/ok +latency/) })
    const [row] = await db.admin<{ id: string }[]>`select id from providers`
    await db.admin`insert into provider_health (provider_id, gateway_id, at, state, requests, failures, latency_ms,
      last_error_code, last_error_at) values (${row?.id ?? ''}, 'gtw_a', now(), 'up', 10, 1, 120, 'provider_timeout', now())`
    const { out } = await run(['show', 'sandbox'])
    expect(out).toMatch(/failures +10 % lately\nlatency +120 ms to the first byte\nlast error +provider_timeout at/)
  })

  test('gets another credential once it is known to work', async () => {
    const wrong = await run(['rotate', 'sandbox', '--credential-stdin'], { input: 'sk-wrong\n' })
    expect(wrong).toMatchObject(failed(/Nothing was changed/))
    expect(await served()).toMatchObject([{ credential: SECRET }])
    const taken = await run(['rotate', 'sandbox', '--credential-stdin', '--untested'], { input: 'sk-next-secret\n' })
    expect(taken).toMatchObject({ code: 0 })
    expect(await served()).toMatchObject([{ credential: 'sk-next-secret' }])
    expect(await run(['test', 'sandbox'])).toMatchObject({ code: 1, out: expect.stringMatching(/WRONG +credential/) })
    expect(await run(['rotate', 'sandbox', '--credential-stdin'], { input: ' \n' })).toMatchObject(
      failed(/Nothing came/),
    )
    await run(['rotate', 'sandbox', '--credential-stdin'], { input: `${SECRET}\n` })
  })

  test('nothing is sealed with a master key that the others aren’t sealed with', async () => {
    const env = { STIPEND_MASTER_KEY: randomBytes(32).toString('base64'), SANDBOX_KEY: SECRET }
    expect(await run(['rotate', 'sandbox', '--credential-env', 'SANDBOX_KEY'], { env })).toMatchObject(
      failed(/not the one that the credentials here are sealed with/),
    )
    expect(await served()).toMatchObject([{ credential: SECRET }])
  })

  test('is switched off and on, and removed only by those who mean it and while no key is linked', async () => {
    await run(['disable', 'sandbox'])
    expect(await served()).toEqual([])
    await run(['enable', 'sandbox'])
    expect(await served()).toHaveLength(1)
    expect(await run(['delete', 'sandbox'])).toMatchObject(failed(/add --yes/))
    const scene = await createScene(db.database)
    const [row] = await db.admin<{ id: string }[]>`select id from providers`
    const key = await scene.key({ provider_id: row?.id ?? null })
    expect(await run(['delete', 'sandbox', '--yes'])).toMatchObject(failed(/One key is linked/))
    await db.admin`update keys set revoked_at = now() where id = ${key.id}`
    expect(await run(['delete', 'sandbox', '--yes'])).toMatchObject({ code: 0 })
    expect(await served()).toEqual([])
    expect((await db.admin`select credential from providers`)[0]).toEqual({ credential: null })
  })
})

test('prices of a public list are shown first and written when that is said', async () => {
  await run(['add', '--kind', 'vllm', '--name', 'lab', '--url', `${sandbox.url}/v1`, '--untested'])
  await run(['models', 'lab', '--enable', 'sandbox-small'])
  await run([...adding(), '--markup', '50'], { env: { SANDBOX_KEY: SECRET } })
  await run(['models', 'sandbox', '--enable', 'sandbox-small,sandbox-large,sandbox-reasoning'])
  const listed = (input: number) => ({
    ...{ litellm_provider: 'x', mode: 'chat', input_cost_per_token: input, output_cost_per_token: input },
  })
  const list = { 'sandbox-small': listed(1e-6), 'sandbox-reasoning': listed(0) }
  const file = path.join(mkdtempSync(path.join(os.tmpdir(), 'stipend-prices-')), 'list.json')
  writeFileSync(file, JSON.stringify(list))

  const shown = await run(['prices', 'import', file, '--provider', 'sandbox'])
  expect(shown.out).toMatch(/sandbox-large +no price +no price +not in the list/)
  expect(shown.out).toMatch(/sandbox-reasoning +no price +\$0\.00 in, \$0\.00 out +zero: say --free/)
  expect(shown.out).toMatch(/One price would be written. Nothing was changed yet: add --write/)
  expect(await db.admin`select from prices where source = 'litellm'`).toHaveLength(0)

  const all = ['prices', 'import', file, '--write', '--free', 'sandbox-reasoning', '--provider', 'sandbox']
  expect((await run(all)).out).toMatch(/2 prices written/)
  expect((await served()).map(({ name, input }) => [name, input])).toEqual(
    expect.arrayContaining([
      ['sandbox-small', 1_500_000n],
      ['sandbox-reasoning', 0n],
    ]),
  )
  expect((await run(all)).out).toMatch(/Nothing would change/)
  expect(await run(['prices', 'import', '/nowhere.json'])).toMatchObject(failed(/can't be read/))
  expect(await run(['prices', 'import', '-'], { input: 'no list' })).toMatchObject(failed(/not JSON/))
})

describe('the command', () => {
  test('explains itself, and names what it doesn’t know', async () => {
    expect((await run(['--help'])).out).toMatch(/^Usage: npm run providers -- COMMAND/)
    expect(await run(['connect'])).toMatchObject(failed(/no command connect/))
    expect(await run(['test', 'nobody'])).toMatchObject(failed(/no provider "nobody". There are: /))
    expect(await run(['test', 'sandbox', '--markup', '5'])).toMatchObject(failed(/test takes no --markup/))
    expect((await run(['kinds'])).out).toMatch(/azure_openai +Azure OpenAI +a credential and --url, such as https/)
    const env = { STIPEND_MASTER_KEY: '' }
    expect(await run(['list'], { env })).toMatchObject(failed(/STIPEND_MASTER_KEY/))
  })

  test('does it as the operator, in the platform’s own audit log', async () => {
    const rows = await db.admin<{ operation: string }[]>`
      select distinct operation from audit_entries where tenant_id is null and actor_id = 'operator:cli' order by 1`
    expect(rows.map(({ operation }) => operation)).toEqual([
      'providers.create',
      'providers.delete',
      'providers.import_prices',
      'providers.rotate_credential',
      'providers.set_markup',
      'providers.set_models',
      'providers.update',
    ])
  })

  test('never said a credential, and kept none in the clear', async () => {
    const kept = await db.admin`select a::text from audit_entries a union all select p::text from providers p`
    for (const secret of [SECRET, 'sk-next-secret', 'sk-wrong']) {
      expect(said).not.toContain(secret)
      expect(JSON.stringify(kept)).not.toContain(secret)
    }
    expect(said).not.toContain('sk-typed')
  })
})

import { randomBytes } from 'node:crypto'
import * as ofBilling from '@stipend/billing'
import * as core from '@stipend/core'
import { type Actor, type AnyOperation, execute, may, newId, type TenantPermission } from '@stipend/core'
import { hashSecret } from '@stipend/core/secrets'
import { draw, settle } from '@stipend/core/spend'
import { createProvider, createScene, type Scene } from '@stipend/core/testing'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { type SandboxStripe, startSandboxStripe } from '@stipend/sandbox-stripe'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { REGISTRY } from './registry.ts'
import { ROUTES } from './rest.ts'
import { appRouter } from './trpc.ts'

/** One thing of every sort that a tenant has, with something spent. */
type Things = Awaited<ReturnType<typeof makeThings>>

const PRICE_LIST = JSON.stringify({
  'sandbox-small': { litellm_provider: 'x', mode: 'chat', input_cost_per_token: 1e-6, output_cost_per_token: 2e-6 },
})

const ROSTER = {
  name: 'class.csv',
  content_base64: Buffer.from('name,email\nAda,ada@roster.example\n').toString('base64'),
}

/** Other ways to say which keys; the tests of `keys` try them. */
const OTHERWISE = { member_ids: undefined, filter: undefined }

/** Another way to say who asks. */
const OTHER_ASKER = { member_id: undefined }

/**
 * An input for each operation, made of the things of one tenant, that its owner is allowed. Every field that takes an id must be in it:
 * the tests below put another tenant's ids in their place. A new operation, or a new field, without its line here fails.
 */
const CASES: Record<string, (things: Things) => object> = {
  'tenants.get': () => ({}),
  'tenants.create': () => ({ slug: 'stolen', kind: 'school', name: 'Stolen', time_zone: 'UTC' }),
  'tenants.update': () => ({ name: 'Renamed', time_zone: 'Europe/Berlin' }),
  'locations.list': () => ({}),
  'locations.create': () => ({ name: 'Another' }),
  'locations.update': ({ location_id: id }) => ({ id, name: 'Renamed' }),
  'locations.delete': ({ empty_location_id: id }) => ({ id }),
  'groups.list': ({ location_id }) => ({ location_id }),
  'groups.create': ({ location_id }) => ({ name: 'Another', location_id }),
  'groups.get': ({ group_id: id }) => ({ id }),
  'groups.update': ({ group_id: id }) => ({ id, name: 'Renamed' }),
  'groups.delete': ({ group_id: id }) => ({ id }),
  'groups.remove_members': ({ group_id, member_id }) => ({ group_id, member_ids: [member_id] }),
  'groups.add_members': ({ group_id, member_id }) => ({ group_id, member_ids: [member_id] }),
  'groups.set_leads': ({ group_id, staff_id }) => ({ group_id, member_ids: [staff_id] }),
  'members.list': ({ location_id, group_id }) => ({ location_id, group_id }),
  'members.count': ({ location_id, group_id }) => ({ location_id, group_id }),
  'members.update': ({ member_id: id, location_id, group_id }) => ({
    id,
    name: 'Renamed',
    location_id,
    group_ids: [group_id],
    scope_location_ids: [],
    external_id: 'sis-18',
  }),
  'members.deactivate': ({ member_id }) => ({ member_ids: [member_id], matching: { search: 'nobody' } }),
  'members.reactivate': ({ member_id }) => ({ member_ids: [member_id], matching: { search: 'nobody' } }),
  'members.move': ({ member_id, location_id }) => ({
    member_ids: [member_id],
    matching: { search: 'nobody' },
    location_id,
  }),
  'members.remove': ({ member_id }) => ({ member_ids: [member_id], matching: { search: 'nobody' } }),
  'members.get': ({ member_id: id }) => ({ id }),
  'members.create': ({ location_id, group_id }) => ({
    name: 'Another',
    email: 'another@example.org',
    kind: 'staff',
    role: 'auditor',
    location_id,
    group_ids: [group_id],
    scope_location_ids: [location_id],
    external_id: 'sis-17',
  }),
  'invitations.send': ({ guest_id }) => ({ member_ids: [guest_id], matching: { search: 'nobody' } }),
  'invitations.revoke': ({ guest_id }) => ({ member_ids: [guest_id], matching: { search: 'nobody' } }),
  'domains.list': () => ({}),
  'domains.set': ({ location_id }) => ({ domain: 'another.example', kind: 'student', location_id }),
  'domains.remove': ({ domain }) => ({ domain }),
  'imports.create': ({ location_id }) => ({ files: [ROSTER], settings: { default_location_id: location_id } }),
  'imports.get': ({ import_id: id }) => ({ id }),
  'imports.list_rows': ({ import_id: id }) => ({ id }),
  'imports.update': ({ import_id: id, location_id }) => ({ id, settings: { default_location_id: location_id } }),
  'imports.run': ({ import_id: id }) => ({ id }),
  'coding.list_people': ({ location_id, group_id }) => ({ location_id, group_id }),
  'coding.count_people': ({ location_id, group_id }) => ({ location_id, group_id }),
  'coding.report': ({ location_id, group_id }) => ({ location_id, group_id }),
  'chats.list': ({ member_id, key_id }) => ({ member_id, key_id }),
  'search.all': () => ({ text: 'Person' }),
  'coding.list_groups': ({ location_id }) => ({ location_id, kind: 'student' }),
  'keys.list': ({ member_id, location_id, group_id, allocation_id, provider_id }) => ({
    member_id,
    location_id,
    group_id,
    allocation_id,
    provider_id,
  }),
  'keys.list_own': () => ({}),
  'keys.get': ({ key_id: id }) => ({ id }),
  'keys.create': ({ member_id, allocation_id, provider_id }) => ({
    member_id,
    allocation_id,
    provider_id,
    name: 'Another',
    budget_usd: '1',
  }),
  'keys.preview_create_many': ({ location_id, group_id, member_id }) => ({
    location_id,
    group_id,
    member_ids: [member_id],
    budget_usd: '1',
  }),
  'keys.create_many': ({ location_id, group_id, member_id, allocation_id, provider_id }) => ({
    location_id,
    group_id,
    member_ids: [member_id],
    allocation_id,
    provider_id,
    with_active_key: 'add',
    name: 'Another',
    budget_usd: '1',
  }),
  'keys.update': ({ key_id: id, provider_id }) => ({ id, provider_id, name: 'Renamed', budget_usd: '2' }),
  'keys.revoke': ({ key_id: id }) => ({ id }),
  'keys.disable': ({ key_id: id }) => ({ id }),
  'keys.enable': ({ key_id: id }) => ({ id }),
  'keys.replace': ({ key_id: id }) => ({ id }),
  'keys.get_own': ({ own_key_id: id }) => ({ id }),
  'keys.get_own_limits': () => ({}),
  'keys.create_own': ({ provider_id }) => ({ provider_id, name: 'Mine', budget_usd: '1' }),
  'keys.revoke_own': ({ own_key_id: id }) => ({ id }),
  'keys.preview_many': ({ key_id }) => ({ act: 'revoke', ids: [key_id], ...OTHERWISE }),
  'keys.revoke_many': ({ key_id }) => ({ ids: [key_id], ...OTHERWISE }),
  'keys.disable_many': ({ key_id }) => ({ ids: [key_id], ...OTHERWISE }),
  'keys.enable_many': ({ key_id }) => ({ ids: [key_id], ...OTHERWISE }),
  'keys.raise': ({ key_id: id }) => ({ id, by_usd: '1' }),
  'lessons.get': ({ group_id }) => ({ group_id }),
  'lessons.pause': ({ group_id, member_id }) => ({ group_id, member_ids: [member_id] }),
  'lessons.resume': ({ group_id, member_id }) => ({ group_id, member_ids: [member_id] }),
  'lessons.end': ({ group_id }) => ({ group_id, ends_at: '2199-01-01T00:00:00Z' }),
  'allocations.list': () => ({}),
  'allocations.create': () => ({ name: 'Another', budget_usd: '1' }),
  'models.list': () => ({}),
  'rules.list': () => ({}),
  'rules.get': ({ rule_id: id }) => ({ id }),
  'rules.create': ({ member_id, group_id, location_id, provider_id }) => ({
    name: 'Another',
    effect: 'block',
    member_ids: [member_id],
    group_ids: [group_id],
    location_ids: [location_id],
    provider_ids: [provider_id],
  }),
  'rules.update': ({ rule_id: id, member_id, group_id, location_id, provider_id }) => ({
    id,
    member_ids: [member_id],
    group_ids: [group_id],
    location_ids: [location_id],
    provider_ids: [provider_id],
  }),
  'rules.reorder': ({ rule_id }) => ({ ids: [rule_id] }),
  'rules.delete': ({ rule_id: id }) => ({ id }),
  'rules.try': ({ rule_id, key_id, group_id, provider_id }) => ({
    key_id,
    model: 'sandbox-small',
    provider_id,
    draft: { id: rule_id, name: 'Draft', effect: 'block', group_ids: [group_id] },
    ...OTHER_ASKER,
  }),
  'usage.list': ({ member_id, key_id, provider_id, location_id }) => ({ member_id, key_id, provider_id, location_id }),
  'usage.summary': ({ location_id }) => ({ location_id }),
  'balance.get': () => ({}),
  'balance.level': () => ({}),
  'balance.list_ledger': () => ({}),
  'balance.list_promotions': () => ({}),
  'balance.promote': () => ({ amount_usd: '1', cause: 'gift', expires_at: '2999-01-01T00:00:00Z' }),
  'top_ups.list': () => ({}),
  'top_ups.create': () => ({ amount_usd: '25' }),
  'top_ups.get': ({ top_up_id: id }) => ({ id }),
  'top_ups.check': ({ top_up_id: id }) => ({ id }),
  'top_ups.cancel': ({ top_up_id: id }) => ({ id }),
  'billing.get': () => ({}),
  'billing.set_automatic': () => ({ threshold_usd: '5', amount_usd: '25', monthly_max_usd: '50' }),
  'billing.stop_automatic': () => ({}),
  'billing.set_alert': () => ({ low_below_usd: '5' }),
  'billing.save_method': () => ({}),
  'billing.check_method': () => ({}),
  'billing.confirm': () => ({}),
  'billing.reconcile': () => ({}),
  'statements.list': () => ({}),
  'statements.get': () => ({ month: new Date().toISOString().slice(0, 7) }),
  'balance.credit': () => ({ amount_usd: '1', cause: 'gift' }),
  'service_tokens.list': () => ({}),
  'service_tokens.create': () => ({ name: 'Another', scopes: ['keys:read'] }),
  'service_tokens.revoke': ({ service_token_id: id }) => ({ id }),
  'audit.list': ({ key_id }) => ({ target_id: key_id }),
  'providers.list': () => ({}),
  'providers.list_kinds': () => ({}),
  'providers.get': ({ provider_id: id }) => ({ id }),
  'providers.create': () => ({ name: 'another', kind: 'openai', credential: 'sk-another' }),
  'providers.update': ({ provider_id: id }) => ({ id, priority: 7 }),
  'providers.rotate_credential': ({ provider_id: id }) => ({ id, credential: 'sk-rotated' }),
  'providers.share': ({ provider_id: id, group_id }) => ({ id, group_ids: [group_id] }),
  'providers.delete': ({ spare_provider_id: id }) => ({ id }),
  'providers.try_new': () => ({ kind: 'vllm', base_url: 'https://new.example/v1' }),
  'providers.try': ({ provider_id: id }) => ({ id }),
  'providers.list_models': ({ provider_id: id }) => ({ id }),
  'providers.set_models': ({ provider_id: id }) => ({ id, models: [{ name: 'sandbox-small', is_enabled: false }] }),
  'providers.list_prices': ({ model_id }) => ({ model_id }),
  'providers.preview_prices': ({ provider_id: id }) => ({ id, document: PRICE_LIST }),
  'providers.import_prices': ({ provider_id: id }) => ({ id, document: PRICE_LIST }),
  'providers.list_markups': () => ({}),
  'providers.set_markup': ({ provider_id: id }) => ({ id, markup_percent: '12.5' }),
}

/** The console's own views of what a scope allows anyway. */
const CONSOLE_VIEWS = [
  'coding.list_people',
  'coding.count_people',
  'coding.list_groups',
  'search.all',
  'keys.preview_many',
]

/** What anybody does with keys of their own; the tests of `keys` try whose they may be. */
const PERSONAL = ['keys.get_own', 'keys.create_own', 'keys.revoke_own']

/** Of what there is, a member without a role may do only this. */
const MEMBER_MAY = ['tenants.get', 'balance.level', 'keys.list_own', 'keys.get_own_limits', 'models.list']

const EXPOSED = REGISTRY.map((one) => ({ ...one, name: one.operation.name }))
const CALLABLE = EXPOSED.filter(({ doors }) => doors.length > 0)

const MASTER_KEY = randomBytes(32)
const provider_name = (unique: string) => unique.replace('_', '-')
/** A provider that has no models. */
const reach = async () => ({ status: 200, body: Buffer.from('{"data": []}') })

let db: TestDatabase
let stripe: SandboxStripe
let outside: core.Outside
let scene: Scene
let mine: Things
/** Of the same tenant as `mine`, in another location. */
let elsewhere: Things
let theirs: Things
beforeAll(async () => {
  db = await createTestDatabase(inject('testCluster'))
  stripe = await startSandboxStripe()
  const settings = { secret_key: 'sk_test_x', webhook_secret: 'whsec_x', api_url: stripe.url }
  const payments = ofBilling.createPayments({ ...settings, console_url: 'https://console.example' })
  outside = payments === undefined ? {} : { billing: payments }
  await createProvider(db.database, { base_url: 'https://provider.example/v1', masterKey: MASTER_KEY })
  scene = await createScene(db.database)
  mine = await makeThings(scene)
  elsewhere = await makeThings(scene)
  theirs = await makeThings()
})
afterAll(async () => {
  await stripe.close()
  await db.drop()
})

/** In a new tenant unless one is given, in a location of its own. */
async function makeThings(within?: Scene) {
  const home = within ?? (await createScene(db.database))
  const { tenant_id, run } = home
  const unique = newId('location')
  const { id: location_id } = await run(core.locations.create, { name: unique })
  const { id: empty_location_id } = await run(core.locations.create, { name: `${unique} empty` })
  const { id: group_id } = await run(core.groups.create, { name: 'Group', location_id })
  const { id: member_id } = await home.member({ location_id, group_ids: [group_id] })
  const { id: staff_id } = await home.member({ location_id, kind: 'staff' })
  const { id: allocation_id } = await run(core.allocations.create, { name: unique, budget_usd: '10' })
  const { id: key_id, secret } = await home.key({ member_id, allocation_id })
  await run(core.balance.promote, { amount_usd: '1', cause: 'gift', expires_at: '2999-01-01T00:00:00Z' })
  const { id: service_token_id } = await run(core.serviceTokens.create, { name: 'Script', scopes: ['keys:read'] })
  const own = { tenant_id, base_url: 'https://own.example/v1', masterKey: MASTER_KEY, credential: 'sk-own' }
  const { id: provider_id } = await createProvider(db.database, { ...own, name: provider_name(unique) })
  const spare = await createProvider(db.database, { ...own, name: `${provider_name(unique)}-spare` })
  await run(core.keys.update, { id: key_id, provider_id })
  const [model] = (await run(core.providers.listModels, { id: provider_id })).data
  if (model === undefined) throw new Error('a provider without models')
  const owner = await home.owner()
  const begun = await outcomeOf(ofBilling.topUps.create, owner, { amount_usd: '25' })
  const { id: top_up_id } = (begun as { output: { id: string } }).output
  await db.admin`update billing_accounts set payment_method = 'pm_test', payment_method_label = 'Visa ending in 4242'
    where tenant_id = ${tenant_id}`
  const own_keys = { kinds: ['staff' as const], keys_max: 100, budget_max_usd: '10', days_max: null, may_renew: true }
  await run(core.tenants.update, { own_keys })
  const { id: own_key_id } = await home.key({ member_id: owner.member_id })
  const { id: guest_id } = await home.member({ location_id, account: false })
  const domain = `${unique.slice(4)}.example`
  await run(core.domains.set, { domain, kind: 'student', location_id })
  const import_id = (
    await run(core.imports.create, { files: [ROSTER], settings: { default_location_id: location_id } }, owner)
  ).id
  const request_id = await spendSomething(secret, provider_id)
  const { id: rule_id } = await run(core.rules.create, { name: 'Rule', effect: 'block', location_ids: [location_id] })
  return {
    tenant_id,
    owner,
    location_id,
    empty_location_id,
    group_id,
    member_id,
    staff_id,
    allocation_id,
    key_id,
    own_key_id,
    service_token_id,
    top_up_id,
    provider_id,
    spare_provider_id: spare.id,
    model_id: model.id,
    rule_id,
    import_id,
    guest_id,
    domain,
    request_id,
  }
}

async function spendSomething(secret: string, provider_id: string): Promise<string> {
  const nanos = 1_000_000n
  const lease_id = newId('lease')
  const answer = await draw(db.database, {
    secret_hash: hashSecret(secret),
    gateway_id: 'gtw_test',
    lease_id,
    want_nanos: nanos,
    least_nanos: nanos,
    uses_balance: true,
  })
  if (answer.outcome !== 'granted') throw new Error(`the draw was ${answer.outcome}`)
  const { tenant_id, key_id, member_id, allocation_id } = answer.facts
  const id = newId('request')
  await settle(db.database, [
    {
      tenant_id,
      key_id,
      member_id,
      allocation_id,
      lease_id,
      id,
      started_at: new Date().toISOString(),
      gateway_id: 'gtw_test',
      draws_on_balance: true,
      model: 'sandbox-small',
      provider_id,
      provider_name: 'sandbox',
      price_id: 'prc_test',
      status: 'succeeded',
      http_status: 200,
      error_code: null,
      is_streamed: false,
      is_estimated: false,
      thread: 'a-conversation',
      input_tokens: 10,
      cached_input_tokens: 0,
      cache_write_tokens: 0,
      cache_write_1h_tokens: 0,
      output_tokens: 5,
      reasoning_tokens: null,
      hold_nanos: nanos,
      cost_nanos: nanos,
      excess_nanos: 0n,
      latency_ms: 1,
      first_byte_ms: null,
    },
  ])
  return id
}

const deps = () => ({ database: db.database, masterKeys: [MASTER_KEY] as const, reach })

type Outcome = { code: string; message: string; details: object } | { output: unknown }

async function outcomeOf(operation: AnyOperation, actor: Actor, input: object): Promise<Outcome> {
  try {
    const request = { request_id: 'req_test', ip: null }
    return { output: (await execute(operation, { ...deps(), outside }, actor, input, { request })).output }
  } catch (error) {
    const { code, message, details } = error as { code: string; message: string; details: object }
    return { code, message, details }
  }
}

function inputFor(name: string, things: Things): object {
  const make = CASES[name]
  if (make === undefined) throw new Error(`${name} has no case: add one to CASES`)
  return make(things)
}

/** Everything a tenant has, as one text: equal before and after means that nothing was changed. */
async function everythingOf(tenantId: string): Promise<string> {
  const tables = await db.admin<{ name: string }[]>`
    select c.table_name as name from information_schema.columns c
      join information_schema.tables t using (table_schema, table_name)
     where c.table_schema = 'public' and c.column_name = 'tenant_id' and t.table_type = 'BASE TABLE' order by 1`
  const contents = []
  for (const { name } of tables) {
    const rows =
      await db.admin`select one::text as row from ${db.admin(name)} one where tenant_id = ${tenantId} order by 1`
    contents.push(`${name}: ${rows.map(({ row }) => row).join('\n')}`)
  }
  return contents.join('\n')
}

const ID = /^(pay|loc|grp|mem|key|alc|tok|prv|req|imp|mod)_[0-9a-z]+$/

/** The input with one of its ids replaced, for each field that has one. */
function* withOneIdOf(input: object, others: object): Generator<{ field: string; foreign: object; made_up: object }> {
  for (const [field, value] of Object.entries(input)) {
    const other = (others as Record<string, unknown>)[field]
    const [id, foreignId] = Array.isArray(value) ? [value[0], (other as unknown[])[0]] : [value, other]
    if (typeof id !== 'string' || !ID.test(id)) continue
    const wrap = (one: string) => ({ ...input, [field]: Array.isArray(value) ? [one] : one })
    yield { field, foreign: wrap(foreignId as string), made_up: wrap(`${id.slice(0, 4)}01jd4k0v8m3q6y1x2z5w7t9rbc`) }
  }
}

/** What a query answers that found none. */
function isNothing(output: { data?: unknown[]; count?: number; requests?: number }): boolean {
  return output.data?.length === 0 || output.count === 0 || output.requests === 0
}

function isRefused(outcome: Outcome, code: string): boolean {
  return 'code' in outcome && outcome.code === code
}

describe('exposure', () => {
  test('every operation of core is in the registry, once', () => {
    const inCore = [...Object.values(core), ...Object.values(ofBilling)]
      .filter((one) => typeof one === 'object' && one !== null)
      .flatMap((one) => Object.values(one as object))
      .filter(
        (one): one is AnyOperation => typeof one === 'object' && one !== null && 'handle' in one && 'permission' in one,
      )
      .map(({ name }) => name)
    expect(inCore.length).toBeGreaterThan(20)
    expect(EXPOSED.map(({ name }) => name).toSorted()).toEqual(inCore.toSorted())
    expect(new Set(inCore).size).toBe(inCore.length)
  })

  test('the tRPC router has those declared for it, with their kind, and no others', () => {
    const camel = (name: string) => name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
    const declared = EXPOSED.filter(({ doors }) => doors.includes('trpc')).map(
      ({ name, operation }) => `${camel(name)} ${operation.kind}`,
    )
    const procedures = Object.entries(
      appRouter._def.procedures as unknown as Record<string, { _def: { type: string } }>,
    ).map(([path, { _def }]) => `${path} ${_def.type === 'mutation' ? 'command' : _def.type}`)
    expect(procedures.toSorted()).toEqual(declared.toSorted())
  })

  test('the REST routes have those declared for it, commands under POST, and no others', () => {
    const declared = EXPOSED.filter(({ doors }) => doors.includes('rest')).map(({ name }) => name)
    expect(ROUTES.map(({ operation }) => operation.name).toSorted()).toEqual(declared.toSorted())
    for (const { method, operation } of ROUTES) {
      const writes = operation.name.endsWith('.update') ? 'PATCH' : 'POST'
      expect(method).toBe(operation.kind === 'query' ? 'GET' : writes)
    }
    const addresses = ROUTES.map(({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`)
    expect(new Set(addresses).size).toBe(addresses.length)
  })

  test('what only the operator may do has no door', () => {
    const guarded = EXPOSED.filter(({ operation }) => operation.permission === 'platform:write')
    expect(guarded.every(({ doors }) => doors.length === 0)).toBe(true)
    expect(EXPOSED.filter(({ doors }) => doors.length === 0)).toEqual(guarded)
  })

  test('what concerns only a person is not for scripts', () => {
    const personal = EXPOSED.filter(({ operation }) => operation.permission === 'own')
    expect(personal.every(({ doors }) => !doors.includes('rest'))).toBe(true)
  })
})

describe('cases', () => {
  test('there is one for each operation and none too many', () => {
    expect(Object.keys(CASES).toSorted()).toEqual(EXPOSED.map(({ name }) => name).toSorted())
  })

  test.each(CALLABLE)('$name: its case names every field that takes an id', ({ name, operation }) => {
    const schema = z.toJSONSchema(operation.input, { io: 'input' }) as { properties?: Record<string, unknown> }
    const idFields = Object.entries(schema.properties ?? {})
      .filter(([field, type]) => /"pattern":"\^[a-z]{3}_/.test(JSON.stringify(type)) || /(^|_)ids?$/.test(field))
      .map(([field]) => field)
    expect(Object.keys(inputFor(name, mine))).toEqual(expect.arrayContaining(idFields))
  })

  test.each(CALLABLE)('$name: its case is allowed to the owner', async ({ name, operation }) => {
    const own = await makeThings()
    const outcome = await outcomeOf(operation, own.owner, inputFor(name, own))
    expect(outcome).toHaveProperty('output')
    // What is shown is not empty, so that "nothing of it" below means something.
    if (operation.kind === 'query' && name !== 'keys.list_own') {
      expect((outcome as { output: { data?: unknown[] } }).output.data).not.toEqual([])
    }
  })
})

describe('another tenant’s owner', () => {
  test.each(CALLABLE)('$name: finds of this tenant what is found of nothing', async ({ name, operation }) => {
    const before = await everythingOf(mine.tenant_id)
    for (const { foreign, made_up } of withOneIdOf(inputFor(name, theirs), inputFor(name, mine))) {
      const found = await outcomeOf(operation, theirs.owner, foreign)
      expect(found).toEqual(await outcomeOf(operation, theirs.owner, made_up))
      if (operation.kind === 'command' || operation.errors.includes('not_found')) {
        expect(found).toMatchObject({ code: 'not_found' })
      } else {
        expect(found).toMatchObject({ output: expect.toSatisfy(isNothing) })
      }
    }
    expect(await everythingOf(mine.tenant_id)).toBe(before)
  })

  test.each(CALLABLE)('$name: sees nothing of this tenant in its own', async ({ name, operation }) => {
    const own = await makeThings()
    const outcome = await outcomeOf(operation, own.owner, inputFor(name, own))
    const text = JSON.stringify(outcome)
    for (const [thing, id] of Object.entries(mine)) {
      if (typeof id === 'string') expect(text, thing).not.toContain(id)
    }
  })
})

/** Giving a role is for owners alone. */
const withoutRole = (name: string, things: Things) =>
  name === 'members.create'
    ? { ...inputFor(name, things), role: 'member', scope_location_ids: [] }
    : inputFor(name, things)

describe('an admin of some locations', () => {
  const operations = CALLABLE.filter(({ name }) => name !== 'keys.list_own')
  const adminOf = (things: Things): Actor => ({ ...things.owner, role: 'admin', location_ids: [things.location_id] })
  /** What concerns the whole tenant. */
  const NOT_FOR_THEM = [
    'tenants.update',
    'domains.set',
    'domains.remove',
    'locations.create',
    'locations.update',
    'locations.delete',
    'allocations.list',
    'allocations.create',
    'balance.get',
    'balance.list_ledger',
    'balance.list_promotions',
    'top_ups.list',
    'top_ups.create',
    'top_ups.get',
    'top_ups.check',
    'top_ups.cancel',
    'billing.get',
    'billing.set_automatic',
    'billing.stop_automatic',
    'billing.set_alert',
    'billing.save_method',
    'billing.check_method',
    'billing.confirm',
    'billing.reconcile',
    'statements.list',
    'statements.get',
    'service_tokens.list',
    'service_tokens.create',
    'service_tokens.revoke',
    'audit.list',
    ...Object.keys(CASES).filter((name) => name.startsWith('providers.')),
    ...Object.keys(CASES).filter((name) => name.startsWith('rules.') && !['rules.list', 'rules.get'].includes(name)),
  ]

  test.each(operations)('$name: finds of other locations what is found of nothing', async ({ name, operation }) => {
    const before = await everythingOf(mine.tenant_id)
    for (const { field, foreign, made_up } of withOneIdOf(withoutRole(name, elsewhere), withoutRole(name, mine))) {
      // Allocations and providers have no location: keys of any may use them.
      if (field === 'allocation_id' || field === 'provider_id') continue
      const found = await outcomeOf(operation, adminOf(elsewhere), foreign)
      expect(found).toEqual(await outcomeOf(operation, adminOf(elsewhere), made_up))
      if ('output' in found) expect(found).toMatchObject({ output: expect.toSatisfy(isNothing) })
      else expect(found.code).toBe(NOT_FOR_THEM.includes(name) ? 'forbidden' : 'not_found')
    }
    expect(await everythingOf(mine.tenant_id)).toBe(before)
  })

  test.each(operations)(
    '$name: does in its own what it may, and sees nothing of others',
    async ({ name, operation }) => {
      const theirOwn = await makeThings(scene)
      const outcome = await outcomeOf(operation, adminOf(theirOwn), withoutRole(name, theirOwn))
      if (NOT_FOR_THEM.includes(name)) return expect(outcome).toMatchObject({ code: 'forbidden' })
      expect(outcome).toHaveProperty('output')
      for (const id of [mine.location_id, mine.group_id, mine.member_id, mine.key_id, mine.request_id]) {
        expect(JSON.stringify(outcome)).not.toContain(id)
      }
    },
  )
})

describe('a teacher', () => {
  const operations = CALLABLE.filter(({ name }) => name !== 'keys.list_own')
  const teacherOf = (things: Things): Actor => ({ ...things.owner, role: 'member', group_ids: [things.group_id] })

  test.each(operations)('$name: finds of other groups what is found of nothing', async ({ name, operation }) => {
    const teacher = teacherOf(elsewhere)
    const before = await everythingOf(mine.tenant_id)
    for (const { field, foreign, made_up } of withOneIdOf(inputFor(name, elsewhere), inputFor(name, mine))) {
      if (field === 'allocation_id' || field === 'provider_id') continue
      const found = await outcomeOf(operation, teacher, foreign)
      expect(found).toEqual(await outcomeOf(operation, teacher, made_up))
      if ('output' in found) expect(found).toMatchObject({ output: expect.toSatisfy(isNothing) })
      else expect(found.code).toBe(may(teacher, operation.permission) ? 'not_found' : 'forbidden')
    }
    expect(await everythingOf(mine.tenant_id)).toBe(before)
  })

  test.each(operations)(
    '$name: does in their group what they may, and sees nothing of others',
    async ({ name, operation }) => {
      const own = await makeThings(scene)
      const outcome = await outcomeOf(operation, teacherOf(own), inputFor(name, own))
      if (!may(teacherOf(own), operation.permission)) return expect(outcome).toMatchObject({ code: 'forbidden' })
      expect(outcome).toHaveProperty('output')
      for (const id of [mine.location_id, mine.group_id, mine.member_id, mine.key_id, mine.request_id]) {
        expect(JSON.stringify(outcome)).not.toContain(id)
      }
    },
  )
})

describe('one who looks after the money', () => {
  test.each(EXPOSED)('$name: sees nothing of people', async ({ name, operation }) => {
    const billing: Actor = { ...mine.owner, role: 'billing', group_ids: null }
    const before = await everythingOf(mine.tenant_id)
    const outcome = await outcomeOf(operation, billing, inputFor(name, mine))
    expect(isRefused(outcome, 'forbidden')).toBe(!may(billing, operation.permission))
    for (const id of [mine.location_id, mine.group_id, mine.member_id, mine.request_id]) {
      expect(JSON.stringify(outcome)).not.toContain(id)
    }
    if (operation.kind === 'query') expect(await everythingOf(mine.tenant_id)).toBe(before)
  })
})

/** Only for owners and for those who look after it. */
const MONEY: readonly string[] = ['balance:read', 'billing:read']

describe('an auditor', () => {
  test.each(EXPOSED.filter(({ name }) => !PERSONAL.includes(name)))(
    '$name: reads, and changes nothing',
    async ({ name, operation, doors }) => {
      const auditor: Actor = { ...mine.owner, role: 'auditor' }
      const before = await everythingOf(mine.tenant_id)
      const outcome = await outcomeOf(operation, auditor, inputFor(name, mine))
      const reads = operation.kind === 'query' && doors.length > 0 && !MONEY.includes(operation.permission)
      expect(isRefused(outcome, 'forbidden')).toBe(!reads)
      expect('output' in outcome).toBe(reads)
      expect(await everythingOf(mine.tenant_id)).toBe(before)
    },
  )
})

describe('a member without a role', () => {
  test.each(EXPOSED.filter(({ name }) => !PERSONAL.includes(name)))('$name', async ({ name, operation }) => {
    const member: Actor = { ...mine.owner, role: 'member', group_ids: [] }
    const before = await everythingOf(mine.tenant_id)
    const outcome = await outcomeOf(operation, member, inputFor(name, mine))
    expect('output' in outcome).toBe(MEMBER_MAY.includes(name))
    expect(isRefused(outcome, 'forbidden')).toBe(!MEMBER_MAY.includes(name))
    expect(await everythingOf(mine.tenant_id)).toBe(before)
  })
})

describe('nobody', () => {
  test.each(EXPOSED)('$name: is asked to sign in, whatever the input', async ({ name, operation }) => {
    for (const input of [inputFor(name, mine), { nonsense: true }]) {
      expect(await outcomeOf(operation, { kind: 'anonymous' }, input)).toMatchObject({ code: 'unauthenticated' })
    }
  })
})

describe('an owner', () => {
  test.each(EXPOSED.filter(({ doors }) => doors.length === 0))(
    '$name: is not the operator',
    async ({ name, operation }) => {
      expect(await outcomeOf(operation, mine.owner, inputFor(name, mine))).toMatchObject({ code: 'forbidden' })
    },
  )
})

describe('a service token', () => {
  const tokenWith = (things: Things, permissions: TenantPermission[]): Actor => ({
    kind: 'service_token',
    tenant_id: things.tenant_id,
    token_id: things.service_token_id,
    permissions,
  })
  const inRest = EXPOSED.filter(({ doors }) => doors.includes('rest'))

  test.each(inRest)('$name: needs its one scope', async ({ name, operation }) => {
    const own = await makeThings()
    const needed = operation.permission as TenantPermission
    const others = core.PERMISSIONS.filter((permission) => permission !== needed)
    const input = withoutRole(name, own)
    expect(await outcomeOf(operation, tokenWith(own, others), input)).toMatchObject({ code: 'forbidden' })
    // A token may only be given what its maker has.
    const enough: TenantPermission[] = name === 'service_tokens.create' ? [needed, 'keys:read'] : [needed]
    expect(await outcomeOf(operation, tokenWith(own, enough), input)).toHaveProperty('output')
  })

  test.each(EXPOSED.filter(({ doors }) => !doors.includes('rest')))(
    '$name: not even with all scopes',
    async ({ name, operation }) => {
      if (CONSOLE_VIEWS.includes(name)) return
      const token = tokenWith(mine, [...core.PERMISSIONS])
      expect(await outcomeOf(operation, token, inputFor(name, mine))).toMatchObject({ code: 'forbidden' })
    },
  )
})

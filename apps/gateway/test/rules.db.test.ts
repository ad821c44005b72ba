import * as core from '@stipend/core'
import { createProvider, createScene } from '@stipend/core/testing'
import { startSandboxProvider } from '@stipend/sandbox-provider'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import type { z } from 'zod'
import { balanced, soon, written } from './books.ts'
import { Cable } from './cable.ts'
import { buildHouse, CREDENTIAL, type House, MASTER_KEY } from './harness.ts'
import { type Answer, call, errorOf, isWhole, keepAlive, prompt } from './http.ts'

type Sandbox = Awaited<ReturnType<typeof startSandboxProvider>>
let house: House
let second: Sandbox
let secondId: string
/** Of another process, which hears of changes by the database alone. */
let otherUrl: string
let cable: Cable
beforeAll(async () => {
  house = await buildHouse(inject('testCluster'), {
    name: 'first',
    priority: 1,
    models: ['sandbox-small', 'sandbox-large'],
  })
  second = await startSandboxProvider({ credential: CREDENTIAL })
  const at = { base_url: `${second.url}/v1`, masterKey: MASTER_KEY, credential: CREDENTIAL }
  secondId = (await createProvider(house.test.database, { ...at, name: 'second', priority: 2 })).id
  cable = await Cable.to(house.test.url)
  otherUrl = await house.start({ databaseUrl: cable.url })
})
afterAll(async () => {
  await balanced(house)
  await house.close()
  await cable.close()
  await second.close()
})
beforeEach(async () => {
  for (const { id } of (await house.scene.run(core.rules.list, {})).data) {
    await house.scene.run(core.rules.delete, { id })
  }
  for (const one of [house.sandbox, second]) one.reset()
})

const make = (terms: Partial<z.input<typeof core.rules.create.input>>) =>
  house.scene.run(core.rules.create, { name: 'Not you', effect: 'block', ...terms })
const ask = (secret: string, more: object = {}, url = house.url) =>
  call(url, { key: secret, body: prompt('output_tokens=5', more) })
const until = (is: (answer: Answer) => boolean, asked: () => Promise<Answer>) =>
  vi.waitFor(
    async () => {
      const answer = await asked()
      expect(is(answer), answer.text).toBe(true)
      return answer
    },
    { timeout: 1_000, interval: 20 },
  )
const isRefused = ({ status }: Answer) => status === 403

/** Times of day around this moment: an hour ago, and an hour from now. */
function aroundNow() {
  const clock = (ms: number) => new Date(Date.now() + ms).toLocaleTimeString('en-GB', { timeZone: 'Europe/Amsterdam' })
  return { time_from: clock(-3_600_000).slice(0, 5), time_until: clock(3_600_000).slice(0, 5) }
}

describe('a rule that blocks', () => {
  it('refuses in the dialect of the client, and the refusal reaches no provider', async () => {
    const person = await house.scene.member({ kind: 'student' })
    const key = await house.scene.key({ member_id: person.id })
    await make({ kinds: ['student'] })
    const refused = await until(isRefused, () => ask(key.secret))
    const before = await written(house)
    for (const one of [house.sandbox, second]) one.reset()

    const sentence =
      'The rule "Not you" of your organisation blocks this API key. Ask an administrator of your organisation.'
    expect(errorOf(refused)).toEqual({
      message: sentence,
      type: 'invalid_request_error',
      param: null,
      code: 'blocked_by_rule',
    })
    expect(refused.headers['x-should-retry']).toBe('false')
    for (const stream of [true, false]) expect((await ask(key.secret, { stream })).status).toBe(403)
    const messages = { model: 'sandbox-small', max_tokens: 5, messages: [{ role: 'user', content: 'Hello' }] }
    for (const path of ['/messages', '/messages/count_tokens']) {
      const answer = await call(house.url, { key: key.secret, path, body: messages })
      expect(answer).toMatchObject({ status: 403, headers: { 'x-should-retry': 'false' } })
      expect(JSON.parse(answer.text)).toMatchObject({
        type: 'error',
        error: { type: 'permission_error', message: sentence },
      })
    }
    for (const [path, body] of [
      ['/responses', { model: 'sandbox-small', input: 'Hello' }],
      ['/embeddings', { model: 'sandbox-small', input: 'Hello' }],
      ['/completions', { model: 'sandbox-small', prompt: 'Hello' }],
    ] as const) {
      expect(errorOf(await call(house.url, { key: key.secret, path, body })).code).toBe('blocked_by_rule')
    }
    expect(house.sandbox.stats().requests + second.stats().requests).toBe(0)
    expect(await written(house)).toEqual(before)
  })

  it('by the time of day alone says when it works again', async () => {
    const key = await house.scene.key()
    await make({ name: 'Evenings', ...aroundNow() })
    const refused = errorOf(await until(isRefused, () => ask(key.secret)))
    expect(refused.code).toBe('outside_schedule')
    expect(refused.message).toMatch(
      /^The rule "Evenings" of your organisation blocks this API key at this time\. It works again on .+ at \d\d:\d\d \(Europe\/Amsterdam\)\.$/,
    )
  })

  it('a model only, and hides it from the list', async () => {
    const key = await house.scene.key()
    const models = async () => {
      const answer = await call(house.url, { key: key.secret, method: 'GET', path: '/models' })
      return (JSON.parse(answer.text) as { data: { id: string }[] }).data.map((one) => one.id)
    }
    expect(await models()).toEqual(['sandbox-large', 'sandbox-small'])
    await make({ models: ['sandbox-l*'] })
    const refused = errorOf(await until(isRefused, () => ask(key.secret, { model: 'sandbox-large' })))
    expect(refused).toMatchObject({ code: 'blocked_by_rule', param: 'model' })
    expect(refused.message).toContain('blocks the model "sandbox-large"')
    expect(isWhole(await ask(key.secret))).toBe(true)
    expect(await models()).toEqual(['sandbox-small'])
    const one = await call(house.url, { key: key.secret, method: 'GET', path: '/models/sandbox-large' })
    expect(one.status).toBe(404)
  })

  it('a provider only: the next is asked, and where none is left it is refused', async () => {
    const key = await house.scene.key()
    const [first] = (await house.scene.run(core.models.list, {})).data
    await make({ name: 'Not the first', provider_ids: [first?.provider_id ?? ''] })
    await until(isWhole, async () => {
      const answer = await ask(key.secret)
      return second.stats().requests > 0 ? answer : { ...answer, status: 0 }
    })
    house.sandbox.reset()
    second.configure({ status: 500 })
    // It isn't turned to even where the other fails.
    expect((await ask(key.secret)).status).toBe(502)
    expect(house.sandbox.stats().requests).toBe(0)
    second.configure({})
    await make({ name: 'Nor the second', provider_ids: [secondId] })
    expect(errorOf(await until(isRefused, () => ask(key.secret))).message).toContain('"Not the first"')
  })

  it('is for those it names, as they are now', async () => {
    const group = await house.scene.run(core.groups.create, { name: '7b', location_id: house.scene.location.id })
    const person = await house.scene.member()
    const key = await house.scene.key({ member_id: person.id })
    await make({ group_ids: [group.id] })
    expect(isWhole(await ask(key.secret))).toBe(true)
    await house.scene.run(core.groups.addMembers, { group_id: group.id, member_ids: [person.id] })
    await until(isRefused, () => ask(key.secret))
    await house.scene.run(core.groups.removeMembers, { group_id: group.id, member_ids: [person.id] })
    await until(isWhole, () => ask(key.secret))
    await make({ roles: ['auditor'] })
    await house.scene.run(core.members.update, { id: person.id, role: 'auditor' })
    await until(isRefused, () => ask(key.secret))
  })
})

describe('a change', () => {
  it('holds on all gateways within a second: made, turned, moved, switched off and deleted', async () => {
    const key = await house.scene.key()
    const urls = [house.url, otherUrl]
    const on = async (is: (answer: Answer) => boolean) => {
      await Promise.all(urls.map((url) => until(is, () => ask(key.secret, {}, url))))
    }
    await on(isWhole)
    const rule = await make({})
    await on(isRefused)
    await house.scene.run(core.rules.update, { id: rule.id, effect: 'allow' })
    await on(isWhole)
    const other = await make({ name: 'Other' })
    await house.scene.run(core.rules.reorder, { ids: [other.id, rule.id] })
    await on(isRefused)
    await house.scene.run(core.rules.update, { id: other.id, is_enabled: false })
    await on(isWhole)
    await house.scene.run(core.rules.update, { id: other.id, is_enabled: true })
    await on(isRefused)
    await house.scene.run(core.rules.delete, { id: other.id })
    await on(isWhole)
  })

  it('cuts no stream that is running', async () => {
    const key = await house.scene.key()
    const body = prompt('output_tokens=60 chunk_delay_ms=30', { stream: true })
    const made: Promise<unknown>[] = []
    const streamed = call(house.url, {
      key: key.secret,
      body,
      leaveWhen: (text) => {
        if (text.includes('"content"') && made.length === 0) made.push(make({}))
        return false
      },
    })
    await vi.waitFor(() => expect(made).toHaveLength(1), { timeout: 3_000, interval: 5 })
    await Promise.all(made)
    await until(isRefused, () => ask(key.secret))
    expect(isWhole(await streamed)).toBe(true)
  })

  it('of another organisation is nothing to this one', async () => {
    const other = await createScene(house.test.database)
    const theirs = await other.key()
    const key = await house.scene.key()
    await other.run(core.rules.create, { name: 'Theirs', effect: 'block' })
    await until(isRefused, () => ask(theirs.secret))
    expect(isWhole(await ask(key.secret))).toBe(true)
  })
})

describe('the database', () => {
  it('is not asked by a request on a warm key', async () => {
    const key = await house.scene.key({ budget_usd: '50' })
    await make({ models: ['sandbox-large'] })
    const agent = keepAlive()
    const once = () => call(otherUrl, { key: key.secret, body: prompt('output_tokens=1'), agent })
    for (let warm = 0; warm < 20; warm++) expect((await once()).status).toBe(200)
    const count = async (requests: number) => {
      const before = cable.statements
      for (let n = 0; n < requests; n++) expect((await once()).status).toBe(200)
      return cable.statements - before
    }
    const statements = await count(200)
    agent.destroy()
    // Batches that settle, and reports: a few a second, whatever the number of requests.
    expect(statements).toBeLessThan(40)
  })

  it('is asked while changes aren’t heard of: what is remembered isn’t trusted', async () => {
    const key = await house.scene.key()
    const rule = await make({ models: ['sandbox-large'] })
    await until(isRefused, () => ask(key.secret, { model: 'sandbox-large' }, otherUrl))
    await house.test.admin.begin(async (sql) => {
      // Gone before the rule is switched off, not only told to go.
      const lost = await sql`
        select pg_terminate_backend(pid, 5000) from pg_stat_activity
         where datname = current_database() and application_name like 'stipend gateway%' and query in ('listen stipend', 'select 1')`
      expect(lost.length).toBeGreaterThanOrEqual(2)
      await sql`update rules set is_enabled = false where id = ${rule.id}`
    })
    for (const url of [house.url, otherUrl]) {
      expect(isWhole(await ask(key.secret, { model: 'sandbox-large' }, url))).toBe(true)
    }
  })
})

it('counts how many requests each rule decided', async () => {
  const key = await house.scene.key()
  const large = await make({ name: 'Large', models: ['sandbox-large'] })
  const rest = await make({ name: 'Rest', effect: 'allow' })
  const unused = await make({ name: 'Unused', member_ids: [(await house.scene.member()).id] })
  await until(isRefused, () => ask(key.secret, { model: 'sandbox-large' }))
  const counted = async () =>
    Object.fromEntries(
      (await house.scene.run(core.rules.list, {})).data.map((one) => [one.id, one.requests_7_days]),
    ) as Record<string, number>
  await soon(async () => expect((await counted())[large.id]).toBeGreaterThan(0))
  const before = await counted()
  for (let n = 0; n < 3; n++) await ask(key.secret, { model: 'sandbox-large' })
  for (let n = 0; n < 2; n++) await ask(key.secret)
  await call(house.url, { key: key.secret, method: 'GET', path: '/models' })
  await soon(async () => {
    const now = await counted()
    expect((now[large.id] ?? 0) - (before[large.id] ?? 0)).toBe(3)
    expect((now[rest.id] ?? 0) - (before[rest.id] ?? 0)).toBe(2)
    expect(now[unused.id]).toBe(0)
  })
})

import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { createProvider } from '@stipend/core/testing'
import { modelPrice } from '@stipend/money'
import { startSandboxProvider } from '@stipend/sandbox-provider'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import { Catalogue } from '../src/catalogue.ts'
import { balanced, costAt, settled, soon, spentOf } from './books.ts'
import { buildHouse, CREDENTIAL, type House, MASTER_KEY } from './harness.ts'
import { call, errorOf, eventData, prompt } from './http.ts'

/** Two providers for one model: which of them is asked, and what becomes of the money when one fails. */
const CHEAP = modelPrice({ input: '1', output: '4' })
const DEAR = modelPrice({ input: '3', output: '15' })
type Sandbox = Awaited<ReturnType<typeof startSandboxProvider>>
let house: House
let first: Sandbox
let second: Sandbox
beforeAll(async () => {
  house = await buildHouse(inject('testCluster'), { price: CHEAP, name: 'first', priority: 1 })
  first = house.sandbox
  second = await startSandboxProvider({ credential: CREDENTIAL })
  await provider({ name: 'second', price: DEAR, priority: 2 })
})
afterAll(async () => {
  await balanced(house)
  await house.close()
  await second.close()
})
/** A gateway that has seen neither of them fail yet. */
let url: string
beforeEach(async () => {
  for (const one of [first, second]) {
    one.configure({})
    one.reset()
  }
  url = await house.start({ patience: { headMs: 300, silenceMs: 300, backoffMs: 10 } })
})

function provider(more: Partial<Parameters<typeof createProvider>[1]>) {
  const at = { base_url: `${second.url}/v1`, masterKey: MASTER_KEY, credential: CREDENTIAL }
  return createProvider(house.test.database, { ...at, ...more })
}

const ask = (key: { secret: string }, more: object = {}, marker = 'output_tokens=20') =>
  call(url, { key: key.secret, body: prompt(marker, more) })

async function whoServed(keyId: string): Promise<string[]> {
  const rows = await house.test
    .admin`select provider_name from usage_events where key_id = ${keyId} order by started_at, id`
  return rows.map((row) => String(row.provider_name))
}

describe('a provider that fails before its first byte', () => {
  const FAULTS = [
    { status: 500 },
    { status: 503 },
    { status: 529 },
    { status: 429, retry_after: 30 },
    { status: 401 },
    { status: 404 },
    { reset: true },
    { hang: true },
    { first_byte_ms: 60_000 },
  ]
  it.each(
    FAULTS.flatMap((fault) => [
      { fault, more: {} },
      { fault, more: { stream: true } },
    ]),
  )('is followed by the next: $fault $more', async ({ fault, more }) => {
    const key = await house.scene.key()
    first.configure(fault)
    const answer = await ask(key, more)
    expect(answer).toMatchObject({ status: 200, end: 'clean' })
    const [event] = await settled(house, key.id, 1)
    const { input_tokens, output_tokens } = second.stats()
    expect(event).toMatchObject({ status: 'succeeded', input_tokens, output_tokens, excess_nanos: 0n })
    expect(event?.cost_nanos).toBe(costAt(DEAR, { input_tokens, output_tokens }))
    expect(await whoServed(key.id)).toEqual(['second'])
    expect(second.stats()).toMatchObject({ requests: 1, completed: 1 })
  })

  it('costs nothing where the next fails too, and the client hears of one failure', async () => {
    const key = await house.scene.key()
    for (const one of [first, second]) one.configure({ status: 500 })
    const answer = await ask(key)
    expect(answer.status).toBe(502)
    expect(errorOf(answer).code).toBe('provider_error')
    const [event] = await settled(house, key.id, 1)
    expect(event).toMatchObject({ status: 'failed', cost_nanos: 0n })
    expect([first.stats().failed, second.stats().failed]).toEqual([1, 1])
  })

  it('is asked once more where there is no other', async () => {
    await provider({ name: 'alone', models: ['sandbox-large'], price: DEAR })
    const key = await house.scene.key()
    second.configure({ status: 500, next: 1 })
    const answer = await ask(key, { model: 'sandbox-large' })
    expect(answer.status).toBe(200)
    expect(second.stats()).toMatchObject({ failed: 1, completed: 1 })
    await settled(house, key.id, 1)
  })

  it('is not followed where the request itself is wrong', async () => {
    const key = await house.scene.key()
    first.configure({ status: 400 })
    expect((await ask(key)).status).toBe(400)
    expect(second.stats()).toMatchObject({ requests: 0, failed: 0 })
    await settled(house, key.id, 1)
  })
})

describe('a provider that fails after its first byte', () => {
  it.each([{ cut_after_chunks: 4 }, { error_after_chunks: 4 }])('is the last: %j', async (fault) => {
    const key = await house.scene.key()
    first.configure(fault)
    const answer = await ask(key, { stream: true })
    expect(answer).toMatchObject({ status: 200, end: 'clean' })
    expect(eventData(answer.text).at(-1)).toMatch(/"error":/)
    expect(second.stats()).toMatchObject({ requests: 0, failed: 0 })
    await settled(house, key.id, 1)
  })
})

describe('money', () => {
  it('is set aside once, whatever is tried: what pays for one attempt of either is enough', async () => {
    // What the dearer one needs with 400 tokens of output, and hardly more.
    const key = await house.scene.key({ budget_usd: '0.0085' })
    first.configure({ status: 500 })
    const answer = await ask(key, { max_tokens: 400 })
    expect(answer.status, answer.text).toBe(200)
    const [event] = await settled(house, key.id, 1)
    expect(event?.hold_nanos).toBeGreaterThan(400n * 15_000n)
    expect(event?.hold_nanos).toBeLessThanOrEqual(8_500_000n)
  })

  it('that doesn’t reach for the next is no reason to say so: the first one’s failure is', async () => {
    const key = await house.scene.key({ budget_usd: '0.0002' })
    first.configure({ status: 500 })
    const answer = await ask(key, { max_tokens: 20 })
    expect(answer.status).toBe(502)
    expect(second.stats()).toMatchObject({ requests: 0, failed: 0 })
    const [event] = await settled(house, key.id, 1)
    expect(event).toMatchObject({ status: 'failed', cost_nanos: 0n, hold_nanos: 0n })
  })

  it('is given back by a client that leaves between two attempts', async () => {
    const key = await house.scene.key()
    first.configure({ hang: true })
    second.configure({ first_byte_ms: 60_000 })
    const leaving = new AbortController()
    const asked = call(url, { key: key.secret, body: prompt('tokens=20'), signal: leaving.signal })
    await soon(() => expect(second.stats().requests).toBe(1))
    leaving.abort()
    expect((await asked).end).toBe('left')
    const [event] = await settled(house, key.id, 1)
    expect(event).toMatchObject({ status: 'canceled', http_status: 499 })
  })
})

describe('a provider that keeps failing', () => {
  it('is rested: the next is asked at once', async () => {
    const key = await house.scene.key()
    first.configure({ status: 500 })
    for (let asked = 0; asked < 8; asked++) expect((await ask(key)).status).toBe(200)
    expect(first.stats().failed).toBe(5)
    expect(second.stats().completed).toBe(8)
    await settled(house, key.id, 8)
  })

  it('and one that says how long it wants to be left alone is left alone', async () => {
    const key = await house.scene.key()
    first.configure({ status: 429, retry_after: 20, next: 1 })
    for (let asked = 0; asked < 3; asked++) expect((await ask(key)).status).toBe(200)
    expect(first.stats()).toMatchObject({ failed: 1, requests: 0 })
    expect(second.stats().completed).toBe(3)
    await settled(house, key.id, 3)
  })

  it('is asked all the same where there is no other', async () => {
    const key = await house.scene.key()
    for (const one of [first, second]) one.configure({ status: 500 })
    for (let asked = 0; asked < 7; asked++) expect((await ask(key)).status).toBe(502)
    for (const one of [first, second]) one.configure({})
    expect((await ask(key)).status).toBe(200)
    await settled(house, key.id, 8)
  })

  it('is seen by those who look after it', async () => {
    const key = await house.scene.key()
    first.configure({ status: 500 })
    for (let asked = 0; asked < 6; asked++) await ask(key)
    await soon(async () => {
      const rows = await house.test.admin`
        select p.name, h.state, h.requests, h.failures, h.last_error_code from provider_health h
          join providers p on p.id = h.provider_id
         where h.gateway_id in (select gateway_id from usage_events where key_id = ${key.id}) order by p.name`
      expect(rows).toMatchObject([
        { name: 'first', state: 'resting', requests: 5, failures: 5, last_error_code: 'provider_error' },
        { name: 'second', state: 'up', requests: 6, failures: 0, last_error_code: null },
      ])
    }, 15_000)
    await settled(house, key.id, 6)
  }, 20_000)
})

describe('a question how many tokens it would be', () => {
  const question = { model: 'counted', messages: [{ role: 'user', content: 'How many?' }] }
  let key: { id: string; secret: string }
  let asked: string[]
  let answers: Record<string, { status: number; body: unknown }[]>
  const servers: http.Server[] = []
  const COUNT = { status: 200, body: { input_tokens: 7 } }
  const FAILED = { status: 500, body: { type: 'error', error: { type: 'api_error', message: 'No.' } } }
  beforeAll(async () => {
    for (const [name, priority] of [
      ['count-first', 1],
      ['count-second', 2],
    ] as const) {
      const server = http.createServer((request, response) => {
        request.resume().on('end', () => {
          asked.push(name)
          const { status, body } = answers[name]?.shift() ?? COUNT
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
        })
      })
      servers.push(server.listen(0, '127.0.0.1'))
      await once(server, 'listening')
      const base_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
      await provider({ name, priority, base_url, models: ['counted'], dialects: ['messages'], price: DEAR })
    }
    key = await house.scene.key()
  })
  afterAll(() => {
    for (const server of servers) server.close().closeAllConnections()
  })
  beforeEach(() => {
    asked = []
    answers = {}
  })
  const count = (model: string) =>
    call(url, { path: '/messages/count_tokens', key: key.secret, body: { ...question, model } })

  it.each([
    FAILED,
    { status: 429, body: { error: { message: 'Too many.' } } },
    { status: 404, body: { error: { message: 'No such model.' } } },
    { status: 200, body: undefined },
  ])('goes to the next where one fails: $status', async (failure) => {
    answers = { 'count-first': [failure] }
    const got = await count('counted')
    expect([got.status, JSON.parse(got.text)]).toEqual([200, COUNT.body])
    expect(asked).toEqual(['count-first', 'count-second'])
  })

  it('is asked once more where there is no other, and is no final refusal then', async () => {
    answers = { 'count-first': [FAILED] }
    expect((await count('count-first/counted')).status).toBe(200)
    expect(asked).toEqual(['count-first', 'count-first'])
    answers = { 'count-first': [FAILED, FAILED] }
    const got = await count('count-first/counted')
    expect(got.status).toBe(502)
    expect(got.headers).not.toHaveProperty('x-should-retry')
    expect(asked).toHaveLength(4)
  })

  it('ends where the request itself is wrong', async () => {
    answers = { 'count-first': [{ status: 400, body: { type: 'error', error: { type: 'x', message: 'Bad.' } } }] }
    expect((await count('counted')).status).toBe(400)
    expect(asked).toEqual(['count-first'])
  })

  it('leaves one that keeps failing alone, as other requests do', async () => {
    for (let i = 0; i < 5; i++) {
      answers = { 'count-first': [FAILED] }
      await count('counted')
    }
    asked = []
    expect((await count('counted')).status).toBe(200)
    expect(asked).toEqual(['count-second'])
  })
})

describe('a name', () => {
  it('that nobody has makes the catalogue be read again once, and not each time it is tried', async () => {
    const key = await house.scene.key()
    expect((await ask(key)).status).toBe(200)
    const read = vi.spyOn(Catalogue.prototype, 'refresh')
    const tries = Array.from({ length: 40 }, (_, i) => ask(key, { model: `made-up-${i}` }))
    for (const { status } of await Promise.all(tries)) expect(status).toBe(404)
    for (let i = 0; i < 20; i++) expect((await ask(key, { model: `made-up-${i}` })).status).toBe(404)
    // Those that came while it was being read waited for the same reading.
    const readings = new Set(read.mock.results.map(({ value }) => value))
    expect(readings.size).toBe(1)
    // One that is added meanwhile is found all the same.
    await provider({ name: 'newcomer', models: ['made-up-1'], price: DEAR })
    await soon(async () => expect(errorOf(await ask(key, { model: 'made-up-1' })).message).not.toMatch(/no model/))
    vi.restoreAllMocks()
  })

  it.each([
    ['sandbox-small', 'first'],
    ['first/sandbox-small', 'first'],
    ['second/sandbox-small', 'second'],
    ['stipend:second/sandbox-small', 'second'],
  ])('%s is served by %s', async (model, name) => {
    const key = await house.scene.key()
    expect((await ask(key, { model })).status).toBe(200)
    await settled(house, key.id, 1)
    expect(await whoServed(key.id)).toEqual([name])
  })

  it('that a model has which speaks another dialect is refused, and those that would work are named', async () => {
    await provider({ name: 'talker', models: ['only-messages'], dialects: ['messages'], price: DEAR })
    const key = await house.scene.key()
    const answer = await ask(key, { model: 'only-messages' })
    expect(answer.status).toBe(400)
    expect(errorOf(answer)).toMatchObject({
      code: 'invalid_request',
      param: 'model',
      message: expect.stringMatching(/sandbox-small/),
    })
    const messages = await call(url, {
      path: '/messages',
      key: key.secret,
      body: { model: 'only-messages', max_tokens: 9, messages: [{ role: 'user', content: 'x' }] },
    })
    // Its name is none that the sandbox knows, which is for the provider to say.
    expect(messages.status).toBe(404)
    await settled(house, key.id, 1)
  })
})

describe('a provider of the tenant’s own', () => {
  it('is out of reach where it is in the platform’s network, unless the operator allows it', async () => {
    const { tenant_id } = house.scene
    await provider({ name: 'own', tenant_id, models: ['own-model'], price: DEAR })
    const server = http.createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(ANSWER))
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as AddressInfo
    const places = { localhost: 'local-model', '127.0.0.1': 'address-model', '[::ffff:127.0.0.1]': 'mapped-model' }
    for (const [host, model] of Object.entries(places)) {
      await provider({
        name: model,
        tenant_id,
        models: [model],
        price: DEAR,
        base_url: `http://${host}:${port}/v1`,
      })
    }
    const key = await house.scene.key()
    for (const model of Object.values(places)) {
      const answer = await ask(key, { model })
      expect(answer.status, model).toBe(502)
      expect(errorOf(answer).message).toMatch(/isn’t one that may be connected to/)
      expect(answer.text).not.toMatch(/127\.0\.0\.1|localhost/)
    }
    const before = await spentOf(house, tenant_id)
    url = await house.start({ allowedHosts: ['127.0.0.0/8'] })
    const served = await ask(key, { model: 'address-model' })
    expect(served.status, served.text).toBe(200)
    const events = await settled(house, key.id, 4)
    expect(events.at(-1)?.cost_nanos).toBe(costAt(DEAR, { input_tokens: 10, output_tokens: 5 }))
    // The key pays, the balance doesn't.
    expect(await spentOf(house, key.id)).toBe(events.at(-1)?.cost_nanos)
    expect(await spentOf(house, tenant_id)).toBe(before)
    server.close()
  })
})

const ANSWER = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
})

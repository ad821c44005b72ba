import Anthropic from '@anthropic-ai/sdk'
import * as core from '@stipend/core'
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import { balanced, settled, soon, spentOf } from './books.ts'
import { buildHouse, type House } from './harness.ts'
import { type Answer, call, errorOf, isWhole, prompt } from './http.ts'

/** Requests a minute of a key, at the gateway itself and by the official clients. */
let house: House
beforeAll(async () => {
  house = await buildHouse(inject('testCluster'))
})
afterAll(async () => {
  await balanced(house)
  await house.close()
})
beforeEach(() => house.sandbox.reset())
afterEach(() => vi.restoreAllMocks())

const limited = (requests_per_minute: number | null, more: object = {}) =>
  house.scene.key({ requests_per_minute, ...more })
const ask = (secret: string, more: object = {}) =>
  call(house.url, { key: secret, body: prompt('tokens=3', { max_tokens: 10, ...more }) })
const left = ({ headers }: Answer) => [
  headers['x-ratelimit-limit-requests'],
  headers['x-ratelimit-remaining-requests'],
  headers['x-ratelimit-reset-requests'],
]
const MESSAGE = { model: 'sandbox-small', max_tokens: 10, messages: [{ role: 'user' as const, content: 'Hello' }] }

/** The clock of the limit, moved on. */
function later(ms: number): void {
  const real = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => real() + ms)
}

it('of a hundred requests at once exactly ten reach the provider and are paid', async () => {
  const key = await limited(10)
  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => ask(key.secret, { stream: i % 2 === 0 })))
  expect(answers.filter(isWhole)).toHaveLength(10)
  expect(house.sandbox.stats()).toMatchObject({ requests: 10, completed: 10 })
  const refused = answers.filter(({ status }) => status === 429)
  expect(refused).toHaveLength(90)
  for (const one of refused) {
    const error = errorOf(one)
    expect(error).toMatchObject({ type: 'rate_limit_error', code: 'rate_limited' })
    expect(error.message).toMatch(/^This API key may make 10 requests a minute.* in \d\d seconds\.$/)
    // It passes by itself: nobody is told to stop.
    expect(one.headers).not.toHaveProperty('x-should-retry')
    const seconds = Number(one.headers['retry-after'])
    expect(seconds).toBeGreaterThan(30)
    expect(seconds).toBeLessThanOrEqual(60)
    expect(Math.ceil(Number(one.headers['retry-after-ms']) / 1_000)).toBe(seconds)
    expect(left(one).slice(0, 2)).toEqual(['10', '0'])
  }
  const events = await settled(house, key.id, 10)
  expect(await spentOf(house, key.id)).toBe(events.reduce((sum, event) => sum + event.cost_nanos, 0n))
})

it('every answer says how much is left, streams and refusals and lists too', async () => {
  const key = await limited(5)
  const bodies = {
    '/chat/completions': { messages: MESSAGE.messages },
    '/responses': { input: 'x' },
    '/embeddings': { input: 'x' },
    '/completions': { prompt: 'x' },
  }
  for (const [i, [path, rest]] of Object.entries(bodies).entries()) {
    const body = { model: 'sandbox-small', ...rest }
    const stream = path !== '/embeddings' && i % 2 === 0
    const got = await call(house.url, { key: key.secret, path, body: stream ? { ...body, stream } : body })
    // What the provider refuses has reached it, and counts.
    expect(got.status, got.text).toBe(path === '/embeddings' ? 404 : 200)
    expect(left(got)).toEqual(['5', String(4 - i), expect.stringMatching(/^(?:1m0s|59\.\d{1,3}s)$/)])
    expect(got.headers).not.toHaveProperty('anthropic-ratelimit-requests-limit')
  }
  // What costs nothing doesn't count, nor does what is refused for another reason.
  expect(left(await call(house.url, { key: key.secret, path: '/models', method: 'GET' })).slice(0, 2)).toEqual([
    '5',
    '1',
  ])
  const wrong = await ask(key.secret, { model: 'no-such-model' })
  expect([wrong.status, ...left(wrong).slice(0, 2)]).toEqual([404, '5', '1'])

  const message = await call(house.url, { key: key.secret, path: '/messages', body: { ...MESSAGE, stream: true } })
  expect(message.status).toBe(200)
  expect(message.headers).toMatchObject({
    'anthropic-ratelimit-requests-limit': '5',
    'anthropic-ratelimit-requests-remaining': '0',
    'anthropic-ratelimit-requests-reset': expect.stringMatching(/^20\d\d-.*:\d\dZ$/),
  })
  const refused = await call(house.url, { key: key.secret, path: '/messages', body: MESSAGE })
  expect(refused.status).toBe(429)
  expect(JSON.parse(refused.text)).toMatchObject({
    type: 'error',
    error: { type: 'rate_limit_error', message: expect.stringMatching(/5 requests a minute/) },
  })
  expect(refused.headers).toMatchObject({ 'anthropic-ratelimit-requests-remaining': '0' })
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)

  const free = await ask((await limited(null)).secret)
  expect(left(free)).toEqual([undefined, undefined, undefined])
})

it('a spent budget stays a spent budget, however often it is asked', async () => {
  const key = await limited(2, { budget_usd: '0.000000001' })
  for (let i = 0; i < 5; i++) {
    const got = await ask(key.secret)
    expect([got.status, ...left(got).slice(0, 2)]).toEqual([402, '2', '2'])
    expect(got.headers['x-should-retry']).toBe('false')
  }
  expect(house.sandbox.stats().requests).toBe(0)
})

it('a limit that is set, raised or lifted holds within a second, for what was asked before too', async () => {
  const key = await limited(3)
  for (let i = 0; i < 3; i++) expect((await ask(key.secret)).status).toBe(200)
  expect((await ask(key.secret)).status).toBe(429)
  await house.scene.run(core.keys.update, { id: key.id, requests_per_minute: 4 })
  await soon(async () => expect((await ask(key.secret)).status).toBe(200), 1_000)
  expect((await ask(key.secret)).status).toBe(429)
  await house.scene.run(core.keys.update, { id: key.id, requests_per_minute: 1 })
  await soon(async () => expect(errorOf(await ask(key.secret)).message).toMatch(/1 request a minute/), 1_000)
  await house.scene.run(core.keys.update, { id: key.id, requests_per_minute: null })
  await soon(async () => expect((await ask(key.secret)).status).toBe(200), 1_000)
})

describe('the official clients', () => {
  it('wait as long as they are told and then get their answer', async () => {
    for (const client of ['openai', 'anthropic'] as const) {
      const key = await limited(1)
      expect((await ask(key.secret)).status).toBe(200)
      // Room comes in a moment, not in a minute.
      later(59_700)
      const statuses: number[] = []
      const watched: typeof fetch = async (...args) => {
        const response = await fetch(...args)
        statuses.push(response.status)
        return response
      }
      const settings = { apiKey: key.secret, maxRetries: 1, fetch: watched }
      if (client === 'openai') {
        const openai = new OpenAI({ ...settings, baseURL: house.url })
        const answer = await openai.chat.completions.create(prompt('tokens=3', { max_tokens: 10 }))
        expect(answer.choices[0]?.finish_reason).toBe('stop')
      } else {
        const anthropic = new Anthropic({ ...settings, baseURL: house.url.replace(/\/v1$/, '') })
        expect((await anthropic.messages.create(MESSAGE)).type).toBe('message')
      }
      expect(statuses).toEqual([429, 200])
      vi.restoreAllMocks()
    }
  })

  it('throw their error for it, with the sentence', async () => {
    const key = await limited(1)
    await ask(key.secret)
    const error = await house
      .client(key.secret)
      .chat.completions.create(prompt('tokens=3'))
      .then(
        () => null,
        (thrown: unknown) => thrown,
      )
    expect(error).toBeInstanceOf(OpenAI.RateLimitError)
    expect(error).toMatchObject({ code: 'rate_limited', message: expect.stringMatching(/1 request a minute/) })
    const other = await house
      .anthropic(key.secret)
      .messages.create(MESSAGE)
      .then(
        () => null,
        (thrown: unknown) => thrown,
      )
    expect(other).toBeInstanceOf(Anthropic.RateLimitError)
    await settled(house, key.id, 1)
  })
})

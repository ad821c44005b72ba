import { randomBytes } from 'node:crypto'
import http, { type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import * as core from '@stipend/core'
import { newSecret } from '@stipend/core/secrets'
import { createProvider } from '@stipend/core/testing'
import { modelPrice } from '@stipend/money'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { balanced, settled, soon } from './books.ts'
import { buildHouse, type House, MASTER_KEY } from './harness.ts'
import { call, eventData } from './http.ts'

/** What coding tools need on the wire, and what neither side may see of the other. A provider of our own, which notes what it gets. */
let house: House
let root: string
let key: { id: string; secret: string }
let spent: { id: string; secret: string }
let revoked: string
type Seen = { url: string; headers: IncomingHttpHeaders; body: string }
let seen: Seen[] = []
let answer: { status: number; headers: Record<string, string>; body: string | Buffer }
const provider = http.createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    seen.push({ url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() })
    response.writeHead(answer.status, answer.headers).end(answer.body)
  })
})

beforeAll(async () => {
  house = await buildHouse(inject('testCluster'))
  await new Promise<void>((done) => provider.listen(0, '127.0.0.1', done))
  const base_url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`
  const price = modelPrice({ input: '1', output: '2' })
  const at = { masterKey: MASTER_KEY, price, dialects: [...core.DIALECTS], credential: 'their-credential' }
  await createProvider(house.test.database, { ...at, base_url, name: 'noting', models: ['noted', 'org/noted'] })
  await createProvider(house.test.database, {
    ...at,
    base_url,
    name: 'claude',
    kind: 'anthropic',
    models: ['claude-noted'],
  })
  await createProvider(house.test.database, {
    ...at,
    base_url: base_url.replace('/v1', ''),
    name: 'azure',
    kind: 'azure_openai',
    models: ['azure-noted'],
  })
  root = house.url.replace(/\/v1$/, '')
  key = await house.scene.key()
  spent = await house.scene.key({ budget_usd: '0.000000001' })
  const gone = await house.scene.key()
  await house.scene.run(core.keys.revoke, { id: gone.id })
  revoked = gone.secret
})
afterAll(async () => {
  await balanced(house)
  await house.close()
  provider.closeAllConnections()
  provider.close()
})
beforeEach(() => {
  seen = []
  answer = { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(CHAT) }
})

const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }
const CHAT = {
  id: 'c',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' } }],
  usage,
}
const MESSAGE = {
  id: 'm',
  type: 'message',
  role: 'assistant',
  content: [{ type: 'text', text: 'Hi' }],
  usage: { input_tokens: 10, output_tokens: 5 },
}
const messages = [{ role: 'user', content: 'Hello' }]
const PATHS = ['/v1/chat/completions', '/v1/completions', '/v1/embeddings', '/v1/responses', '/v1/messages?beta=true']
const bodyAt = (path: string, model = 'noted') =>
  path === '/v1/responses' ? { model, input: 'x' } : { model, messages, prompt: 'x', input: 'x', max_tokens: 50 }
const isMessages = (path: string) => path.startsWith('/v1/messages')
const last = () => {
  const one = seen.at(-1)
  if (one === undefined) throw new Error('the provider was not asked')
  return one
}

/** A key that is limited to some models or addresses. */
async function limited(column: 'allowed_models' | 'allowed_ips', values: string[]) {
  const made = await house.scene.key()
  await house.test.admin`update keys set ${house.test.admin({ [column]: values })} where id = ${made.id}`
  return made
}

describe('keys', () => {
  it.each([...PATHS, '/v1/models'])('come in either header and go no further: %s', async (path) => {
    for (const headers of [{ authorization: `Bearer ${key.secret}` }, { 'x-api-key': key.secret }]) {
      if (isMessages(path)) answer.body = JSON.stringify(MESSAGE)
      const method = path === '/v1/models' ? 'GET' : 'POST'
      const got = await call(root, { path, method, headers, ...(method === 'POST' ? { body: bodyAt(path) } : {}) })
      expect(got.status, got.text).toBe(200)
    }
    for (const one of seen) {
      expect(JSON.stringify(one)).not.toContain(key.secret)
      expect(one.headers.authorization).toBe('Bearer their-credential')
      expect(one.headers).not.toHaveProperty('x-api-key')
    }
  })
})

describe('errors', () => {
  const CASES: [string, () => string, number, string, string, RegExp][] = [
    ['no key of ours', () => 'sk-nonsense', 401, 'invalid_request_error', 'authentication_error', /API key/],
    [
      'a key nobody knows',
      () => newSecret('key', randomBytes),
      401,
      'invalid_request_error',
      'authentication_error',
      /API key/,
    ],
    ['a revoked key', () => revoked, 401, 'invalid_request_error', 'authentication_error', /revoked/],
    ['a spent budget', () => spent.secret, 402, 'insufficient_quota', 'billing_error', /budget/],
  ]
  it.each(CASES)(
    'of %s are in the client’s dialect, in words, and final',
    async (_, secret, status, openai, anthropic, words) => {
      for (const path of PATHS) {
        for (const stream of [false, true]) {
          const got = await call(root, { path, key: secret(), body: { ...bodyAt(path), stream } })
          expect(got.status, path).toBe(status)
          expect(got.headers['x-should-retry']).toBe('false')
          expect(got.headers['content-type']).toMatch(/^application\/json/)
          const body = JSON.parse(got.text)
          if (isMessages(path)) {
            expect(body).toEqual({
              type: 'error',
              error: { type: anthropic, message: expect.stringMatching(words) },
              request_id: got.headers['request-id'],
            })
          } else {
            expect(Object.keys(body.error).sort()).toEqual(['code', 'message', 'param', 'type'])
            expect(body.error).toMatchObject({ type: openai, message: expect.stringMatching(words) })
          }
        }
      }
      expect(seen).toEqual([])
    },
  )

  it('of addresses, methods and bodies are in the dialect of the address', async () => {
    const at = async (method: string, path: string, body?: object | string) => {
      const got = await call(root, { method, path, key: key.secret, ...(body === undefined ? {} : { body }) })
      return { status: got.status, body: JSON.parse(got.text) }
    }
    expect(await at('GET', '/v1/messages')).toMatchObject({ status: 405, body: { type: 'error' } })
    expect(await at('POST', '/v1/messages/batches', {})).toMatchObject({
      status: 404,
      body: { error: { type: 'not_found_error' } },
    })
    expect(await at('POST', '/v1/messages', 'nonsense')).toMatchObject({
      status: 400,
      body: { error: { type: 'invalid_request_error' } },
    })
    expect(await at('POST', '/v1/messages', 'x'.repeat(9 << 20))).toMatchObject({
      status: 413,
      body: { error: { type: 'request_too_large' } },
    })
    expect(await at('POST', '/v1/responses', 'nonsense')).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_request' } },
    })
    expect(await at('GET', '/v1/responses')).toMatchObject({
      status: 405,
      body: { error: { code: 'method_not_allowed' } },
    })
    expect(await at('DELETE', '/v1/models/noted')).toMatchObject({ status: 405 })
  })

  it('in the words of a provider that has another shape are put into the client’s', async () => {
    const refusals = [
      { object: 'error', message: 'Extra inputs are not permitted', type: 'invalid_request_error' },
      { detail: [{ type: 'extra_forbidden', loc: ['body', 'seed'], msg: 'Extra inputs are not permitted' }] },
      { error: 'Extra inputs are not permitted' },
    ]
    for (const refusal of refusals) {
      answer = { status: 422, headers: { 'content-type': 'application/json' }, body: JSON.stringify(refusal) }
      const openai = await call(root, { path: '/v1/chat/completions', key: key.secret, body: bodyAt('') })
      expect(openai.status).toBe(422)
      expect(JSON.parse(openai.text).error).toMatchObject({
        message: expect.stringMatching(/Extra inputs/),
        code: 'invalid_request',
      })
      const anthropic = await call(root, { path: '/v1/messages', key: key.secret, body: bodyAt('') })
      expect(JSON.parse(anthropic.text)).toMatchObject({
        type: 'error',
        error: { message: expect.stringMatching(/Extra inputs/) },
      })
    }
  })

  it('are thrown at somebody who guesses keys', async () => {
    const own = await house.start()
    const guess = () =>
      call(own.replace(/\/v1$/, ''), { path: '/v1/models', method: 'GET', key: newSecret('key', randomBytes) })
    const statuses = new Set<number>()
    for (let tries = 0; tries < 140; tries++) statuses.add((await guess()).status)
    expect([...statuses]).toEqual([401, 429])
    const refused = await guess()
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    // Whoever has a key that works is let in, soon if it is new here and at once if it isn't.
    const enter = async () => (await call(own, { path: '/models', method: 'GET', key: key.secret })).status
    await soon(async () => expect(await enter()).toBe(200))
    for (let tries = 0; tries < 20; tries++) await guess()
    expect(await enter()).toBe(200)
  })
})

it('a WebSocket is answered 426 before the key or the budget is looked at', async () => {
  for (const secret of [key.secret, spent.secret, 'nonsense', undefined]) {
    const got = await call(root, {
      method: 'GET',
      path: '/v1/responses',
      ...(secret === undefined ? {} : { key: secret }),
      headers: { connection: 'Upgrade', upgrade: 'websocket', 'openai-beta': 'responses_websockets=2026-02-06' },
    })
    expect(got.status).toBe(426)
    expect(JSON.parse(got.text).error.code).toBe('upgrade_required')
  }
})

describe('models', () => {
  it('are listed whatever is spent, in OpenAI’s shape with context and price', async () => {
    const got = await call(root, { method: 'GET', path: '/v1/models?limit=1000', key: spent.secret })
    const { object, data } = JSON.parse(got.text)
    expect(object).toBe('list')
    expect(data.map(({ id }: { id: string }) => id)).toEqual([
      'azure-noted',
      'claude-noted',
      'noted',
      'org/noted',
      'sandbox-small',
    ])
    expect(data.find(({ id }: { id: string }) => id === 'noted')).toMatchObject({
      object: 'model',
      owned_by: 'noting',
      context_length: 128_000,
      max_output_tokens: 4_096,
      pricing: { prompt: '0.000001', completion: '0.000002' },
    })
  })

  it('and in Anthropic’s where the client speaks it, page by page', async () => {
    const list = async (query: string) => {
      const headers = { 'anthropic-version': '2023-06-01' }
      return JSON.parse(
        (await call(root, { method: 'GET', path: `/v1/models${query}`, key: key.secret, headers })).text,
      )
    }
    const all = await list('?limit=1000')
    expect(all).toMatchObject({ has_more: false, first_id: 'azure-noted', last_id: 'sandbox-small' })
    expect(all.data[0]).toMatchObject({ type: 'model', id: 'azure-noted', display_name: 'azure-noted' })
    expect(await list('?limit=2')).toMatchObject({ has_more: true, last_id: 'claude-noted' })
    expect(await list('?limit=2&after_id=claude-noted')).toMatchObject({ has_more: true, first_id: 'noted' })
    expect(await list('?limit=2&before_id=noted')).toMatchObject({
      has_more: false,
      first_id: 'azure-noted',
      last_id: 'claude-noted',
    })
  })

  it('one by one, by any of their names', async () => {
    const get = (name: string) => call(root, { method: 'GET', path: `/v1/models/${name}`, key: spent.secret })
    for (const name of [
      'noted',
      'org/noted',
      'org%2Fnoted',
      'noting/org/noted',
      'stipend:noting/noted',
      'stipend%3Anoting%2Fnoted',
    ]) {
      const got = await get(name)
      expect(got.status, name).toBe(200)
      expect(JSON.parse(got.text).id).toBe(decodeURIComponent(name))
    }
    for (const name of ['nothing', 'noted/', 'noted%00', '__proto__']) expect((await get(name)).status, name).toBe(404)
  })

  it('only as far as the key goes', async () => {
    const narrow = await limited('allowed_models', ['noted'])
    const got = await call(root, { method: 'GET', path: '/v1/models', key: narrow.secret })
    expect(JSON.parse(got.text).data.map(({ id }: { id: string }) => id)).toEqual(['noted'])
    expect((await call(root, { method: 'GET', path: '/v1/models/sandbox-small', key: narrow.secret })).status).toBe(404)
    const refused = await call(root, {
      path: '/v1/chat/completions',
      key: narrow.secret,
      body: bodyAt('', 'sandbox-small'),
    })
    expect(refused.status).toBe(403)
    expect(JSON.parse(refused.text).error).toMatchObject({
      code: 'model_not_allowed',
      message: expect.stringMatching(/noted/),
    })
  })
})

describe('an address', () => {
  const from = async (secret: string, url: string, headers: Record<string, string> = {}) =>
    (await call(url, { method: 'GET', path: '/models', key: secret, headers })).status

  it('decides where a key is limited to some', async () => {
    const here = await limited('allowed_ips', ['127.0.0.0/8'])
    const elsewhere = await limited('allowed_ips', ['10.0.0.1', '2001:db8::/32'])
    expect(await from(here.secret, house.url)).toBe(200)
    expect(await from(elsewhere.secret, house.url)).toBe(403)
    const told = await call(house.url, { key: elsewhere.secret, path: '/messages', body: bodyAt('') })
    expect(JSON.parse(told.text)).toMatchObject({
      error: { type: 'permission_error', message: expect.stringMatching(/127\.0\.0\.1/) },
    })
  })

  it('is what proxies of ours say, and what nobody else does', async () => {
    const theirs = await limited('allowed_ips', ['203.0.113.7'])
    const say = (hops: string) => ({ 'x-forwarded-for': hops })
    expect(await from(theirs.secret, house.url, say('203.0.113.7'))).toBe(403)
    const behindOne = await house.start({ trustedProxies: 1 })
    expect(await from(theirs.secret, behindOne, say('203.0.113.7'))).toBe(200)
    expect(await from(theirs.secret, behindOne, say('203.0.113.7, 198.51.100.1'))).toBe(403)
    expect(await from(theirs.secret, behindOne, say('198.51.100.1, 203.0.113.7'))).toBe(200)
    const behindTwo = await house.start({ trustedProxies: 2 })
    expect(await from(theirs.secret, behindTwo, say('9.9.9.9, 203.0.113.7, 10.0.0.2'))).toBe(200)
    expect(await from(theirs.secret, behindTwo, say('203.0.113.7, 9.9.9.9, 10.0.0.2'))).toBe(403)
  })
})

describe('headers', () => {
  const CHATTY = {
    'user-agent': 'claude-cli/2.1',
    'x-stainless-lang': 'js',
    'x-session-id': 'abc',
    'x-forwarded-for': '10.1.2.3',
    cookie: 'a=b',
    referer: 'https://school.example',
    'openai-organization': 'org-x',
    'openai-beta': 'assistants=v2',
    'anthropic-beta': 'a-2025,b-2025',
    'anthropic-version': '2026-10-21',
    'idempotency-key': 'k',
  }

  it('of a client go to the provider where it needs them, and no others', async () => {
    answer.body = JSON.stringify(MESSAGE)
    await call(root, { path: '/v1/messages', key: key.secret, headers: CHATTY, body: bodyAt('', 'claude-noted') })
    expect(last().headers).toMatchObject({
      'x-api-key': 'their-credential',
      'anthropic-version': '2026-10-21',
      'anthropic-beta': 'a-2025,b-2025',
      'accept-encoding': 'identity',
      'user-agent': 'stipend',
    })
    const known = ['x-api-key', 'anthropic-version', 'anthropic-beta', 'accept-encoding', 'user-agent', 'accept']
    expect(Object.keys(last().headers).sort()).toEqual(
      [...known, 'connection', 'content-length', 'content-type', 'host'].sort(),
    )

    answer.body = JSON.stringify(CHAT)
    const { 'anthropic-version': _, ...openai } = CHATTY
    await call(root, { path: '/v1/chat/completions', key: key.secret, headers: openai, body: bodyAt('') })
    expect(last().headers).toMatchObject({ authorization: 'Bearer their-credential', 'openai-beta': 'assistants=v2' })
    expect(last().headers).not.toHaveProperty('anthropic-beta')
    expect(last().headers).not.toHaveProperty('openai-organization')
  })

  it('that a client leaves out are there where the provider wants them', async () => {
    answer.body = JSON.stringify(MESSAGE)
    await call(root, { path: '/v1/messages', key: key.secret, body: bodyAt('', 'claude-noted') })
    expect(last()).toMatchObject({ url: '/v1/messages', headers: { 'anthropic-version': '2023-06-01' } })
    answer.body = JSON.stringify(CHAT)
    await call(root, { path: '/v1/chat/completions', key: key.secret, body: bodyAt('', 'azure-noted') })
    expect(last().url).toBe('/openai/deployments/azure-noted/chat/completions?api-version=2024-10-21')
    expect(last().headers).toMatchObject({ 'api-key': 'their-credential' })
    expect(last().headers).not.toHaveProperty('authorization')
  })

  it('of a provider stay with us', async () => {
    Object.assign(answer.headers, {
      'openai-organization': 'org-ours',
      'x-ratelimit-remaining-requests': '9',
      'anthropic-organization-id': 'ours',
      'set-cookie': 'a=b',
      'x-request-id': 'theirs',
      server: 'cloudflare',
    })
    const got = await call(root, { path: '/v1/chat/completions', key: key.secret, body: bodyAt('') })
    expect(Object.keys(got.headers).sort()).toEqual([
      'connection',
      'content-length',
      'content-type',
      'date',
      'x-request-id',
    ])
    expect(got.headers['x-request-id']).toMatch(/^req_/)
  })
})

describe('an answer that can’t be trusted', () => {
  const ask = (more: object = {}) =>
    call(root, { path: '/v1/chat/completions', key: key.secret, body: { ...bodyAt(''), ...more } })

  it('compressed though nobody asked for that is refused, however small it is', async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000, 'x'))
    answer = { status: 200, headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' }, body: bomb }
    for (const more of [{}, { stream: true }]) expect((await ask(more)).status).toBe(502)
  })

  it('in another type than it says is JSON or nothing', async () => {
    answer.headers = { 'content-type': 'text/html' }
    const got = await ask()
    expect(got).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
    answer.body = '<script>alert(1)</script>'
    expect((await ask()).status).toBe(502)
  })

  it('that sends elsewhere is not followed', async () => {
    answer = { status: 307, headers: { location: 'http://169.254.169.254/latest/meta-data' }, body: '' }
    expect((await ask()).status).toBe(502)
    expect(seen).toHaveLength(1)
  })

  it('with a line that doesn’t end is given up', async () => {
    answer = { status: 200, headers: { 'content-type': 'text/event-stream' }, body: `data: ${'x'.repeat(17 << 20)}` }
    expect((await ask({ stream: true })).status).toBe(502)
  })
})

describe('bodies', () => {
  it('pass with all that we don’t know', async () => {
    const tools = ['custom', 'namespace', 'web_search', 'tool_search', 'image_generation'].map((type) => ({
      type,
      name: type,
      defer_loading: true,
    }))
    const input = [
      { type: 'additional_tools', role: 'developer', tools },
      { role: 'developer', content: 'x' },
    ]
    const body = JSON.stringify({
      model: 'noted',
      input,
      tools,
      store: false,
      include: ['reasoning.encrypted_content'],
      client_metadata: { a: 1 },
    })
    answer.body = JSON.stringify({
      id: 'resp_1',
      object: 'response',
      status: 'completed',
      output: [],
      usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
    })
    const got = await call(root, { path: '/v1/responses', key: key.secret, body })
    expect(got.status, got.text).toBe(200)
    expect(last().body).toBe(body)

    answer.body = JSON.stringify(MESSAGE)
    const claude = JSON.stringify({
      model: 'noted',
      max_tokens: 100,
      messages: [
        { role: 'user', content: 'x' },
        { role: 'system', content: 'y' },
      ],
      thinking: { type: 'adaptive' },
      context_management: { edits: [] },
      output_config: { effort: 'high' },
      tools: [{ type: 'web_search_20250305', name: 'web_search' }],
    })
    expect((await call(root, { path: '/v1/messages', key: key.secret, body: claude })).status).toBe(200)
    expect(last().body).toBe(claude)
  })

  it('are streamed or not as they say, whatever the client accepts', async () => {
    const chunk = {
      id: 'c',
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: null }],
    }
    const events = [chunk, { ...chunk, choices: [], usage }].map((one) => `data: ${JSON.stringify(one)}\n\n`).join('')
    answer = { status: 200, headers: { 'content-type': 'text/event-stream' }, body: `${events}data: [DONE]\n\n` }
    const got = await call(root, {
      path: '/v1/chat/completions',
      key: key.secret,
      headers: { accept: 'application/json' },
      body: { ...bodyAt(''), stream: true },
    })
    expect(got.headers['content-type']).toMatch(/^text\/event-stream/)
    // Usage is asked for, for our own books, and taken out again for a client that didn't ask.
    expect(JSON.parse(last().body).stream_options).toEqual({ include_usage: true })
    expect(eventData(got.text)).toEqual([JSON.stringify(chunk), '[DONE]'])
  })
})

it('what was charged is what providers told', async () => {
  const events = await settled(house, spent.id, 0)
  expect(events).toEqual([])
})

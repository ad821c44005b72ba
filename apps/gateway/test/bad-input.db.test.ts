import { randomBytes } from 'node:crypto'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import * as core from '@stipend/core'
import { newSecret } from '@stipend/core/secrets'
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { soon, written } from './books.ts'
import { buildHouse, type House } from './harness.ts'
import { call, errorOf, keepAlive, readAnswer, speak } from './http.ts'

let house: House
/** A gateway that soon gives a silent client up. */
let impatient: string
let secret: string
let revoked: string
beforeAll(async () => {
  house = await buildHouse(inject('testCluster'))
  impatient = await house.start({ limits: { silenceMs: 300, headersMs: 300 } })
  secret = (await house.scene.key()).secret
  const gone = await house.scene.key()
  await house.scene.run(core.keys.revoke, { id: gone.id })
  revoked = gone.secret
})
afterAll(() => house.close())

/** Whatever comes in below: nothing goes out, nothing is written, and the next request is served. */
let before: Record<string, string>
beforeEach(async () => {
  house.sandbox.reset()
  before = await written(house)
})
afterEach(async () => {
  expect(house.sandbox.stats()).toMatchObject({ requests: 0, failed: 0, open: 0 })
  expect(await written(house)).toEqual(before)
  expect((await call(house.url, { method: 'GET', path: '/models', key: secret })).status).toBe(200)
})

const MESSAGES = [{ role: 'user', content: 'Hello' }]
const ASK = { model: 'sandbox-small', messages: MESSAGES }
const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

type Wrong = { name: string; body: string | Buffer | object; headers?: Record<string, string> } & {
  status?: number
  code?: string
  param?: string | null
  says: RegExp
}

const notJson = { param: null, says: /not valid JSON/ }
const notObject = { param: null, says: /must be a JSON object/ }
const tooDeep = { param: null, says: /nested too deeply/ }
const limits = (field: string) =>
  [-1, 0, 1.5, 1e300, 2 ** 53, '5', true, [], {}].map((value) => ({
    name: `${field} ${JSON.stringify(value)}`,
    body: { ...ASK, [field]: value },
    param: field,
    says: /whole number|at least 1/,
  }))

const WRONG: Wrong[] = [
  { name: 'nothing', body: '', ...notJson },
  { name: 'words', body: 'hello', ...notJson },
  { name: 'half an object', body: JSON.stringify(ASK).slice(0, -2), ...notJson },
  { name: 'two objects', body: `${JSON.stringify(ASK)}${JSON.stringify(ASK)}`, ...notJson },
  { name: 'NaN', body: `{"model":"sandbox-small","n":NaN}`, ...notJson },
  { name: 'a form', body: 'model=sandbox-small', ...notJson },
  { name: 'null', body: 'null', ...notObject },
  { name: 'a list', body: JSON.stringify([ASK]), ...notObject },
  { name: 'a text', body: '"hello"', ...notObject },
  { name: 'a number', body: '42', ...notObject },

  { name: 'no model', body: { messages: MESSAGES }, param: 'model', says: /Name a model/ },
  { name: 'a model that is null', body: { ...ASK, model: null }, param: 'model', says: /Name a model/ },
  { name: 'a model that is a number', body: { ...ASK, model: 5 }, param: 'model', says: /Name a model/ },
  { name: 'a model without a name', body: { ...ASK, model: '' }, param: 'model', says: /model/ },
  { name: 'a model with a long name', body: { ...ASK, model: 'm'.repeat(301) }, param: 'model', says: /model/ },
  ...['gpt-99', 'SANDBOX-SMALL', 'sandbox-small ', '__proto__', 'constructor', '\0', '\ud800', '../etc', '💸'].map(
    (model) => ({
      name: `a model that is not there: ${JSON.stringify(model)}`,
      body: { ...ASK, model },
      status: 404,
      code: 'model_not_found',
      param: 'model',
      says: /There is no model .*GET \/v1\/models lists/s,
    }),
  ),

  { name: 'no messages', body: { model: 'sandbox-small' }, param: 'messages', says: /list of messages/ },
  { name: 'messages of null', body: { ...ASK, messages: null }, param: 'messages', says: /list of messages/ },
  { name: 'messages as a text', body: { ...ASK, messages: 'hello' }, param: 'messages', says: /list of messages/ },
  { name: 'an empty list of messages', body: { ...ASK, messages: [] }, param: 'messages', says: /at least one/ },
  { name: 'a message of null', body: { ...ASK, messages: [null] }, param: 'messages.0', says: /Must be an object/ },
  {
    name: 'a message that is a text',
    body: { ...ASK, messages: ['hello'] },
    param: 'messages.0',
    says: /Must be an object/,
  },
  {
    name: 'no role',
    body: { ...ASK, messages: [{ content: 'hello' }] },
    param: 'messages.0.role',
    says: /needs a role/,
  },
  { name: 'a role of 5', body: { ...ASK, messages: [{ role: 5 }] }, param: 'messages.0.role', says: /needs a role/ },

  ...limits('max_tokens'),
  ...limits('max_completion_tokens'),
  ...[0, -1, 129, 1.5, '2', true].map((n) => ({
    name: `n ${JSON.stringify(n)}`,
    body: { ...ASK, n },
    param: 'n',
    says: /whole number|at least 1|at most 128/,
  })),
  ...['true', 1, 'yes', {}].map((stream) => ({
    name: `stream ${JSON.stringify(stream)}`,
    body: { ...ASK, stream },
    param: 'stream',
    says: /true or false/,
  })),
  {
    name: 'stream_options as a text',
    body: { ...ASK, stream_options: 'x' },
    param: 'stream_options',
    says: /Must be an object/,
  },
  {
    name: 'include_usage as a text',
    body: { ...ASK, stream: true, stream_options: { include_usage: 'yes' } },
    param: 'stream_options.include_usage',
    says: /true or false/,
  },

  { name: 'a byte order mark', body: `\ufeff${JSON.stringify(ASK)}`, ...notJson },
  { name: 'UTF-16', body: Buffer.from(JSON.stringify(ASK), 'utf16le'), ...notJson },
  { name: 'random bytes', body: Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0a, 0x7b]), says: /UTF-8/, param: null },
  {
    name: 'bytes that are not UTF-8, inside a text',
    body: Buffer.from(JSON.stringify({ ...ASK, messages: [{ role: 'user', content: 'caf\xe9' }] }), 'latin1'),
    param: null,
    says: /UTF-8/,
  },
  {
    name: 'half a surrogate pair as three bytes',
    body: Buffer.concat([
      Buffer.from('{"model":"sandbox-small","messages":[{"role":"user","content":"'),
      Buffer.from([0xed, 0xa0, 0x80]),
      Buffer.from('"}]}'),
    ]),
    param: null,
    says: /UTF-8/,
  },
  {
    name: 'a compressed body',
    body: gzipSync(JSON.stringify(ASK)),
    headers: { 'content-encoding': 'gzip' },
    status: 415,
    code: 'unsupported_media_type',
    param: null,
    says: /without compression/,
  },
  {
    name: 'a compressed body that says nothing of it',
    body: gzipSync(JSON.stringify(ASK)),
    says: /UTF-8/,
    param: null,
  },

  { name: '100,000 brackets', body: deep(100_000), ...tooDeep },
  { name: '100,000 brackets that never close', body: '['.repeat(100_000), ...notJson },
  { name: '100,000 brackets in a field', body: `{"x":${deep(100_000)},${JSON.stringify(ASK).slice(1)}`, ...tooDeep },
  {
    name: '100,000 objects in a message',
    body: `{"model":"sandbox-small","messages":[{"role":"user","content":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}]}`,
    ...tooDeep,
  },
]

describe('a body with', () => {
  for (const { name, body, headers = {}, status = 400, code = 'invalid_request', param = null, says } of WRONG) {
    it(name, async () => {
      const agent = keepAlive()
      const answer = await call(house.url, { key: secret, body, headers, agent })
      expect(answer).toMatchObject({ status, end: 'clean' })
      const error = errorOf(answer)
      expect(error).toMatchObject({ code, param, type: 'invalid_request_error' })
      expect(error.message).toMatch(says)
      expect(error.message.length).toBeLessThan(300)
      expect(answer.headers['x-should-retry']).toBe('false')

      // The connection goes on, and whoever has no key hears of that first.
      for (const [wrong, expected] of [
        [newSecret('key', randomBytes), 'invalid_api_key'],
        [revoked, 'key_revoked'],
      ] as const) {
        const refused = await call(house.url, { key: wrong, body, headers, agent })
        expect(refused).toMatchObject({ status: 401, end: 'clean', isReused: true })
        expect(errorOf(refused).code).toBe(expected)
      }
      agent.destroy()
    })
  }
})

describe('a body of 10 MB', () => {
  const large = Buffer.from(JSON.stringify({ ...ASK, messages: [{ role: 'user', content: 'x'.repeat(10_000_000) }] }))
  const chunks = Array.from({ length: 40 }, (_, i) => large.subarray(i * 262_144, (i + 1) * 262_144))
  const ways = { 'that says so': large, 'in chunks': chunks }

  for (const [way, body] of Object.entries(ways)) {
    it(`is refused, and the client gets to read it: ${way}`, async () => {
      for (let time = 0; time < 5; time++) {
        const answer = await call(house.url, { key: secret, body })
        expect(answer).toMatchObject({ status: 413, end: 'clean' })
        expect(errorOf(answer)).toMatchObject({ code: 'request_too_large', type: 'invalid_request_error' })
        expect(answer.headers['x-should-retry']).toBe('false')
      }
    })

    it(`is refused for its key first: ${way}`, async () => {
      for (const [key, code] of [
        ['sk-stp-nonsense', 'invalid_api_key'],
        [newSecret('key', randomBytes), 'invalid_api_key'],
        [revoked, 'key_revoked'],
      ] as const) {
        const answer = await call(house.url, { key, body })
        expect(answer).toMatchObject({ status: 401, end: 'clean' })
        expect(errorOf(answer).code).toBe(code)
      }
    })
  }

  it('is refused in words even to a client that listens only when it has sent everything', async () => {
    const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${secret}\r\nContent-Length: ${large.length}\r\n\r\n`
    const socket = net.connect(Number(new URL(house.url).port), '127.0.0.1').pause()
    const sent = new Promise<unknown>((resolve) => {
      socket.once('error', resolve)
      socket.write(head)
      socket.write(large, resolve)
    })
    expect(await sent).toBeFalsy()
    let text = ''
    for await (const part of socket) text += part
    expect(readAnswer(text).status).toBe(413)
    expect(errorOf(readAnswer(text)).code).toBe('request_too_large')
  })

  it('is refused once by the official client', async () => {
    const client = new OpenAI({ baseURL: house.url, apiKey: secret, maxRetries: 2 })
    const error = await client.chat.completions
      .create({ model: 'sandbox-small', messages: [{ role: 'user', content: 'x'.repeat(10_000_000) }] })
      .catch((caught: unknown) => caught)
    expect(error).toMatchObject({ status: 413, code: 'request_too_large' })
  })

  it('is not waited for from a client that never sends it', async () => {
    const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${secret}\r\n`
    const { text, isClosed } = await speak(house.url, `${head}Content-Length: 10000000\r\n\r\n{`)
    expect(readAnswer(text).status).toBe(413)
    expect(errorOf(readAnswer(text)).code).toBe('request_too_large')
    expect(isClosed).toBe(true)
  })
})

describe('a body that never ends', () => {
  it('is given up when nothing more comes', async () => {
    const half = Buffer.from(JSON.stringify(ASK)).subarray(0, 20)
    for (const headers of [{ 'content-length': '1000' }, { 'transfer-encoding': 'chunked' }]) {
      const answer = await call(impatient, { key: secret, headers, body: [half, null] })
      expect(answer).toMatchObject({ status: 408, end: 'clean' })
      expect(errorOf(answer).code).toBe('request_timeout')
      expect(answer.headers.connection).toBe('close')
    }
  })

  it('whose client leaves is forgotten', async () => {
    for (let time = 0; time < 20; time++) {
      const leaving = new AbortController()
      const answer = call(house.url, { key: secret, body: [Buffer.from('{"model":'), null], signal: leaving.signal })
      await sleep(time)
      leaving.abort()
      expect((await answer).end).toBe('left')
    }
  })

  it('of many clients at once keeps nobody else waiting', async () => {
    const sockets = Array.from({ length: 200 }, () => {
      const socket = net.connect(Number(new URL(impatient).port), '127.0.0.1')
      socket.on('error', () => {})
      socket.resume()
      socket.write(
        `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${secret}\r\nContent-Length: 99\r\n\r\n{`,
      )
      return socket
    })
    expect((await call(impatient, { method: 'GET', path: '/models', key: secret })).status).toBe(200)
    await soon(() => expect(sockets.every((socket) => socket.readableEnded || socket.destroyed)).toBe(true), 8_000)
  })
})

describe('a connection that', () => {
  it('says nothing, or stops in the middle of its headers, is closed', async () => {
    const half = `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${secret}\r\nX-`
    const { text, isClosed } = await speak(impatient, half)
    expect(isClosed).toBe(true)
    expect(readAnswer(text).status).toBe(408)
    expect(errorOf(readAnswer(text)).code).toBe('request_timeout')
    expect((await speak(impatient, '')).isClosed).toBe(true)
  })

  it('is closed by its client right after a request leaves no trace', async () => {
    const body = JSON.stringify({ ...ASK, model: 'nobody' })
    const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${secret}\r\nContent-Length: ${body.length}\r\n\r\n`
    const { text, isClosed } = await speak(house.url, head + body, { isHalfClosed: true })
    expect(isClosed).toBe(true)
    // Node takes this for hanging up, and answers or not.
    if (text !== '') expect(readAnswer(text).status).toBe(404)
  })

  const key = () => `Authorization: Bearer ${secret}\r\n`
  const get = (lines: string) => () => `GET /v1/models HTTP/1.1\r\nHost: x\r\n${key()}${lines}\r\n\r\n`
  const post =
    (lines: string, body = '') =>
    () =>
      `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n${key()}${lines}\r\n\r\n${body}`
  const json = JSON.stringify(ASK)
  const RAW: [name: string, bytes: () => string, status: number | 'closed', code?: string][] = [
    ['breaks a header with a bare LF', get('X-A: one\nX-B: two'), 400],
    ['breaks a header with a bare CR', get('X-A: one\rX-B: two'), 400],
    ['folds a header', get('X-A: one\r\n two'), 400],
    ['puts NUL into a header', get('X-A: o\0ne'), 400],
    ['puts NUL into the name of a header', get('X-\0A: one'), 400],
    ['puts a blank into the name of a header', get('X A: one'), 400],
    ['puts a blank before the colon', get('X-A : one'), 400],
    ['sends a header without a name', get(': one'), 400],
    ['sends a header of 64 KB', get(`X-A: ${'a'.repeat(65_536)}`), 413, 'request_too_large'],
    [
      'sends 5,000 headers',
      get(Array.from({ length: 5_000 }, (_, i) => `X-${i}: ${i}`).join('\r\n')),
      413,
      'request_too_large',
    ],
    ['sends a path of 64 KB', () => `GET /${'a'.repeat(65_536)} HTTP/1.1\r\nHost: x\r\n\r\n`, 413, 'request_too_large'],
    ['puts NUL into the path', () => 'GET /v1/mo\0dels HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['puts a blank into the path', () => 'GET /v1/mo dels HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['puts bytes beyond ASCII into the path', () => 'GET /v1/mod\xe9ls HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['says how long twice', post('Content-Length: 5\r\nContent-Length: 6', json), 400],
    ['says how long in two ways', post(`Content-Length: ${json.length}\r\nTransfer-Encoding: chunked`, json), 400],
    ['says a length below zero', post('Content-Length: -5', json), 400],
    ['says a length that is no number', post('Content-Length: 0x10', json), 400],
    ['says a length beyond all numbers', post('Content-Length: 99999999999999999999999', json), 400],
    ['sends a chunk of no size', post('Transfer-Encoding: chunked', 'zz\r\n{}\r\n0\r\n\r\n'), 400],
    ['sends a chunk of a gigantic size', post('Transfer-Encoding: chunked', 'ffffffffffffffffff\r\n{}'), 400],
    ['compresses the transfer', post('Transfer-Encoding: gzip', json), 400],
    ['uses a method that does not exist', () => 'FETCH /v1/models HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['speaks HTTP/0.9', () => 'GET /v1/models\r\n\r\n', 401, 'invalid_api_key'],
    ['speaks HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['speaks HTTP/9.9', () => 'GET /v1/models HTTP/9.9\r\nHost: x\r\n\r\n', 400],
    ['speaks TLS', () => '\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03', 400],
    ['speaks nonsense', () => '\0\x01\x02\r\n\r\n', 400],
    ['wants a tunnel', () => 'CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n', 'closed'],
    [
      'names no host, and has no key',
      () => 'GET /v1/models HTTP/1.1\r\nConnection: close\r\n\r\n',
      401,
      'invalid_api_key',
    ],
    ['expects the impossible', post('Expect: the-impossible\r\nConnection: close\r\nContent-Length: 2', '{}'), 400],
    [
      'asks everybody for options',
      () => 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      404,
      'not_found',
    ],
  ]
  for (const [name, bytes, status, code = 'invalid_request'] of RAW) {
    it(`${name} gets ${status} and is closed`, async () => {
      const { text, isClosed } = await speak(house.url, bytes())
      expect(isClosed).toBe(true)
      if (status === 'closed') return expect(text).toBe('')
      const answer = readAnswer(text)
      expect({ status: answer.status, text }).toMatchObject({ status })
      expect(errorOf(answer).code).toBe(code)
      expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    })
  }
})

describe('an address', () => {
  it('with another method is 405 and says which', async () => {
    for (const [path, right] of [
      ['/chat/completions', 'POST'],
      ['/models', 'GET'],
    ] as const) {
      for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'POST', 'HEAD', 'PROPFIND']) {
        if (method === right) continue
        const answer = await call(house.url, { method, path, key: secret })
        expect(answer, `${method} ${path}`).toMatchObject({ status: 405, end: 'clean' })
        expect(answer.headers.allow).toBe(right)
        if (method !== 'HEAD') expect(errorOf(answer).code).toBe('method_not_allowed')
      }
    }
  })

  it('that is not there is 404, however it is spelt', async () => {
    const { origin } = new URL(house.url)
    const paths = [
      '/', '/v1', '/v1/', '/v1/nothing', '/v1/chat', '/v1/chat/completions/', '/v1//chat/completions', '/V1/models',
      '/v1/chat%2Fcompletions', '/v1/%6dodels', '/v1/models%00', '/v1/%', '/v1/%zz', '/%2e%2e/v1/models',
      '/v1/../v1/models', '/v1/models;x=1', '/constructor', '/__proto__', '/toString', '/v1/model/../../healthz',
      '//v1/models', '/v1/models%0d%0aX-Injected:%201', '/?/v1/models', `/v1/${'x'.repeat(5_000)}`, '/v1/"<script>',
    ] // biome-ignore format: a list to be read at a glance
    for (const path of paths) {
      for (const method of ['GET', 'POST']) {
        const answer = await call(origin, { method, path, key: secret })
        expect(answer, path).toMatchObject({ status: 404, end: 'clean' })
        const error = errorOf(answer)
        expect(error.code).toBe('not_found')
        expect(error.message.length).toBeLessThan(200)
        expect(answer.headers).not.toHaveProperty('x-injected')
      }
    }
  })

  it('may carry a query', async () => {
    expect((await call(house.url, { method: 'GET', path: '/models?limit=1000&x=%00', key: secret })).status).toBe(200)
    const answer = await call(house.url, { path: '/chat/completions?beta=true', key: secret, body: {} })
    expect(answer.status).toBe(400)
  })
})

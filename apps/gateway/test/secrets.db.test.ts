import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import * as core from '@stipend/core'
import { newSecret } from '@stipend/core/secrets'
import { createProvider } from '@stipend/core/testing'
import { modelPrice } from '@stipend/money'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { balanced, soon } from './books.ts'
import { buildHouse, type House, MASTER_KEY } from './harness.ts'
import { call, speak } from './http.ts'

/**
 * All that a run leaves behind (every line of the log at its most talkative, every file beside the journal) is searched for what must
 * not be there: keys, credentials of providers, and what people asked and were answered. The provider is one that says it all back.
 */
const CREDENTIAL = 'credential-Tm9ib2R5-sees-this'
const ASKED = 'purple-elephant-of-the-asker'
const ANSWERED = 'orange-giraffe-of-the-answer'
const model = 'parrot'

let house: House
let url: string
let dataDir: string
let key: { id: string; secret: string }
const secrets: string[] = []
/** What the journal held at some moment: a file that owes nothing is removed. */
const read = new Map<string, string>()

type Speak = (response: ServerResponse, echo: string, request: IncomingMessage) => void
const json = (status: number, body: unknown, headers = {}): Speak => {
  return (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
const error = (status: number): Speak => {
  return (response, echo) =>
    json(status, { error: { message: echo, type: echo, code: echo }, detail: echo }, { 'x-echo': 'yes' })(
      response,
      echo,
      {} as IncomingMessage,
    )
}
const events = (...data: ((echo: string) => unknown)[]): Speak => {
  return (response, echo) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const one of data) {
      const said = one(echo)
      response.write(typeof said === 'string' ? said : `data: ${JSON.stringify(said)}\n\n`)
    }
    response.end()
  }
}
const chunk = { choices: [{ index: 0, delta: { content: ANSWERED } }] }
const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }
const BEHAVIOURS: Record<string, Speak> = {
  whole: json(200, { id: 'c', choices: [{ index: 0, message: { role: 'assistant', content: ANSWERED } }], usage }),
  stream: events(
    () => chunk,
    () => ({ choices: [], usage }),
    () => 'data: [DONE]\n\n',
  ),
  'no usage': events(
    () => chunk,
    () => 'data: [DONE]\n\n',
  ),
  'impossible usage': json(200, {
    id: 'c',
    content: ANSWERED,
    usage: { prompt_tokens: -5, completion_tokens: ANSWERED },
  }),
  'error event': events(
    () => chunk,
    (echo) => ({ error: { message: echo, type: echo } }),
  ),
  'error event at once': events((echo) => ({ error: { message: echo } })),
  'no JSON': (response, echo) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(`${echo} ${ANSWERED}`),
  'no JSON in a stream': events((echo) => `data: ${echo} ${ANSWERED}\n\n`),
  'cut off': (response, echo) => {
    response
      .writeHead(200, { 'content-type': 'text/event-stream' })
      .write(`data: ${JSON.stringify(chunk)}\n\ndata: {"x":${JSON.stringify(echo)}`)
    setImmediate(() => response.destroy())
  },
  'hangs up': (response) => void response.destroy(),
  'bad header': (response, echo) => void response.socket?.end(`HTTP/1.1 200 OK\r\n${echo.replace(/\s/g, '_')}\r\n\r\n`),
  'sent elsewhere': (response, echo) =>
    response.writeHead(302, { location: `http://elsewhere.example/${encodeURIComponent(echo)}` }).end(),
  compressed: (response, echo) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(echo),
  ...Object.fromEntries(
    [400, 401, 403, 404, 408, 409, 422, 429, 500, 503, 504, 529].map((status) => [`${status}`, error(status)]),
  ),
}

const provider = http.createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (part: Buffer) => chunks.push(part))
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString()
    const echo = `${JSON.stringify(request.headers)} ${request.url} ${body}`
    const name = /\[\[(.*?)\]\]/.exec(body)?.[1] ?? 'whole'
    BEHAVIOURS[name]?.(response, echo, request)
  })
})

beforeAll(async () => {
  house = await buildHouse(inject('testCluster'))
  provider.listen(0, '127.0.0.1')
  await once(provider, 'listening')
  const base_url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`
  const at = { masterKey: MASTER_KEY, price: modelPrice({ input: '1', output: '2' }), dialects: [...core.DIALECTS] }
  await createProvider(house.test.database, {
    ...at,
    base_url,
    name: 'parrots',
    models: [model],
    credential: CREDENTIAL,
  })
  dataDir = mkdtempSync(path.join(os.tmpdir(), 'stipend-gateway-'))
  url = await house.start({ dataDir, patience: { headMs: 500, silenceMs: 500, backoffMs: 5 } })
  const make = async (more: object = {}) => {
    const made = await house.scene.key(more)
    secrets.push(made.secret)
    return made
  }
  key = await make()
  const spent = await make({ budget_usd: '0.000000001' })
  const revoked = await make()
  await house.scene.run(core.keys.revoke, { id: revoked.id })
  secrets.push(newSecret('key', randomBytes), `${key.secret.slice(0, -1)}~`)
  secrets.push(spent.secret)
})
afterAll(async () => {
  await balanced(house)
  await house.close()
  rmSync(dataDir, { recursive: true, force: true })
  provider.closeAllConnections()
  provider.close()
})

function keepFiles(): void {
  for (const entry of readdirSync(dataDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = path.join(entry.parentPath, entry.name)
    const known = read.get(file) ?? ''
    const text = readFileSync(file, 'latin1')
    if (text !== known) read.set(file, known + text)
  }
}

const PATHS = ['/chat/completions', '/completions', '/embeddings', '/responses', '/messages', '/messages/count_tokens']
const content = (behaviour: string) => `${ASKED} [[${behaviour}]]`
const bodyAt = (at: string, text: string, more: object = {}) => ({
  model,
  ...(at === '/responses' || at === '/embeddings' ? { input: text } : {}),
  ...(at === '/completions' ? { prompt: text } : {}),
  ...(at.startsWith('/chat') || at.startsWith('/messages') ? { messages: [{ role: 'user', content: text }] } : {}),
  ...(at === '/messages' ? { max_tokens: 50 } : {}),
  ...more,
})

it('nothing that was asked, answered or trusted to us is in a log or a file', { timeout: 60_000 }, async () => {
  const statuses = new Map<number, number>()
  const ask = async (given: Parameters<typeof call>[1]) => {
    const { status } = await call(url, given)
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    keepFiles()
  }
  for (const behaviour of Object.keys(BEHAVIOURS)) {
    for (const at of PATHS) {
      for (const stream of at === '/embeddings' || at.endsWith('tokens') ? [undefined] : [false, true]) {
        const more = { user: ASKED, prompt_cache_key: ASKED, metadata: { user_id: ASKED } }
        const body = bodyAt(at, content(behaviour), stream === undefined ? {} : { stream, ...more })
        await ask({ path: at, key: key.secret, body, headers: { 'x-session-id': ASKED, 'user-agent': ASKED } })
      }
    }
  }
  for (const secret of secrets) {
    const body = bodyAt('/chat/completions', content('whole'))
    await ask({ key: secret, body })
    await ask({ headers: { 'x-api-key': secret, authorization: `Basic ${secret}` }, body })
    // In places where no key belongs.
    await ask({ path: `/models/${secret}`, method: 'GET', key: key.secret })
    await ask({ path: `/models?api_key=${secret}&key=${secret}`, method: 'GET' })
    await ask({ path: `/${secret}/chat/completions`, body })
    await ask({ path: `/responses/${secret}`, method: 'GET', key: key.secret })
    await ask({
      key: key.secret,
      body: bodyAt('/chat/completions', `${secret} ${ASKED}`, { model: secret, user: secret }),
    })
    await ask({ key: key.secret, path: '/responses', body: { model, input: secret, previous_response_id: secret } })
    await ask({ key: key.secret, body: `{"model":"${model}","messages":"${secret} ${ASKED}` })
    await ask({
      key: key.secret,
      body: bodyAt('/chat/completions', content('whole'), { max_tokens: secret, [secret]: secret }),
    })
    await ask({ key: key.secret, headers: { 'content-encoding': secret }, body })
    await speak(url, `POST /v1/${secret} HTTP/1.1\r\nhost: ${secret}\r\n${secret}\r\n\r\n${ASKED}`)
    await speak(url, `${secret} ${ASKED}\r\n\r\n`)
  }
  await ask({ key: key.secret, body: `"${ASKED} ${'x'.repeat(9 << 20)}"` })
  await call(url, { key: key.secret, body: [Buffer.from(`{"model":"${ASKED}`), null], signal: AbortSignal.timeout(50) })
  await call(url, {
    key: key.secret,
    body: bodyAt('/chat/completions', content('stream'), { stream: true }),
    leaveWhen: () => true,
  })
  // A database that doesn't know what it is asked, and says so with all it was given.
  await house.test.admin`alter function app.settle_tenant rename to not_settle_tenant`
  await ask({ key: key.secret, body: bodyAt('/chat/completions', content('whole')) })
  await soon(() => expect(house.logged()).toMatch(/settle_tenant/))
  keepFiles()
  await house.test.admin`alter function app.not_settle_tenant rename to settle_tenant`

  // All of it happened.
  expect([...statuses.keys()].toSorted((a, b) => a - b)).toEqual([
    200, 400, 401, 402, 404, 409, 413, 415, 422, 429, 502, 503, 504,
  ])
  const log = house.logged()
  expect(log.split('\n').length).toBeGreaterThan([...statuses.values()].reduce((sum, count) => sum + count, 0))
  expect([...read.keys()].some((file) => file.endsWith('.jsonl'))).toBe(true)
  expect([...read.values()].join('')).toContain(house.scene.tenant_id)

  const forbidden: Record<string, string> = { CREDENTIAL, ASKED, ANSWERED }
  for (const [i, secret] of secrets.entries()) {
    forbidden[`secret ${i}`] = secret
    // Nor most of it.
    forbidden[`most of secret ${i}`] = secret.slice(7, 25)
  }
  forbidden['the master key'] = MASTER_KEY.toString('base64')
  const found: string[] = []
  for (const [where, text] of [['the log', log] as const, ...read]) {
    for (const line of text.split('\n')) {
      for (const [what, canary] of Object.entries(forbidden)) {
        const forms = [canary, encodeURIComponent(canary), Buffer.from(canary).toString('base64').slice(0, -4)]
        if (forms.some((form) => line.includes(form)))
          found.push(`${what} in ${path.basename(where)}: ${line.slice(0, 600)}`)
      }
    }
  }
  expect(found).toEqual([])
  expect(statSync(dataDir).mode & 0o077).toBe(0)
})

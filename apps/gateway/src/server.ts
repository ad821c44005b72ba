import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { newId, usableModels } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import { ping } from '@stipend/db'
import { toOpenAI } from '@stipend/wire/errors'
import { complete, type Handled, type Http, reading } from './completion.ts'
import type { Gateway } from './gateway.ts'
import { notAKey } from './purses.ts'

type Route = { method: string; handle: (gateway: Gateway, exchange: Http) => Promise<Handled> }

const ROUTES: Record<string, Route> = {
  '/v1/chat/completions': { method: 'POST', handle: chat },
  '/v1/models': { method: 'GET', handle: models },
  '/healthz': { method: 'GET', handle: health },
}

const REQUEST_TIMEOUT_MS = 300_000
/** How often connections are looked at for being late. */
const CHECK_MS = 5_000
/** Longer than the usual proxy in front keeps a connection, so that it never reuses one that we have just closed. */
const KEEP_ALIVE_MS = 75_000
/** How long the rest of a refused body is read and thrown away at most, and how long nothing may come of it. */
const DISCARD_MS = 5_000
const DISCARD_SILENCE_MS = 1_000

export function createGatewayServer(gateway: Gateway): Server {
  const { headersMs } = gateway.limits
  /** What is yet to be answered on each connection. */
  const running = new WeakMap<Duplex, Set<ServerResponse>>()
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const here = running.get(request.socket) ?? new Set()
    running.set(request.socket, here.add(response))
    response.once('close', () => here.delete(response))
    void serve(gateway, request, response)
  }
  const server = createServer(
    {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: headersMs,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: Math.min(headersMs, CHECK_MS),
      // Node's own refusal would be an empty one, and we have no use for the name.
      requireHostHeader: false,
    },
    answer,
  )
  // Likewise: what a client expects in vain it sees in our answer.
  server.on('checkExpectation', answer)
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // What we said now would be taken for the answer, or for a part of it, to a request that was well-formed.
    const isBusy = [...(running.get(socket) ?? [])].some(({ headersSent, req }) => headersSent || req.complete)
    if (error.code === 'ECONNRESET' || !socket.writable || isBusy) return void socket.destroy()
    const answer = toOpenAI(malformed(error.code))
    const body = JSON.stringify(answer.body)
    const headers = { ...answer.headers, 'content-length': Buffer.byteLength(body), connection: 'close' }
    const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.end(`HTTP/1.1 ${answer.status} Refused\r\n${head.join('')}\r\n${body}`)
  })
  return server
}

function malformed(code: string | undefined): DomainError {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new DomainError('request_too_large', 'The headers of the request are too large.')
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new DomainError('request_timeout', 'The request did not arrive in time.')
  return new DomainError('invalid_request', 'This is not a well-formed HTTP request.')
}

async function serve(gateway: Gateway, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const id = newId('request')
  const startedAt = performance.now()
  response.setHeader('x-request-id', id)
  let handled: Handled
  try {
    handled = await route(gateway, { request, response, id })
  } catch (error) {
    handled = refuse(gateway, { request, response, id }, error)
  }
  const path = request.url?.split('?', 1)[0]
  const ms = Math.round(performance.now() - startedAt)
  gateway.log.info({ request_id: id, method: request.method, path, ...handled, ms }, 'request')
}

async function route(gateway: Gateway, exchange: Http): Promise<Handled> {
  const path = exchange.request.url?.split('?', 1)[0] ?? '/'
  const found = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined
  if (found === undefined)
    throw new DomainError('not_found', `There is nothing at ${path.slice(0, 100)}. The base URL ends in /v1.`)
  if (exchange.request.method !== found.method) {
    exchange.response.setHeader('allow', found.method)
    throw new DomainError('method_not_allowed', `This address takes ${found.method} requests.`)
  }
  return found.handle(gateway, exchange)
}

/** The one place where an error becomes an answer. */
function refuse(gateway: Gateway, { request, response, id }: Http, error: unknown): Handled {
  const answer = toOpenAI(error)
  const { code } = answer.body.error
  if (answer.status >= 500) gateway.log.error({ request_id: id, err: error }, 'request failed')
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return { status: answer.status, code }
  }
  const body = JSON.stringify(answer.body)
  if (!request.complete) response.setHeader('connection', 'close')
  response.writeHead(answer.status, { ...answer.headers, 'content-length': Buffer.byteLength(body) })
  if (request.complete) response.end(body)
  else endAfterBody(request, response, body)
  return { status: answer.status, code }
}

/**
 * Answers a client that is still sending. The connection is closed when it has sent everything, which nobody reads, or some time
 * has passed: closed under its hands, many a client would never read the answer.
 */
function endAfterBody(request: IncomingMessage, response: ServerResponse, body: string): void {
  response.write(body)
  const end = () => {
    clearTimeout(patience)
    clearTimeout(silence)
    response.end()
  }
  const patience = setTimeout(end, DISCARD_MS)
  const silence = setTimeout(end, DISCARD_SILENCE_MS)
  request
    .on('data', () => silence.refresh())
    .once('end', end)
    .once('close', end)
}

/** The key a client sends, well-formed, or the error that says what is wrong with it. */
function readKey(request: IncomingMessage): string {
  const { authorization } = request.headers
  const header = request.headers['x-api-key']
  const secret = authorization === undefined ? header : /^Bearer +(\S+) *$/i.exec(authorization)?.[1]
  if (authorization === undefined && header === undefined) {
    throw new DomainError('invalid_api_key', 'No API key was sent. Send yours as "Authorization: Bearer sk-stp-…".')
  }
  if (typeof secret !== 'string') throw notAKey()
  return secret
}

async function chat(gateway: Gateway, exchange: Http): Promise<Handled> {
  return complete(gateway, exchange, readKey(exchange.request))
}

/** A spent budget doesn't close the list: tools ask for it before anything else. */
async function models(gateway: Gateway, { request, response }: Http): Promise<Handled> {
  const purse = gateway.purses.find(readKey(request))
  try {
    await purse.check()
  } catch (error) {
    gateway.purses.noteError(purse, error)
    throw error
  }
  const { facts } = purse
  if (facts === null) throw new Error('a key that may be used and that nobody knows')
  const catalogue =
    gateway.catalogues.known(facts.tenant_id) ?? (await reading(gateway.catalogues.load(facts.tenant_id)))
  const data = usableModels(catalogue, facts).map((model) => ({
    id: model.name,
    object: 'model',
    created: Math.floor(Date.parse(model.created_at) / 1000),
    owned_by: model.provider.name,
  }))
  json(response, 200, { object: 'list', data })
  return { status: 200, code: null, key_id: facts.key_id }
}

async function health(gateway: Gateway, { response }: Http): Promise<Handled> {
  try {
    await ping(gateway.database)
  } catch (error) {
    throw new DomainError('unavailable', 'The database does not answer.', { retry_after_seconds: 2 }, error)
  }
  json(response, 200, { status: 'ok' })
  return { status: 200, code: null }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
  response.end(JSON.stringify(body))
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { newId } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import { logQuickly } from '@stipend/runtime'
import { toOpenAI } from '@stipend/wire/errors'
import type { Gateway, Handled, Http } from './gateway.ts'
import { refusalOf } from './refusal.ts'
import { familyOf, findRoute, pathOf } from './routes.ts'
import { endAfterBody, writeHead } from './send.ts'

const REQUEST_TIMEOUT_MS = 300_000
/** How often connections are looked at for being late. */
const CHECK_MS = 5_000
/** Longer than the usual proxy in front keeps a connection, so that it never reuses one that we have just closed. */
const KEEP_ALIVE_MS = 75_000
export function createGatewayServer(gateway: Gateway): Server {
  const { headersMs } = gateway.limits
  /** What is yet to be answered on each connection. */
  const running = new WeakMap<Duplex, ServerResponse[]>()
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const here = running.get(request.socket) ?? []
    if (here.push(response) === 1) running.set(request.socket, here)
    response.once('close', () => here.splice(here.indexOf(response), 1))
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
    const isBusy = (running.get(socket) ?? []).some(({ headersSent, req }) => headersSent || req.complete)
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
  const path = pathOf(request.url)
  const http: Http = { request, response, id, family: familyOf(path, request.headers) }
  let handled: Handled
  try {
    handled = await route(gateway, http, path)
  } catch (error) {
    handled = refuse(gateway, http, error)
  }
  const ms = Math.round(performance.now() - startedAt)
  const { status, code, key_id } = handled
  const line = { request_id: id, method: request.method, path, status, code, key_id, ms }
  // A path that led nowhere may be anything, a key included.
  if (status < 400) logQuickly(gateway.log, line, 'request')
  else gateway.log.info(line, 'request')
}

/** Throws at once where there is nothing to hand it to. */
function route(gateway: Gateway, http: Http, path: string): Promise<Handled> {
  const { request, response } = http
  // Before the key or the budget: a client that tries a WebSocket first goes on with POST at once.
  if (request.headers.upgrade?.toLowerCase() === 'websocket') {
    throw new DomainError('upgrade_required', 'WebSockets are not spoken here. Send the request with POST and stream.')
  }
  const found = findRoute(path)
  if (found === undefined) {
    throw new DomainError('not_found', `There is nothing at ${path.slice(0, 100)}. The base URL ends in /v1.`)
  }
  const method = request.method ?? ''
  const handle = Object.hasOwn(found.methods, method) ? found.methods[method] : undefined
  if (handle === undefined) {
    const allowed = Object.keys(found.methods)
    response.setHeader('allow', allowed.join(', '))
    throw new DomainError('method_not_allowed', `This address takes ${allowed.join(' and ')} requests.`)
  }
  return handle(gateway, http, found.id)
}

/** The one place where an error becomes an answer. */
function refuse(gateway: Gateway, http: Http, error: unknown): Handled {
  const { request, response, id, family } = http
  const { status, code, headers, body } = refusalOf(error, family, id)
  if (status >= 500) gateway.log.error({ request_id: id, err: error }, 'request failed')
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return { status, code }
  }
  const text = JSON.stringify(body)
  if (!request.complete) response.setHeader('connection', 'close')
  writeHead(http, status, { ...headers, 'content-length': Buffer.byteLength(text) })
  if (request.complete) response.end(text)
  else endAfterBody(request, response, text)
  return { status, code }
}

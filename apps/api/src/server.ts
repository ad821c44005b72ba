import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Payments } from '@stipend/billing'
import { actorId, type Dependencies, DomainError, newId } from '@stipend/core'
import { ping } from '@stipend/db'
import type { Log } from '@stipend/runtime'
import { toProblem } from '@stipend/wire/errors'
import { answerProblem, BODY_BYTES_MAX, mountRest } from '@stipend/wire/rest'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { mountDocs } from './docs.ts'
import { mountStripeWebhook } from './stripe-webhook.ts'

export type ServerOptions = Omit<Dependencies, 'given' | 'outside'> & {
  log: Log
  /** Undefined: no payments are taken. */
  payments?: Payments | undefined
  /** How many proxies of our own stand in front and add to x-forwarded-for. */
  trustedProxies?: number
  /** How long a request may take to arrive, headers and body. */
  requestTimeoutMs?: number
}

/** The REST API with its documentation. Doesn't listen yet. */
export function createServer(options: ServerOptions): FastifyInstance {
  const { log, payments, requestTimeoutMs = 30_000, trustedProxies = 0, ...deps } = options
  const server = Fastify({
    trustProxy: (_, hop) => hop < trustedProxies,
    genReqId: () => newId('request'),
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: requestTimeoutMs,
    routerOptions: { maxParamLength: 200 },
    http: {
      requestTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
      // Node looks for requests that are late only this often.
      connectionsCheckingInterval: Math.min(5_000, requestTimeoutMs),
      // Node would refuse a request without a host in a format of its own; see below.
      requireHostHeader: false,
    },
    frameworkErrors: (error, request, reply) => {
      const answered = reply as unknown as FastifyReply
      answered.header('x-request-id', request.id)
      answerProblem(error, request as unknown as FastifyRequest, answered)
    },
    clientErrorHandler: (error, socket) => refuseConnection(log, error, socket),
  })

  server.addHook('onResponse', async (request, reply) => logRequest(log, request, reply))
  server.addHook('onRequestAbort', async (request) => {
    log.info({ request_id: request.id, operation: operationName(request) }, 'the client left')
  })
  mountRest(server, { ...deps, ...(payments === undefined ? {} : { outside: { billing: payments } }) })
  server.addHook('onRequest', async (request) => {
    if (request.headers.host === undefined && request.raw.httpVersion === '1.1') {
      throw new DomainError('invalid_request', 'The request lacks a host header.')
    }
  })
  mountDocs(server)
  if (payments !== undefined) mountStripeWebhook(server, { database: deps.database, log, payments })
  server.get('/healthz', async () => {
    await ping(deps.database)
    return { status: 'ok' }
  })
  return server
}

/** One line for each request. What a caller did wrong is news, what we did wrong an error with its cause. */
function logRequest(log: Log, request: FastifyRequest, reply: FastifyReply): void {
  const { failure } = request
  const line = {
    request_id: request.id,
    method: request.method,
    // Without the query: it may hold what people typed into a search.
    path: request.url.split('?', 1)[0],
    operation: operationName(request),
    status: reply.statusCode,
    ms: Math.round(reply.elapsedTime),
    actor_id: actorId(request.actor),
    ip: request.ip,
    ...(failure === null ? {} : { code: failure.code }),
  }
  if (reply.statusCode >= 500) log.error({ ...line, err: failure?.cause }, 'request')
  else log.info(line, 'request')
}

function operationName(request: FastifyRequest): string | undefined {
  return request.routeOptions.config.operation?.name
}

/** What never became a request: broken HTTP, headers too large, a client too slow. Node would just hang up on most of these. */
function refuseConnection(log: Log, error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const requestId = newId('request')
  const { status, headers, body } = toProblem(ofConnection(error.code), requestId)
  const text = JSON.stringify(body)
  const all = { ...headers, 'x-request-id': requestId, 'content-length': String(Buffer.byteLength(text)) }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  log.info({ request_id: requestId, status, code: body.code, reason: error.code, ip: socket.remoteAddress }, 'refused')
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}connection: close\r\n\r\n${text}`)
}

function ofConnection(code: string | undefined): DomainError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new DomainError('request_timeout', 'The request did not arrive completely in time.')
    case 'HPE_HEADER_OVERFLOW':
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new DomainError('request_too_large', 'The headers are too large.')
    default:
      return new DomainError('invalid_request', 'This is not a valid HTTP request.')
  }
}

import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { createRequestHandler } from '@remix-run/express'
import type { AppLoadContext } from '@remix-run/node'
import { newId } from '@stipend/core'
import { close, connect, ping } from '@stipend/db'
import { addressOf, createLog, onShutdown } from '@stipend/runtime'
import compression from 'compression'
import express, { type NextFunction, type Request, type Response } from 'express'
import { createBackend } from './backend.ts'
import { readEnv } from './env.ts'
import { fontFiles } from './fonts.ts'
import { isSameOrigin, securityHeaders } from './security.ts'
import { slipPage } from './slip-page.ts'

const BUILD = `${import.meta.dirname}/build`
const BODY_BYTES_MAX = 1_000_000
const UPLOAD_BYTES_MAX = 25_000_000
/** The one page that takes files. */
const UPLOADS = /^\/t\/[^/]+\/import\/?(?:\.data)?$/

const env = readEnv()
const log = createLog({ app: 'console', level: env.log_level })
const database = connect(env.database_url, { applicationName: 'stipend-console' })
const backend = createBackend(env, database, log)

const app = express()
app.disable('x-powered-by')
app.set('etag', false)

app.use((req, res, next) => {
  const started = performance.now()
  const request_id = newId('request')
  res.locals.request_id = request_id
  res.locals.address = addressOf(req, env.trusted_proxies)
  res.locals.nonce = randomBytes(16).toString('base64')
  res.setHeader('x-request-id', request_id)
  for (const [name, value] of securityHeaders(res.locals.nonce, env.secure_cookies)) res.setHeader(name, value)
  res.on('close', () => {
    // The path without its query: what people search for is theirs.
    const { method, path } = req
    const ms = Math.round(performance.now() - started)
    const isAsset = path.startsWith('/assets/')
    log[isAsset ? 'debug' : 'info']({ request_id, method, path, status: res.statusCode, ms }, 'request')
  })
  next()
})

app.get('/healthz', (_, res) => {
  res.setHeader('cache-control', 'no-store')
  ping(database).then(
    () => res.json({ status: 'ok' }),
    () => res.status(503).json({ status: 'unavailable' }),
  )
})

app.use(compression())
app.use('/assets', express.static(`${BUILD}/client/assets`, { immutable: true, maxAge: '1y', fallthrough: false }))
app.use('/fonts', fontFiles())
app.use(express.static(`${BUILD}/client`, { maxAge: '1h', index: false }))

app.use('/c', slipPage(database, log, env.gateway_url))

app.use((req, res, next) => {
  // Pages hold people's names, and one of them a key: nothing keeps a copy, nor does the browser's way back.
  res.setHeader('cache-control', 'no-store')
  if (req.method === 'GET' || req.method === 'HEAD') return next()
  if (req.method !== 'POST') {
    res.setHeader('allow', 'GET, HEAD, POST')
    return refuse(res, 405, 'Pages are read with GET and forms are sent with POST.')
  }
  if (!isSameOrigin(req.headers, env.origin)) {
    return refuse(res, 403, 'This form was sent from another site. Open the console and try again.')
  }
  if (
    Number(req.headers['content-length'] ?? Number.NaN) >
      (UPLOADS.test(req.path) ? UPLOAD_BYTES_MAX : BODY_BYTES_MAX) ||
    req.headers['transfer-encoding'] !== undefined
  ) {
    return refuse(res, 413, 'That is more than this page takes.')
  }
  if (!isForm(req.headers['content-type'], req.path)) return refuse(res, 415, 'This is not a form of the console.')
  next()
})

app.all(
  '*',
  createRequestHandler({
    build: () => import(`${BUILD}/server/index.js`),
    mode: 'production',
    getLoadContext: loadContext,
  }),
)

function loadContext(_: Request, res: Response): AppLoadContext {
  return {
    backend,
    nonce: res.locals.nonce,
    facts: { request_id: res.locals.request_id, ip: res.locals.address || null },
    memo: new Map(),
  }
}

// What can't be read or served: a broken escape in an address, a path out of the folder of assets.
app.use((error: unknown, _: Request, res: Response, next: NextFunction) => {
  if (res.headersSent) return next(error)
  const status = statusOf(error)
  const request_id: string = res.locals.request_id
  if (status >= 500) log.error({ request_id, err: error }, 'a request failed')
  refuse(
    res,
    status,
    status >= 500 ? `Something went wrong on our side. Request ${request_id}.` : 'There is nothing here.',
  )
})

function statusOf(error: unknown): number {
  const status = error instanceof Error && 'status' in error ? error.status : 500
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500
}

/** Forms send fields; only the browser's own client of the operations sends JSON. */
function isForm(contentType: string | undefined, path: string): boolean {
  const type = contentType?.split(';')[0]?.trim().toLowerCase()
  if (UPLOADS.test(path) && type === 'multipart/form-data') return true
  return type === 'application/x-www-form-urlencoded' || (path.startsWith('/trpc/') && type === 'application/json')
}

function refuse(res: Response, status: number, sentence: string): void {
  res.status(status).type('text/plain').send(sentence)
}

const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 65_000 }, app)
server.listen(env.port, env.host, () => {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : env.port
  log.info({ port, host: env.host }, 'listening')
})

onShutdown(log, [
  {
    name: 'stop listening',
    run: () =>
      new Promise<void>((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)))
        server.closeIdleConnections()
      }),
  },
  { name: 'close the database', run: () => close(database) },
])

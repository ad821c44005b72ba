import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Call } from './api.ts'
import { type Controls, control } from './controls.ts'
import { ApiError } from './errors.ts'
import { type Fields, parseForm, textOf } from './form.ts'
import { bankPage, checkoutPage, messagePage, receiptPage } from './pages.ts'
import type { Payments, PaysWith } from './payments.ts'
import { type CheckoutSession, findObject, type Store } from './store.ts'

const BODY_BYTES_MAX = 1_000_000

/** What goes wrong with a call of the API. `after`: it is done, and the answer is lost. */
export type ApiFault = {
  status?: number
  hang_up?: boolean
  delay_ms?: number
  when?: 'before' | 'after'
  path?: string
}

export type SeenCall = Call & { idempotency_key: string | null }

export type Sandbox = {
  store: Store
  payments: Payments
  api(call: Call): Record<string, unknown>
  secret_key: string | null
  takeFault(path: string): ApiFault | undefined
  saw(call: SeenCall): void
  controls: Controls
}

export function createSandboxServer(sandbox: Sandbox): Server {
  return createServer((request, response) => {
    void answer(sandbox, request, response).catch((error: unknown) => {
      // A bug here: whoever tests against this has to see that it is no fault they asked for.
      sendJson(response, 500, {
        error: { type: 'sandbox_failure', message: String(error instanceof Error ? error.stack : error) },
      })
    })
  })
}

async function answer(sandbox: Sandbox, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://sandbox')
  const method = request.method ?? 'GET'
  const body = await readBody(request)
  if (url.pathname.startsWith('/v1/')) {
    const fields = parseForm(method === 'GET' ? url.searchParams.toString() : body)
    return callApi(sandbox, request, response, { method, path: url.pathname, fields })
  }
  const controlled = await control(sandbox.controls, method, url.pathname, body)
  if (controlled !== undefined) return sendJson(response, 200, controlled)
  if (url.pathname === '/favicon.ico') return void response.writeHead(204).end()
  const page = pageFor(sandbox, method, url.pathname, parseForm(body))
  if ('location' in page) response.writeHead(303, { location: page.location }).end()
  else
    response
      .writeHead(page.status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
      .end(page.body)
}

async function callApi(
  sandbox: Sandbox,
  request: IncomingMessage,
  response: ServerResponse,
  call: Call,
): Promise<void> {
  const { store } = sandbox
  const given = request.headers['idempotency-key']
  const idempotency_key = typeof given === 'string' && call.method === 'POST' ? given : null
  sandbox.saw({ ...call, idempotency_key })
  const fault = sandbox.takeFault(call.path)
  if (fault?.delay_ms !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delay_ms))
  if (fault !== undefined && fault.when !== 'after' && failed(response, fault)) return

  const same = JSON.stringify([call.method, call.path, call.fields])
  const earlier = idempotency_key === null ? undefined : store.kept.get(idempotency_key)
  let status = 200
  let text: string
  try {
    authorize(sandbox, request)
    if (earlier !== undefined) {
      if (earlier.request !== same) {
        const message = `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${idempotency_key}'.`
        throw new ApiError(400, 'idempotency_error', message)
      }
      status = earlier.status
      text = earlier.body
      response.setHeader('idempotent-replayed', 'true')
    } else {
      text = JSON.stringify(sandbox.api(call))
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    status = error.status
    text = JSON.stringify({ error: error.body })
  }
  if (idempotency_key !== null && earlier === undefined && status !== 401 && status !== 404) {
    store.kept.set(idempotency_key, { request: same, status, body: text })
  }
  if (call.method === 'POST') store.save()
  if (fault?.when === 'after' && failed(response, fault)) return
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': store.newId('req') }).end(text)
}

function failed(response: ServerResponse, { status, hang_up }: ApiFault): boolean {
  if (hang_up) {
    response.socket?.destroy()
    return true
  }
  if (status === undefined) return false
  sendJson(response, status, {
    error: { type: 'api_error', message: 'Sorry! There was an error while talking to one of our backends.' },
  })
  return true
}

function authorize({ secret_key }: Sandbox, request: IncomingMessage): void {
  const [, given = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? []
  if (given === '') throw new ApiError(401, 'invalid_request_error', 'You did not provide an API key.')
  if (secret_key !== null && given !== secret_key)
    throw new ApiError(401, 'invalid_request_error', 'Invalid API Key provided.')
}

type Page = { status: number; body: string } | { location: string }

/** The pages that people see: paying, what a bank asks, receipts. */
function pageFor(sandbox: Sandbox, method: string, path: string, fields: Fields): Page {
  const { store, payments } = sandbox
  const [, place = '', id = ''] = path.split('/')
  const session = place === 'pay' ? findObject(store, 'checkout.session', id) : undefined
  if (session !== undefined) return checkout(sandbox, session, method, fields)
  const intent = findObject(store, 'payment_intent', id)
  if (place === 'confirm' && intent !== undefined) {
    if (method === 'POST') {
      payments.authenticate(intent, fields.answer === 'yes')
      store.save()
    } else if (intent.status === 'requires_action') return { status: 200, body: bankPage(intent) }
    const back = findObject(store, 'checkout.session', intent.session)
    const location = back?.url ?? intent.return_url
    return location === null
      ? { status: 200, body: messagePage('Thank you', 'You can close this page.') }
      : { location }
  }
  if (place === 'invoices' && intent !== undefined) {
    return { status: 200, body: receiptPage(`Invoice: ${intent.description ?? ''}`, intent.amount, intent.currency) }
  }
  const charge = findObject(store, 'charge', id)
  if (place === 'receipts' && charge !== undefined) {
    return { status: 200, body: receiptPage('Receipt', charge.amount, charge.currency) }
  }
  return { status: 404, body: messagePage('Nothing here', 'This page does not exist.') }
}

function checkout({ store, payments }: Sandbox, session: CheckoutSession, method: string, fields: Fields): Page {
  if (session.status !== 'open') {
    return { status: 200, body: messagePage('This checkout is over', 'Go back to where you came from.') }
  }
  if (method !== 'POST') return { status: 200, body: checkoutPage(session) }
  try {
    return { location: payments.payInSession(session, paysWith(fields)) }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { status: 200, body: checkoutPage(session, error.message) }
  } finally {
    store.save()
  }
}

function paysWith(fields: Fields): PaysWith {
  const { method } = fields
  return method === 'ideal' || method === 'sepa_debit' ? { method } : { card: textOf(fields.card) ?? '' }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request) {
    size += (part as Buffer).length
    if (size > BODY_BYTES_MAX) break
    parts.push(part as Buffer)
  }
  return Buffer.concat(parts).toString('utf8')
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) return
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

import { Attempts } from '@stipend/auth'
import { DomainError, type KeySlip, readSlip } from '@stipend/core'
import type { Database } from '@stipend/db'
import type { Log } from '@stipend/runtime'
import express, { type ErrorRequestHandler, type RequestHandler, type Response, type Router } from 'express'
import { exactUsd, nanos } from './app/money.ts'
import { dayAndClock, endWords } from './app/time.ts'

/** A class behind one address may mistype this often. */
const FAILURES_MAX = 60
const WINDOW_MS = 300_000

/** No script and no style but our own two files: a browser of ten years ago knows nonces as little as modules. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * The page behind the code on a slip: what is left of a key, until when, how to start. Public, and plain HTML. The key comes in the
 * body of a form, never in an address; where scripts run, they fill the form from the fragment.
 */
export function slipPage(database: Database, log: Log, gateway_url: string): Router {
  const fail = (res: Response, error: unknown) => {
    if (error instanceof DomainError && error.code === 'rate_limited') {
      res.setHeader('retry-after', String(error.details.retry_after_seconds ?? 60))
      return answer(res, 429, askPage(error.message))
    }
    // A body that is too large or can't be read holds no key.
    const status = error instanceof Error && 'status' in error ? error.status : undefined
    if (typeof status === 'number' && status < 500) return answer(res, 400, askPage(UNKNOWN))
    log.error({ request_id: res.locals.request_id, err: error }, 'the slip page failed')
    answer(res, 503, askPage('This can’t be looked up right now. Try again in a moment.'))
  }
  const attempts = new Attempts({ failuresMax: FAILURES_MAX, windowMs: WINDOW_MS })
  const router = express.Router()

  router.use((_, res, next) => {
    res.setHeader('content-security-policy', POLICY)
    res.setHeader('cache-control', 'no-store')
    res.setHeader('referrer-policy', 'no-referrer')
    next()
  })
  router.get('/', (_, res) => answer(res, 200, askPage()))
  const look: RequestHandler = (req, res) => {
    const fields = req.body as Record<string, unknown>
    const secret = typeof fields.key === 'string' ? fields.key.replaceAll(/\s/g, '') : ''
    const now = new Date()
    void (async () => {
      const succeed = attempts.begin(res.locals.address, now)
      const slip = await readSlip(database, secret, now)
      if (slip === null) return answer(res, 404, askPage(UNKNOWN))
      succeed()
      answer(res, 200, slipHtml(slip, gateway_url, now))
    })().catch((error: unknown) => fail(res, error))
  }
  router.post('/', express.urlencoded({ extended: false, limit: '2kb' }), look)
  router.all('/', (_, res) => {
    res.setHeader('allow', 'GET, HEAD, POST')
    answer(res, 405, askPage())
  })

  const unreadable: ErrorRequestHandler = (error, _req, res, _next) => fail(res, error)
  router.use(unreadable)
  return router
}

const UNKNOWN = 'This key is not known here. Check that you have all of it, or ask for a new one.'

function answer(res: Response, status: number, html: string): void {
  res.status(status).type('html').send(html)
}

function askPage(problem?: string): string {
  return page(
    'What is left of your key',
    `<h1>What is left of your key</h1>
${problem === undefined ? '' : `<p class="problem" role="alert">${escaped(problem)}</p>`}
<form method="post" action="/c" id="slip">
<label for="key">Your key, as it stands on your slip</label>
<input id="key" name="key" type="text" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="100" required placeholder="sk-stp-…">
<button type="submit">Look</button>
</form>
<p class="small">The key is looked up and not kept.</p>`,
  )
}

function slipHtml(slip: KeySlip, gateway_url: string, now: Date): string {
  const { budget } = slip
  const left =
    budget.remaining_usd === null || budget.limit_usd === null
      ? '<h1>No limit of its own</h1><p>What your organisation has limits this key.</p>'
      : `<h1>${escaped(exactUsd(toCents(budget.remaining_usd)))} left</h1><p>of ${escaped(exactUsd(budget.limit_usd))}${renewalWords(slip, now)}</p>`
  return page(
    'What is left of your key',
    `<p class="small">${escaped(slip.tenant_name)}</p>
${left}
<p><b>${escaped(stateWords(slip, now))}</b></p>
<h2>How to start</h2>
<ol>
<li>In your coding tool choose “OpenAI-compatible”.</li>
<li>Base URL: <code>${escaped(gateway_url)}</code></li>
<li>API key: the one on your slip.</li>
</ol>
<p><a href="/c">Look again</a></p>`,
  )
}

/** Cut, never rounded up: what is shown is there. */
function toCents(usd: string): string {
  const [whole = '0', part = ''] = usd.split('.')
  const cents = `${whole}.${part.padEnd(2, '0').slice(0, 2)}`
  return cents === '0.00' ? usd : cents
}

function renewalWords({ budget, time_zone }: KeySlip, now: Date): string {
  if (budget.renewal === 'when_used_up') return ', given again when it is used up'
  return budget.renews_at === null ? '' : `, given again ${escaped(dayAndClock(budget.renews_at, time_zone, now))}`
}

/** In a sentence whether the key works, and what to do if it doesn't. */
export function stateWords(slip: KeySlip, now: Date): string {
  const { status, budget, valid_from, valid_until, time_zone } = slip
  const giver = slip.tenant_kind === 'school' ? 'your teacher' : 'your administrator'
  const zone = ` (${time_zone})`
  switch (status) {
    case 'revoked':
      return `This key was revoked. Ask ${giver} for a new one.`
    case 'disabled':
      return `This key is paused. Ask ${giver} when it goes on.`
    case 'expired':
      return `This key has ended. Ask ${giver} for a new one.`
    case 'not_yet_valid':
      return `This key works from ${dayAndClock(valid_from ?? '', time_zone, now)}${zone} on.`
    case 'active':
      if (budget.remaining_usd !== null && nanos(budget.remaining_usd) === 0n && budget.renewal !== 'when_used_up') {
        return `This key has spent its budget. Ask ${giver} for more.`
      }
      return valid_until === null
        ? 'It works, without an end.'
        : `It works until ${endWords(valid_until, time_zone, now)}${zone}.`
  }
}

function page(title: string, body: string): string {
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<title>${title}</title><link rel="icon" href="/favicon.svg"><link rel="stylesheet" href="/slip.css"></head>
<body><main>${body}</main><script src="/slip.js"></script></body></html>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

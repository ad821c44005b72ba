import { setTimeout as sleep } from 'node:timers/promises'
import type { Dialect, PricedModel } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import { isIdentity } from './client/answer.ts'
import type { Gateway, Handled, Http } from './gateway.ts'
import { connectionFailure, type Failure, readRefusal } from './provider-errors.ts'
import { refusalOf } from './refusal.ts'
import { writeHead } from './send.ts'

const ANSWER_BYTES_MAX = 64 * 1024 * 1024

type Asked = {
  method: 'GET' | 'POST' | 'DELETE'
  dialect: Dialect
  beneath: string
  body: ((model: PricedModel) => Buffer) | null
}

/**
 * Something that costs no tokens, asked of a provider on a client's behalf and answered with what it says: of the first of these
 * models, and where that one fails, of the next, or of itself once more if there is no other.
 */
export async function passOn(
  gateway: Gateway,
  http: Http,
  models: readonly PricedModel[],
  asked: Asked,
): Promise<Handled> {
  const { response } = http
  for (let attempt = 0; ; ) {
    const model = models[Math.min(attempt, models.length - 1)]
    if (model === undefined) throw new Error('nobody to ask')
    const said = await ask(gateway, http, model, asked)
    attempt++
    if (response.destroyed) return { status: 499, code: null }
    const isNext = attempt < models.length
    // One that doesn't know the model any more says nothing for the next.
    if ('answer' in said && (said.status !== 404 || !isNext)) return said.answer()
    if ('answer' in said) continue
    const { failure } = said
    if (isNext ? failure.again === 'never' : failure.again !== 'same' || attempt > 1) throw failure.error
    if (!isNext) await sleep(gateway.patience.backoffMs * (1 + Math.random()))
  }
}

type Said = { status: number; answer: () => Handled } | { failure: Failure }

/** One attempt. How its provider does is noted, as for requests that cost tokens. */
async function ask(gateway: Gateway, http: Http, model: PricedModel, asked: Asked): Promise<Said> {
  const { response } = http
  const health = gateway.providers.of(model.provider)
  const sentAt = performance.now()
  const failed = (failure: Failure): Said => {
    // What is asked too often here has a limit of its own at Anthropic.
    if (failure.error.code === 'rate_limited') health.leftOpen()
    else health.failed(performance.now(), failure.error.code, failure.restMs)
    const { name } = model.provider
    gateway.log.warn({ request_id: http.id, provider: name, err: failure.error }, 'provider failed')
    return { failure }
  }
  let got: Answer
  try {
    got = await send(gateway, http, model, asked)
  } catch (error) {
    if (!response.destroyed) return failed(error as Failure)
    health.leftOpen()
    throw new Error('the client hung up')
  }
  if (got.status === 200) {
    if (!isJson(got.body)) {
      const words = 'The model provider’s answer can’t be read. Try again.'
      return failed({ error: new DomainError('provider_error', words), again: 'other', restMs: null })
    }
    health.succeeded(performance.now(), Math.round(performance.now() - sentAt))
    const answer = () => {
      writeHead(http, 200, { 'content-type': 'application/json', 'content-length': got.body.length })
      response.end(got.body)
      return { status: 200, code: null }
    }
    return { status: 200, answer }
  }
  const refusal = readRefusal(got.status, got.retryAfter, got.body, asked.dialect)
  if ('failure' in refusal) return failed(refusal.failure)
  health.leftOpen()
  const { words, hasShape } = refusal.passed
  const answer = () => {
    const { body } = refusalOf(new DomainError('invalid_request', words), http.family, http.id)
    writeHead(http, got.status, { 'content-type': 'application/json', 'x-should-retry': 'false' })
    response.end(hasShape ? got.body : JSON.stringify(body))
    return { status: got.status, code: 'provider_error' }
  }
  return { status: got.status, answer }
}

type Answer = { status: number; retryAfter: string; body: Buffer }

/** Rejects with a `Failure`. */
function send(gateway: Gateway, http: Http, model: PricedModel, asked: Asked): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let status = 0
    let retryAfter = ''
    const chunks: Buffer[] = []
    let bytes = 0
    const onClose = () => call.abort(new Error('the client hung up'))
    http.response.once('close', onClose)
    const done = () => http.response.off('close', onClose)
    const call = gateway.upstreams.dispatchPlain(
      model,
      { ...asked, body: asked.body?.(model) ?? null, client: http.request.headers },
      {
        onHead(_, head) {
          status = head.status
          retryAfter = head.retryAfter
          if (!isIdentity(head.contentEncoding)) call.abort(new Error(`an answer in ${head.contentEncoding}`))
        },
        onData(_, chunk) {
          chunks.push(chunk)
          bytes += chunk.length
          if (bytes > ANSWER_BYTES_MAX) {
            call.abort(new DomainError('provider_error', 'The model provider’s answer is too large.'))
          }
        },
        onEnd() {
          done()
          resolve({ status, retryAfter, body: Buffer.concat(chunks, bytes) })
        },
        onFailure(_, error) {
          done()
          reject(connectionFailure(error, status === 200))
        },
      },
    )
  })
}

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString('utf8'))
    return true
  } catch {
    return false
  }
}

import type { Dialect, PricedModel } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import { isIdentity } from './client/answer.ts'
import type { Gateway, Handled, Http } from './gateway.ts'
import { connectionFailure, readRefusal } from './provider-errors.ts'
import { refusalOf } from './refusal.ts'

const ANSWER_BYTES_MAX = 64 * 1024 * 1024

type Asked = { method: 'GET' | 'POST' | 'DELETE'; dialect: Dialect; beneath: string; body: Buffer | null }

/** Something that costs no tokens, asked of a provider on a client's behalf and answered with what it says. */
export async function passOn(gateway: Gateway, http: Http, model: PricedModel, asked: Asked): Promise<Handled> {
  const answer = await ask(gateway, http, model, asked)
  const { response } = http
  if (response.destroyed) return { status: 499, code: null }
  if (answer.status === 200) {
    if (!isJson(answer.body))
      throw new DomainError('provider_error', 'The model provider’s answer can’t be read. Try again.')
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.body.length })
    response.end(answer.body)
    return { status: 200, code: null }
  }
  const refusal = readRefusal(answer.status, answer.retryAfter, answer.body, asked.dialect)
  if ('failure' in refusal) throw refusal.failure.error
  const { words, hasShape } = refusal.passed
  const { body } = refusalOf(new DomainError('invalid_request', words), http.family, http.id)
  response.writeHead(answer.status, { 'content-type': 'application/json', 'x-should-retry': 'false' })
  response.end(hasShape ? answer.body : JSON.stringify(body))
  return { status: answer.status, code: 'provider_error' }
}

type Answer = { status: number; retryAfter: string; body: Buffer }

function ask(gateway: Gateway, http: Http, model: PricedModel, asked: Asked): Promise<Answer> {
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
      { ...asked, client: http.request.headers },
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
          reject(connectionFailure(error, status === 200).error)
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

import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Catalogue, candidates, type PricedModel } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import { admit, Need } from './admit.ts'
import { readBody } from './body.ts'
import { Exchange } from './exchange.ts'
import type { Gateway } from './gateway.ts'
import { unavailable } from './in-time.ts'
import { type ChatRequest, parseChatRequest } from './openai/chat-request.ts'
import type { Purse } from './purse.ts'

export type Handled = { status: number; code: string | null; key_id?: string | undefined }
export type Http = { request: IncomingMessage; response: ServerResponse; id: string }

/** One chat completion from the first byte to the last cent. Throws only before anything was answered. */
export async function complete(gateway: Gateway, http: Http, secret: string): Promise<Handled> {
  const startedAt = Date.now()
  const purse = gateway.purses.find(secret)
  try {
    const asked = await understand(gateway, http, purse)
    const isStream = asked.request.stream === true
    const need = new Need(asked.request, asked.body.length, asked.model)
    const admitted = admit(purse, need, isStream)
    const admission = admitted instanceof Promise ? await admitted : admitted
    const { facts } = purse
    if (facts === null) throw new Error('money was set aside for a key nobody knows')
    if (http.response.destroyed) {
      purse.release(admission.hold, 0n)
      return { status: 499, code: null, key_id: facts.key_id }
    }
    const exchange = new Exchange(gateway, http, { ...asked, startedAt, purse, facts, need, admission })
    return { ...(await exchange.run()), key_id: facts.key_id }
  } catch (error) {
    gateway.purses.noteError(purse, error)
    throw error
  }
}

export type Asked = { request: ChatRequest; body: Buffer; model: PricedModel }

/** What is asked for. Whoever asks without a valid key hears of that first, not of their JSON. */
async function understand(gateway: Gateway, http: Http, purse: Purse): Promise<Asked> {
  try {
    const body = await readBody(http.request, gateway.limits)
    refuseCompressed(http.request)
    const request = parseChatRequest(body)
    const model = await findModel(gateway, purse, request.model)
    return { request, body, model }
  } catch (error) {
    if (error instanceof DomainError && error.code !== 'request_timeout') {
      await purse.check()
    }
    throw error
  }
}

/** The model this key means. One that has just been added is found too. */
async function findModel(gateway: Gateway, purse: Purse, name: string): Promise<PricedModel> {
  if (purse.facts === null) await purse.check()
  const { facts } = purse
  if (facts === null) throw new Error('a key that may be used and that nobody knows')
  const known = gateway.catalogues.known(facts.tenant_id)
  const find = (catalogue: Catalogue) => candidates(catalogue, facts, { name, dialect: 'chat' }, Math.random)
  let found = known && find(known)
  if (found === undefined || !found.ok) found = find(await reading(gateway.catalogues.fresh(facts.tenant_id)))
  if (!found.ok) throw found.error
  return found.models[0]
}

export async function reading(catalogue: Promise<Catalogue>): Promise<Catalogue> {
  try {
    return await catalogue
  } catch (error) {
    throw unavailable(error)
  }
}

function refuseCompressed({ headers }: IncomingMessage): void {
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return
  throw new DomainError('unsupported_media_type', 'Send the body as plain JSON, without compression.')
}

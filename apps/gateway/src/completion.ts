import type { IncomingMessage } from 'node:http'
import type { PricedModel } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import type { KeyFacts } from '@stipend/core/spend'
import { type Admission, admit, Need } from './admit.ts'
import { readBody } from './body.ts'
import type { Ask, AskDialect } from './dialects/ask.ts'
import { readAsk } from './dialects/parse.ts'
import { tellPace } from './door.ts'
import { Exchange } from './exchange.ts'
import type { Gateway, Handled, Http } from './gateway.ts'
import { tooFast } from './pace.ts'
import type { Purse } from './purse.ts'

/** One request for tokens from the first byte to the last cent. Throws only before anything was answered. */
export async function complete(gateway: Gateway, http: Http, dialect: AskDialect): Promise<Handled> {
  const startedAt = Date.now()
  const purse = gateway.door.find(http)
  try {
    const body = await receive(gateway, http, purse)
    const checked = gateway.door.check(http, purse)
    const facts = checked instanceof Promise ? await checked : checked
    const ask = readAsk(dialect, body)
    const found = gateway.catalogue.candidates(facts, { name: ask.model, dialect: dialect.name })
    let models = found instanceof Promise ? await found : found
    if (ask.follows !== undefined) models = await following(gateway, facts, ask, models)
    const admitted = gateway.rules.admit(facts, models, ask.model)
    models = admitted instanceof Promise ? await admitted : admitted
    models = gateway.providers.inOrder(models, performance.now())
    return await serve(gateway, http, { startedAt, purse, facts, ask, body, models })
  } catch (error) {
    gateway.door.noteError(http, purse, error)
    throw error
  }
}

type Served = {
  startedAt: number
  purse: Purse
  facts: KeyFacts
  ask: Ask
  body: Buffer
  models: readonly PricedModel[]
}

async function serve(gateway: Gateway, http: Http, served: Served): Promise<Handled> {
  const { ask, body, purse, models } = served
  const [model] = models
  if (model === undefined) throw new Error('a name that means no model')
  const need = new Need(ask, body.length, model)
  const limit = served.facts.requests_per_minute
  const admitted = limit === null ? admit(purse, need, ask.isStream) : admitInPace(http, served, need, limit)
  const admission = admitted instanceof Promise ? await admitted : admitted
  // As they were when the money was drawn.
  const facts = purse.facts ?? served.facts
  if (http.response.destroyed) {
    purse.release(admission.hold, 0n)
    return { status: 499, code: null, key_id: facts.key_id }
  }
  const { startedAt } = served
  const exchange = new Exchange(gateway, http, { startedAt, purse, ask, body, models, facts, need, admission })
  const done = await exchange.run()
  if (done.status < 400 && exchange.thread !== undefined) gateway.titles.note(facts, ask.json, exchange.thread)
  return { ...done, key_id: facts.key_id }
}

/**
 * As `admit`, for a key with a limit on its requests a minute. Those that no money is set aside for don't count: a client that is told
 * of a spent budget again and again must not be told to wait instead.
 */
async function admitInPace(http: Http, { ask, purse }: Served, need: Need, limit: number): Promise<Admission> {
  const now = performance.now()
  const waitMs = purse.pace.take(limit, now)
  try {
    if (waitMs > 0) throw tooFast(limit, waitMs)
    return await admit(purse, need, ask.isStream)
  } catch (error) {
    if (waitMs === 0) purse.pace.giveBack(now)
    throw error
  } finally {
    tellPace(http, purse, limit)
  }
}

/** Only the provider that has the answer before can follow it, and reads all of that again. */
async function following(
  gateway: Gateway,
  facts: KeyFacts,
  ask: Ask,
  models: readonly PricedModel[],
): Promise<readonly PricedModel[]> {
  const param = 'previous_response_id'
  const kept = await gateway.kept.find(facts, ask.follows ?? '', param)
  ask.unsent += kept.context_tokens
  const theirs = models.filter(({ provider }) => provider.id === kept.provider_id)
  if (theirs.length > 0) return theirs
  const words = 'The response before this one is at another provider than this model. Send the history instead.'
  throw new DomainError('invalid_request', words, { param })
}

/** The body. Whoever asks without a valid key hears of that first, not of what they sent. */
export async function receive(gateway: Gateway, http: Http, purse: Purse): Promise<Buffer> {
  try {
    const body = await readBody(http.request, gateway.limits)
    refuseCompressed(http.request)
    return body
  } catch (error) {
    if (error instanceof DomainError && error.code !== 'request_timeout') await gateway.door.check(http, purse)
    throw error
  }
}

function refuseCompressed({ headers }: IncomingMessage): void {
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return
  throw new DomainError('unsupported_media_type', 'Send the body as plain JSON, without compression.')
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { PricedModel } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import { findKeptResponse, type KeptResponse, type KeyFacts, keepResponse } from '@stipend/core/spend'
import type { Database } from '@stipend/db'
import type { Log } from '@stipend/runtime'
import type { Gateway, Handled, Http } from './gateway.ts'
import { inTime, unavailable } from './in-time.ts'
import { passOn } from './pass-on.ts'

const REMEMBERED_MAX = 10_000
/** What another gateway has just noted may be on its way. */
const WAITS_MS = [0, 250]
const ID_LENGTH_MAX = 200

/**
 * Which responses providers keep for which key. The provider knows only its own customer, which is us: that a response is asked for
 * by the key that made it is for us to see to. To any other key it isn't there.
 */
export class KeptResponses {
  readonly #database: Database
  readonly #log: Log
  readonly #recent = new Map<string, KeptResponse>()

  constructor(database: Database, log: Log) {
    this.#database = database
    this.#log = log
  }

  keep({ tenant_id, key_id }: KeyFacts, id: string, response: KeptResponse): void {
    if (id.length > ID_LENGTH_MAX) return
    this.#recent.set(`${key_id} ${id}`, response)
    if (this.#recent.size > REMEMBERED_MAX) {
      const [oldest] = this.#recent.keys()
      if (oldest !== undefined) this.#recent.delete(oldest)
    }
    keepResponse(this.#database, { tenant_id, key_id, id }, response, new Date()).catch((err: unknown) =>
      this.#log.warn({ err, key_id }, 'a kept response was not noted'),
    )
  }

  /** Throws `not_found` for one that isn't this key's. */
  async find({ tenant_id, key_id }: KeyFacts, id: string, param?: string): Promise<KeptResponse> {
    for (const ms of WAITS_MS) {
      const recent = this.#recent.get(`${key_id} ${id}`)
      if (recent !== undefined) return recent
      if (id.length > ID_LENGTH_MAX) break
      if (ms > 0) await sleep(ms)
      try {
        const found = await inTime(findKeptResponse(this.#database, { tenant_id, key_id, id }))
        if (found !== null) return found
      } catch (error) {
        throw unavailable(error)
      }
    }
    const words = `There is no response "${id.slice(0, 100)}" on this API key.`
    throw new DomainError('not_found', words, param === undefined ? {} : { param })
  }
}

type Beneath = '' | '/cancel' | '/input_items'

/** `GET` and `DELETE /v1/responses/{id}`, its `/input_items` and `/cancel`: asked of the provider that has it. */
export function keptResponse(method: 'GET' | 'POST' | 'DELETE', beneath: Beneath) {
  return async (gateway: Gateway, http: Http, id: string): Promise<Handled> => {
    const purse = gateway.door.find(http)
    try {
      const facts = await gateway.door.check(http, purse)
      const kept = await gateway.kept.find(facts, id)
      const model = await modelAt(gateway, facts, kept.provider_id, method === 'GET')
      const place = `/${encodeURIComponent(id)}${beneath}${queryOf(http)}`
      const done = await passOn(gateway, http, [model], { method, dialect: 'responses', beneath: place, body: null })
      return { ...done, key_id: facts.key_id }
    } catch (error) {
      gateway.door.noteError(http, purse, error)
      throw error
    }
  }
}

/** Any model of the provider that speaks Responses: what is asked for is beside them. */
async function modelAt(gateway: Gateway, facts: KeyFacts, provider_id: string, isRead: boolean): Promise<PricedModel> {
  const models = await gateway.catalogue.usable(facts)
  const there = models.filter(({ provider, dialects }) => provider.id === provider_id && dialects.includes('responses'))
  const [any] = there
  // To stop or to delete something, no rule stands in the way.
  const [found] = isRead && any !== undefined ? await gateway.rules.admit(facts, there, any.name) : there
  if (found !== undefined) return found
  throw new DomainError('not_found', 'The provider that has this response can’t be used with this API key any more.')
}

/** What is asked about it: not as a stream, which would be an answer that nobody measures. */
function queryOf({ request }: Http): string {
  const query = new URLSearchParams(request.url?.split('?')[1])
  query.delete('stream')
  query.delete('starting_after')
  return query.size === 0 ? '' : `?${query}`
}

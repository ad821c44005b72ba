import type { IncomingHttpHeaders } from 'node:http'
import type { PricedModel } from '@stipend/core'
import { type Dialect, endpointOf, headersFor } from '@stipend/core'
import type { Outbound } from '@stipend/runtime'
import { type Dispatcher, Pool } from 'undici'

export type ProviderPatience = {
  /** Until a connection is there. */
  connectMs: number
  /** Until the head of an answer. Answers of ten minutes happen; the official clients wait as long. */
  headMs: number
  /** Until the next byte of it. */
  silenceMs: number
  /** Before a provider that failed is asked once more, where there is no other. */
  backoffMs: number
}
export const PATIENCE: ProviderPatience = { connectMs: 10_000, headMs: 600_000, silenceMs: 300_000, backoffMs: 250 }

const CONNECTIONS_MAX = 1024

/** Headers of a client that its provider needs. Whatever else it says of itself is not the provider's business. */
const PASSED_ON: Record<Dialect, readonly string[]> = {
  chat: ['openai-beta'],
  completions: ['openai-beta'],
  embeddings: ['openai-beta'],
  responses: ['openai-beta', 'x-openai-internal-codex-responses-lite'],
  messages: ['anthropic-version', 'anthropic-beta'],
}
const PASSED_LENGTH_MAX = 2_000

type Route = { pool: Pool; path: string; headers: Record<string, string>; streamHeaders: Record<string, string> }

/** Connections to providers, one pool for each address. */
export class Upstreams {
  readonly #pools = new Map<string, Pool>()
  /** A catalogue that is read again brings new models, and so new routes. */
  readonly #routes = new WeakMap<PricedModel, Partial<Record<Dialect, Route>>>()
  readonly #outbound: Outbound
  readonly #patience: ProviderPatience

  constructor(outbound: Outbound, patience: ProviderPatience) {
    this.#outbound = outbound
    this.#patience = patience
  }

  /** Sends a request on; `handler` gets the answer as it comes. */
  dispatch(
    model: PricedModel,
    args: { dialect: Dialect; body: Buffer; isStream: boolean; client: IncomingHttpHeaders },
    handler: Dispatcher.DispatchHandler,
  ): void {
    const { pool, path, headers, streamHeaders } = this.#routeOf(model, args.dialect)
    const ours = args.isStream ? streamHeaders : headers
    pool.dispatch(
      { method: 'POST', path, headers: withPassed(ours, args.dialect, args.client), body: args.body },
      handler,
    )
  }

  /** The same for something beneath an endpoint that is no request for tokens. */
  dispatchPlain(
    model: PricedModel,
    args: {
      method: 'GET' | 'POST' | 'DELETE'
      dialect: Dialect
      beneath: string
      body: Buffer | null
      client: IncomingHttpHeaders
    },
    handler: Dispatcher.DispatchHandler,
  ): void {
    const { pool, path, headers } = this.#routeOf(model, args.dialect)
    const [folder = '', query] = path.split('?')
    const place = `${folder}${args.beneath}${query === undefined ? '' : `${args.beneath.includes('?') ? '&' : '?'}${query}`}`
    const sent = withPassed(headers, args.dialect, args.client)
    pool.dispatch({ method: args.method, path: place, headers: sent, body: args.body }, handler)
  }

  #routeOf(model: PricedModel, dialect: Dialect): Route {
    const routes = this.#routes.get(model) ?? {}
    const known = routes[dialect]
    if (known !== undefined) return known
    const { provider, upstream_name } = model
    const { origin, pathname, search } = endpointOf(provider, dialect, upstream_name)
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'stipend',
      ...headersFor(provider.kind, provider.credential),
    }
    const streamHeaders = { ...headers, accept: 'text/event-stream' }
    // The platform may have providers in its own network, such as the sandbox; others may not reach into it.
    const pool = this.#poolOf(origin, provider.tenant_id === null)
    const route = { pool, path: pathname + search, headers, streamHeaders }
    routes[dialect] = route
    this.#routes.set(model, routes)
    return route
  }

  #poolOf(origin: string, isTrusted: boolean): Pool {
    const name = `${origin} ${isTrusted}`
    let pool = this.#pools.get(name)
    if (pool === undefined) {
      pool = new Pool(origin, {
        connections: CONNECTIONS_MAX,
        connect: this.#outbound.connector(isTrusted),
        headersTimeout: this.#patience.headMs,
        bodyTimeout: this.#patience.silenceMs,
      })
      this.#pools.set(name, pool)
    }
    return pool
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()))
  }
}

/** Our headers, and those of the client that the provider needs. */
function withPassed(
  ours: Record<string, string>,
  dialect: Dialect,
  client: IncomingHttpHeaders,
): Record<string, string> {
  let headers = ours
  for (const name of PASSED_ON[dialect]) {
    const value = client[name]
    if (typeof value !== 'string' || value.length > PASSED_LENGTH_MAX) continue
    if (headers === ours) headers = { ...ours }
    headers[name] = value
  }
  return headers
}

import type { ServedModel } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import type { Dispatcher } from 'undici'
import { errors, Pool } from 'undici'

const CONNECT_TIMEOUT_MS = 10_000

export type ProviderPatience = {
  /** Until the head of an answer. Answers of ten minutes happen; the official clients wait as long. */
  headMs: number
  /** Until the next byte of it. */
  silenceMs: number
}
const PATIENCE: ProviderPatience = { headMs: 600_000, silenceMs: 300_000 }

const CONNECTIONS_MAX = 1024
/** What is read of a provider's error. */
export const ERROR_BYTES_MAX = 64 * 1024

type Route = {
  pool: Pool
  prefix: string
  headers: Record<string, string>
  streamHeaders: Record<string, string>
}

/** Connections to providers, one pool for each address. */
export class Upstreams {
  readonly #pools = new Map<string, Pool>()
  /** A catalogue that is read again brings new models, and so new routes. */
  readonly #routes = new WeakMap<ServedModel, Route>()
  readonly #patience: ProviderPatience

  constructor(patience: Partial<ProviderPatience> = {}) {
    this.#patience = { ...PATIENCE, ...patience }
  }

  /** Sends a request on; `handler` gets the answer as it comes. */
  dispatch(
    model: ServedModel,
    args: { path: string; body: Buffer; isStream: boolean },
    handler: Dispatcher.DispatchHandler,
  ): void {
    const route = this.#routeOf(model)
    route.pool.dispatch(
      {
        method: 'POST',
        path: `${route.prefix}${args.path}`,
        headers: args.isStream ? route.streamHeaders : route.headers,
        body: args.body,
      },
      handler,
    )
  }

  #routeOf(model: ServedModel): Route {
    const known = this.#routes.get(model)
    if (known !== undefined) return known
    const { base_url, credential } = model.provider
    const { origin, pathname } = new URL(base_url)
    let pool = this.#pools.get(origin)
    if (pool === undefined) {
      pool = new Pool(origin, {
        connections: CONNECTIONS_MAX,
        connect: { timeout: CONNECT_TIMEOUT_MS },
        headersTimeout: this.#patience.headMs,
        bodyTimeout: this.#patience.silenceMs,
      })
      this.#pools.set(origin, pool)
    }
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      'user-agent': 'stipend',
      ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
    }
    const streamHeaders = { ...headers, accept: 'text/event-stream' }
    const route = { pool, prefix: pathname.replace(/\/$/, ''), headers, streamHeaders }
    this.#routes.set(model, route)
    return route
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()))
  }
}

/** An error of the connection, in words for the client. What exactly happened goes to the log. */
export function providerError(error: unknown): DomainError {
  if (error instanceof DomainError) return error
  const code = (error as { code?: string } | null)?.code
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError) {
    return new DomainError('provider_timeout', 'The model provider did not answer in time. Try again.', {}, error)
  }
  const unreachable = [
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'UND_ERR_CONNECT_TIMEOUT',
  ]
  if (code !== undefined && unreachable.includes(code)) {
    const details = { retry_after_seconds: 5 }
    return new DomainError(
      'provider_unavailable',
      'The model provider can’t be reached. Try again in a moment.',
      details,
      error,
    )
  }
  return new DomainError('provider_error', 'The connection to the model provider broke off. Try again.', {}, error)
}

/** Statuses that are about the client's own request: it gets to see what the provider says of it. */
const CLIENTS_OWN = new Set([400, 404, 409, 413, 422])

/**
 * What a refusal of the provider becomes. `passed` is the provider's own words, where they concern the client; `error`, ours,
 * where they concern us (our credential, its capacity).
 */
export function readRefusal(
  statusCode: number,
  retryAfterHeader: string,
  body: Buffer,
): { passed: { status: number; body: Buffer } } | { error: DomainError } {
  if (CLIENTS_OWN.has(statusCode) && isErrorObject(body)) return { passed: { status: statusCode, body } }
  if (statusCode === 429) {
    return {
      error: new DomainError(
        'rate_limited',
        'The model provider has too many requests. Try again shortly.',
        retryAfter(retryAfterHeader),
      ),
    }
  }
  if (statusCode === 503 || statusCode === 529) {
    return {
      error: new DomainError(
        'provider_unavailable',
        'The model provider is overloaded. Try again in a moment.',
        retryAfter(retryAfterHeader),
      ),
    }
  }
  if (statusCode === 504) {
    return { error: new DomainError('provider_timeout', 'The model provider did not answer in time. Try again.') }
  }
  if (statusCode === 401 || statusCode === 403) {
    return {
      error: new DomainError('provider_error', 'The model provider refused our credential. Tell your administrator.'),
    }
  }
  return { error: new DomainError('provider_error', `The model provider failed with status ${statusCode}.`) }
}

/** As long as the provider asks for, an hour at most. */
function retryAfter(header: string): { retry_after_seconds: number } {
  const seconds = Number.parseInt(header, 10)
  return { retry_after_seconds: seconds >= 0 ? Math.min(seconds, 3_600) : 5 }
}

function isErrorObject(body: Buffer): boolean {
  try {
    const json: unknown = JSON.parse(body.toString('utf8'))
    return typeof json === 'object' && json !== null && 'error' in json
  } catch {
    return false
  }
}

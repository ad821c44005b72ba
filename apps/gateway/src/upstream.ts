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

const CONNECTIONS_MAX = 512
/** What is read of a provider's error. */
const ERROR_BYTES_MAX = 64 * 1024

/** Connections to providers, one pool for each address. */
export class Upstreams {
  readonly #pools = new Map<string, Pool>()
  readonly #patience: ProviderPatience

  constructor(patience: Partial<ProviderPatience> = {}) {
    this.#patience = { ...PATIENCE, ...patience }
  }

  /** Sends a request on. Resolves with the head of the answer, whatever its status. */
  async send(
    model: ServedModel,
    args: { path: string; body: Buffer; isStream: boolean; signal: AbortSignal },
  ): Promise<Dispatcher.ResponseData> {
    const { origin, pathname } = new URL(model.provider.base_url)
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
    const { credential } = model.provider
    try {
      return await pool.request({
        method: 'POST',
        path: `${pathname.replace(/\/$/, '')}${args.path}`,
        headers: {
          'content-type': 'application/json',
          accept: args.isStream ? 'text/event-stream' : 'application/json',
          'user-agent': 'stipend',
          ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
        },
        body: args.body,
        signal: args.signal,
      })
    } catch (error) {
      throw providerError(error)
    }
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
export async function readRefusal(
  response: Dispatcher.ResponseData,
): Promise<{ passed: { status: number; body: Buffer } } | { error: DomainError }> {
  const { statusCode } = response
  const body = await readBounded(response.body, ERROR_BYTES_MAX)
  if (CLIENTS_OWN.has(statusCode) && isErrorObject(body)) return { passed: { status: statusCode, body } }
  if (statusCode === 429) {
    return {
      error: new DomainError(
        'rate_limited',
        'The model provider has too many requests. Try again shortly.',
        retryAfter(response),
      ),
    }
  }
  if (statusCode === 503 || statusCode === 529) {
    return {
      error: new DomainError(
        'provider_unavailable',
        'The model provider is overloaded. Try again in a moment.',
        retryAfter(response),
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
function retryAfter({ headers }: Dispatcher.ResponseData): { retry_after_seconds: number } {
  const seconds = Number.parseInt(String(headers['retry-after'] ?? ''), 10)
  return { retry_after_seconds: seconds >= 0 ? Math.min(seconds, 3_600) : 5 }
}

/** Reads a body up to a size; more is an error. */
export async function readBounded(body: AsyncIterable<Buffer>, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > bytesMax) throw new DomainError('provider_error', 'The model provider’s answer is too large.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function isErrorObject(body: Buffer): boolean {
  try {
    const json: unknown = JSON.parse(body.toString('utf8'))
    return typeof json === 'object' && json !== null && 'error' in json
  } catch {
    return false
  }
}

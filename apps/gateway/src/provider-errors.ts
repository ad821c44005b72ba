import { DomainError } from '@stipend/core/errors'
import { SilenceError } from './client/connection.ts'
import { isObject, parseObject, textIn } from './meter/json.ts'

/** What is read of a provider's error. */
export const ERROR_BYTES_MAX = 64 * 1024

/** What a failure of a provider means for the next attempt. */
export type Again =
  /** The same one may do better in a moment. */
  | 'same'
  /** Another one may do better. */
  | 'other'
  /** Nobody would, or the provider has worked for it already. */
  | 'never'

export type Failure = {
  error: DomainError
  again: Again
  /** How long the provider wants to be left alone, if it says so. */
  restMs: number | null
}

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'CONNECT_TIMEOUT',
])

/** An error of the connection, in words for the client. What exactly happened goes to the log. `hasBegun`: an answer was coming. */
export function connectionFailure(thrown: unknown, hasBegun: boolean): Failure {
  const failure = (error: DomainError, again: Again): Failure => ({
    error,
    again: hasBegun ? 'never' : again,
    restMs: null,
  })
  if (thrown instanceof DomainError) return failure(thrown, 'never')
  const code = (thrown as { code?: string } | null)?.code
  if (code === 'FORBIDDEN_ADDRESS') {
    const words = 'The address of this model provider isn’t one that may be connected to. Tell your administrator.'
    return failure(new DomainError('provider_error', words, {}, thrown), 'other')
  }
  if (thrown instanceof SilenceError) {
    const words = 'The model provider did not answer in time. Try again.'
    return failure(new DomainError('provider_timeout', words, {}, thrown), 'other')
  }
  if (code !== undefined && UNREACHABLE.has(code)) {
    const words = 'The model provider can’t be reached. Try again in a moment.'
    return failure(new DomainError('provider_unavailable', words, { retry_after_seconds: 5 }, thrown), 'same')
  }
  const words = 'The connection to the model provider broke off. Try again.'
  return failure(new DomainError('provider_error', words, {}, thrown), 'same')
}

/** Statuses that are about the client's own request: it gets to see what the provider says of it. */
const CLIENTS_OWN = new Set([400, 404, 409, 413, 422])

/** A refusal of a provider that concerns the client: its words, in the shape its clients know if it had that. */
export type Passed = { status: number; words: string; hasShape: boolean }

/** What a refusal of a provider becomes: its own words, where they concern the client; ours, where they concern us. */
export function readRefusal(
  statusCode: number,
  retryAfterHeader: string,
  body: Buffer,
  dialect: string,
): { passed: Passed } | { failure: Failure } {
  if (CLIENTS_OWN.has(statusCode)) {
    const passed = readWords(body, dialect)
    if (passed !== undefined) return { passed: { status: statusCode, ...passed } }
  }
  return { failure: refusalFailure(statusCode, retryAfterHeader) }
}

function refusalFailure(statusCode: number, retryAfterHeader: string): Failure {
  const failure = (error: DomainError, again: Again, restMs: number | null = null): Failure => ({
    error,
    again,
    restMs,
  })
  const seconds = retryAfterOf(retryAfterHeader)
  const details = { retry_after_seconds: seconds ?? 5 }
  switch (statusCode) {
    case 429: {
      const words = 'The model provider has too many requests. Try again shortly.'
      return failure(new DomainError('rate_limited', words, details), 'other', (seconds ?? 1) * 1000)
    }
    case 503:
    case 529: {
      const words = 'The model provider is overloaded. Try again in a moment.'
      const error = new DomainError('provider_unavailable', words, details)
      return seconds === null ? failure(error, 'same') : failure(error, 'other', seconds * 1000)
    }
    case 504: {
      const words = 'The model provider did not answer in time. Try again.'
      return failure(new DomainError('provider_timeout', words), 'other')
    }
    case 401:
    case 403: {
      const words = 'The model provider refused our credential. Tell your administrator.'
      return failure(new DomainError('provider_error', words), 'other')
    }
    default: {
      const words = `The model provider failed with status ${statusCode}.`
      return failure(new DomainError('provider_error', words), statusCode >= 500 ? 'same' : 'other')
    }
  }
}

/** As long as the provider asks for, an hour at most; null if it doesn't say. */
function retryAfterOf(header: string): number | null {
  const seconds = Number.parseInt(header, 10)
  return seconds >= 0 ? Math.min(seconds, 3_600) : null
}

/** What a provider says of a request it refuses; undefined if it doesn't say. */
function readWords(body: Buffer, dialect: string): Omit<Passed, 'status'> | undefined {
  const json = parseObject(body.toString('utf8'))
  if (json === undefined) return undefined
  const { error, message, detail } = json
  if (isObject(error)) {
    const hasShape = typeof error.message === 'string' && (dialect !== 'messages' || json.type === 'error')
    return { words: textIn(error.message) || 'The model provider refuses this request.', hasShape }
  }
  const words = textIn(error) || textIn(message) || textIn(detail) || wordsOfDetails(detail) || wordsOfDetails(message)
  return words === '' ? undefined : { words, hasShape: false }
}

/** FastAPI lists what is wrong, field by field. */
function wordsOfDetails(value: unknown): string {
  const list = Array.isArray(value) ? value : isObject(value) && Array.isArray(value.detail) ? value.detail : []
  const said = list.flatMap((one) => {
    if (!isObject(one) || typeof one.msg !== 'string') return []
    const place = Array.isArray(one.loc) ? one.loc.filter((part) => part !== 'body').join('.') : ''
    return [place === '' ? one.msg : `${place}: ${one.msg}`]
  })
  return said.join('; ').slice(0, 2_000)
}

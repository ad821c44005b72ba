/**
 * Everything that can go wrong on purpose. Transport-free: `wire/errors` maps each code to HTTP, tRPC and the dialects of the
 * gateway, and doesn't compile while a code lacks its row.
 */
export const ERROR_CODES = [
  // what was asked
  'invalid_request',
  'request_too_large',
  'request_timeout',
  'unsupported_media_type',
  'method_not_allowed',
  'upgrade_required',
  'not_found',
  'conflict',
  'idempotency_key_reused',
  // who is asking
  'unauthenticated',
  'invalid_credentials',
  'forbidden',
  'rate_limited',
  // a key at the gateway
  'invalid_api_key',
  'key_revoked',
  'key_disabled',
  'key_expired',
  'key_not_yet_valid',
  'budget_exhausted',
  'allocation_exhausted',
  'balance_exhausted',
  'model_not_found',
  'model_not_allowed',
  'ip_not_allowed',
  'blocked_by_rule',
  'outside_schedule',
  'model_not_priced',
  // those we depend on
  'provider_error',
  'provider_unavailable',
  'provider_timeout',
  'metering_unavailable',
  'unavailable',
  'internal',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

/** One wrong field of an input. `path` is dotted (`valid_until`, `members.3.email`); `message` says what to do. */
export type FieldError = { path: string; message: string }

export type ErrorDetails = {
  fields?: FieldError[]
  /** The parameter of the request that is to blame, as the caller spelt it. */
  param?: string
  retry_after_seconds?: number
}

/**
 * An error the caller may read: `message` and `details` are shown as they are. What isn't safe to show goes into `cause`, which
 * only the log sees.
 */
export class DomainError extends Error {
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'DomainError'
    this.code = code
    this.details = details
  }
}

/** The one answer for what isn't there and for what the caller may not see: both read the same. */
export function notFound(what: string): DomainError {
  return new DomainError('not_found', `There is no such ${what}.`)
}

export function invalidField(path: string, message: string): DomainError {
  return new DomainError('invalid_request', message, { fields: [{ path, message }], param: path })
}

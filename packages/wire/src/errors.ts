import { DomainError, ERROR_CODES, type ErrorCode, type FieldError } from '@stipend/core/errors'
import type { TRPCError } from '@trpc/server'

/**
 * How one error reads at every door. `remedy` is for the documentation: what it means and what to do. `retry` says whether the same
 * request may succeed later without anybody changing anything; where it can't, clients are told to stop trying.
 */
type Row = {
  status: number
  title: string
  remedy: string
  trpc: TRPCError['code']
  openai: 'invalid_request_error' | 'insufficient_quota' | 'rate_limit_error' | 'server_error'
  anthropic:
    | 'invalid_request_error'
    | 'authentication_error'
    | 'billing_error'
    | 'permission_error'
    | 'not_found_error'
    | 'request_too_large'
    | 'rate_limit_error'
    | 'timeout_error'
    | 'overloaded_error'
    | 'api_error'
  retry: 'never' | 'later'
}

export const ERRORS: Record<ErrorCode, Row> = {
  invalid_request: {
    status: 400,
    title: 'The request is not valid',
    remedy:
      'Something in the request is missing, misspelt or out of range. `errors` names each field and what it wants.',
    trpc: 'BAD_REQUEST',
    openai: 'invalid_request_error',
    anthropic: 'invalid_request_error',
    retry: 'never',
  },
  request_too_large: {
    status: 413,
    title: 'The request is too large',
    remedy: 'The body or the headers are larger than this door accepts. Send less at once.',
    trpc: 'PAYLOAD_TOO_LARGE',
    openai: 'invalid_request_error',
    anthropic: 'request_too_large',
    retry: 'never',
  },
  request_timeout: {
    status: 408,
    title: 'The request did not arrive in time',
    remedy: 'The request was not complete when its time was up. Send it again over a better connection.',
    trpc: 'TIMEOUT',
    openai: 'invalid_request_error',
    anthropic: 'invalid_request_error',
    retry: 'later',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The body is not JSON',
    remedy: 'Send the body as JSON in UTF-8, with `content-type: application/json`.',
    trpc: 'UNSUPPORTED_MEDIA_TYPE',
    openai: 'invalid_request_error',
    anthropic: 'invalid_request_error',
    retry: 'never',
  },
  method_not_allowed: {
    status: 405,
    title: 'The method is not allowed here',
    remedy: 'This address exists, but not with this method. The `allow` header lists those it has.',
    trpc: 'METHOD_NOT_SUPPORTED',
    openai: 'invalid_request_error',
    anthropic: 'invalid_request_error',
    retry: 'never',
  },
  upgrade_required: {
    status: 426,
    title: 'WebSockets are not spoken here',
    remedy:
      'Send the same request with POST and `"stream": true`. Tools that try a WebSocket first do so by themselves.',
    trpc: 'METHOD_NOT_SUPPORTED',
    openai: 'invalid_request_error',
    anthropic: 'invalid_request_error',
    retry: 'never',
  },
  not_found: {
    status: 404,
    title: 'There is no such thing',
    remedy: 'Nothing with this id or at this address is yours to see. Check the spelling, and whose token you use.',
    trpc: 'NOT_FOUND',
    openai: 'invalid_request_error',
    anthropic: 'not_found_error',
    retry: 'never',
  },
  conflict: {
    status: 409,
    title: 'It clashes with what is there',
    remedy:
      'The request is fine in itself but not with things as they are: a name is taken, a state does not allow it.',
    trpc: 'CONFLICT',
    openai: 'invalid_request_error',
    anthropic: 'invalid_request_error',
    retry: 'never',
  },
  idempotency_key_reused: {
    status: 409,
    title: 'The idempotency key was used for something else',
    remedy: 'An `Idempotency-Key` repeats one request exactly. For a different request, use a new key.',
    trpc: 'CONFLICT',
    openai: 'invalid_request_error',
    anthropic: 'invalid_request_error',
    retry: 'never',
  },
  unauthenticated: {
    status: 401,
    title: 'Nobody is signed in',
    remedy: 'Sign in, or send a service token that has not been revoked as `authorization: Bearer st-stp-…`.',
    trpc: 'UNAUTHORIZED',
    openai: 'invalid_request_error',
    anthropic: 'authentication_error',
    retry: 'never',
  },
  invalid_credentials: {
    status: 401,
    title: 'The e-mail address or the password is wrong',
    remedy: 'Check both. Which of the two is wrong is not said, so that nobody can find out who has an account.',
    trpc: 'UNAUTHORIZED',
    openai: 'invalid_request_error',
    anthropic: 'authentication_error',
    retry: 'never',
  },
  forbidden: {
    status: 403,
    title: 'This is not allowed',
    remedy:
      'You are known, but your role or the scopes of your token do not include this. Ask an owner of your organisation.',
    trpc: 'FORBIDDEN',
    openai: 'invalid_request_error',
    anthropic: 'permission_error',
    retry: 'never',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    remedy: 'Wait as many seconds as the `retry-after` header says, then go on.',
    trpc: 'TOO_MANY_REQUESTS',
    openai: 'rate_limit_error',
    anthropic: 'rate_limit_error',
    retry: 'later',
  },
  invalid_api_key: {
    status: 401,
    title: 'The API key is not valid',
    remedy: 'The key is misspelt, cut short or was never one of ours. Copy it again, whole; it begins with `sk-stp-`.',
    trpc: 'UNAUTHORIZED',
    openai: 'invalid_request_error',
    anthropic: 'authentication_error',
    retry: 'never',
  },
  key_revoked: {
    status: 401,
    title: 'The API key was revoked',
    remedy: 'The key was withdrawn and will not work again. Ask whoever gave it to you for a new one.',
    trpc: 'UNAUTHORIZED',
    openai: 'invalid_request_error',
    anthropic: 'authentication_error',
    retry: 'never',
  },
  key_disabled: {
    status: 401,
    title: 'The API key is switched off',
    remedy: 'The key is paused. Ask whoever gave it to you to enable it again.',
    trpc: 'UNAUTHORIZED',
    openai: 'invalid_request_error',
    anthropic: 'authentication_error',
    retry: 'never',
  },
  key_expired: {
    status: 401,
    title: 'The API key has expired',
    remedy: 'The key was valid until a certain day, and that is over. Ask whoever gave it to you for a new one.',
    trpc: 'UNAUTHORIZED',
    openai: 'invalid_request_error',
    anthropic: 'authentication_error',
    retry: 'never',
  },
  key_not_yet_valid: {
    status: 401,
    title: 'The API key is not valid yet',
    remedy: 'The key begins to work at a later time. The message says when.',
    trpc: 'UNAUTHORIZED',
    openai: 'invalid_request_error',
    anthropic: 'authentication_error',
    retry: 'never',
  },
  budget_exhausted: {
    status: 402,
    title: 'The budget of the API key is used up',
    remedy: 'The key has spent what it may. Wait until the budget renews, or ask for more.',
    trpc: 'PAYMENT_REQUIRED',
    openai: 'insufficient_quota',
    anthropic: 'billing_error',
    retry: 'never',
  },
  allocation_exhausted: {
    status: 402,
    title: 'The allocation is used up',
    remedy: 'The pot of money that several keys share is empty. Ask whoever looks after it.',
    trpc: 'PAYMENT_REQUIRED',
    openai: 'insufficient_quota',
    anthropic: 'billing_error',
    retry: 'never',
  },
  balance_exhausted: {
    status: 402,
    title: 'The balance of the organisation is used up',
    remedy: 'The organisation has no prepaid money left. An owner can top it up.',
    trpc: 'PAYMENT_REQUIRED',
    openai: 'insufficient_quota',
    anthropic: 'billing_error',
    retry: 'never',
  },
  model_not_found: {
    status: 404,
    title: 'There is no such model',
    remedy: 'No model of this name is offered here. `GET /v1/models` lists those your key may use.',
    trpc: 'NOT_FOUND',
    openai: 'invalid_request_error',
    anthropic: 'not_found_error',
    retry: 'never',
  },
  model_not_allowed: {
    status: 403,
    title: 'The API key may not use this model',
    remedy: 'The key is limited to certain models or to one provider. `GET /v1/models` lists those it may use.',
    trpc: 'FORBIDDEN',
    openai: 'invalid_request_error',
    anthropic: 'permission_error',
    retry: 'never',
  },
  ip_not_allowed: {
    status: 403,
    title: 'The API key may not be used from here',
    remedy:
      'The key works only from certain addresses, such as those of a school. The message says which one yours is.',
    trpc: 'FORBIDDEN',
    openai: 'invalid_request_error',
    anthropic: 'permission_error',
    retry: 'never',
  },
  blocked_by_rule: {
    status: 403,
    title: 'A rule of the organisation blocks this',
    remedy:
      'The organisation has a rule against this person using this model or this provider. The message names the rule; an administrator can change it.',
    trpc: 'FORBIDDEN',
    openai: 'invalid_request_error',
    anthropic: 'permission_error',
    retry: 'never',
  },
  outside_schedule: {
    status: 403,
    title: 'A rule of the organisation blocks this at this time',
    remedy: 'Only the time of day or the day of the week stands against it. The message says when it works again.',
    trpc: 'FORBIDDEN',
    openai: 'invalid_request_error',
    anthropic: 'permission_error',
    retry: 'never',
  },
  model_not_priced: {
    status: 403,
    title: 'The model has no price',
    remedy:
      'Nobody has said what this model costs, so it can’t be charged to a budget. An administrator sets its price on the page of its provider.',
    trpc: 'FORBIDDEN',
    openai: 'invalid_request_error',
    anthropic: 'permission_error',
    retry: 'never',
  },
  provider_error: {
    status: 502,
    title: 'The provider failed',
    remedy: 'The provider of the model answered with an error or with nonsense. Try again, or another model.',
    trpc: 'BAD_GATEWAY',
    openai: 'server_error',
    anthropic: 'api_error',
    retry: 'later',
  },
  provider_unavailable: {
    status: 503,
    title: 'The provider cannot be reached',
    remedy: 'The provider of the model does not answer at all. Try again in a while, or another model.',
    trpc: 'SERVICE_UNAVAILABLE',
    openai: 'server_error',
    anthropic: 'overloaded_error',
    retry: 'later',
  },
  provider_timeout: {
    status: 504,
    title: 'The provider took too long',
    remedy: 'The provider of the model did not answer in time. Try again, or ask for less.',
    trpc: 'GATEWAY_TIMEOUT',
    openai: 'server_error',
    anthropic: 'timeout_error',
    retry: 'later',
  },
  metering_unavailable: {
    status: 503,
    title: 'Spending cannot be counted right now',
    remedy: 'Nothing is forwarded that cannot be counted. Try again in a while.',
    trpc: 'SERVICE_UNAVAILABLE',
    openai: 'server_error',
    anthropic: 'overloaded_error',
    retry: 'later',
  },
  unavailable: {
    status: 503,
    title: 'The service is not available right now',
    remedy: 'Something this service needs is away or busy. Try again in a while.',
    trpc: 'SERVICE_UNAVAILABLE',
    openai: 'server_error',
    anthropic: 'overloaded_error',
    retry: 'later',
  },
  internal: {
    status: 500,
    title: 'Something went wrong here',
    remedy: 'The fault is ours. If it stays, tell us the `request_id`.',
    trpc: 'INTERNAL_SERVER_ERROR',
    openai: 'server_error',
    anthropic: 'api_error',
    retry: 'later',
  },
}

/** The only thing anybody is told about an error that wasn't foreseen. */
const INTERNAL = 'Something went wrong on our side. Try again; if it stays, tell us the request id.'

/**
 * What may be shown of anything that was thrown. An error that isn't ours becomes `internal`; its text is kept for the log, as the
 * cause, and goes nowhere else.
 */
export function asDomainError(thrown: unknown): DomainError {
  return isDomainError(thrown) ? thrown : new DomainError('internal', INTERNAL, {}, thrown)
}

/** Known by name and code: two copies of a bundled package have two classes. */
export function isDomainError(thrown: unknown): thrown is DomainError {
  return (
    thrown instanceof Error &&
    thrown.name === 'DomainError' &&
    'code' in thrown &&
    (ERROR_CODES as readonly unknown[]).includes(thrown.code)
  )
}

export type Answer<Body> = { status: number; headers: Record<string, string>; body: Body }

/** RFC 9457. `type` is where the code is explained, relative to the address that was called. */
export type Problem = {
  type: string
  title: string
  status: number
  code: ErrorCode
  detail: string
  request_id: string
  errors?: FieldError[]
}

/** The REST API's answer, to be sent as `application/problem+json`. */
export function toProblem(thrown: unknown, requestId: string): Answer<Problem> {
  const error = asDomainError(thrown)
  const { status, title } = ERRORS[error.code]
  const { fields } = error.details
  return {
    status,
    headers: {
      ...errorHeaders(error),
      'content-type': 'application/problem+json; charset=utf-8',
      // RFC 9110 wants a challenge with every 401.
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    },
    body: {
      type: `/docs/errors#${error.code}`,
      title,
      status,
      code: error.code,
      detail: error.message,
      request_id: requestId,
      ...(fields === undefined ? {} : { errors: fields }),
    },
  }
}

export type OpenAiError = { error: { message: string; type: Row['openai']; param: string | null; code: ErrorCode } }

/** The gateway's answer in OpenAI's dialect. All four fields are required by its clients. */
export function toOpenAI(thrown: unknown): Answer<OpenAiError> {
  const error = asDomainError(thrown)
  const { status, openai } = ERRORS[error.code]
  return {
    status,
    headers: gatewayHeaders(error),
    body: {
      error: { message: error.message, type: openai, param: error.details.param ?? null, code: error.code },
    },
  }
}

export type AnthropicError = {
  type: 'error'
  error: { type: Row['anthropic']; message: string }
  request_id: string
}

/** The gateway's answer in Anthropic's dialect. */
export function toAnthropic(thrown: unknown, requestId: string): Answer<AnthropicError> {
  const error = asDomainError(thrown)
  const { status, anthropic } = ERRORS[error.code]
  return {
    status,
    headers: gatewayHeaders(error),
    body: { type: 'error', error: { type: anthropic, message: error.message }, request_id: requestId },
  }
}

/** What tRPC needs to know of an error. `wire/trpc` makes tRPC's own error of it: this file must not import tRPC. */
export function toTrpc(thrown: unknown): { code: TRPCError['code']; message: string; cause: DomainError } {
  const cause = asDomainError(thrown)
  return { code: ERRORS[cause.code].trpc, message: cause.message, cause }
}

/** Without `x-should-retry: false` some coding tools repeat a refused request for minutes. */
function errorHeaders(error: DomainError): Record<string, string> {
  const { retry_after_seconds } = error.details
  return {
    ...(ERRORS[error.code].retry === 'never' ? { 'x-should-retry': 'false' } : {}),
    ...(retry_after_seconds === undefined
      ? {}
      : { 'retry-after': String(Math.max(1, Math.ceil(retry_after_seconds))) }),
  }
}

/** With the wait to the millisecond, which OpenAI's and Anthropic's clients look for first. */
function gatewayHeaders(error: DomainError): Record<string, string> {
  const { retry_after_seconds } = error.details
  return {
    ...errorHeaders(error),
    ...(retry_after_seconds === undefined
      ? {}
      : { 'retry-after-ms': String(Math.max(1, Math.ceil(retry_after_seconds * 1_000))) }),
    'content-type': 'application/json; charset=utf-8',
  }
}

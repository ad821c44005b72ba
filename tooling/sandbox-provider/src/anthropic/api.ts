import type { Api, Refusals } from '../api.ts'
import { ApiError, waitHeaders } from '../errors.ts'
import { openai } from '../openai/api.ts'

/** The type of an error is its status' in this API. */
const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

function typeOf(status: number): string {
  return TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error')
}

const WORDS: Readonly<Record<number, string>> = {
  401: 'invalid x-api-key',
  402: 'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
  403: 'Your API key does not have permission to use the specified resource.',
  429: "This request would exceed your organization's (org-sandbox) rate limit of 500 requests per minute. Please try again later.",
  503: 'Service unavailable',
  504: 'Request timed out',
  529: 'Overloaded',
}

const refusals: Refusals = {
  notJson: () => new ApiError(400, 'The request body is not valid JSON.'),
  tooLarge: () => new ApiError(413, 'Request exceeds the maximum size'),
  unknownModel: (model) => new ApiError(404, `model: ${model}`),
  wrongCredential: (given) =>
    new ApiError(401, given === undefined || given === '' ? 'x-api-key header is required' : 'invalid x-api-key'),
  contextExceeded: (tokens, tokensMax) =>
    new ApiError(400, `prompt is too long: ${tokens} tokens > ${tokensMax} maximum`),
  notServed: (model) => new ApiError(404, `model: ${model}`),
  fault(status, { model, retryAfter }) {
    const waits = status === 429 || status === 503
    return new ApiError(
      status,
      status === 404 ? `model: ${model}` : (WORDS[status] ?? (status >= 500 ? 'Internal server error' : TOLD(status))),
      waits ? { headers: waitHeaders(retryAfter) } : {},
    )
  },
  failure: () => new ApiError(500, 'Internal server error'),
}

const TOLD = (status: number) => `The sandbox provider was told to answer with ${status}.`

/** Anthropic's conventions. The key may come as a bearer too, as several clients send it. */
export const anthropic: Api = {
  credential(headers) {
    const key = headers['x-api-key']
    return typeof key === 'string' ? key : openai.credential(headers)
  },
  errorBody: (error, requestId) => JSON.stringify({ ...errorFields(error), request_id: requestId }),
  answerHeaders: (requestId) => ['request-id', requestId, ...ACCOUNT],
  refusals,
}

/** A fault of the sandbox itself keeps its name. */
export function errorFields({ status, message, type }: ApiError) {
  return { type: 'error', error: { type: type === 'sandbox_failure' ? type : typeOf(status), message } }
}

const ACCOUNT = [
  'anthropic-organization-id',
  'org-sandbox',
  'anthropic-ratelimit-requests-limit',
  '500',
  'anthropic-ratelimit-requests-remaining',
  '499',
]

/** A refusal with the words of the real API. The dialect the client speaks gives it its shape. */
export class ApiError extends Error {
  readonly status: number
  readonly type: string
  readonly code: string | number | null
  readonly param: string | null
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    message: string,
    details: {
      type?: string
      code?: string | number | null
      param?: string | null
      headers?: Readonly<Record<string, string>>
    } = {},
  ) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.type = details.type ?? 'invalid_request_error'
    this.code = details.code ?? null
    this.param = details.param ?? null
    this.headers = details.headers ?? {}
  }
}

export function unknownModel(model: string): ApiError {
  return new ApiError(404, `The model \`${model}\` does not exist or you do not have access to it.`, {
    code: 'model_not_found',
  })
}

/** `given` is shown as the real API shows it: its end, and only of what is long enough to keep the rest secret. */
export function wrongCredential(given: string | undefined): ApiError {
  if (given === undefined || given === '') {
    return new ApiError(
      401,
      "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY). You can obtain an API key from https://platform.openai.com/account/api-keys.",
    )
  }
  return new ApiError(
    401,
    `Incorrect API key provided: ${masked(given)}. You can find your API key at https://platform.openai.com/account/api-keys.`,
    { code: 'invalid_api_key' },
  )
}

export function masked(secret: string): string {
  return secret.length < 16 ? '********' : `********${secret.slice(-4)}`
}

/** What the real API says with `status`. 429 and 503 carry `retry-after`, in seconds. */
export function fault(
  status: number,
  { model, code, retryAfter }: { model: string; code: string | undefined; retryAfter: number },
): ApiError {
  const headers = { 'retry-after': String(retryAfter), 'retry-after-ms': String(retryAfter * 1000) }
  const withCode = (standard: string | null) => code ?? standard
  switch (status) {
    case 401:
      return new ApiError(
        401,
        'Incorrect API key provided: sk-sandb***cret. You can find your API key at https://platform.openai.com/account/api-keys.',
        { code: withCode('invalid_api_key') },
      )
    case 403:
      return new ApiError(403, 'Country, region, or territory not supported', {
        type: 'request_forbidden',
        code: withCode('unsupported_country_region_territory'),
      })
    case 404:
      return new ApiError(404, unknownModel(model).message, { code: withCode('model_not_found') })
    case 429:
      if (code === 'insufficient_quota') {
        return new ApiError(
          429,
          'You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.',
          { type: 'insufficient_quota', code },
        )
      }
      return new ApiError(
        429,
        `Rate limit reached for ${model} in organization org-sandbox on requests per min (RPM): Limit 500, Used 500, Requested 1. Please try again in ${retryAfter}s. Visit https://platform.openai.com/account/rate-limits to learn more.`,
        { type: 'requests', code: withCode('rate_limit_exceeded'), headers },
      )
    case 502:
      return new ApiError(502, 'Bad gateway.', { type: 'cf_bad_gateway', code: code ?? 502 })
    case 503:
      return new ApiError(
        503,
        'That model is currently overloaded with other requests. You can retry your request, or contact us through our help center at help.openai.com if the error persists.',
        { type: 'server_error', code: withCode(null), headers },
      )
    case 504:
      return new ApiError(504, 'Gateway timeout.', { type: 'cf_gateway_timeout', code: code ?? 504 })
    default:
      if (status >= 500) return new ApiError(status, SERVER_ERROR, { type: 'server_error', code: withCode(null) })
      return new ApiError(status, `The sandbox provider was told to answer with ${status}.`, { code: withCode(null) })
  }
}

export const SERVER_ERROR =
  'The server had an error processing your request. Sorry about that! You can retry your request, or contact us through our help center at help.openai.com if you keep seeing this error.'

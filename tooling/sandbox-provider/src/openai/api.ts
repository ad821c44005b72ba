import type { Api, Refusals } from '../api.ts'
import { ApiError, masked, waitHeaders } from '../errors.ts'

const SERVER_ERROR =
  'The server had an error processing your request. Sorry about that! You can retry your request, or contact us through our help center at help.openai.com if you keep seeing this error.'

const refusals: Refusals = {
  notJson: () =>
    new ApiError(
      400,
      "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble figuring out how to fix this, please contact us through our help center at help.openai.com.)",
    ),
  tooLarge: (bytesMax) =>
    new ApiError(413, `The request body is larger than ${bytesMax} bytes.`, { code: 'request_too_large' }),
  unknownModel: (model) =>
    new ApiError(404, `The model \`${model}\` does not exist or you do not have access to it.`, {
      code: 'model_not_found',
    }),
  wrongCredential(given) {
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
  },
  contextExceeded: (tokens, tokensMax) =>
    new ApiError(
      400,
      `This model's maximum context length is ${tokensMax} tokens. However, your messages resulted in ${tokens} tokens. Please reduce the length of the messages.`,
      { param: 'messages', code: 'context_length_exceeded' },
    ),
  notServed: (model, path) =>
    new ApiError(404, `The model \`${model}\` is not supported in the ${path.slice(1)} endpoint.`, { param: 'model' }),
  fault,
  failure: () => new ApiError(500, SERVER_ERROR, { type: 'server_error' }),
}

/** OpenAI's conventions, in all of its dialects. */
export const openai: Api = {
  credential: (headers) => /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1],
  errorBody: ({ message, type, param, code }) => JSON.stringify({ error: { message, type, param, code } }),
  answerHeaders: (requestId) => ['x-request-id', requestId, ...ACCOUNT],
  refusals,
}

const ACCOUNT = [
  'openai-organization',
  'org-sandbox',
  'openai-version',
  '2020-10-01',
  'openai-processing-ms',
  '1',
  'x-ratelimit-limit-requests',
  '10000',
  'x-ratelimit-remaining-requests',
  '9999',
]

function fault(status: number, { model, code, retryAfter }: Parameters<Refusals['fault']>[1]): ApiError {
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
      return new ApiError(404, refusals.unknownModel(model).message, { code: withCode('model_not_found') })
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
        { type: 'requests', code: withCode('rate_limit_exceeded'), headers: waitHeaders(retryAfter) },
      )
    case 502:
      return new ApiError(502, 'Bad gateway.', { type: 'cf_bad_gateway', code: code ?? 502 })
    case 503:
      return new ApiError(
        503,
        'That model is currently overloaded with other requests. You can retry your request, or contact us through our help center at help.openai.com if the error persists.',
        { type: 'server_error', code: withCode(null), headers: waitHeaders(retryAfter) },
      )
    case 504:
      return new ApiError(504, 'Gateway timeout.', { type: 'cf_gateway_timeout', code: code ?? 504 })
    default:
      if (status >= 500) return new ApiError(status, SERVER_ERROR, { type: 'server_error', code: withCode(null) })
      return new ApiError(status, `The sandbox provider was told to answer with ${status}.`, { code: withCode(null) })
  }
}

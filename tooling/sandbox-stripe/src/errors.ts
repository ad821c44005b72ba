/** An error as Stripe's API answers it. */
export class ApiError extends Error {
  readonly status: number
  readonly body: Record<string, unknown>

  constructor(status: number, type: string, message: string, more: Record<string, unknown> = {}) {
    super(message)
    this.status = status
    this.body = { type, message, ...more }
  }
}

export const missing = (what: string, id: string): ApiError =>
  new ApiError(404, 'invalid_request_error', `No such ${what}: '${id}'`, { code: 'resource_missing', param: what })

export const wrong = (param: string, message: string, code = 'parameter_invalid'): ApiError =>
  new ApiError(400, 'invalid_request_error', message, { code, param })

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

/** How long to wait, as both makers say it. */
export function waitHeaders(seconds: number): Record<string, string> {
  return { 'retry-after': String(seconds), 'retry-after-ms': String(seconds * 1000) }
}

export function masked(secret: string): string {
  return secret.length < 16 ? '********' : `********${secret.slice(-4)}`
}

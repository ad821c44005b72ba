import type { IncomingHttpHeaders } from 'node:http'
import type { ApiError } from '../errors.ts'

/** The key as all of OpenAI's dialects have it. */
export function bearer(headers: IncomingHttpHeaders): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
}

/** OpenAI's shape, in all of its dialects. */
export function errorBody({ message, type, param, code }: ApiError): string {
  return JSON.stringify({ error: { message, type, param, code } })
}

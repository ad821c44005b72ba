import type { IncomingHttpHeaders } from 'node:http'
import type { ApiError } from './errors.ts'

/** What a maker's dialects have in common: where the key is, how a refusal looks, what is told beside an answer. */
export type Api = {
  credential(headers: IncomingHttpHeaders): string | undefined
  /** `requestId` is the one in the headers. */
  errorBody(error: ApiError, requestId: string): string
  /** Headers of an answer besides its type and length. Most identify an account: a gateway has to keep them to itself. */
  answerHeaders(requestId: string): readonly string[]
  refusals: Refusals
}

/** What the real API says when it refuses. */
export type Refusals = {
  notJson(): ApiError
  tooLarge(bytesMax: number): ApiError
  unknownModel(model: string): ApiError
  /** `given` is shown, where it is, as the real API shows it: its end, and only of what is long enough to keep the rest secret. */
  wrongCredential(given: string | undefined): ApiError
  contextExceeded(tokens: number, tokensMax: number): ApiError
  notServed(model: string, path: string): ApiError
  /** For a behaviour that asks for this status. */
  fault(status: number, told: { model: string; code: string | undefined; retryAfter: number }): ApiError
  /** The provider fails in mid-stream. */
  failure(): ApiError
}

import { asDomainError, ERRORS, toAnthropic, toOpenAI } from '@stipend/wire/errors'
import type { StreamError } from './meter/meter.ts'

/** Which of the two shapes of an error a client reads. */
export type Family = 'openai' | 'anthropic'

export type Refusal = { status: number; code: string; headers: Record<string, string>; body: object }

/** What a client is told of an error, in the shape it knows. */
export function refusalOf(thrown: unknown, family: Family, requestId: string): Refusal {
  const { code } = asDomainError(thrown)
  const answer = family === 'anthropic' ? toAnthropic(thrown, requestId) : toOpenAI(thrown)
  return { ...answer, code }
}

/** The same in the middle of a stream. */
export function streamErrorOf(thrown: unknown, request_id: string): StreamError {
  const { code, message } = asDomainError(thrown)
  const { openai, anthropic } = ERRORS[code]
  return { code, message, openai, anthropic, request_id }
}

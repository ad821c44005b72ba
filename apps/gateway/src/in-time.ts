import { setTimeout as sleep } from 'node:timers/promises'
import { DomainError } from '@stipend/core/errors'

/** How long the database may take to answer. */
const ANSWER_MS = 5_000

/** A database that hangs is as good as away. */
export async function inTime<T>(asked: Promise<T>): Promise<T> {
  const late = new AbortController()
  try {
    const hangs = sleep(ANSWER_MS, undefined, { signal: late.signal }).then((): never => {
      throw new Error(`the database did not answer within ${ANSWER_MS} ms`)
    })
    hangs.catch(() => {})
    return await Promise.race([asked, hangs])
  } finally {
    late.abort()
  }
}

/** What the ledger couldn't be asked can't be spent: the client is told to come back. */
export function unavailable(cause?: unknown): DomainError {
  const words = 'Budgets can’t be checked at the moment. Try again in a few seconds.'
  return new DomainError('metering_unavailable', words, { retry_after_seconds: 2 }, cause)
}

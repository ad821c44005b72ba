import type { OutgoingHttpHeaders } from 'node:http'
import { DomainError } from '@stipend/core/errors'
import type { Family } from './refusal.ts'

const WINDOW_MS = 60_000
/** So many that are out of the window are put up with before the list is cut. */
const STALE_MAX = 1_024

/**
 * When a key made its latest requests. In no span of sixty seconds are there more than its limit, however short the span before and
 * after: a bucket that fills up again would let twice as many through in its first minute. Times are of `performance.now()`, in order.
 */
export class Pace {
  #times: number[] = []
  /** Where the window begins in them. */
  #first = 0

  /** Notes a request, and answers 0; or answers in how many milliseconds there is room for one. */
  take(limit: number, now: number): number {
    const used = this.#used(now)
    if (used < limit) {
      this.#times.push(now)
      return 0
    }
    // Where the limit was lowered, more than one has to leave first.
    const leaving = this.#times[this.#first + used - limit] ?? now
    return leaving + WINDOW_MS - now
  }

  /** A request that was noted then came to nothing. */
  giveBack(at: number): void {
    const place = this.#times.lastIndexOf(at)
    if (place >= this.#first) this.#times.splice(place, 1)
  }

  /** How many more there may be now, and in how many milliseconds it will be as many as the limit. */
  left(limit: number, now: number): { remaining: number; resetMs: number } {
    const used = this.#used(now)
    const last = used === 0 ? undefined : this.#times.at(-1)
    return { remaining: Math.max(0, limit - used), resetMs: last === undefined ? 0 : last + WINDOW_MS - now }
  }

  #used(now: number): number {
    const times = this.#times
    while (this.#first < times.length && (times[this.#first] ?? now) + WINDOW_MS <= now) this.#first++
    if (this.#first === times.length || this.#first > STALE_MAX) {
      times.splice(0, this.#first)
      this.#first = 0
    }
    return times.length - this.#first
  }
}

/** As OpenAI says it, and to Anthropic's clients as Anthropic does too. */
export function paceHeaders(pace: Pace, limit: number, family: Family): OutgoingHttpHeaders {
  const { remaining, resetMs } = pace.left(limit, performance.now())
  const headers: OutgoingHttpHeaders = {
    'x-ratelimit-limit-requests': limit,
    'x-ratelimit-remaining-requests': remaining,
    'x-ratelimit-reset-requests': duration(Math.ceil(resetMs)),
  }
  if (family === 'openai') return headers
  return {
    ...headers,
    'anthropic-ratelimit-requests-limit': limit,
    'anthropic-ratelimit-requests-remaining': remaining,
    'anthropic-ratelimit-requests-reset': inSeconds(Date.now() + resetMs),
  }
}

/** `1m0s`, `8.64s`, `120ms`, `0s`. */
function duration(ms: number): string {
  if (ms > 0 && ms < 1_000) return `${ms}ms`
  const minutes = Math.floor(ms / WINDOW_MS)
  return `${minutes > 0 ? `${minutes}m` : ''}${(ms % WINDOW_MS) / 1_000}s`
}

/** Not before it, as RFC 3339 to the second. */
function inSeconds(ms: number): string {
  return new Date(Math.ceil(ms / 1_000) * 1_000).toISOString().replace('.000', '')
}

export function tooFast(limit: number, waitMs: number): DomainError {
  const retry_after_seconds = waitMs / 1_000
  const wait = Math.max(1, Math.ceil(retry_after_seconds))
  const words = `This API key may make ${limit} ${limit === 1 ? 'request' : 'requests'} a minute, and has made them. Try again in ${wait} ${wait === 1 ? 'second' : 'seconds'}.`
  return new DomainError('rate_limited', words, { retry_after_seconds })
}

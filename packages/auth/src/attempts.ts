import { DomainError } from '@stipend/core/errors'

export type AttemptLimits = { failuresMax: number; windowMs: number }

/** Above this many keys in memory, those that say nothing any more are dropped at the next attempt. */
const SWEEP_AT = 10_000

/**
 * Limits failed attempts by a key (an e-mail address, an internet address): at most `failuresMax` within any `windowMs`, exactly.
 * An attempt counts from the moment it begins, so that many at once can't slip through, until it has turned out well.
 *
 * Kept in memory: several processes each allow this many.
 */
export class Attempts {
  readonly #limits: AttemptLimits
  readonly #times = new Map<string, number[]>()

  constructor(limits: AttemptLimits) {
    this.#limits = limits
  }

  /** Begins an attempt, or throws `rate_limited` saying when the next one is allowed. Call what it returns if it succeeds. */
  begin(key: string, now: Date): () => void {
    const at = now.getTime()
    if (this.#times.size >= SWEEP_AT) this.#sweep(at)
    const recent = this.#recent(key, at)
    const oldest = recent.at(-this.#limits.failuresMax)
    if (oldest !== undefined) {
      const seconds = Math.ceil((oldest + this.#limits.windowMs - at) / 1000)
      throw new DomainError('rate_limited', `Too many failed attempts. Try again in ${waitingTime(seconds)}.`, {
        retry_after_seconds: seconds,
      })
    }
    this.#times.set(key, [...recent, at])
    return () => this.#forget(key, at)
  }

  #recent(key: string, at: number): number[] {
    return (this.#times.get(key) ?? []).filter((time) => time > at - this.#limits.windowMs)
  }

  #forget(key: string, at: number): void {
    const times = this.#times.get(key) ?? []
    const index = times.indexOf(at)
    if (index >= 0) this.#keep(key, times.toSpliced(index, 1))
  }

  #sweep(at: number): void {
    for (const key of this.#times.keys()) this.#keep(key, this.#recent(key, at))
  }

  #keep(key: string, times: number[]): void {
    if (times.length === 0) this.#times.delete(key)
    else this.#times.set(key, times)
  }
}

function waitingTime(seconds: number): string {
  if (seconds <= 90) return `${seconds} seconds`
  return `${Math.ceil(seconds / 60)} minutes`
}

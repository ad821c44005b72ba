import type { HealthReport } from '@stipend/core'

/** A provider that failed so many times in a row is rested. */
const FAILURES_MAX = 5
/** How long, at first and at most: doubled each time it fails again when it is tried. */
const REST_MS = 5_000
const REST_MS_MAX = 60_000
/** Who was let through to see may never get so far: then another is. */
const PROBE_MS = 30_000
/** What is told of a provider is about the last five minutes, kept minute by minute. */
const MINUTE_MS = 60_000
const MINUTES = 5
/** The latest of so many answers say how fast it is. */
const LATENCIES_MAX = 128

/** How one provider does: whether it is to be left alone for a while, and figures for those who look after it. Times in milliseconds. */
export class Health {
  #failuresInRow = 0
  #rests = 0
  #restsUntil = 0
  #probeUntil = 0
  readonly #minutes = Array.from({ length: MINUTES }, () => ({ minute: -1, requests: 0, failures: 0 }))
  readonly #latencies: number[] = []
  #answers = 0
  #lastError: { code: string; at: Date } | null = null

  /** Whether requests should rather go elsewhere. After its rest one of them is let through, to see. */
  shuns(now: number): boolean {
    if (this.#restsUntil === 0) return false
    if (this.isResting(now)) return true
    this.#probeUntil = now + PROBE_MS
    return false
  }

  isResting(now: number): boolean {
    return now < this.#restsUntil || now < this.#probeUntil
  }

  succeeded(now: number, firstByteMs: number): void {
    this.#failuresInRow = 0
    this.#rests = 0
    this.#restsUntil = 0
    this.#probeUntil = 0
    this.#minute(now).requests++
    this.#latencies[this.#answers++ % LATENCIES_MAX] = firstByteMs
  }

  /** `restMs`: it said itself how long it wants to be left alone. */
  failed(now: number, code: string, restMs: number | null): void {
    const minute = this.#minute(now)
    minute.requests++
    minute.failures++
    this.#lastError = { code, at: new Date() }
    this.#failuresInRow++
    this.#probeUntil = 0
    if (restMs !== null) {
      this.#restsUntil = Math.max(this.#restsUntil, now + Math.min(restMs, REST_MS_MAX))
    } else if (this.#failuresInRow >= FAILURES_MAX) {
      this.#restsUntil = now + Math.min(REST_MS * 2 ** this.#rests, REST_MS_MAX)
      this.#rests++
    }
  }

  /** A request that says nothing of its provider: it ended before there was an answer. */
  leftOpen(): void {
    this.#probeUntil = 0
  }

  report({ id, tenant_id }: Provider, now: number): HealthReport {
    const since = minuteOf(now) - MINUTES
    const minutes = this.#minutes.filter(({ minute }) => minute > since)
    const sorted = this.#latencies.toSorted((a, b) => a - b)
    return {
      tenant_id,
      provider_id: id,
      state: this.isResting(now) ? 'resting' : 'up',
      requests: minutes.reduce((sum, { requests }) => sum + requests, 0),
      failures: minutes.reduce((sum, { failures }) => sum + failures, 0),
      latency_ms: sorted[sorted.length >> 1] ?? null,
      last_error_code: this.#lastError?.code ?? null,
      last_error_at: this.#lastError?.at ?? null,
    }
  }

  #minute(now: number): { requests: number; failures: number } {
    const minute = minuteOf(now)
    const place = this.#minutes[minute % MINUTES]
    if (place === undefined) throw new RangeError('time before the first minute')
    if (place.minute !== minute) Object.assign(place, { minute, requests: 0, failures: 0 })
    return place
  }
}

const minuteOf = (now: number) => Math.floor(now / MINUTE_MS)

type Provider = { id: string; tenant_id: string | null }

/** How all providers do that this gateway has seen since it started. */
export class Providers {
  readonly #byId = new Map<string, { provider: Provider; health: Health; isNews: boolean }>()

  of(provider: Provider): Health {
    let known = this.#byId.get(provider.id)
    if (known === undefined) {
      known = { provider, health: new Health(), isNews: true }
      this.#byId.set(provider.id, known)
    }
    known.isNews = true
    return known.health
  }

  /**
   * Those that rest come last, in their order: where there is nothing better, one that may have come back is better than nothing.
   */
  inOrder<Model extends { provider: Provider }>(models: readonly Model[], now: number): readonly Model[] {
    if (models.length < 2) return models
    const awake: Model[] = []
    const resting: Model[] = []
    for (const model of models) {
      const health = this.of(model.provider)
      // A probe is only for the one that would be asked first.
      const isAvoided = awake.length === 0 ? health.shuns(now) : health.isResting(now)
      ;(isAvoided ? resting : awake).push(model)
    }
    return resting.length === 0 ? models : [...awake, ...resting]
  }

  /** What there is to tell of those that were used since the last time. */
  news(now: number): HealthReport[] {
    const told: HealthReport[] = []
    for (const known of this.#byId.values()) {
      if (!known.isNews) continue
      known.isNews = false
      told.push(known.health.report(known.provider, now))
    }
    return told
  }
}

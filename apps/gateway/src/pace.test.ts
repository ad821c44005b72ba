import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Pace, paceHeaders, tooFast } from './pace.ts'

const MINUTE = 60_000

/** What it means, as slowly as it can be said: of all that was let through, how many came within the last minute. */
class Model {
  through: number[] = []
  recent = (now: number) => this.through.filter((at) => now - at < MINUTE)
  take(limit: number, now: number): boolean {
    if (this.recent(now).length >= limit) return false
    this.through.push(now)
    return true
  }
  giveBack(at: number): void {
    this.through.splice(this.through.lastIndexOf(at), 1)
  }
}

const step = fc.record({
  // In bursts, in steps of about the window, and right at its edge.
  afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 20_000 }), fc.constantFrom(MINUTE - 1, MINUTE, 1e7)),
  limit: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined, freq: 8 }),
  fails: fc.boolean(),
})

describe('the pace of a key', () => {
  it('lets through what a model does that looks at the last minute, whatever comes when', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 200 }), (first, steps) => {
        const pace = new Pace()
        const model = new Model()
        let now = 1_000
        let limit = first
        for (const one of steps) {
          now += one.afterMs
          limit = one.limit ?? limit
          const waitMs = pace.take(limit, now)
          expect(waitMs === 0).toBe(model.take(limit, now))
          if (waitMs === 0 && one.fails) {
            pace.giveBack(now)
            model.giveBack(now)
          } else if (waitMs > 0) {
            // Told exactly: there is room then, and not a millisecond sooner.
            expect(model.recent(now + waitMs).length).toBeLessThan(limit)
            expect(model.recent(now + waitMs - 1).length).toBeGreaterThanOrEqual(limit)
          }
          const { remaining, resetMs } = pace.left(limit, now)
          expect(remaining).toBe(Math.max(0, limit - model.recent(now).length))
          expect(model.recent(now + resetMs)).toEqual([])
          expect(resetMs === 0 || model.recent(now + resetMs - 1).length > 0).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('never lets more than the limit through in any sixty seconds', () => {
    const arrivals = fc.array(fc.integer({ min: 0, max: 5 * MINUTE }), { minLength: 50, maxLength: 400 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), arrivals, (limit, times) => {
        const pace = new Pace()
        const through = times.toSorted((a, b) => a - b).filter((at) => pace.take(limit, at) === 0)
        for (const [i, at] of through.entries()) {
          const end = through[i + limit]
          expect(end === undefined || end - at >= MINUTE).toBe(true)
        }
      }),
    )
  })

  it('is as long-lived as a key: a million requests take no more room than one minute of them', () => {
    const pace = new Pace()
    for (let i = 0; i < 1_000_000; i++) pace.take(100, i * 10)
    expect(pace.left(100, 1e7)).toMatchObject({ remaining: 0 })
    expect(JSON.stringify(Object.values(pace)).length).toBeLessThan(1_000)
  })
})

describe('what a client is told of it', () => {
  it('is what OpenAI says, and to Anthropic’s clients what Anthropic says too', () => {
    const pace = new Pace()
    expect(paceHeaders(pace, 3, 'openai')).toEqual({
      'x-ratelimit-limit-requests': 3,
      'x-ratelimit-remaining-requests': 3,
      'x-ratelimit-reset-requests': '0s',
    })
    pace.take(3, performance.now() - 59_500)
    expect(paceHeaders(pace, 3, 'openai')['x-ratelimit-reset-requests']).toMatch(/^(?:500|4\d\d)ms$/)
    pace.take(3, performance.now() - 30_000)
    const both = paceHeaders(pace, 3, 'anthropic')
    expect(both).toMatchObject({
      'x-ratelimit-remaining-requests': 1,
      'anthropic-ratelimit-requests-limit': 3,
      'anthropic-ratelimit-requests-remaining': 1,
    })
    expect(both['x-ratelimit-reset-requests']).toMatch(/^(?:30|29\.\d{1,3})s$/)
    const reset = String(both['anthropic-ratelimit-requests-reset'])
    expect(reset).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(Date.parse(reset)).toBeGreaterThanOrEqual(Date.now() + 29_000)
    pace.take(3, performance.now())
    expect(paceHeaders(pace, 3, 'openai')['x-ratelimit-reset-requests']).toMatch(/^(?:1m0s|59\.9\d{0,2}s)$/)
  })

  it('is in words when it is too fast', () => {
    expect(tooFast(1, 200).message).toBe(
      'This API key may make 1 request a minute, and has made them. Try again in 1 second.',
    )
    expect(tooFast(20, 41_001).message).toMatch(/^This API key may make 20 requests a minute.* in 42 seconds\.$/)
    expect(tooFast(20, 41_001).details).toEqual({ retry_after_seconds: 41.001 })
  })
})

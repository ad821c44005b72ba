import fc from 'fast-check'
import { expect, it } from 'vitest'
import { boundaries, type Grant, useGrants } from './promotion.ts'

const at = (hour: number) => new Date(Date.UTC(2026, 0, 1) + hour * 3_600_000).toISOString()
const grant = (id: string, from: number, until: number, left: number): Grant => ({
  id,
  counted_until: at(from),
  expires_at: at(until),
  left_nanos: BigInt(left),
})

it('what expires soonest is used first, and only while it could be', () => {
  const grants = [grant('late', 0, 10, 5), grant('soon', 0, 4, 3), grant('later', 6, 20, 9)]
  const times = boundaries(grants, at(12))
  expect(times).toEqual([at(0), at(4), at(6), at(10), at(12)])
  const spent = [4, 1, 4, 2]
  const stretches = spent.map((nanos, n) => ({
    from: times[n] as string,
    until: times[n + 1] as string,
    spent_nanos: BigInt(nanos),
  }))
  expect([...useGrants(grants, stretches)]).toEqual([
    ['late', 5n],
    ['soon', 3n],
    ['later', 3n],
  ])
})

const anyGrant = fc
  .tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 50 }))
  .map(([from, length, left]) => ({ from, until: from + length, left }))

it('never uses more than was spent, than is left, or outside of its time; and counting in two goes is the same as in one', () => {
  fc.assert(
    fc.property(
      fc.array(anyGrant, { minLength: 1, maxLength: 6 }),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 20 })), { maxLength: 20 }),
      fc.integer({ min: 0, max: 60 }),
      (shapes, spending, pause) => {
        const grants = shapes.map(({ from, until, left }, n) => grant(`g${n}`, from, until, left))
        const count = (some: readonly Grant[], until: string) => {
          const times = boundaries(some, until)
          const stretches = times.slice(1).map((end, n) => ({
            from: times[n] as string,
            until: end,
            spent_nanos: BigInt(
              spending
                .filter(([hour]) => at(hour) >= (times[n] as string) && at(hour) < end)
                .reduce((sum, [, nanos]) => sum + nanos, 0),
            ),
          }))
          return useGrants(some, stretches)
        }
        const whole = count(grants, at(61))
        for (const one of grants) {
          const used = whole.get(one.id) ?? 0n
          const inTime = spending
            .filter(([hour]) => at(hour) >= one.counted_until && at(hour) < one.expires_at)
            .reduce((sum, [, nanos]) => sum + nanos, 0)
          expect(used <= one.left_nanos && used <= BigInt(inTime)).toBe(true)
        }
        const half = at(pause)
        const before = count(grants, half)
        const rest = grants.map((one) => ({
          ...one,
          left_nanos: one.left_nanos - (before.get(one.id) ?? 0n),
          counted_until:
            [one.counted_until, half < one.expires_at ? half : one.expires_at].sort().at(-1) ?? one.counted_until,
        }))
        const after = count(rest, at(61))
        for (const one of grants) {
          expect((before.get(one.id) ?? 0n) + (after.get(one.id) ?? 0n)).toBe(whole.get(one.id))
        }
      },
    ),
  )
})

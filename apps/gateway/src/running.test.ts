import { DomainError } from '@stipend/core/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Place, Running } from './running.ts'

const error = new DomainError('key_revoked', 'This API key was revoked.')

describe('requests that run', () => {
  it('are those that were added and not yet removed, in whatever order they end', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 60 }), (steps) => {
        const running = new Running()
        const open = new Map<number, Place>()
        const cut: number[] = []
        for (const step of steps) {
          const place = open.get(step)
          if (place === undefined) open.set(step, running.add({ cut: () => cut.push(step) }))
          else {
            running.remove(place)
            open.delete(step)
            // What is over must not lead to what goes on.
            expect([place.before, place.after]).toEqual([null, null])
          }
          expect(running.size).toBe(open.size)
        }
        running.cutAll(error)
        expect(cut.toSorted((a, b) => a - b)).toEqual([...open.keys()].toSorted((a, b) => a - b))
      }),
    )
  })

  it('are all cut, though each is removed as it is', () => {
    const running = new Running()
    const cut: unknown[] = []
    for (let i = 0; i < 5; i++) {
      const place = running.add({
        cut(why) {
          cut.push(why)
          running.remove(place)
        },
      })
    }
    running.cutAll(error)
    expect(cut).toEqual(Array.from({ length: 5 }, () => error))
    expect(running.size).toBe(0)
  })
})

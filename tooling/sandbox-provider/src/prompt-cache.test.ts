import { describe, expect, it } from 'vitest'
import { createPromptCache, type Segment } from './prompt-cache.ts'

/** A text of so many tokens, all of them different from those of another name. */
function part(name: string, tokens: number): Segment {
  return { text: Array.from({ length: tokens }, (_, index) => `${name}${index}`).join(' '), tokens }
}

describe('createPromptCache', () => {
  it('finds a prompt seen before, in blocks of 128', () => {
    const cache = createPromptCache()
    const prompt = [part('system', 1_500), part('user', 100)]
    expect(cache.read('small', prompt)).toBe(0)
    expect(cache.read('small', prompt)).toBe(1_536)
  })

  it('finds a conversation that has grown, up to where it ended', () => {
    const cache = createPromptCache()
    const begun = [part('system', 1_200), part('question', 300)]
    cache.read('small', begun)
    expect(cache.read('small', [...begun, part('answer', 200), part('more', 900)])).toBe(1_408)
  })

  it('finds the beginning two long messages share', () => {
    const cache = createPromptCache()
    const shared = 'word '.repeat(4_000)
    cache.read('small', [{ text: `${shared}first question`, tokens: 4_000 }])
    const cached = cache.read('small', [{ text: `${shared}second question`, tokens: 4_000 }])
    expect(cached % 128).toBe(0)
    expect(cached).toBeGreaterThan(3_700)
    expect(cached).toBeLessThan(4_000)
  })

  it('forgets nothing but knows nothing of other models, other beginnings and short prompts', () => {
    const cache = createPromptCache()
    const prompt = [part('system', 2_000)]
    cache.read('small', prompt)
    expect(cache.read('large', prompt)).toBe(0)
    expect(cache.read('small', [part('other', 10), ...prompt])).toBe(0)
    const short = [part('short', 1_000)]
    cache.read('small', short)
    expect(cache.read('small', short)).toBe(0)
    expect(cache.read('small', prompt)).toBe(1_920)
  })
})

import type { Loose } from '../meter/json.ts'

/** A letter or an underscore that is written by its number, as in `"m\u006fdel"`: the same name to a parser. */
const SPELT_LETTER = '\\\\u00[4-7]'
const QUOTE = 0x22

/** One regular expression for each set of names that was seen; there are few. */
const patterns = new Map<string, RegExp>()

/**
 * Whether one of these names may stand twice in a body, anywhere in it, or be written in another way than usual. Of two a provider
 * might take the first, where we took the last. A regular expression over the text is several times faster here than searching
 * for each name, only those that are there are looked for, and the text is read once.
 */
export function twinsOf(names: readonly string[]): (text: string, json: Loose) => boolean {
  return (text, json) => {
    let there = ''
    let expected = 0
    for (const name of names) {
      if (json[name] === undefined) continue
      there = expected === 0 ? name : `${there}|${name}`
      expected++
    }
    let pattern = patterns.get(there)
    if (pattern === undefined) {
      pattern = new RegExp(`"(?:${there})"|${SPELT_LETTER}`, 'g')
      patterns.set(there, pattern)
    }
    pattern.lastIndex = 0
    let found = 0
    while (found <= expected && pattern.test(text)) {
      if (text.charCodeAt(pattern.lastIndex - 1) !== QUOTE) return true
      found++
    }
    return found !== expected
  }
}

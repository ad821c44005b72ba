import { countTokens as count, encode } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, it } from 'vitest'
import { countTokens, cut, pieces, textOf, tokensOf } from './tokens.ts'

const plainly = { disallowedSpecial: new Set<string>() }

const TEXTS = [
  '',
  ' ',
  'Hello, world!',
  'a  b\n\n\n  c\t\td ',
  '{"path":"hello.txt","content":"Hello\\n"}',
  '<|endoftext|> and <|im_start|>',
  "I'll've don't SHOUTING CamelCaseWords snake_case 1234567 3.14159",
  // Two blanks are one token at the end of a text, and two before a digit.
  '123  1',
  '  ǅa_กß',
  'naïve café 漢字かな交じり文 한국어 ไทย',
  '🙂🙂👩‍👩‍👧‍👦 🏳️‍🌈 🇳🇴 ﷽ Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!',
]

describe('countTokens', () => {
  it('is what o200k_base says', () => {
    for (const text of TEXTS) expect(countTokens(text), text).toBe(encode(text, plainly).length)
    const long = 'The quick brown fox jumps over 12 lazy dogs. '.repeat(400)
    expect(countTokens(long)).toBe(count(long))
  })

  it('cuts runs that would take the tokenizer minutes, and nothing else', () => {
    expect(countTokens('a'.repeat(5_000_000))).toBe(625_000)
    expect(countTokens(`${'='.repeat(600)} end`)).toBe(count('='.repeat(512)) + count(`${'='.repeat(88)} end`))
    // A run of 512 is whole, and digits are short pieces to the tokenizer anyway.
    expect(countTokens(`${' '.repeat(512)}x`)).toBe(count(`${' '.repeat(512)}x`))
    expect(countTokens('7'.repeat(3_000))).toBe(1_000)
  })
})

describe('pieces', () => {
  it('give the text and its tokens back, in whole characters', () => {
    for (const text of TEXTS) {
      const all = pieces(text)
      expect(textOf(all)).toBe(text)
      expect(tokensOf(all), text).toBe(countTokens(text))
      for (const piece of all) {
        expect(piece.text.isWellFormed()).toBe(true)
        expect(JSON.parse(piece.json)).toBe(piece.text)
      }
    }
    expect(tokensOf(pieces('🏳️‍🌈'))).toBeGreaterThan(pieces('🏳️‍🌈').length)
  })

  it('replace half a surrogate pair', () => {
    expect(textOf(pieces('a\ud83dz'))).toBe('a\ufffdz')
  })
})

describe('cut', () => {
  it('keeps exactly as many tokens as asked for, also as they are counted afterwards', () => {
    for (const text of TEXTS) {
      const whole = countTokens(text)
      for (let limit = 0; limit <= whole + 1; limit += 1) {
        const kept = cut(text, limit)
        expect(tokensOf(kept), `${limit} of ${text}`).toBe(Math.min(limit, whole))
        expect(count(textOf(kept), plainly), `${limit} of ${text}`).toBe(Math.min(limit, whole))
      }
    }
  })

  it('keeps the beginning as it is', () => {
    expect(textOf(cut('one two three four', 2))).toBe('one two')
  })
})

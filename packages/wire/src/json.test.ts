import { describe, expect, test } from 'vitest'
import { parseJsonObject } from './json.ts'

const parse = (text: string) => parseJsonObject(Buffer.from(text))
const refusal = (text: string | Uint8Array) => {
  try {
    parseJsonObject(typeof text === 'string' ? Buffer.from(text) : text)
  } catch (error) {
    return error as { code: string; message: string; details: object }
  }
  throw new Error('it was not refused')
}

test('reads an object as JSON.parse does', () => {
  const text =
    '{"a": {"a": 1, "b": [{"a": 1}, {"a": 2}]}, "b": "a\\"b\\\\", "c": "{\\"a\\":1,\\"a\\":2}", "": [[], {}, null]}'
  expect(parse(text)).toEqual(JSON.parse(text))
})

describe('refuses', () => {
  test.each(['', '{', '{"a":1,}', "{'a':1}", '{"a":01}', '{"a":NaN}', '\ufeff\ufeff{}', '{"a":"\n"}'])(
    '%j: not JSON',
    (text) => {
      expect(refusal(text)).toMatchObject({ code: 'invalid_request', message: 'The body is not valid JSON.' })
    },
  )

  test.each(['[]', 'null', '"text"', '1', '[{"a":1}]'])('%s: not an object', (text) => {
    expect(refusal(text)).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('JSON object') })
  })

  test('bytes that are not UTF-8', () => {
    expect(refusal(Buffer.from('{"name":"Zo\xeb"}', 'latin1'))).toMatchObject({
      message: 'The body is not valid UTF-8.',
    })
  })

  test.each([
    ['{"a":1,"a":2}', 'a'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"b":{"c":[1,{"d":1,"d":2}]}}', 'b.c.d'],
    ['{"a":{"x":1},"b":{"x":1},"a":3}', 'a'],
    ['{"__proto__":{"budget_usd":null}}', '__proto__'],
  ])('%s: a name that stands twice or is none', (text, path) => {
    expect(refusal(text)).toMatchObject({ code: 'invalid_request', details: { param: path } })
  })
})

test('is not slow or short of stack on what fits into a request', () => {
  const nested = `{"a":${'['.repeat(500_000)}${']'.repeat(500_000)}}`
  expect(() => parse(nested)).not.toThrow()
  const text = 'x\\"'.repeat(300_000)
  expect(parse(`{"a":"${text}"}`).a).toHaveLength(600_000)
})

import { describe, expect, test } from 'vitest'
import { threadOf } from './thread.ts'

const KEY = 'key_1'
const of = (headers: Record<string, string>, json: Record<string, unknown> = {}, key = KEY) =>
  threadOf(headers, json, key)

describe('the conversation of a request', () => {
  test.each([
    [{ 'x-claude-code-session-id': 'a' }, {}],
    [{ 'x-session-id': 'a' }, {}],
    [{ 'thread-id': 'a' }, {}],
    [{ 'session-id': 'a' }, {}],
    [{ session_id: 'a' }, {}],
    [{}, { prompt_cache_key: 'a' }],
    [{}, { metadata: { user_id: 'a' } }],
  ])('is what %j %j says', (headers, json) => {
    expect(of(headers as Record<string, string>, json)).toBe(of({ 'x-session-id': 'a' }))
    expect(of(headers as Record<string, string>, json)).toMatch(/^[\w-]{22}$/)
  })

  test('is another for another name and for another key, and shows neither', () => {
    const one = of({ 'x-session-id': 'sanne/homework' })
    expect(one).not.toBe(of({ 'x-session-id': 'sanne/homework2' }))
    expect(one).not.toBe(of({ 'x-session-id': 'sanne/homework' }, {}, 'key_2'))
    expect(one).not.toContain('sanne')
  })

  test('is its own header’s before what a library sends along', () => {
    expect(of({ 'x-session-id': 'a' }, { prompt_cache_key: 'b' })).toBe(of({ 'x-session-id': 'a' }))
  })

  test.each([
    [{}, {}],
    [{ 'x-session-id': '' }, {}],
    [{}, { prompt_cache_key: 7 }],
    [{}, { metadata: null }],
    [{}, { metadata: 'a' }],
    [{ 'x-session-id': 'a'.repeat(501) }, {}],
  ])('is unknown for %j %j', (headers, json) => {
    expect(of(headers as Record<string, string>, json)).toBeUndefined()
  })
})

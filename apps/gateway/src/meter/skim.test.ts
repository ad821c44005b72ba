import fc from 'fast-check'
import { expect, it } from 'vitest'
import { chat } from './chat.ts'
import type { DialectRules } from './dialect.ts'
import { messages } from './messages.ts'

const event = (payload: unknown) => Buffer.from(`data: ${JSON.stringify(payload)}\n\n`)

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('', '"', '\\', '}', '"delta":{"content":"x"}', '\n', '\\"}', 'delta":{"', 'größe 🎉'),
)
const fields = fc.dictionary(
  fc.constantFrom('content', 'reasoning', 'reasoning_content', 'role', 'refusal', 'text', 'thinking', 'type'),
  text,
  { noNullPrototype: true },
)
const delta = fc.oneof(
  fields,
  fc.constantFrom('content', 'reasoning', 'reasoning_content').chain((name) => text.map((said) => ({ [name]: said }))),
)
const extra = fc.dictionary(fc.constantFrom('logprobs', 'finish_reason', 'delta', 'obfuscation', 'index'), text, {
  noNullPrototype: true,
})

it('says of a chunk of chat what parsing says, or nothing', () => {
  let skimmed = 0
  fc.assert(
    fc.property(fc.array(fc.tuple(delta, extra), { minLength: 1, maxLength: 2 }), extra, (choices, rest) => {
      const payload = { id: 'a', ...rest, choices: choices.map(([said, more]) => ({ ...more, delta: said })) }
      skimmed += assertSame(chat, payload)
    }),
    { seed: 5, numRuns: 2_000 },
  )
  expect(skimmed).toBeGreaterThan(50)
})

it('says of an event of messages what parsing says, or nothing', () => {
  let skimmed = 0
  const said = fc.oneof(
    fields,
    text.map((thinking) => ({ type: 'thinking_delta', thinking })),
    text.map((words) => ({ type: 'text_delta', text: words })),
    text.map((words) => ({ type: 'text_delta', text: words, thinking: words })),
  )
  fc.assert(
    fc.property(said, (delta) => {
      const payload = { type: 'content_block_delta', index: 0, delta }
      skimmed += assertSame(messages, payload)
    }),
    { seed: 5, numRuns: 2_000 },
  )
  expect(skimmed).toBeGreaterThan(50)
})

it('takes the usual form without parsing it', () => {
  const transcript = chat.transcript()
  const usual = (content: string) =>
    event({ id: 'a', choices: [{ index: 0, delta: { content }, finish_reason: null }] })
  expect(transcript.skim(usual('x'))).toBeUndefined()
  expect(transcript.absorb({ id: 'a', choices: [] })).toEqual([])
  expect(transcript.skim(usual(' größer'))).toBe(' größer')
  expect(transcript.skim(usual('with "quotes"'))).toBeUndefined()
})

/** 1 where something was skimmed. */
function assertSame(rules: DialectRules, payload: Record<string, unknown>): 0 | 1 {
  const transcript = rules.transcript()
  transcript.absorb({ id: 'known' })
  const skimmed = transcript.skim(event(payload))
  if (skimmed === undefined) return 0
  expect([skimmed]).toEqual(rules.transcript().absorb(payload))
  return 1
}

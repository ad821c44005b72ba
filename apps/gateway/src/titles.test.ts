import { expect, test } from 'vitest'
import { titleOf } from './titles.ts'

const chat = (...contents: unknown[]) => ({
  messages: [{ role: 'system', content: 'Be brief.' }, ...contents.map((content) => ({ role: 'user', content }))],
})
const LONG =
  'Explain why the sum of the first n odd numbers is a square, with a picture, for a class of twelve-year-olds.'

test.each([
  [chat('Fix the\n  build,\tplease'), 'Fix the build, please'],
  [chat([{ type: 'image_url' }, { type: 'text', text: 'What is this?' }]), 'What is this?'],
  [chat('', 'The second then'), 'The second then'],
  [chat('first', 'second'), 'first'],
  [{ input: 'Say hello.' }, 'Say hello.'],
  [
    {
      input: [
        { role: 'developer', content: 'no' },
        { role: 'user', content: [{ text: 'yes' }] },
      ],
    },
    'yes',
  ],
  [{ prompt: 'def add(' }, 'def add('],
  [{ prompt: ['one', 'two'] }, 'one'],
  // What tools say before their user does.
  [chat([{ text: '<system-reminder>\nMany\nthings</system-reminder>' }, { text: 'Rename it' }]), 'Rename it'],
  [chat('<environment_context a="b"><cwd>/home</cwd></environment_context>\n<x>1</x> Go on'), 'Go on'],
  [chat('<b>bold words that nothing ends'), '<b>bold words that nothing ends'],
  [chat('a < b and c > d'), 'a < b and c > d'],
  [chat(LONG), 'Explain why the sum of the first n odd numbers is a square, with a picture,…'],
  [chat('为什么天空是蓝色的'.repeat(20)), `${'为什么天空是蓝色的'.repeat(20).slice(0, 79)}…`],
  [chat('🙂'.repeat(60)), `${'🙂'.repeat(39)}…`],
  [chat('\u0000\u001b[31m'), '[31m'],
  [chat(42, { text: 'yes' }), 'yes'],
  [chat(42, null), null],
  [{ messages: 'no' }, 'no'],
  [{}, null],
  [{ messages: [null, { role: 'assistant', content: 'no' }] }, null],
])('%j is called %j', (json, title) => {
  expect(titleOf(json)).toBe(title)
  expect((title ?? '').length).toBeLessThanOrEqual(80)
})

test('a long prompt that is all tags is read in no time', () => {
  const reads = titleOf(chat('<a>'.repeat(500_000)))
  expect(reads).toHaveLength(80)
})

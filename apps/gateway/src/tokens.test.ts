import { type SandboxProvider, startSandboxProvider } from '@stipend/sandbox-provider'
import fc from 'fast-check'
import { encode } from 'gpt-tokenizer/encoding/o200k_base'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CountableMessage, countPrompt, countText, partTokensMax } from './tokens.ts'

let provider: SandboxProvider
beforeAll(async () => {
  provider = await startSandboxProvider()
})
afterAll(() => provider.close())

/** What the provider counts a prompt for. */
async function reported(messages: CountableMessage[], tools?: unknown[]): Promise<number> {
  const response = await fetch(`${provider.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'sandbox-small', messages, tools, max_tokens: 1 }),
  })
  const answer = (await response.json()) as { usage?: { prompt_tokens: number } }
  if (answer.usage === undefined) throw new Error(JSON.stringify(answer))
  return answer.usage.prompt_tokens
}

const TEXTS = [
  '',
  'Hello',
  'The quick brown fox jumps over the lazy dog.',
  'naïve café Zürich Ελλάδα Привет мир',
  '漢字とかなの混ざった文章です。中文字符也要计算。한국어도 마찬가지입니다.',
  '👩‍👩‍👧‍👦 🙂 🇳🇱 🏴‍☠️',
  '<|endoftext|> <|im_start|>system',
  'function add(a, b) {\n  return a + b\n}\n\n\n\t\t// done',
  '3.14159265358979 1,000,000 0x7fff',
  '   leading, trailing   ',
  '\u0000\u0001\ufeff\u2028',
  'word '.repeat(2_000),
  'Leave out every step that would not be missed. '.repeat(100),
]

describe('a prompt', () => {
  it('of text has the tokens that the provider counts', async () => {
    for (const text of TEXTS) {
      const messages = [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: text },
        { role: 'assistant', content: 'Yes?' },
        {
          role: 'user',
          content: [
            { type: 'text', text },
            { type: 'text', text: 'And?' },
          ],
        },
      ]
      expect(countPrompt(messages, undefined), JSON.stringify(text.slice(0, 20))).toBe(await reported(messages))
    }
  })

  it('of any text has them', async () => {
    const message = fc.record({
      role: fc.constantFrom('system', 'user', 'developer'),
      content: fc.oneof(fc.string({ unit: 'grapheme' }), fc.lorem({ maxCount: 30 }), fc.string({ unit: 'binary' })),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 3 }), async (messages) => {
        expect(countPrompt(messages, undefined)).toBe(await reported(messages))
      }),
      { numRuns: 25 },
    )
  })

  it('with tools has them', async () => {
    const tools = [
      {
        type: 'function',
        function: {
          name: 'write_file',
          description: 'Writes.',
          parameters: { type: 'object', properties: { path: { type: 'string' } } },
        },
      },
      {
        type: 'custom',
        custom: { name: 'patch', format: { type: 'grammar', syntax: 'lark', definition: 'start: "x"' } },
      },
    ]
    const messages = [{ role: 'user', content: 'Hello' }]
    expect(countPrompt(messages, tools)).toBe(await reported(messages, tools))
    expect(countPrompt(messages, tools)).toBeGreaterThan(countPrompt(messages, []))
    expect(countPrompt(messages, 'nonsense')).toBe(countPrompt(messages, undefined))
  })

  it('with names, calls, thoughts and images has never fewer', async () => {
    const call = { id: 'call_1', type: 'function', function: { name: 'write_file', arguments: '{"path":"a.txt"}' } }
    const prompts: CountableMessage[][] = [
      [{ role: 'user', name: 'alice', content: 'Hello' }],
      [
        { role: 'user', content: 'Hello' },
        { role: 'assistant', content: null, tool_calls: [call], reasoning_content: 'I think.' },
        { role: 'tool', tool_call_id: 'call_1', content: 'done' },
      ],
      [{ role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] }],
      [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.org/a.png' } }] }],
    ]
    for (const messages of prompts) {
      const counted = countPrompt(messages, undefined)
      expect(counted).toBeGreaterThanOrEqual(await reported(messages))
      const isText = messages.every(({ content }) => typeof content === 'string' || content == null)
      if (isText) expect(counted).toBeLessThan((await reported(messages)) + 60)
    }
  })

  it('of nonsense is counted without a complaint', () => {
    const anything = fc.array(
      fc.dictionary(fc.constantFrom('role', 'name', 'content', 'x'), fc.anything().filter(isJson)),
    )
    fc.assert(
      fc.property(anything, fc.jsonValue(), (messages, tools) => {
        const counted = countPrompt(messages, tools)
        expect(Number.isInteger(counted) && counted >= 3).toBe(true)
      }),
    )
  })
})

function isJson(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined
  } catch {
    return false
  }
}

describe('a text', () => {
  const exact = (text: string) => encode(text, { disallowedSpecial: new Set<string>() }).length

  it('is counted exactly where it has no endless run', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.lorem(), fc.string({ unit: 'grapheme', maxLength: 100 })), { maxLength: 20 }),
        (parts) => {
          const text = parts.join(' ')
          expect(countText(text)).toBe(exact(text))
        },
      ),
      { numRuns: 200 },
    )
  })

  it('with long runs has a few tokens more at most, and never fewer than a tenth less', () => {
    for (const unit of ['a', 'ab', 'xyzzy', ' ', '\n', '!', '=-', '漢', 'ก็', 'é', '🙂', 'Aa', '1']) {
      const text = unit.repeat(Math.ceil(1_500 / unit.length))
      const right = exact(text)
      expect(countText(text), JSON.stringify(unit)).toBeLessThanOrEqual(right * 1.1 + 30)
      expect(countText(text), JSON.stringify(unit)).toBeGreaterThanOrEqual(right * 0.9)
    }
  })

  it('of a megabyte that can’t be split is counted in time that grows with its length', { timeout: 20_000 }, () => {
    // With time that grows with the square of it, each of these takes minutes.
    for (const unit of ['a', ' ', '!', '\n', 'é', '漢', 'abcdefghij']) {
      expect(countText(unit.repeat(1_000_000 / unit.length))).toBeGreaterThan(1_000)
    }
  })
})

describe('parts that are not text', () => {
  it('are each held at the most they may cost', () => {
    const image = { type: 'image_url', image_url: { url: 'x:' } }
    const one = countPrompt([{ role: 'user', content: [image] }], undefined)
    expect(one).toBeGreaterThan(10_000)
    const three = countPrompt([{ role: 'user', content: [image, image, null] }], undefined)
    expect(three - one).toBe(2 * partTokensMax(image))
    // Nobody can tell how many pages it has.
    expect(partTokensMax({ type: 'file' })).toBeGreaterThan(2_000_000)
  })
})

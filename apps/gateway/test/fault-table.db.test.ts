import { createProvider } from '@stipend/core/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { balanced, soon } from './books.ts'
import { buildHouse, CREDENTIAL, type House, MASTER_KEY } from './harness.ts'
import { type Answer, call, eventData } from './http.ts'

/** What a client sees when a provider misbehaves, in every dialect alike, and what a provider sees when its client leaves. */

const TEXT = 'naïve 漢字 👩‍👩‍👧‍👦 🙂'
const model = 'sandbox-reasoning'
let house: House
/** A gateway that soon gives a provider up. */
let impatient: string
let key: string
beforeAll(async () => {
  house = await buildHouse(inject('testCluster'))
  await createProvider(house.test.database, {
    base_url: `${house.sandbox.url}/v1`,
    masterKey: MASTER_KEY,
    credential: CREDENTIAL,
    name: 'every dialect',
    models: [model],
    dialects: ['chat', 'completions', 'responses', 'messages'],
  })
  impatient = await house.start({ patience: { headMs: 250, silenceMs: 250, backoffMs: 10 } })
  key = (await house.scene.key({ budget_usd: '50' })).secret
})
afterAll(async () => {
  await balanced(house)
  await house.close()
})
beforeEach(() => house.sandbox.reset())

type Spoken = {
  path: string
  ask: (content: string) => object
  /** The words of one event, if it has any. */
  words: (event: Event) => unknown
  end: (data: string) => boolean
  /** What an error's type is with each status. */
  types: Record<number, string>
}
type Event = {
  type?: string
  delta?: { text?: string } | string
  choices?: { delta?: { content?: string }; text?: string }[]
  error?: object
}

const OPENAI = { 429: 'rate_limit_error', 502: 'server_error', 503: 'server_error', 504: 'server_error' }
const isDone = (data: string) => data === '[DONE]'
const DIALECTS: Record<string, Spoken> = {
  chat: {
    path: '/chat/completions',
    ask: (content) => ({ messages: [{ role: 'user', content }], reasoning_effort: 'none' }),
    words: ({ choices }) => choices?.[0]?.delta?.content,
    end: isDone,
    types: OPENAI,
  },
  completions: {
    path: '/completions',
    ask: (prompt) => ({ prompt, max_tokens: 100 }),
    words: ({ choices }) => choices?.[0]?.text,
    end: isDone,
    types: OPENAI,
  },
  responses: {
    path: '/responses',
    ask: (input) => ({ input, reasoning: { effort: 'none' } }),
    words: ({ type, delta }) => (type === 'response.output_text.delta' ? delta : undefined),
    end: (data) => data.includes('"type":"response.completed"'),
    types: OPENAI,
  },
  messages: {
    path: '/messages',
    ask: (content) => ({ messages: [{ role: 'user', content }], max_tokens: 100 }),
    words: ({ delta }) => (typeof delta === 'object' ? delta.text : undefined),
    end: (data) => data.includes('"type":"message_stop"'),
    types: { 429: 'rate_limit_error', 502: 'api_error', 503: 'overloaded_error', 504: 'timeout_error' },
  },
}

type Seen = { words: string; chunks: number; broken: number; hasEnd: boolean; error: { message: string } | undefined }

function read({ text }: Answer, { words, end }: Spoken): Seen {
  const seen: Seen = { words: '', chunks: 0, broken: 0, hasEnd: false, error: undefined }
  for (const data of eventData(text)) {
    seen.hasEnd ||= end(data)
    if (data === '[DONE]') continue
    try {
      const event = JSON.parse(data) as Event
      const said = words(event)
      if (typeof said === 'string' && said !== '') {
        seen.words += said
        seen.chunks += 1
      }
      if (event.error !== undefined) seen.error = event.error as { message: string }
    } catch {
      seen.broken += 1
    }
  }
  return seen
}

describe.each(Object.entries(DIALECTS))('%s', (name, spoken) => {
  const body = (marker: string, more: object = {}) => {
    return { model, ...spoken.ask(`Say hello. [[sandbox: ${marker}]]`), ...more }
  }
  const whole = (marker: string, url = house.url) => call(url, { path: spoken.path, key, body: body(marker) })
  const streamed = (marker: string, url = house.url) =>
    call(url, { path: spoken.path, key, body: body(marker, { stream: true }) })

  function expectRefusal(answer: Answer, status: number, says: RegExp): void {
    expect(answer).toMatchObject({ status, end: 'clean' })
    expect(answer.headers['content-type']).toMatch(/^application\/json/)
    const { type, error } = JSON.parse(answer.text)
    expect(error.type).toBe(spoken.types[status])
    expect(error.message).toMatch(says)
    expect(type).toBe(name === 'messages' ? 'error' : undefined)
  }

  it.each<[string, number, RegExp, string | undefined]>([
    ['status=500', 502, /failed with status 500/, undefined],
    ['status=401', 502, /refused our credential/, undefined],
    ['status=429 retry_after=3', 429, /too many requests/, '3'],
    ['status=503 retry_after=3', 503, /overloaded/, '3'],
    ['garbage=half', 502, /can’t be read/, undefined],
    ['cut', 502, /broke off/, undefined],
    ['reset', 502, /broke off/, undefined],
  ])('whole, %s: %i', async (marker, status, says, retryAfter) => {
    const answer = await whole(marker)
    expectRefusal(answer, status, says)
    expect(answer.headers['retry-after']).toBe(retryAfter)
  })

  it('whole, no answer: waited for as long as the client does, and no longer than the gateway does', async () => {
    expectRefusal(await whole('hang', impatient), 504, /did not answer in time/)
    const leaving = new AbortController()
    const asked = call(house.url, { path: spoken.path, key, body: body('hang'), signal: leaving.signal })
    await soon(() => expect(house.sandbox.stats()).toMatchObject({ failed: 2, open: 1 }))
    leaving.abort()
    expect((await asked).status).toBe(0)
    await soon(() => expect(house.sandbox.stats().open).toBe(0))
  })

  it('stream, 429: the same as whole', async () => {
    const answer = await streamed('status=429 retry_after=3')
    expectRefusal(answer, 429, /too many requests/)
    expect(answer.headers['retry-after']).toBe('3')
  })

  it.each<[string, RegExp]>([
    ['cut=3 tokens=40', /broke off/],
    ['error=3 tokens=40', /failed in the middle/],
  ])('stream, %s: what was said, then an error event', async (marker, says) => {
    const answer = await streamed(marker)
    expect(answer).toMatchObject({ status: 200, end: 'clean' })
    const seen = read(answer, spoken)
    expect(seen).toMatchObject({ chunks: 3, broken: 0, hasEnd: false })
    expect(seen.error?.message).toMatch(says)
    // What the provider said of itself is not for clients.
    expect(answer.text).not.toMatch(/help\.openai\.com|Internal server error/)
  })

  it('stream, one broken event: passed on, and the rest of it', async () => {
    const answer = await streamed('garbage=event tokens=20')
    expect(answer).toMatchObject({ status: 200, end: 'clean' })
    expect(read(answer, spoken)).toMatchObject({ broken: 1, chunks: 20, hasEnd: true, error: undefined })
  })

  it.each([
    'burst=1',
    'split=9',
    'split=1',
    'crlf',
    'comments',
    'no_space',
    'burst=50',
    'crlf comments no_space split=2',
  ])('stream, %s: intact', async (way) => {
    const answer = await streamed(`${way} text="${TEXT}"`)
    expect(answer).toMatchObject({ status: 200, end: 'clean' })
    expect(read(answer, spoken)).toMatchObject({ words: TEXT, broken: 0, hasEnd: true, error: undefined })
  })

  it('a client that leaves, waiting or in mid-stream: the provider is told', async () => {
    for (const marker of ['delay=60000', 'chunk_delay=20 tokens=90']) {
      house.sandbox.reset()
      const leaving = new AbortController()
      const asked = call(house.url, {
        path: spoken.path,
        key,
        body: body(marker, { stream: true }),
        signal: leaving.signal,
        leaveWhen: (text) => eventData(text).length > 6,
      })
      await soon(() => expect(house.sandbox.stats().requests).toBe(1))
      if (marker.startsWith('delay')) leaving.abort()
      expect((await asked).end).toBe('left')
      await soon(() => expect(house.sandbox.stats()).toMatchObject({ open: 0, aborted_by_peer: 1, completed: 0 }))
    }
  })
})

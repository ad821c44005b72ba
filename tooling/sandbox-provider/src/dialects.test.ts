import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type SandboxProvider, startSandboxProvider } from './index.ts'
import { eventData, post } from './testing.ts'

let provider: SandboxProvider

beforeAll(async () => {
  provider = await startSandboxProvider()
})
afterAll(() => provider.close())
beforeEach(() => provider.reset())
afterEach(async () => {
  await fetch(`${provider.url}/behaviour`, { method: 'DELETE' })
})

const model = 'sandbox-small'
type Asked = { path: string; body: (content: string, more?: object) => object; usage: RegExp; end: string }

/** How each dialect asks a question, where it tells usage, and what its streams end with. */
const DIALECTS: Record<string, Asked> = {
  chat: {
    path: '/v1/chat/completions',
    body: (content, more) => ({ model, messages: [{ role: 'user', content }], ...more }),
    usage: /"usage":\{"prompt_tokens":(-?\d+),"completion_tokens":(-?\d+)/,
    end: '[DONE]',
  },
  completions: {
    path: '/v1/completions',
    body: (prompt, more) => ({ model, prompt, max_tokens: 100, ...more }),
    usage: /"usage":\{"prompt_tokens":(-?\d+),"completion_tokens":(-?\d+)/,
    end: '[DONE]',
  },
  responses: {
    path: '/v1/responses',
    body: (input, more) => ({ model, input, ...more }),
    usage: /"usage":\{"input_tokens":(-?\d+),"input_tokens_details":[^}]+\},"output_tokens":(-?\d+)/,
    end: 'response.completed',
  },
  messages: {
    path: '/v1/messages',
    body: (content, more) => ({ model, messages: [{ role: 'user', content }], max_tokens: 100, ...more }),
    usage: /"usage":\{"input_tokens":(-?\d+).*?\},"output_tokens":(-?\d+)/,
    end: 'message_stop',
  },
}

describe.each(Object.entries(DIALECTS))('%s', (name, { path, body, usage, end }) => {
  const ask = (marker: string, more: object = {}) =>
    post(`${provider.url}${path}`, body(`Say hello. [[sandbox: ${marker}]]`, more))
  const streamed = (marker: string) => {
    const options = end === '[DONE]' ? { stream_options: { include_usage: true } } : {}
    return ask(marker, { stream: true, ...options })
  }
  const told = (text: string) => text.match(new RegExp(usage, 'g'))?.at(-1)?.match(usage)?.slice(1, 3).map(Number)

  it.each([400, 401, 404, 429, 500, 503, 529])('fails with %i in its own shape', async (status) => {
    for (const answer of [await ask(`status=${status}`), await streamed(`status=${status}`)]) {
      expect(answer.status).toBe(status)
      const { error, type } = JSON.parse(answer.body.toString())
      expect(error.message).toMatch(/\w+/)
      expect(Object.keys(error).sort()).toEqual(
        type === 'error' ? ['message', 'type'] : ['code', 'message', 'param', 'type'],
      )
      expect(type).toBe(name === 'messages' ? 'error' : undefined)
      expect(answer.headers['retry-after']).toBe(status === 429 || status === 503 ? '1' : undefined)
    }
    expect(provider.stats()).toMatchObject({ requests: 0, failed: 2, input_tokens: 0 })
  })

  it('resets, cuts, stalls, hangs', async () => {
    expect(await ask('reset')).toMatchObject({ status: 0, end: 'ECONNRESET' })
    const cut = await streamed('cut=5 tokens=40')
    expect(cut).toMatchObject({ status: 200, end: 'cut' })
    expect(cut.body.toString()).not.toContain(end)
    expect(provider.stats()).toMatchObject({ requests: 1, cut: 1, output_tokens: 5 })
    const half = await ask('cut')
    expect(half.body.length).toBe(Number(half.headers['content-length']) >> 1)
    for (const [marker, waits] of [
      ['stall=2', { requests: 3 }],
      ['hang', { failed: 2 }],
    ] as const) {
      const leaving = new AbortController()
      const asked = body(`Say hello. [[sandbox: ${marker}]]`, { stream: true })
      const answer = fetch(`${provider.url}${path}`, {
        method: 'POST',
        body: JSON.stringify(asked),
        signal: leaving.signal,
      })
      const left = answer.then((begun) => begun.text()).catch(() => 'left')
      await vi.waitFor(() => expect(provider.stats()).toMatchObject({ open: 1, ...waits }))
      leaving.abort()
      expect(await left).toBe('left')
      await vi.waitFor(() => expect(provider.stats().open).toBe(0))
    }
  })

  it('fails in mid-stream with an event of its own', async () => {
    const answer = await streamed('error=3 tokens=40')
    expect(answer.end).toBe('clean')
    const events = eventData(answer.body).map((data) => JSON.parse(data))
    const failure = events.find((event) => event.error !== undefined)
    expect(failure?.error.message).toMatch(/error/)
    expect(events.at(-1)?.type).toBe({ responses: 'response.failed', messages: 'error' }[name])
    expect(provider.stats()).toMatchObject({ requests: 1, cut: 1, completed: 0, output_tokens: 3 })
  })

  it('is garbage', async () => {
    for (const kind of ['half', 'html', 'bytes']) {
      const answer = (await ask(`garbage=${kind}`)).body.toString()
      expect(() => JSON.parse(answer), kind).toThrow()
    }
    const events = eventData((await streamed('garbage tokens=8')).body)
    expect(events.filter((data) => !data.endsWith('}') && data !== '[DONE]')).toHaveLength(1)
    expect(events.at(-1)).toContain(end)
  })

  it('tells no usage, or lies about it', async () => {
    for (const way of [ask, streamed]) {
      expect(told((await way('omit_usage tokens=20')).body.toString())).toBeUndefined()
      expect(told((await way('tokens=20')).body.toString())?.[1]).toBe(20)
      const lie = async (kind: string) => told((await way(`wrong_usage=${kind} tokens=20`)).body.toString())
      expect((await lie('huge'))?.[1]).toBe(1_000_020)
      expect(await lie('zero')).toEqual([0, 0])
      expect(await lie('missing')).toBeUndefined()
      expect((await lie('negative'))?.[1]).toBe(-20)
      // More was read from the cache than was asked: beside the input in one dialect, within it in the others.
      const lied = (await way('wrong_usage=cached')).body.toString()
      expect(lied).toMatch(name === 'messages' ? /"input_tokens":-1024/ : /"cached_tokens":10\d\d/)
    }
  })

  it('is the same text in every other way to write it', async () => {
    const text = 'naïve 漢字 👩‍👩‍👧‍👦 🙂'
    const words = (answer: Buffer) =>
      eventData(answer)
        .filter((data) => data !== '[DONE]')
        .map((data) => JSON.parse(data))
        .map(({ choices, delta }) => choices?.[0]?.delta?.content ?? choices?.[0]?.text ?? delta?.text ?? delta ?? '')
        .filter((delta) => typeof delta === 'string')
        .join('')
    for (const way of ['split', 'crlf', 'comments', 'no_space', 'burst=3', 'crlf comments no_space split=3']) {
      const answer = await streamed(`${way} text="${text}"`)
      expect(words(answer.body), way).toBe(text)
      expect(eventData(answer.body).at(-1), way).toContain(end)
    }
  })
})

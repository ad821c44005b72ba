import { connect } from 'node:net'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Instruction } from './behaviour.ts'
import { type SandboxProvider, startSandboxProvider } from './index.ts'
import { eventData, post, type RawAnswer } from './testing.ts'

let provider: SandboxProvider

beforeAll(async () => {
  provider = await startSandboxProvider()
})
afterAll(() => provider.close())
beforeEach(() => provider.reset())
afterEach(async () => {
  await fetch(`${provider.url}/behaviour`, { method: 'DELETE' })
})

function ask(marker: string, params: object = {}, headers: Record<string, string> = {}): Promise<RawAnswer> {
  const content = marker === '' ? 'Say hello.' : `Say hello. [[sandbox: ${marker}]]`
  const body = { model: 'sandbox-small', messages: [{ role: 'user', content }], ...params }
  return post(`${provider.url}/v1/chat/completions`, body, headers)
}

const STREAM = { stream: true, stream_options: { include_usage: true } }

type Chunk = {
  choices: { index: number; delta: { content?: string }; finish_reason: string | null }[]
  usage?: Record<string, number> | null
}

function chunksOf(answer: RawAnswer): Chunk[] {
  return eventData(answer.body)
    .filter((data) => data !== '[DONE]')
    .map((data) => JSON.parse(data))
}

function contentOf(answer: RawAnswer): string {
  return chunksOf(answer)
    .map((chunk) => chunk.choices[0]?.delta.content ?? '')
    .join('')
}

describe('errors', () => {
  it.each([
    [400, 'invalid_request_error', null],
    [401, 'invalid_request_error', 'invalid_api_key'],
    [403, 'request_forbidden', 'unsupported_country_region_territory'],
    [404, 'invalid_request_error', 'model_not_found'],
    [429, 'requests', 'rate_limit_exceeded'],
    [500, 'server_error', null],
    [502, 'cf_bad_gateway', 502],
    [503, 'server_error', null],
    [418, 'invalid_request_error', null],
    [529, 'server_error', null],
  ])('%i has its body', async (status, type, code) => {
    for (const params of [{}, STREAM]) {
      const answer = await ask(`status=${status}`, params)
      expect(answer.status).toBe(status)
      expect(answer.headers['content-type']).toBe('application/json')
      expect(JSON.parse(answer.body.toString())).toEqual({
        error: { message: expect.stringMatching(/\w+/), type, param: null, code },
      })
      const waits = status === 429 || status === 503
      expect(answer.headers['retry-after']).toBe(waits ? '1' : undefined)
    }
    expect(provider.stats()).toMatchObject({ requests: 0, failed: 2, input_tokens: 0, output_tokens: 0, open: 0 })
  })

  it('say when to come back, and that the account is empty', async () => {
    const busy = await ask('status=429 retry_after=30')
    expect(busy.headers).toMatchObject({ 'retry-after': '30', 'retry-after-ms': '30000' })
    const empty = await ask('status=429 error_code=insufficient_quota')
    expect(JSON.parse(empty.body.toString()).error).toMatchObject({
      type: 'insufficient_quota',
      code: 'insufficient_quota',
    })
    expect(empty.headers).not.toHaveProperty('retry-after')
  })

  it('can be told for the next requests over HTTP', async () => {
    const told = await fetch(`${provider.url}/behaviour`, { method: 'POST', body: '{"status":503,"next":2}' })
    expect(await told.json()).toEqual({ all: {}, next: [{ status: 503, next: 2 }] })
    const statuses = [await ask(''), await ask(''), await ask('')].map((answer) => answer.status)
    expect(statuses).toEqual([503, 503, 200])
    expect(provider.stats()).toMatchObject({ requests: 1, failed: 2 })
  })

  it('can be asked for in headers', async () => {
    expect((await ask('', {}, { 'x-sandbox-status': '500' })).status).toBe(500)
    expect((await ask('', {}, { 'x-sandbox-nonsense': '500' })).status).toBe(400)
  })

  it('are refused over HTTP when they are misspelt', async () => {
    for (const body of ['{"staus":503}', '{"status":"503"}', '{', '[]']) {
      const told = await fetch(`${provider.url}/behaviour`, { method: 'POST', body })
      expect(told.status, body).toBe(400)
    }
    expect(await (await fetch(`${provider.url}/behaviour`)).json()).toEqual({ all: {}, next: [] })
  })
})

describe('connections', () => {
  it('are reset before an answer', async () => {
    expect(await ask('reset')).toMatchObject({ status: 0, end: 'ECONNRESET' })
    expect(provider.stats()).toMatchObject({ requests: 0, failed: 1, input_tokens: 0 })
  })

  it('hang without an answer until the client leaves', async () => {
    const leaving = new AbortController()
    const waiting = fetch(`${provider.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'sandbox-small', messages: [{ role: 'user', content: '[[sandbox: hang]]' }] }),
      signal: leaving.signal,
    })
    await vi.waitFor(() => expect(provider.stats()).toMatchObject({ open: 1, failed: 1 }))
    leaving.abort()
    await expect(waiting).rejects.toThrow('aborted')
    await vi.waitFor(() =>
      expect(provider.stats()).toMatchObject({ open: 0, failed: 1, aborted_by_peer: 0, requests: 0 }),
    )
  })

  it('are cut in the middle of a stream, which bills what was produced', async () => {
    const answer = await ask('cut_after_chunks=5 output_tokens=40', STREAM)
    expect(answer).toMatchObject({ status: 200, end: 'cut' })
    expect(countTokens(contentOf(answer))).toBe(5)
    expect(answer.body.toString()).not.toContain('[DONE]')
    expect(provider.stats()).toMatchObject({
      requests: 1,
      completed: 0,
      cut: 1,
      output_tokens: 5,
      reported_input_tokens: 0,
      reported_output_tokens: 0,
    })
    expect(provider.stats().input_tokens).toBeGreaterThan(10)
    await vi.waitFor(() => expect(provider.stats()).toMatchObject({ open: 0, aborted_by_peer: 0 }))
  })

  it('are cut right after the headers, and in the middle of a whole answer', async () => {
    expect(await ask('cut_after_chunks=0', STREAM)).toMatchObject({ status: 200, end: 'cut', parts: [] })
    const half = await ask('cut output_tokens=30')
    expect(half).toMatchObject({ status: 200, end: 'cut' })
    expect(half.body.length).toBe(Number(half.headers['content-length']) >> 1)
    expect(provider.stats()).toMatchObject({ requests: 2, cut: 2, output_tokens: 30, reported_output_tokens: 0 })
  })

  it('are left when the client leaves, and nothing more is produced', async () => {
    const leaving = new AbortController()
    const answer = await fetch(`${provider.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({
        model: 'sandbox-small',
        messages: [{ role: 'user', content: '[[sandbox: chunk_delay=20 output_tokens=1000]]' }],
        stream: true,
      }),
      signal: leaving.signal,
    })
    let chunks = 0
    await expect(async () => {
      for await (const _ of answer.body ?? []) {
        chunks += 1
        if (chunks === 4) leaving.abort()
      }
    }).rejects.toThrow('aborted')
    await vi.waitFor(() => expect(provider.stats()).toMatchObject({ open: 0, aborted_by_peer: 1 }))
    const { output_tokens: produced, requests, completed } = provider.stats()
    expect({ requests, completed }).toEqual({ requests: 1, completed: 0 })
    expect(produced).toBeGreaterThanOrEqual(3)
    expect(produced).toBeLessThan(50)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(provider.stats().output_tokens).toBe(produced)
  })

  it('are left while the answer is awaited, which bills the input', async () => {
    const leaving = new AbortController()
    const waiting = fetch(`${provider.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({
        model: 'sandbox-small',
        messages: [{ role: 'user', content: '[[sandbox: delay=60000]]' }],
      }),
      signal: leaving.signal,
    })
    await vi.waitFor(() => expect(provider.stats()).toMatchObject({ open: 1, requests: 1 }))
    leaving.abort()
    await expect(waiting).rejects.toThrow('aborted')
    await vi.waitFor(() => expect(provider.stats()).toMatchObject({ open: 0, aborted_by_peer: 1, output_tokens: 0 }))
    expect(provider.stats().input_tokens).toBeGreaterThan(0)
  })

  it('of a client that reads nothing hold the model back', async () => {
    const answer = await fetch(`${provider.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({
        model: 'sandbox-large',
        messages: [{ role: 'user', content: '[[sandbox: output_tokens=60000 burst=1000]]' }],
        stream: true,
      }),
    })
    // 60,000 chunks are 12 MB, more than sockets take.
    let before = -1
    await vi.waitFor(
      () => {
        const produced = provider.stats().output_tokens
        const isStill = produced > 0 && produced === before
        before = produced
        expect(isStill).toBe(true)
      },
      { timeout: 10_000, interval: 200 },
    )
    expect(before).toBeLessThan(60_000)
    await answer.body?.cancel()
    await vi.waitFor(() => expect(provider.stats()).toMatchObject({ open: 0, aborted_by_peer: 1 }))
  })

  it('are left before the request is whole, which is no request', async () => {
    const socket = connect(provider.port, '127.0.0.1')
    socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"model":')
    await vi.waitFor(() => expect(provider.stats().open).toBe(1))
    socket.destroy()
    await vi.waitFor(() => expect(provider.stats().open).toBe(0))
    expect(provider.stats()).toMatchObject({ requests: 0, failed: 0, aborted_by_peer: 0 })
  })

  it('stall in mid-stream until the client leaves', async () => {
    const leaving = new AbortController()
    const answer = await fetch(`${provider.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({
        model: 'sandbox-small',
        messages: [{ role: 'user', content: '[[sandbox: stall_after_chunks=2]]' }],
        stream: true,
      }),
      signal: leaving.signal,
    })
    await vi.waitFor(() => expect(provider.stats()).toMatchObject({ open: 1, output_tokens: 2 }))
    leaving.abort()
    await expect(answer.text()).rejects.toThrow('aborted')
    await vi.waitFor(() => expect(provider.stats()).toMatchObject({ open: 0, aborted_by_peer: 1, output_tokens: 2 }))
  })
})

describe('streams', () => {
  it('end with an error event', async () => {
    const answer = await ask('error_after_chunks=3', STREAM)
    expect(answer.end).toBe('clean')
    const events = eventData(answer.body)
    expect(JSON.parse(events.at(-1) ?? '')).toEqual({
      error: { message: expect.stringContaining('server had an error'), type: 'server_error', param: null, code: null },
    })
    expect(events).toHaveLength(5)
    expect(provider.stats()).toMatchObject({ requests: 1, cut: 1, completed: 0, output_tokens: 3 })
  })

  it('have an event that is not JSON, and go on', async () => {
    const answer = await ask('garbage output_tokens=8', STREAM)
    const readable = eventData(answer.body).filter((data) => data.endsWith('}') || data === '[DONE]')
    expect(eventData(answer.body).length - readable.length).toBe(1)
    expect(readable.at(-1)).toBe('[DONE]')
    expect(provider.stats()).toMatchObject({ completed: 1, output_tokens: 8, reported_output_tokens: 8 })
  })

  it('are the same text in every other way to write them', async () => {
    const text = 'naïve 漢字 👩‍👩‍👧‍👦 🙂'
    const plain = await ask(`text="${text}"`, STREAM)
    expect(contentOf(plain)).toBe(text)
    const ways: [string, RegExp][] = [
      ['crlf', /\r\n\r\ndata: /],
      ['comments', /\n\n: [\w -]+\n\ndata: /],
      ['no_space', /^data:\{/],
      ['burst=3', /^data: \{/],
      ['crlf comments no_space split=3', /^: [^\n]+\r\n\r\ndata:\{/],
    ]
    for (const [way, look] of ways) {
      const answer = await ask(`${way} text="${text}"`, STREAM)
      expect(answer.body.toString(), way).toMatch(look)
      expect(contentOf(answer), way).toBe(text)
      expect(eventData(answer.body).at(-1), way).toBe('[DONE]')
      expect(chunksOf(answer).at(-1)?.usage?.completion_tokens, way).toBe(countTokens(text))
    }
  })

  it('come chunk by chunk, not all at once', async () => {
    const body = JSON.stringify({
      model: 'sandbox-small',
      messages: [{ role: 'user', content: '[[sandbox: output_tokens=200]]' }],
      stream: true,
    })
    const socket = connect(provider.port, '127.0.0.1')
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    let reads = 0
    for await (const _ of socket) reads += 1
    expect(reads).toBeGreaterThan(20)
  })

  it('are split inside characters', async () => {
    const answer = await ask('split text="🙂🙂🙂🙂"', STREAM)
    expect(answer.parts.every((part) => part.length <= 7)).toBe(true)
    expect(answer.parts.some((part) => part.toString().includes('\ufffd'))).toBe(true)
    expect(contentOf(answer)).toBe('🙂🙂🙂🙂')
    const whole = await ask('split=5 text="🙂"')
    expect(whole.parts.length).toBeGreaterThan(20)
    expect(JSON.parse(whole.body.toString()).choices[0].message.content).toBe('🙂')
  })

  it('wait before the headers, before the first byte and before each chunk', async () => {
    const before = performance.now()
    const answer = await ask('delay=60 first_byte=60 chunk_delay=30 output_tokens=4', STREAM)
    // A timer may be early by a part of a millisecond.
    expect(performance.now() - before).toBeGreaterThan(60 + 60 + 4 * 30 - 6)
    expect(answer.end).toBe('clean')
  })

  it('have headers before the first byte', async () => {
    const answer = await fetch(`${provider.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({
        model: 'sandbox-small',
        messages: [{ role: 'user', content: '[[sandbox: first_byte=60000]]' }],
      }),
    })
    expect(answer.status).toBe(200)
    await answer.body?.cancel()
    await vi.waitFor(() => expect(provider.stats()).toMatchObject({ open: 0, aborted_by_peer: 1 }))
  })
})

describe('whole answers', () => {
  it.each([
    ['half', 'application/json'],
    ['html', 'text/html'],
    ['bytes', 'application/json'],
  ])('are garbage: %s', async (kind, type) => {
    const answer = await ask(`garbage=${kind} output_tokens=20`)
    expect(answer).toMatchObject({ status: 200, end: 'clean' })
    expect(answer.headers['content-type']).toBe(type)
    expect(() => JSON.parse(answer.body.toString())).toThrow()
    expect(provider.stats()).toMatchObject({ requests: 1, completed: 1, output_tokens: 20, reported_output_tokens: 0 })
    const stream = await ask(`garbage=${kind}`, STREAM)
    expect(stream.body.toString()).not.toContain('[DONE]')
  })

  it('run over their limit', async () => {
    const answer = await ask('overrun=30', { max_tokens: 10 })
    const { choices, usage } = JSON.parse(answer.body.toString())
    expect(usage.completion_tokens).toBe(40)
    expect(choices[0].finish_reason).toBe('length')
    expect(countTokens(choices[0].message.content)).toBe(40)
    expect(provider.stats()).toMatchObject({ output_tokens: 40, reported_output_tokens: 40 })
    const stream = await ask('overrun=2000', { ...STREAM, max_tokens: 10 })
    expect(chunksOf(stream).at(-1)?.usage?.completion_tokens).toBe(2_010)
  })
})

describe('usage', () => {
  it('is left out', async () => {
    const whole = await ask('omit_usage')
    expect(JSON.parse(whole.body.toString())).not.toHaveProperty('usage')
    const stream = await ask('omit_usage', STREAM)
    expect(stream.body.toString()).not.toContain('usage')
    expect(eventData(stream.body).at(-1)).toBe('[DONE]')
    const stats = provider.stats()
    expect(stats).toMatchObject({ completed: 2, reported_input_tokens: 0, reported_output_tokens: 0 })
    expect(stats.output_tokens).toBeGreaterThan(32)
  })

  it('comes with every chunk, asked for or not, and counts once', async () => {
    const answer = await ask('usage_every_chunk output_tokens=20', { stream: true })
    const told = chunksOf(answer).map((chunk) => chunk.usage?.completion_tokens)
    expect(told).toEqual([0, ...Array.from({ length: 20 }, (_, index) => index + 1), 20])
    expect(provider.stats()).toMatchObject({ output_tokens: 20, reported_output_tokens: 20 })
  })

  const WRONG: [string, (usage: { input: number; output: number }) => object][] = [
    ['negative', ({ input, output }) => ({ prompt_tokens: -input, completion_tokens: -output })],
    ['huge', ({ input, output }) => ({ prompt_tokens: input, completion_tokens: output + 1_000_000 })],
    [
      'cached',
      ({ input }) => ({
        prompt_tokens: input,
        prompt_tokens_details: { cached_tokens: input + 1_024, audio_tokens: 0 },
      }),
    ],
    ['zero', () => ({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 })],
  ]
  it.each(WRONG)('is wrong: %s', async (kind, expected) => {
    const answers = [
      await ask(`wrong_usage=${kind} output_tokens=20`),
      await ask(`wrong_usage=${kind} output_tokens=20`, STREAM),
    ]
    const told = [JSON.parse(answers[0]?.body.toString() ?? '').usage, chunksOf(answers[1] as RawAnswer).at(-1)?.usage]
    const stats = provider.stats()
    expect(stats.output_tokens).toBe(40)
    expect(told[0]).toMatchObject(expected({ input: stats.input_tokens / 2, output: 20 }))
    expect(told[1]).toMatchObject(expected({ input: stats.input_tokens / 2, output: 20 }))
    expect(stats.reported_output_tokens).toBe(told[0].completion_tokens * 2)
  })

  it('is wrong: parts are missing', async () => {
    const { usage } = JSON.parse((await ask('wrong_usage=missing')).body.toString())
    expect(Object.keys(usage)).toEqual(['prompt_tokens', 'prompt_tokens_details'])
  })
})

describe('controls', () => {
  it('tell what was asked last, without its credential', async () => {
    await ask('', { max_tokens: 3, unknown_parameter: [1] }, { authorization: 'Bearer sk-a-very-secret-credential' })
    expect(provider.lastRequest()).toMatchObject({
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { authorization: 'Bearer sk-a-very-secret-credential' },
    })
    expect(JSON.parse(provider.lastRequest()?.body ?? '')).toMatchObject({ max_tokens: 3, unknown_parameter: [1] })
    const told = await (await fetch(`${provider.url}/last`)).json()
    expect(told).toMatchObject({ headers: { authorization: '********tial' } })
  })

  it('tell health and stats, and count from zero after a reset', async () => {
    const get = async (path: string, method = 'GET') => (await fetch(provider.url + path, { method })).json()
    expect(await get('/healthz')).toEqual({ status: 'ok' })
    await ask('')
    expect(await get('/stats')).toEqual(provider.stats())
    expect(provider.stats().requests).toBe(1)
    expect(await get('/reset', 'POST')).toMatchObject({ requests: 0, models: {} })
    expect((await fetch(`${provider.url}/v1/nothing`)).status).toBe(404)
    expect((await fetch(`${provider.url}/v1/chat/completions`)).status).toBe(405)
  })

  it('keep what was configured through a reset', async () => {
    const instruction: Instruction = { status: 500 }
    provider.configure(instruction)
    provider.reset()
    expect((await ask('')).status).toBe(500)
    provider.configure({})
    expect((await ask('')).status).toBe(200)
  })

  it('end running answers when the provider is closed', async () => {
    const other = await startSandboxProvider()
    const hanging = post(`${other.url}/v1/chat/completions`, {
      model: 'sandbox-small',
      messages: [{ role: 'user', content: '[[sandbox: delay=60000]]' }],
    })
    await vi.waitFor(() => expect(other.stats().open).toBe(1))
    await other.close()
    expect((await hanging).end).toBe('ECONNRESET')
  })
})

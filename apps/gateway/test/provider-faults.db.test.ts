import { createProvider } from '@stipend/core/testing'
import { modelPrice } from '@stipend/money'
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { balanced, costAt, type Event, settled, soon } from './books.ts'
import { buildHouse, CREDENTIAL, type House, MASTER_KEY } from './harness.ts'
import { type Answer, call, errorOf, eventData, prompt } from './http.ts'

const PRICE = modelPrice({ input: '2.50', cached_input: '1.25', output: '10' })
const WRONG_CREDENTIAL = 'sk-credential-that-is-wrong'
let house: House
/** A gateway that soon gives a provider up. */
let impatient: string
let key: { id: string; secret: string }
let requests = 0
beforeAll(async () => {
  house = await buildHouse(inject('testCluster'), { price: PRICE })
  impatient = await house.start({ patience: { headMs: 250, silenceMs: 250 } })
  key = await house.scene.key({ budget_usd: '50' })
  // The same provider, with a credential that it refuses.
  await createProvider(house.test.database, {
    base_url: `${house.sandbox.url}/v1`,
    masterKey: MASTER_KEY,
    credential: WRONG_CREDENTIAL,
    models: ['sandbox-large'],
    name: 'misconfigured',
  })
})
afterAll(async () => {
  await balanced(house)
  await house.close()
})
beforeEach(() => house.sandbox.reset())

/** Whatever a provider does or says: what is ours to know stays with us. */
const seen: string[] = []
afterEach(() => {
  for (const text of seen.splice(0)) {
    expect(text).not.toMatch(/Incorrect API key|sk-sandb|org-sandbox|openai\.com|\*{4}|credential-/)
  }
  for (const credential of [CREDENTIAL, WRONG_CREDENTIAL]) expect(house.logged().includes(credential)).toBe(false)
})

const cost = (input_tokens: number, output_tokens: number) => costAt(PRICE, { input_tokens, output_tokens })

const isTooSlow = (marker: string) => /60000|hang|stall/.test(marker)

/** Asks a provider that misbehaves, waits until the ledger knows of it, and answers what the client saw and what was written. */
async function ask(marker: string, more: object, leave: Parameters<typeof call>[1] = {}) {
  const url = isTooSlow(marker) && leave.leaveWhen === undefined && leave.signal === undefined ? impatient : house.url
  const answer = await call(url, { key: key.secret, body: prompt(marker, more), ...leave })
  seen.push(JSON.stringify(answer.headers), answer.text)
  requests += 1
  const event = (await settled(house, key.id, requests)).at(-1)
  if (event === undefined) throw new Error('no event')
  await soon(() => expect(house.sandbox.stats().open).toBe(0))
  return { answer, event }
}

type Charge = 'nothing' | 'reported' | 'estimate' | 'prompt' | 'hold'

function expectCharge(event: Event, charge: Charge): void {
  const { input_tokens, output_tokens, reported_input_tokens, reported_output_tokens } = house.sandbox.stats()
  expect(event.hold_nanos).toBeGreaterThan(0n)
  const shown = {
    input_tokens: event.input_tokens,
    output_tokens: event.output_tokens,
    cost: event.cost_nanos,
    excess: event.excess_nanos,
    is_estimated: event.is_estimated,
  }
  const figures = (input: number, output: number, is_estimated: boolean) =>
    expect(shown).toEqual({
      input_tokens: input,
      output_tokens: output,
      cost: cost(input, output),
      excess: 0n,
      is_estimated,
    })
  if (charge === 'nothing') figures(0, 0, false)
  else if (charge === 'reported') figures(reported_input_tokens, reported_output_tokens, false)
  else if (charge === 'estimate') {
    // The meter counts answers and thoughts as one text: at each joint two tokens may be one.
    expect(Math.abs(shown.output_tokens - output_tokens)).toBeLessThanOrEqual(3)
    figures(input_tokens, shown.output_tokens, true)
  } else if (charge === 'prompt') figures(input_tokens, 0, true)
  else {
    const full = cost(reported_input_tokens, reported_output_tokens)
    expect(shown).toMatchObject({ cost: event.hold_nanos, excess: full - event.hold_nanos, is_estimated: false })
    expect(event.excess_nanos).toBeGreaterThan(0n)
  }
}

/** What a client reads out of a stream. */
function readStream(answer: Answer) {
  expect(answer.headers['content-type']).toBe('text/event-stream; charset=utf-8')
  const events = eventData(answer.text)
  const parsed = events.flatMap((data) => {
    try {
      return [JSON.parse(data)]
    } catch {
      return []
    }
  })
  return {
    isDone: events.at(-1) === '[DONE]',
    text: parsed.map((chunk) => chunk.choices?.[0]?.delta?.content ?? '').join(''),
    error: parsed.at(-1)?.error as { message: string; type: string; param: null; code: string } | undefined,
    usage: parsed.findLast((chunk) => chunk.usage)?.usage as { completion_tokens: number } | undefined,
  }
}

const KINDS = [
  { kind: 'whole', more: {} },
  { kind: 'streamed', more: { stream: true } },
  { kind: 'streamed with usage', more: { stream: true, stream_options: { include_usage: true } } },
]

describe('a provider that answers with an error', () => {
  const PASSED: [status: number, says: RegExp][] = [
    [400, /told to answer with 400/],
    [404, /does not exist/],
    [409, /told to answer with 409/],
    [413, /told to answer with 413/],
    [422, /told to answer with 422/],
  ]
  const OURS: [marker: string, status: number, code: string, says: RegExp, retryAfter?: string][] = [
    ['status=300', 502, 'provider_error', /failed with status 300/],
    ['status=401', 502, 'provider_error', /refused our credential\. Tell your administrator/],
    ['status=402', 502, 'provider_error', /failed with status 402/],
    ['status=403', 502, 'provider_error', /refused our credential/],
    ['status=408', 502, 'provider_error', /failed with status 408/],
    ['status=418', 502, 'provider_error', /failed with status 418/],
    ['status=429', 429, 'rate_limited', /too many requests/, '1'],
    ['status=429 retry_after=7', 429, 'rate_limited', /too many requests/, '7'],
    ['status=429 retry_after=80000', 429, 'rate_limited', /too many requests/, '3600'],
    ['status=429 error_code=insufficient_quota', 429, 'rate_limited', /too many requests/, '5'],
    ['status=500', 502, 'provider_error', /failed with status 500/],
    ['status=502', 502, 'provider_error', /failed with status 502/],
    ['status=503 retry_after=9', 503, 'provider_unavailable', /overloaded/, '9'],
    ['status=504', 504, 'provider_timeout', /did not answer in time/],
    ['status=529', 503, 'provider_unavailable', /overloaded/, '5'],
  ]
  for (const { kind, more } of KINDS.slice(0, 2)) {
    it.each(PASSED)(`%i is passed on, since it is about the request: ${kind}`, async (status, says) => {
      const { answer, event } = await ask(`status=${status}`, more)
      expect(answer).toMatchObject({ status, end: 'clean' })
      expect(answer.headers['content-type']).toBe('application/json')
      expect(answer.headers['x-should-retry']).toBe('false')
      expect(JSON.parse(answer.text).error.message).toMatch(says)
      expect(event).toMatchObject({ status: 'failed', http_status: status, error_code: 'provider_error' })
      expectCharge(event, 'nothing')
      expect(house.sandbox.stats()).toMatchObject({ requests: 0, failed: 1 })
    })

    it.each(OURS)(`%s is %i %s: ${kind}`, async (marker, status, code, says, retryAfter) => {
      const { answer, event } = await ask(marker, more)
      expect(answer).toMatchObject({ status, end: 'clean' })
      const error = errorOf(answer)
      expect(error).toMatchObject({ code, param: null, type: status === 429 ? 'rate_limit_error' : 'server_error' })
      expect(error.message).toMatch(says)
      // These pass, so clients may try again; one by one and not at once.
      expect(answer.headers).not.toHaveProperty('x-should-retry')
      expect(answer.headers['retry-after']).toBe(retryAfter)
      expect(event).toMatchObject({ status: 'failed', http_status: status, error_code: code })
      expectCharge(event, 'nothing')
      // A second attempt where that may help at once, and no more than one.
      const attempts = /^status=(500|502|529)$/.test(marker) ? 2 : 1
      expect(house.sandbox.stats()).toMatchObject({ requests: 0, failed: attempts })
    })
  }

  it('refuses our credential for real, and the client learns nothing of it', async () => {
    for (const { more } of KINDS) {
      const { answer, event } = await ask('delay=0', { ...more, model: 'sandbox-large' })
      expect(answer.status).toBe(502)
      expect(errorOf(answer)).toMatchObject({ code: 'provider_error', message: expect.stringMatching(/administrator/) })
      expectCharge(event, 'nothing')
      house.sandbox.reset()
    }
  })
})

type Fault = { marker: string; more?: object; status?: Event['status']; code?: string; charge: Charge }
type Seen = { http: number; says?: RegExp }

describe('a whole answer', () => {
  const FAULTS: (Fault & Seen)[] = [
    { marker: 'delay=150', http: 200, charge: 'reported' },
    { marker: 'first_byte=150', http: 200, charge: 'reported' },
    { marker: 'delay=60000', http: 504, status: 'failed', code: 'provider_timeout', charge: 'nothing' },
    { marker: 'first_byte=60000', http: 504, status: 'failed', code: 'provider_timeout', charge: 'nothing' },
    { marker: 'reset', http: 502, status: 'failed', code: 'provider_error', says: /broke off/, charge: 'nothing' },
    { marker: 'cut', http: 502, status: 'failed', code: 'provider_error', says: /broke off/, charge: 'nothing' },
    { marker: 'stall', http: 504, status: 'failed', code: 'provider_timeout', charge: 'nothing' },
    { marker: 'garbage=half', http: 502, status: 'failed', code: 'provider_error', says: /can’t be read/, charge: 'nothing' },
    { marker: 'garbage=html', http: 502, status: 'failed', code: 'provider_error', says: /can’t be read/, charge: 'nothing' },
    { marker: 'garbage=bytes', http: 502, status: 'failed', code: 'provider_error', says: /can’t be read/, charge: 'nothing' },
    { marker: 'omit_usage', http: 200, charge: 'estimate' },
    { marker: 'omit_usage reasoning_tokens=30', http: 200, charge: 'estimate' },
    { marker: 'omit_usage', more: { n: 3 }, http: 200, charge: 'estimate' },
    { marker: 'wrong_usage=negative', http: 200, charge: 'estimate' },
    { marker: 'wrong_usage=missing', http: 200, charge: 'estimate' },
    { marker: 'wrong_usage=cached', http: 200, charge: 'estimate' },
    { marker: 'wrong_usage=zero', http: 200, charge: 'estimate' },
    { marker: 'wrong_usage=huge', http: 200, charge: 'hold' },
    { marker: 'overrun=30', more: { max_tokens: 10 }, http: 200, charge: 'reported' },
    { marker: 'overrun=3000', more: { max_tokens: 10 }, http: 200, charge: 'hold' },
    { marker: 'hidden_reasoning reasoning_tokens=50', http: 200, charge: 'reported' },
    { marker: 'split', http: 200, charge: 'reported' },
    { marker: 'split=1 text="naïve 漢字 👩‍👩‍👧‍👦"', http: 200, charge: 'reported' },
  ] // biome-ignore format: a table
  it.each(FAULTS)('$marker $more: $http, charged: $charge', async (fault) => {
    const { http, status = 'succeeded', code = null, says, charge } = fault
    const { answer, event } = await ask(fault.marker, fault.more ?? {})
    expect(answer).toMatchObject({ status: http, end: 'clean' })
    expect(event).toMatchObject({ status, http_status: http, error_code: code, is_streamed: false })
    expectCharge(event, charge)
    if (http !== 200) {
      const error = errorOf(answer)
      expect(error).toMatchObject({ code, type: 'server_error', param: null })
      if (says !== undefined) expect(error.message).toMatch(says)
      return
    }
    const body = JSON.parse(answer.text)
    expect(body.choices[0].message.content.length).toBeGreaterThan(3)
    expect(Number(answer.headers['content-length'])).toBe(answer.body.length)
    expect(answer.headers).not.toHaveProperty('openai-organization')
    expect(answer.headers).not.toHaveProperty('x-ratelimit-limit-requests')
  })
})

describe('a stream', () => {
  const text = 'text="naïve 漢字 👩‍👩‍👧‍👦 🙂"'
  const FAULTS: (Fault & { ends: 'done' | 'open' | RegExp; chunks?: number })[] = [
    { marker: 'delay=150', ends: 'done', charge: 'reported' },
    { marker: 'first_byte=150', ends: 'done', charge: 'reported' },
    { marker: 'chunk_delay=5', ends: 'done', charge: 'reported' },
    { marker: 'cut', ends: /broke off/, status: 'failed', code: 'provider_error', charge: 'estimate', chunks: 1 },
    { marker: 'cut=12 tokens=40', ends: /broke off/, status: 'failed', code: 'provider_error', charge: 'estimate', chunks: 12 },
    { marker: 'stall=3 tokens=40', ends: /in time/, status: 'failed', code: 'provider_timeout', charge: 'estimate', chunks: 3 },
    { marker: 'error=5 tokens=40', ends: /failed in the middle/, status: 'failed', code: 'provider_error', charge: 'estimate', chunks: 5 },
    { marker: 'garbage=event tokens=8', ends: 'done', charge: 'reported' },
    { marker: 'omit_usage', ends: 'done', charge: 'estimate' },
    { marker: 'omit_usage reasoning_tokens=30', ends: 'done', charge: 'estimate' },
    { marker: 'omit_usage', more: { n: 3 }, ends: 'done', charge: 'estimate' },
    { marker: 'wrong_usage=negative', ends: 'done', charge: 'estimate' },
    { marker: 'wrong_usage=missing', ends: 'done', charge: 'estimate' },
    { marker: 'wrong_usage=cached', ends: 'done', charge: 'estimate' },
    { marker: 'wrong_usage=zero', ends: 'done', charge: 'estimate' },
    { marker: 'wrong_usage=huge', ends: 'done', charge: 'hold' },
    { marker: 'wrong_usage=zero usage_every_chunk', ends: 'done', charge: 'estimate' },
    { marker: 'wrong_usage=zero usage_every_chunk cut=9', ends: /broke off/, status: 'failed', code: 'provider_error', charge: 'estimate', chunks: 9 },
    { marker: 'usage_every_chunk', ends: 'done', charge: 'reported' },
    { marker: 'usage_every_chunk cut=9', ends: /broke off/, status: 'failed', code: 'provider_error', charge: 'reported', chunks: 9 },
    { marker: 'overrun=30', more: { max_tokens: 10 }, ends: 'done', charge: 'reported' },
    { marker: 'overrun=3000', more: { max_tokens: 10 }, ends: 'done', charge: 'hold' },
    { marker: 'hidden_reasoning reasoning_tokens=50', ends: 'done', charge: 'reported' },
    ...['split', 'split=1', 'crlf', 'comments', 'no_space', 'burst=5', 'crlf comments no_space split=3'].map((way) => ({
      marker: `${way} ${text}`, ends: 'done' as const, charge: 'reported' as const,
    })),
    { marker: `crlf comments split=1 omit_usage ${text}`, ends: 'done', charge: 'estimate' },
  ] // biome-ignore format: a table
  const streamed = KINDS.slice(1).flatMap(({ kind, more }, i) =>
    // One that is slow to show is shown once.
    FAULTS.filter(({ marker }) => i === 0 || !isTooSlow(marker)).map((fault) => ({ kind, stream: more, ...fault })),
  )

  it.each(streamed)('$marker $more: charged: $charge ($kind)', async (fault) => {
    const { stream, status = 'succeeded', code = null, charge, ends } = fault
    const { answer, event } = await ask(fault.marker, { ...stream, ...fault.more })
    expect(answer).toMatchObject({ status: 200, end: 'clean' })
    expect(event).toMatchObject({ status, http_status: 200, error_code: code, is_streamed: true })
    expectCharge(event, charge)

    const seen = readStream(answer)
    expect(seen.isDone).toBe(ends === 'done')
    if (ends instanceof RegExp) {
      expect(seen.error?.message).toMatch(ends)
      expect(seen.error).toMatchObject({ type: 'server_error', param: null })
    } else expect(seen.error).toBeUndefined()
    if (fault.chunks !== undefined) expect(house.sandbox.stats().output_tokens).toBe(fault.chunks)
    if (fault.marker.includes(text)) expect(seen.text).toBe('naïve 漢字 👩‍👩‍👧‍👦 🙂')
  })

  it.each(['hang', 'first_byte=60000', 'cut=0', 'garbage=bytes', 'reset', 'garbage=half', 'garbage=html'])(
    '%s never begins: an error with its status, nothing charged',
    async (marker) => {
      const { answer, event } = await ask(marker, { stream: true })
      const [status, code] = isTooSlow(marker) ? [504, 'provider_timeout'] : [502, 'provider_error']
      expect(answer).toMatchObject({ status, end: 'clean' })
      expect(errorOf(answer)).toMatchObject({ code, type: 'server_error' })
      expect(event).toMatchObject({ status: 'failed', http_status: status, error_code: code, is_streamed: true })
      expectCharge(event, 'nothing')
    },
  )

  it('that breaks off reaches the official client as an error, not as an end', async () => {
    requests += 1
    const stream = await house.client(key.secret).chat.completions.create({ ...prompt('cut=4'), stream: true })
    let chunks = 0
    const reading = (async () => {
      for await (const _ of stream) chunks += 1
    })()
    await expect(reading).rejects.toBeInstanceOf(OpenAI.APIError)
    expect(chunks).toBe(5)
    await settled(house, key.id, requests)
  })
})

describe('a client that waits no longer', () => {
  const WAITING: [marker: string, more: object, charge: Charge][] = [
    ['hang', {}, 'prompt'],
    ['hang', { stream: true }, 'prompt'],
    ['delay=60000', {}, 'prompt'],
    ['delay=60000', { stream: true }, 'prompt'],
    ['first_byte=60000', {}, 'prompt'],
    ['first_byte=60000', { stream: true }, 'prompt'],
    ['stall=3 tokens=40', { stream: true }, 'estimate'],
  ]
  it.each(WAITING)('for %s %j pays what was used until then: %s', async (marker, more, charge) => {
    const leaving = new AbortController()
    const asked = ask(marker, more, {
      signal: leaving.signal,
      leaveWhen: (text) => text.split('"content":').length > 4,
    })
    if (charge === 'prompt') {
      await soon(() => {
        const stats = house.sandbox.stats()
        expect(stats.requests + stats.failed).toBe(1)
      })
      leaving.abort()
    }
    const { answer, event } = await asked
    expect(answer.end).toBe('left')
    expect(event).toMatchObject({ status: 'canceled', http_status: 499, error_code: null, is_estimated: true })
    // A provider that hangs counts nothing; what it was sent is counted by us.
    if (marker !== 'hang') return expectCharge(event, charge)
    expect(event.input_tokens).toBeGreaterThan(10)
    expect(event.cost_nanos).toBe(cost(event.input_tokens, 0))
  })
})

/** What differs between two answers to the same question. */
const alike = (text: string) =>
  text
    .replaceAll(/chatcmpl-[0-9a-z]+/g, 'chatcmpl-x')
    .replaceAll(/"created":\d+/g, '"created":0')
    .replaceAll(/call_[0-9a-f]+/g, 'call_x')

describe('the bytes of an answer', () => {
  const tools = [
    {
      type: 'function',
      function: { name: 'write_file', parameters: { type: 'object', properties: { path: { type: 'string' } } } },
    },
  ]
  const WAYS: [marker: string, more: object][] = [
    ['text="naïve 漢字 👩‍👩‍👧‍👦 🙂"', {}],
    ['split=1 text="🙂🙂🙂🙂"', {}],
    ['split=7', {}],
    ['crlf', {}],
    ['comments', {}],
    ['crlf comments split=5', {}],
    ['no_space burst=4', {}],
    ['usage_every_chunk', {}],
    ['omit_usage', {}],
    ['garbage=event', {}],
    ['tool=write_file tool_calls=3', { tools }],
    ['reasoning_tokens=20', { n: 2 }],
  ]
  it.each(WAYS)('are the provider’s own: %s %j', async (marker, more) => {
    for (const { more: kind } of marker.startsWith('garbage') ? KINDS.slice(1) : KINDS) {
      const isStream = 'stream' in kind
      const asksUsage = 'stream_options' in kind
      const { answer } = await ask(marker, { ...more, ...kind })
      const direct = await call(`${house.sandbox.url}/v1`, {
        key: CREDENTIAL,
        body: prompt(marker, { ...more, ...kind, ...(isStream ? { stream_options: { include_usage: true } } : {}) }),
      })
      const isHidden = isStream && !asksUsage
      const expected = isHidden
        ? direct.text.replace(/data: ?\{[^\n]*"choices":\[\],"usage":\{[^\n]*\r?\n\r?\n/, '')
        : direct.text
      if (isHidden && !marker.includes('omit_usage')) {
        expect(expected.length).toBeLessThan(direct.text.length)
      }
      expect(alike(answer.text)).toBe(alike(expected))
      expect(answer.status).toBe(200)
    }
  })
})

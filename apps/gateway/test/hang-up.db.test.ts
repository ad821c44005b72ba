import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { modelPrice } from '@stipend/money'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { balanced, costAt, type Event, eventsOf, settled, soon, spentOf } from './books.ts'
import { buildHouse, type House } from './harness.ts'
import { call, pieces, prompt } from './http.ts'
import { seeded } from './random.ts'

const PRICE = modelPrice({ input: '2.50', cached_input: '1.25', output: '10' })
let house: House
let key: { id: string; secret: string }
beforeAll(async () => {
  house = await buildHouse(inject('testCluster'), { price: PRICE })
})
afterAll(async () => {
  await balanced(house)
  await house.close()
})
beforeEach(async () => {
  house.sandbox.reset()
  key = await house.scene.key()
})

/** The provider has noticed: nothing is produced for nobody. */
async function left(times: number): Promise<void> {
  await soon(() => expect(house.sandbox.stats()).toMatchObject({ open: 0, aborted_by_peer: times }))
}

async function only(): Promise<Event> {
  const [event] = await settled(house, key.id, 1)
  if (event === undefined) throw new Error('no event')
  expect(event.cost_nanos).toBe(costAt(PRICE, event))
  expect(await spentOf(house, key.id)).toBe(event.cost_nanos)
  return event
}

describe('a client that hangs up', () => {
  for (const stream of [false, true]) {
    it(`before there is any answer pays its prompt, ${stream ? 'streamed' : 'whole'}`, async () => {
      const leaving = new AbortController()
      const body = prompt('delay=60000', { stream })
      const answer = call(house.url, { key: key.secret, body, signal: leaving.signal })
      await soon(() => expect(house.sandbox.stats().requests).toBe(1))
      leaving.abort()
      await answer
      await left(1)
      const { input_tokens } = house.sandbox.stats()
      const canceled = { status: 'canceled', http_status: 499, error_code: null, is_estimated: true }
      expect(await only()).toMatchObject({ ...canceled, input_tokens, output_tokens: 0, excess_nanos: 0n })
    })
  }

  it.each([1, 2, 20, 50])('after %i of 300 pieces pays for those, not for nothing and not for all', async (after) => {
    const body = prompt('chunk_delay=6 tokens=300', { stream: true })
    const answer = await call(house.url, { key: key.secret, body, leaveWhen: (text) => pieces(text) >= after })
    expect(answer.end).toBe('left')
    await left(1)
    const event = await only()
    const { input_tokens, output_tokens } = house.sandbox.stats()
    expect(event).toMatchObject({ status: 'canceled', http_status: 499, is_estimated: true, input_tokens })
    expect(event.output_tokens).toBeGreaterThanOrEqual(pieces(answer.text))
    expect(event.output_tokens).toBeLessThanOrEqual(output_tokens)
    expect(output_tokens).toBeLessThan(300)
  })

  it('with the last piece in hand pays for all of it, once', async () => {
    const body = prompt('chunk_delay=2 tokens=30', { stream: true })
    const leaveWhen = (text: string) =>
      text.includes('"finish_reason":"stop"') || text.includes('"finish_reason":"length"')
    const answer = await call(house.url, { key: key.secret, body, leaveWhen })
    expect(pieces(answer.text)).toBe(30)
    expect(await only()).toMatchObject({ output_tokens: 30 })
  })

  it('at [DONE], as many do, is done: not canceled, not estimated', async () => {
    for (let time = 0; time < 10; time++) {
      const body = prompt('tokens=30', { stream: true })
      const answer = await call(house.url, {
        key: key.secret,
        body,
        leaveWhen: (text) => text.includes('data: [DONE]'),
      })
      expect(answer.end).toBe('left')
    }
    for (const event of await settled(house, key.id, 10)) {
      expect(event).toMatchObject({ status: 'succeeded', is_estimated: false, output_tokens: 30 })
    }
  })

  it('on usage that tells of the beginning only pays for what came since as well', async () => {
    const body = prompt('chunk_delay=5 tokens=40 usage_every_chunk wrong_usage=zero', { stream: true })
    await call(house.url, { key: key.secret, body, leaveWhen: (text) => pieces(text) >= 10 })
    await left(1)
    expect((await only()).output_tokens).toBeGreaterThanOrEqual(10)
  })

  it('having sent more requests on the same connection leaves none of them open', async () => {
    const body = JSON.stringify(prompt('delay=60000'))
    const request = `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key.secret}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const socket = net.connect(Number(new URL(house.url).port), '127.0.0.1')
    socket.write(request.repeat(3))
    await soon(() => expect(house.sandbox.stats().requests).toBe(3))
    socket.destroy()
    await left(3)
    for (const event of await settled(house, key.id, 3))
      expect(event).toMatchObject({ status: 'canceled', output_tokens: 0 })
  })

  it('by talking nonsense in the middle of its answer pays for what was produced', async () => {
    const body = JSON.stringify(prompt('chunk_delay=5 tokens=400', { stream: true }))
    const request = `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key.secret}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const socket = net.connect(Number(new URL(house.url).port), '127.0.0.1')
    let text = ''
    socket.on('data', (part) => {
      if (text.length < 2_000 && text.length + part.length >= 2_000) socket.write('\0\0 nonsense\r\n\r\n')
      text += part.toString()
    })
    socket.write(request)
    await new Promise((resolve) => socket.once('close', resolve).on('error', () => {}))
    await left(1)
    const event = await only()
    expect(event).toMatchObject({ status: 'canceled', is_estimated: true })
    expect(event.output_tokens).toBeGreaterThan(1)
    expect(event.output_tokens).toBeLessThan(400)
    // Nothing is said in the middle of an answer that isn't part of it.
    expect(text.split('HTTP/1.1')).toHaveLength(2)
  })

  it('on its own half of the connection only is not left with money set aside', async () => {
    const body = JSON.stringify(prompt('tokens=10'))
    const request = `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key.secret}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const socket = net.connect({ port: Number(new URL(house.url).port), host: '127.0.0.1', allowHalfOpen: true })
    socket.resume().end(request)
    await new Promise((resolve) => socket.once('close', resolve).once('end', () => socket.destroy()))
    await soon(() => expect(house.sandbox.stats().open).toBe(0))
    await balanced(house)
  })
})

describe('fifty clients at once', () => {
  it('that hang up anywhere pay for what was produced for them, each once', async () => {
    const random = seeded(50)
    const plans = Array.from({ length: 50 }, () => ({ after: Math.floor(random() * 50), stream: random() < 0.8 }))
    const answers = await Promise.all(
      plans.map(async ({ after, stream }) => {
        const marker = stream ? 'chunk_delay=6 tokens=45' : 'delay=300 tokens=45'
        const body = prompt(marker, { stream })
        if (stream && after > 0) {
          return call(house.url, { key: key.secret, body, leaveWhen: (text) => pieces(text) >= after })
        }
        return call(house.url, { key: key.secret, body, signal: AbortSignal.timeout(after * 8) })
      }),
    )
    const whole = answers.filter((answer) => answer.end === 'clean').length
    expect(whole).toBeGreaterThan(0)
    expect(whole).toBeLessThan(50)
    await soon(() => expect(house.sandbox.stats().open).toBe(0))
    await balanced(house)

    const stats = house.sandbox.stats()
    const events = await eventsOf(house, key.id)
    const succeeded = events.filter((event) => event.status === 'succeeded')
    const canceled = events.filter((event) => event.status === 'canceled')
    expect(stats.completed + stats.aborted_by_peer).toBe(stats.requests)
    expect(succeeded.length + canceled.length).toBe(events.length)
    expect(succeeded.length).toBeGreaterThanOrEqual(whole)
    expect(new Set(events.map((event) => event.id)).size).toBe(events.length)
    // Those that left before anybody was asked cost nothing; everybody else pays the prompt at least.
    const paying = events.filter((event) => event.cost_nanos > 0n)
    expect(paying.length).toBeGreaterThanOrEqual(stats.requests)
    for (const event of paying) expect(event.cost_nanos).toBe(costAt(PRICE, event))
    for (const event of canceled) expect(event.output_tokens).toBeLessThanOrEqual(45)

    const seen = answers.reduce((sum, answer) => sum + pieces(answer.text), 0)
    const charged = events.filter((event) => event.is_streamed).reduce((sum, event) => sum + event.output_tokens, 0)
    expect(charged).toBeGreaterThanOrEqual(seen)
    const total = events.reduce((sum, event) => sum + event.output_tokens, 0)
    expect(total).toBeLessThanOrEqual(stats.output_tokens)
    expect(await spentOf(house, key.id)).toBe(events.reduce((sum, event) => sum + event.cost_nanos, 0n))
  })

  it('that leave as soon as they have asked leave nothing behind', async () => {
    const random = seeded(51)
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const leaving = new AbortController()
        const body = prompt('chunk_delay=20 tokens=100', { stream: random() < 0.5 })
        const answer = call(house.url, { key: key.secret, body, signal: leaving.signal })
        await sleep(random() * 25)
        leaving.abort()
        await answer
      }),
    )
    // Some are still on their way through the gateway when their clients are long gone.
    await soon(async () => {
      expect(house.sandbox.stats().open).toBe(0)
      const { requests } = house.sandbox.stats()
      const events = await eventsOf(house, key.id)
      for (const event of events) expect(event.status).toMatch(/canceled|succeeded/)
      expect(events.filter((event) => event.cost_nanos > 0n).length).toBeGreaterThanOrEqual(requests)
    })
    await balanced(house)
  })
})

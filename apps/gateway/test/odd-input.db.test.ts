import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { balanced, settled } from './books.ts'
import { buildHouse, type House } from './harness.ts'
import { call, errorOf } from './http.ts'

/** What is odd and yet good is served, and what the gateway takes it for is what the provider gets to see. */
let house: House
beforeAll(async () => {
  house = await buildHouse(inject('testCluster'), { output_tokens_max: 1_000 })
})
afterAll(async () => {
  await balanced(house)
  await house.close()
})
beforeEach(() => house.sandbox.reset())

const hello = '"messages":[{"role":"user","content":"Hello"}]'
const ask = (content: unknown, more: object = {}) => ({
  model: 'sandbox-small',
  messages: [{ role: 'user', content }],
  ...more,
})

/** Sends a body, and answers what it came to and what the provider was sent for it. */
async function send(body: string | object, budget_usd = '5') {
  const key = await house.scene.key({ budget_usd })
  const answer = await call(house.url, { key: key.secret, body })
  expect(answer.end).toBe('clean')
  const [event] = await settled(house, key.id, 1)
  if (event === undefined) throw new Error('no event')
  const seen = house.sandbox.lastRequest()?.body ?? ''
  return { answer, event, forwarded: JSON.parse(seen) as Record<string, unknown> }
}

async function serve(body: string | object, budget_usd?: string) {
  const served = await send(body, budget_usd)
  expect(served.answer.status, served.answer.text).toBe(200)
  expect(served.event).toMatchObject({ status: 'succeeded', is_estimated: false, excess_nanos: 0n })
  const { input_tokens, output_tokens } = house.sandbox.stats()
  expect(served.event).toMatchObject({ input_tokens, output_tokens })
  return served
}

describe('JSON', () => {
  it('whose keys come twice counts once, for the money and for the provider alike', async () => {
    const body = `{"model":"nobody","model":"sandbox-small","max_tokens":900,"max_tokens":7,"n":5,"n":1,${hello}}`
    const { forwarded, event } = await serve(body)
    expect(forwarded).toMatchObject({ model: 'sandbox-small', max_tokens: 7, n: 1 })
    // Which of two the provider would take is not left to it.
    const sent = house.sandbox.lastRequest()?.body ?? ''
    for (const name of ['model', 'max_tokens', 'n']) expect(sent.split(`"${name}":`), name).toHaveLength(2)
    expect(event).toMatchObject({ output_tokens: 7 })
  })

  it('cannot say one thing to us and another to the provider by way of prototypes', async () => {
    const body = `{"__proto__":{"max_completion_tokens":1,"stream":true},"constructor":{"prototype":{"n":1}},"model":"sandbox-small",${hello}}`
    const { event } = await serve(body)
    expect(event.hold_nanos).toBeGreaterThan(10_000n * 900n)
    expect(event.is_streamed).toBe(false)
  })

  it('with halves of surrogate pairs, NUL and other strange characters arrives as it was', async () => {
    const text = '\ud83d \udc00 \0 \u2028 \u202e \ufeff \ufffe 👩‍👩‍👧‍👦 <|endoftext|> </script> $x \\u0000 "'
    const { forwarded } = await serve(ask(text))
    expect(forwarded.messages).toEqual([{ role: 'user', content: text }])
  })

  it('keeps what the gateway does not know, and nulls', async () => {
    const more = { seed: 7, n: null, max_tokens: null, stream: null, unheard_of: { deep: [1, null, { x: 'y' }] } }
    const { forwarded } = await serve(ask('Hello', { ...more, metadata: { class: '4b' } }))
    expect(forwarded).toEqual(ask('Hello', { ...more, metadata: { class: '4b' } }))
  })

  it('with 150 levels is no deeper than it may be, nor with brackets in a text', async () => {
    const nested = JSON.parse('['.repeat(150) + ']'.repeat(150))
    await serve(ask('[{'.repeat(5_000), { unheard_of: nested, max_tokens: 5 }))
  })

  it('of a megabyte without a blank is counted and served in time', { timeout: 10_000 }, async () => {
    // Short of money, so that the tokens are counted and not only the bytes.
    await serve(ask('a'.repeat(1_000_000), { max_tokens: 20 }), '0.35')
  })
})

describe('the most an answer may be', () => {
  const long = '[[sandbox: output_tokens=20000]]'

  it('is what the model gives, however much is asked for', async () => {
    for (const name of ['max_tokens', 'max_completion_tokens']) {
      const { forwarded, event, answer } = await serve(ask(long, { [name]: 50_000 }))
      expect(forwarded[name]).toBe(1_000)
      expect(event.output_tokens).toBe(1_000)
      expect(answer.headers['x-stipend-output-tokens-max']).toBe('1000')
      house.sandbox.reset()
    }
  })

  it('is what is left of the money, by the name the client used', async () => {
    for (const name of ['max_tokens', 'max_completion_tokens']) {
      const { forwarded, event, answer } = await serve(ask(long, { [name]: 900 }), '0.002')
      expect(forwarded[name]).toBeLessThan(900)
      expect(Number(answer.headers['x-stipend-output-tokens-max'])).toBe(forwarded[name])
      expect(event.output_tokens).toBe(forwarded[name])
      house.sandbox.reset()
    }
  })

  it('is the larger of two limits, and both are lowered when money is short', async () => {
    const both = ask(long, { max_tokens: 900, max_completion_tokens: 2 })
    // This provider refuses both at once; others take the one they know.
    const { event, forwarded, answer } = await send(both)
    expect(answer.status).toBe(400)
    expect(errorOf(answer).code).toBe('invalid_parameter_combination')
    expect(forwarded).toMatchObject({ max_tokens: 900, max_completion_tokens: 2 })
    expect(event.hold_nanos).toBeGreaterThan(900n * 10_000n)

    const short = await send(ask(long, { max_tokens: 900, max_completion_tokens: 800 }), '0.002')
    expect(short.forwarded.max_tokens).toBeLessThan(200)
    expect(short.forwarded.max_completion_tokens).toBe(short.forwarded.max_tokens)
  })

  it('is set aside for each of several answers', async () => {
    const { event } = await serve(ask(long, { n: 4, max_tokens: 900 }))
    expect(event.output_tokens).toBe(3_600)
  })

  it('is shared by several answers when money is short', async () => {
    const { forwarded, event } = await serve(ask(long, { n: 4, max_tokens: 900 }), '0.004')
    expect(forwarded.max_tokens).toBeLessThan(100)
    expect(event.output_tokens).toBe(4 * Number(forwarded.max_tokens))
  })
})

describe('parts that are not text', () => {
  it('are paid for by what they may cost, not by the bytes of their address', async () => {
    const images = Array.from({ length: 200 }, () => ({ type: 'image_url', image_url: { url: 'x:' } }))
    const { event } = await serve(ask([{ type: 'text', text: 'What is this?' }, ...images], { max_tokens: 5 }))
    expect(event.input_tokens).toBeGreaterThan(200 * 85)
  })
})

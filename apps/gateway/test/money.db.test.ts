import * as core from '@stipend/core'
import { auditLedger } from '@stipend/core/spend'
import { costOf, formatUsd, modelPrice, usd } from '@stipend/money'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { buildHouse, type House } from './harness.ts'

const PRICE = modelPrice({ input: '2.50', cached_input: '1.25', output: '10' })
let house: House
beforeAll(async () => {
  house = await buildHouse(inject('testCluster'), { price: PRICE })
})
afterAll(() => house.close())

const ask = (text: string, more: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> = {}) => ({
  model: 'sandbox-small',
  messages: [{ role: 'user' as const, content: text }],
  ...more,
})

const spentOf = async (id: string) => usd((await house.scene.run(core.keys.get, { id })).budget.spent_usd)
const remainingOf = async (id: string) => usd((await house.scene.run(core.keys.get, { id })).budget.remaining_usd ?? '')
const eventsOf = async (key_id: string) => (await house.scene.run(core.usage.list, { key_id, limit: 200 })).data

async function sound(): Promise<void> {
  expect((await auditLedger(house.test.database)).violations).toEqual([])
}

const plainUsage = (usage: OpenAI.CompletionUsage) => ({
  input_tokens: usage.prompt_tokens,
  cached_input_tokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
  cache_write_tokens: 0,
  cache_write_1h_tokens: 0,
  output_tokens: usage.completion_tokens,
  reasoning_tokens: null,
})

describe('one request', () => {
  it('is answered, measured and charged to the nanodollar, streamed', async () => {
    house.sandbox.reset()
    const key = await house.scene.key({ budget_usd: '1' })
    const before = await house.scene.run(core.balance.get, {})
    const stream = await house.client(key.secret).chat.completions.create({
      ...ask('Tell me about streams.'),
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    let usage: OpenAI.CompletionUsage | null | undefined
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      usage = chunk.usage ?? usage
    }
    expect(text.length).toBeGreaterThan(40)
    if (usage === null || usage === undefined) throw new Error('no usage in the stream')

    const cost = costOf(plainUsage(usage), PRICE)
    expect(cost).toBeGreaterThan(0n)
    expect(await spentOf(key.id)).toBe(cost)
    const after = await house.scene.run(core.balance.get, {})
    expect(usd(before.available_usd) - usd(after.available_usd)).toBe(cost)
    const events = await eventsOf(key.id)
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({
      status: 'succeeded',
      is_streamed: true,
      is_estimated: false,
      input_tokens: usage.prompt_tokens,
      output_tokens: usage.completion_tokens,
      member_id: key.member_id,
      model: 'sandbox-small',
    })
    expect(usd(events[0]?.cost_usd ?? '')).toBe(cost)
    expect(house.sandbox.stats()).toMatchObject({
      requests: 1,
      input_tokens: usage.prompt_tokens,
      output_tokens: usage.completion_tokens,
    })
    await sound()
  })

  it('is charged the same when the answer comes whole', async () => {
    const key = await house.scene.key({ budget_usd: '1' })
    const { data, response } = await house.client(key.secret).chat.completions.create(ask('Hello')).withResponse()
    expect(data.choices[0]?.message.content).toBeTruthy()
    expect(response.headers.get('x-request-id')).toMatch(/^req_/)
    if (data.usage === undefined) throw new Error('no usage')
    expect(await spentOf(key.id)).toBe(costOf(plainUsage(data.usage), PRICE))
    expect((await eventsOf(key.id))[0]?.id).toBe(response.headers.get('x-request-id'))
  })

  it('hides the usage chunk from a client that did not ask for it, and charges by it all the same', async () => {
    const key = await house.scene.key({ budget_usd: '1' })
    const stream = await house.client(key.secret).chat.completions.create({ ...ask('Hello'), stream: true })
    for await (const chunk of stream) {
      expect(chunk.usage ?? null).toBeNull()
      expect(chunk.choices).not.toHaveLength(0)
    }
    const [event] = await eventsOf(key.id)
    expect(event).toMatchObject({ is_estimated: false, status: 'succeeded' })
    expect(await spentOf(key.id)).toBe(usd(event?.cost_usd ?? ''))
  })

  it('calls tools through, with n answers, unchanged', async () => {
    const key = await house.scene.key({ budget_usd: '1' })
    const answer = await house.client(key.secret).chat.completions.create({
      ...ask('Create hello.txt'),
      tools: [
        {
          type: 'function',
          function: {
            name: 'write_file',
            parameters: {
              type: 'object',
              properties: { path: { type: 'string' }, content: { type: 'string' } },
              required: ['path', 'content'],
            },
          },
        },
      ],
    })
    expect(answer.choices[0]?.message.tool_calls?.[0]).toMatchObject({
      type: 'function',
      function: { name: 'write_file' },
    })
    const two = await house.client(key.secret).chat.completions.create(ask('Hello', { n: 2, max_tokens: 20 }))
    expect(two.choices).toHaveLength(2)
    await sound()
  })
})

/** As many at once as asked, each told apart by what became of it. */
async function burst(secret: string, count: number, stream: boolean) {
  const client = house.client(secret)
  const outcomes = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      try {
        if (!stream) {
          await client.chat.completions.create(ask(`Question ${i % 10}`, { max_tokens: 40 }))
          return 'answered'
        }
        const chunks = await client.chat.completions.create({
          ...ask(`Question ${i % 10}`, { max_tokens: 40 }),
          stream: true,
        })
        let finish: string | null = null
        for await (const chunk of chunks) finish = chunk.choices[0]?.finish_reason ?? finish
        return finish === null ? 'cut short' : 'answered'
      } catch (error) {
        if (error instanceof OpenAI.APIError && error.status === 402) return 'refused'
        throw error
      }
    }),
  )
  return { answered: outcomes.filter((one) => one === 'answered').length, outcomes: new Set(outcomes) }
}

describe('two hundred at once on a key with money for seven', () => {
  for (const stream of [false, true]) {
    it(`spends never more than the budget, and then all of it, ${stream ? 'streamed' : 'whole'}`, {
      timeout: 240_000,
    }, async () => {
      const probe = await house.scene.key({ budget_usd: '1' })
      await house.client(probe.secret).chat.completions.create(ask('Question 1', { max_tokens: 40 }))
      const price = await spentOf(probe.id)

      for (let round = 0; round < 10; round++) {
        house.sandbox.reset()
        const key = await house.scene.key({ budget_usd: formatUsd(price * 7n) })
        const { answered, outcomes } = await burst(key.secret, 200, stream)
        expect([...outcomes].sort()).toEqual(['answered', 'refused'])
        expect(answered).toBeGreaterThan(0)
        expect(answered).toBeLessThanOrEqual(7)
        expect(house.sandbox.stats().requests).toBe(answered)
        expect(await spentOf(key.id)).toBe(price * BigInt(answered))

        let more = 0
        for (;;) {
          const { answered: one } = await burst(key.secret, 1, stream)
          if (one === 0) break
          more++
        }
        expect(await remainingOf(key.id)).toBeLessThan(price)
        const stats = house.sandbox.stats()
        expect(stats.requests).toBe(answered + more)
        const events = await eventsOf(key.id)
        expect(events).toHaveLength(answered + more)
        expect(events.reduce((sum, event) => sum + event.input_tokens, 0)).toBe(stats.input_tokens)
        expect(events.reduce((sum, event) => sum + event.output_tokens, 0)).toBe(stats.output_tokens)
      }
      await sound()
    })
  }
})

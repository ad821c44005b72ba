import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type SandboxProvider, startSandboxProvider } from '../index.ts'

let provider: SandboxProvider
let client: OpenAI

beforeAll(async () => {
  provider = await startSandboxProvider({ credential: 'sk-sandbox-of-these-tests' })
  client = new OpenAI({ baseURL: `${provider.url}/v1`, apiKey: 'sk-sandbox-of-these-tests', maxRetries: 0 })
})
afterAll(() => provider.close())
beforeEach(() => provider.reset())

describe('completions', () => {
  it('go on for sixteen tokens, or as many as asked', async () => {
    const answer = await client.completions.create({ model: 'sandbox-small', prompt: 'Once upon a time' })
    expect(answer).toMatchObject({
      object: 'text_completion',
      choices: [{ index: 0, finish_reason: 'length', logprobs: null }],
      usage: { prompt_tokens: countTokens('Once upon a time'), completion_tokens: 16 },
    })
    expect(answer.id).toMatch(/^cmpl-/)
    const several = await client.completions.create({
      model: 'sandbox-small',
      prompt: ['One', [1, 2, 3]].map(String),
      n: 2,
      max_tokens: 5,
    })
    expect(several.choices).toHaveLength(4)
    expect(several.usage?.completion_tokens).toBe(20)
    const tokens = await client.completions.create({ model: 'sandbox-small', prompt: [[1, 2, 3], [4]], max_tokens: 5 })
    expect(tokens.usage?.prompt_tokens).toBe(4)
  })

  it('are streamed, with usage last where it is asked for', async () => {
    const asked = { model: 'sandbox-small', prompt: 'Once upon a time', max_tokens: 9, stream: true as const }
    const chunks = []
    for await (const chunk of await client.completions.create({ ...asked, stream_options: { include_usage: true } })) {
      chunks.push(chunk)
    }
    const whole = await client.completions.create({ ...asked, stream: false })
    expect(chunks.map((chunk) => chunk.choices[0]?.text ?? '').join('')).toBe(whole.choices[0]?.text)
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage })
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('length')
    let plain = 0
    for await (const chunk of await client.completions.create(asked)) plain += chunk.usage === undefined ? 1 : 0
    expect(plain).toBe(10)
  })

  it('refuse what the API refuses', async () => {
    const ask = (params: object) => client.completions.create({ model: 'sandbox-small', prompt: 'x', ...params })
    await expect(ask({ prompt: null })).rejects.toMatchObject({ status: 400, param: 'prompt' })
    await expect(ask({ prompt: [] })).rejects.toMatchObject({ status: 400, param: 'prompt' })
    await expect(ask({ model: 'sandbox-embedding' })).rejects.toMatchObject({ status: 404, param: 'model' })
  })
})

describe('embeddings', () => {
  const embed = (params: Partial<OpenAI.EmbeddingCreateParams>) =>
    client.embeddings.create({ model: 'sandbox-embedding', input: 'Hello', ...params })

  it('are the same for the same text, of length 1, and count the input only', async () => {
    const { data, usage } = await embed({ input: ['Hello', 'Goodbye', 'Hello'], encoding_format: 'float' })
    expect(data.map((one) => [one.index, one.embedding.length])).toEqual([
      [0, 1_536],
      [1, 1_536],
      [2, 1_536],
    ])
    expect(data[0]?.embedding).toEqual(data[2]?.embedding)
    expect(data[0]?.embedding).not.toEqual(data[1]?.embedding)
    expect(Math.hypot(...(data[0]?.embedding ?? []))).toBeCloseTo(1, 5)
    const tokens = 2 * countTokens('Hello') + countTokens('Goodbye')
    expect(usage).toEqual({ prompt_tokens: tokens, total_tokens: tokens })
    expect(provider.stats()).toMatchObject({
      completed: 1,
      input_tokens: tokens,
      output_tokens: 0,
      reported_input_tokens: tokens,
    })
  })

  it('are the same in base64, which the official client asks for by itself', async () => {
    const floats = await embed({ encoding_format: 'float', dimensions: 8 })
    const decoded = await embed({ dimensions: 8 })
    expect(provider.lastRequest()?.body).toContain('base64')
    expect(decoded.data[0]?.embedding).toEqual(floats.data[0]?.embedding)
  })

  it('refuse what the API refuses', async () => {
    await expect(embed({ input: '' })).rejects.toMatchObject({ status: 400, param: 'input' })
    await expect(embed({ dimensions: 5_000 })).rejects.toMatchObject({ status: 400, param: 'dimensions' })
    await expect(embed({ model: 'sandbox-small' })).rejects.toMatchObject({ status: 404, param: 'model' })
  })
})

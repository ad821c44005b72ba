import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { type ModelPrice, modelPrice } from '@stipend/money'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { catalogueEntry } from './catalogue.ts'
import { picos, readPriceList } from './public-formats.ts'

const FOLDER = path.join(
  process.env.STIPEND_FIXTURES ?? path.join(import.meta.dirname, '../../../../../shared/fixtures'),
  'prices',
)
const isThere = existsSync(FOLDER)
if (!isThere) console.log('prices: the public lists are not here; tested on a few entries of each only')

const find = (document: unknown, provider: string, name: string) =>
  readPriceList(document)?.models.find((one) => one.provider === provider && one.name === name)

describe('a number of dollars', () => {
  it.each<[number, number, bigint]>([
    [2.5e-6, 0, 2_500_000n],
    [1.3e-7, 0, 130_000n],
    [7.499999999999999e-7, 0, 750_000n],
    [1e-12, 0, 1n],
    [0, 0, 0n],
    [2.5, 6, 2_500_000n],
    [0.000001, 6, 1n],
    [1, 0, 1_000_000_000_000n],
  ])('%d per 10^%d tokens', (dollars, exponent, expected) => {
    expect(picos(dollars, exponent)).toBe(expected)
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2, '1', null, undefined])('%s is no price', (dollars) => {
    expect(picos(dollars)).toBeNull()
  })

  it('is the decimal that was written, whatever a double makes of it', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 9n), (picodollars) => {
        expect(picos(JSON.parse(`${picodollars}e-12`))).toBe(picodollars)
        expect(picos(JSON.parse(`${picodollars}e-6`), 6)).toBe(picodollars)
      }),
    )
  })
})

const LITELLM = {
  sample_spec: { litellm_provider: 'one of …', mode: 'chat' },
  'claude-x': {
    litellm_provider: 'anthropic',
    mode: 'chat',
    max_input_tokens: 200_000,
    max_output_tokens: 64_000,
    input_cost_per_token: 3e-6,
    output_cost_per_token: 1.5e-5,
    cache_read_input_token_cost: 3e-7,
    cache_creation_input_token_cost: 3.75e-6,
    cache_creation_input_token_cost_above_1hr: 6e-6,
    input_cost_per_token_above_200k_tokens: 6e-6,
    output_cost_per_token_above_200k_tokens: 2.25e-5,
    input_cost_per_token_batches: 1e-9,
  },
  'dashscope/qwen': {
    litellm_provider: 'dashscope',
    mode: 'chat',
    tiered_pricing: [
      { input_cost_per_token: 2e-6, output_cost_per_token: 8e-6, range: [32_000, 128_000] },
      { input_cost_per_token: 1e-6, output_cost_per_token: 4e-6, range: [0, 32_000] },
    ],
  },
  thinker: {
    litellm_provider: 'x',
    mode: 'responses',
    input_cost_per_token: 1e-6,
    output_cost_per_token: 2e-6,
    output_cost_per_reasoning_token: 3e-6,
  },
  painter: { litellm_provider: 'x', mode: 'image_generation', input_cost_per_token: 1e-6 },
  unpriced: { litellm_provider: 'x', mode: 'chat' },
}

describe('LiteLLM’s list', () => {
  it('has kinds of tokens and tiers', () => {
    expect(find(LITELLM, 'anthropic', 'claude-x')).toMatchObject({
      context_tokens_max: 200_000,
      output_tokens_max: 64_000,
      price: modelPrice({
        input: '3',
        cached_input: '0.30',
        cache_write: '3.75',
        cache_write_1h: '6',
        output: '15',
        tiers: [{ above_input_tokens: 200_000, input: '6', output: '22.50' }],
      }),
    })
    expect(find(LITELLM, 'dashscope', 'qwen')?.price).toEqual(
      modelPrice({ input: '1', output: '4', tiers: [{ above_input_tokens: 32_000, input: '2', output: '8' }] }),
    )
  })

  it('charges reasoning at the dearer price, leaves out what is no text, and has models without a price', () => {
    expect(find(LITELLM, 'x', 'thinker')).toMatchObject({ dialects: ['responses'], price: { output: 3_000_000n } })
    expect(find(LITELLM, 'x', 'painter')).toBeUndefined()
    expect(find(LITELLM, 'x', 'unpriced')).toMatchObject({ price: null })
    expect(readPriceList(LITELLM)?.models).toHaveLength(4)
  })
})

const GOOGLE = {
  models: {
    'gemini-x': {
      limit: { context: 1_048_576, output: 65_536 },
      cost: {
        input: 1.25,
        output: 10,
        cache_read: 0.125,
        tiers: [{ tier: { size: 200_000 }, input: 2.5, output: 15, cache_read: 0.25 }],
      },
    },
    'gemini-old': { status: 'deprecated', cost: { input: 1, output: 1 } },
    'gemini-embedding': {},
  },
}
const MODELS_DEV = { google: GOOGLE }

describe('models.dev', () => {
  it.each([MODELS_DEV, { providers: MODELS_DEV }])('has kinds of tokens and tiers', (document) => {
    expect(readPriceList(document)?.format).toBe('models.dev')
    expect(find(document, 'google', 'gemini-x')).toEqual({
      provider: 'google',
      name: 'gemini-x',
      price: modelPrice({
        input: '1.25',
        cached_input: '0.125',
        output: '10',
        tiers: [{ above_input_tokens: 200_000, input: '2.50', cached_input: '0.25', output: '15' }],
      }),
      context_tokens_max: 1_048_576,
      output_tokens_max: 65_536,
      dialects: ['chat'],
      is_deprecated: false,
    })
    expect(find(document, 'google', 'gemini-old')?.is_deprecated).toBe(true)
    expect(find(document, 'google', 'gemini-embedding')).toMatchObject({ price: null, dialects: ['embeddings'] })
  })
})

it.each([null, [], 'x', 7, {}, { a: 1 }, { a: { models: 3 } }, { a: { litellm_provider: 4 } }])(
  '%j is neither',
  (document) => {
    expect(readPriceList(document)).toBeUndefined()
  },
)

it('nothing that JSON can hold breaks the reading', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (value, other) => {
      readPriceList(value)
      readPriceList({
        a: { litellm_provider: 'x', mode: 'chat', input_cost_per_token: value, tiered_pricing: [other] },
      })
      readPriceList({ a: { models: { b: { cost: value, limit: other } } } })
    }),
  )
})

describe('the public lists', () => {
  const read = (file: string): unknown =>
    isThere
      ? JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8'))
      : file.startsWith('litellm')
        ? LITELLM
        : MODELS_DEV
  const check = (price: ModelPrice) => {
    for (const rate of [price.input, price.output, price.cached_input ?? 0n, price.cache_write ?? 0n]) {
      expect(rate >= 0n && rate <= 10n ** 12n).toBe(true)
    }
    const thresholds = price.tiers.map((tier) => tier.above_input_tokens)
    expect(thresholds).toEqual([...new Set(thresholds)].sort((a, b) => a - b))
  }

  it.each([
    ['litellm-model-prices.json', 'litellm', isThere ? 2_400 : 4, 300],
    ['models-dev.json', 'models.dev', isThere ? 539 : 3, 19],
  ])('%s is read whole', (file, format, least, unpricedMost) => {
    const list = readPriceList(read(file))
    expect(list?.format).toBe(format)
    expect(list?.models.length).toBeGreaterThanOrEqual(least)
    const unpriced = list?.models.filter((one) => one.price === null).length ?? 0
    expect(unpriced).toBeLessThanOrEqual(unpricedMost)
    for (const { price } of list?.models ?? []) if (price !== null) check(price)
  })
})

describe('the catalogue', () => {
  it('has models of each known provider at prices above zero', () => {
    for (const [kind, name] of [
      ['openai', 'gpt-5.4'],
      ['openai', 'text-embedding-3-small'],
      ['anthropic', 'claude-sonnet-4-5'],
      ['google', 'gemini-2.5-pro'],
      ['groq', 'openai/gpt-oss-120b'],
      ['deepseek', 'deepseek-chat'],
    ] as const) {
      expect(catalogueEntry(kind, name)?.price.input, name).toBeGreaterThan(0n)
    }
    expect(catalogueEntry('anthropic', 'claude-sonnet-4-5')).toMatchObject({
      dialects: ['messages'],
      price: { cache_write: 3_750_000n, cache_write_1h: 6_000_000n, tiers: [{ above_input_tokens: 200_000 }] },
    })
    expect(catalogueEntry('openai', '__proto__')).toBeUndefined()
    expect(catalogueEntry('vllm', 'x')).toBeUndefined()
  })
})

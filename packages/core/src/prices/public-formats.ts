import { type ModelPrice, PICODOLLARS_PER_TOKEN_MAX, type PriceTier, type TokenPrices } from '@stipend/money'
import { DIALECTS, type Dialect } from '../providers/kinds.ts'

/** The two formats in which prices of many providers are published, each a file of JSON. */
export type Format = 'litellm' | 'models.dev'

/** A model as such a file has it. */
export type ListedPrice = {
  /** The file's own word for its provider: `openai`, `gemini`. */
  provider: string
  /** As the provider names it. */
  name: string
  /** Null where the file has no price for it that can be charged. Zero where it says so. */
  price: ModelPrice | null
  context_tokens_max: number | null
  output_tokens_max: number | null
  dialects: Dialect[]
  is_deprecated: boolean
}

/** Which of the formats a document is in, and what it lists; undefined if it is in neither. */
export function readPriceList(document: unknown): { format: Format; models: ListedPrice[] } | undefined {
  if (!isObject(document)) return undefined
  const inModelsDev = isObject(document.providers) ? document.providers : document
  const providers = Object.entries(inModelsDev).filter(([, one]) => isObject(one) && isObject(one.models))
  if (providers.length > 0) {
    const models = providers.flatMap(([id, provider]) => readModelsDev(id, provider as JsonObject))
    return { format: 'models.dev', models }
  }
  const entries = Object.entries(document).filter(
    ([name, entry]) => name !== 'sample_spec' && isObject(entry) && typeof entry.litellm_provider === 'string',
  )
  if (entries.length === 0) return undefined
  return { format: 'litellm', models: entries.flatMap(([name, entry]) => readLiteLlm(name, entry as JsonObject)) }
}

type JsonObject = Record<string, unknown>

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

// --- LiteLLM: US dollars per token, one flat object for each model ------------------------------------------------------

const LITELLM_MODES: Record<string, Dialect[]> = {
  chat: ['chat'],
  responses: ['responses'],
  completion: ['completions'],
  embedding: ['embeddings'],
}
const LITELLM_ENDPOINTS: Record<string, Dialect> = {
  '/v1/chat/completions': 'chat',
  '/v1/responses': 'responses',
  '/v1/completions': 'completions',
  '/v1/embeddings': 'embeddings',
  '/v1/messages': 'messages',
}
const LITELLM_KINDS = {
  input: 'input_cost_per_token',
  cached_input: 'cache_read_input_token_cost',
  cache_write: 'cache_creation_input_token_cost',
  cache_write_1h: 'cache_creation_input_token_cost_above_1hr',
  output: 'output_cost_per_token',
} as const satisfies Record<keyof TokenPrices, string>

function readLiteLlm(fullName: string, entry: JsonObject): ListedPrice[] {
  const provider = String(entry.litellm_provider)
  const usual = LITELLM_MODES[String(entry.mode)]
  if (usual === undefined) return []
  const name = fullName.startsWith(`${provider}/`) ? fullName.slice(provider.length + 1) : fullName
  const endpoints = Array.isArray(entry.supported_endpoints) ? entry.supported_endpoints : []
  const spoken = endpoints.flatMap((path) => LITELLM_ENDPOINTS[String(path)] ?? [])
  const { deprecation_date } = entry
  return [
    {
      provider,
      name,
      price: liteLlmPrice(entry),
      context_tokens_max: count(entry.max_input_tokens) ?? count(entry.max_tokens),
      output_tokens_max: count(entry.max_output_tokens) ?? count(entry.max_tokens),
      dialects: inOrder([...usual, ...spoken]),
      is_deprecated: typeof deprecation_date === 'string' && /^\d{4}-/.test(deprecation_date),
    },
  ]
}

function liteLlmPrice(entry: JsonObject): ModelPrice | null {
  const stepped = liteLlmSteps(entry.tiered_pricing)
  if (stepped !== null) return stepped
  const rates = (suffix: string) =>
    pricesOf((kind) => picos(entry[`${LITELLM_KINDS[kind]}${suffix}`]), picos(entry.output_cost_per_reasoning_token))
  const base = rates('')
  if (base === null) return null
  const thresholds = Object.keys(entry).flatMap((key) => {
    const size = /^input_cost_per_token_above_(\d+)k_tokens$/.exec(key)?.[1]
    return size === undefined ? [] : [Number(size)]
  })
  return withTiers(base, thresholds, (size) => rates(`_above_${size}k_tokens`), 1_000)
}

/** `tiered_pricing`: a list of ranges of input tokens, each with its prices. */
function liteLlmSteps(steps: unknown): ModelPrice | null {
  if (!Array.isArray(steps)) return null
  const read = steps.filter(isObject).flatMap((step) => {
    const from = Array.isArray(step.range) ? step.range[0] : undefined
    const prices = pricesOf((kind) => picos(step[LITELLM_KINDS[kind]]), picos(step.output_cost_per_reasoning_token))
    return typeof from === 'number' && prices !== null ? [{ from, prices }] : []
  })
  const first = read.find(({ from }) => from === 0)
  if (first === undefined) return null
  const above = new Map(read.map(({ from, prices }) => [from, prices]))
  const thresholds = [...above.keys()].filter((from) => from > 0)
  return withTiers(first.prices, thresholds, (from) => above.get(from) ?? null, 1)
}

// --- models.dev: US dollars per million tokens, providers with their models ----------------------------------------------

const MODELS_DEV_KINDS: Record<keyof TokenPrices, readonly string[]> = {
  input: ['input'],
  cached_input: ['cache_read', 'cached_input'],
  cache_write: ['cache_write'],
  cache_write_1h: [],
  output: ['output'],
}

function readModelsDev(provider: string, { models }: JsonObject): ListedPrice[] {
  return Object.entries(isObject(models) ? models : {}).flatMap(([id, model]) => {
    if (!isObject(model)) return []
    const limit = isObject(model.limit) ? model.limit : {}
    const isEmbedding = /embed/.test(id)
    return [
      {
        provider,
        name: id,
        price: modelsDevPrice(model.cost),
        context_tokens_max: count(limit.context),
        output_tokens_max: count(limit.output),
        dialects: [isEmbedding ? 'embeddings' : 'chat'],
        is_deprecated: model.status === 'deprecated',
      },
    ]
  })
}

function modelsDevPrice(cost: unknown): ModelPrice | null {
  if (!isObject(cost)) return null
  const rates = (part: JsonObject) =>
    pricesOf(
      (kind) => {
        const [found] = MODELS_DEV_KINDS[kind].flatMap((name) => picos(part[name], 6) ?? [])
        return found ?? null
      },
      picos(part.reasoning, 6),
    )
  const base = rates(cost)
  if (base === null) return null
  const tiers = new Map(
    (Array.isArray(cost.tiers) ? cost.tiers : []).filter(isObject).flatMap((part) => {
      const size = isObject(part.tier) ? part.tier.size : undefined
      return typeof size === 'number' ? [[size, rates(part)] as const] : []
    }),
  )
  return withTiers(base, [...tiers.keys()], (size) => tiers.get(size) ?? null, 1)
}

// --- both ---------------------------------------------------------------------------------------------------------------

/** Null without a price for input or output. Reasoning is charged as output, so at the dearer of the two. */
function pricesOf(rate: (kind: keyof TokenPrices) => bigint | null, reasoning: bigint | null): TokenPrices | null {
  const input = rate('input')
  const output = rate('output')
  if (input === null || output === null) return null
  return {
    input,
    cached_input: rate('cached_input'),
    cache_write: rate('cache_write'),
    cache_write_1h: rate('cache_write_1h'),
    output: reasoning !== null && reasoning > output ? reasoning : output,
  }
}

function withTiers(
  base: TokenPrices,
  thresholds: readonly number[],
  at: (threshold: number) => TokenPrices | null,
  unit: number,
): ModelPrice {
  const tiers = [...thresholds]
    .sort((a, b) => a - b)
    .flatMap((threshold): PriceTier[] => {
      const prices = at(threshold)
      return prices === null ? [] : [{ above_input_tokens: threshold * unit, ...prices }]
    })
  return { ...base, tiers }
}

/**
 * A number of US dollars per token, or per `10 ** millions` tokens, in picodollars per token. The decimal that was written is
 * taken, not the double it became; what is finer than a picodollar is rounded to the nearest.
 */
export function picos(dollars: unknown, perTokensExponent = 0): bigint | null {
  if (typeof dollars !== 'number' || !Number.isFinite(dollars) || dollars < 0) return null
  const match = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(dollars))
  if (match === null) return null
  const [, whole = '', fraction = '', exponent = '0'] = match
  const digits = BigInt(whole + fraction)
  const shift = 12 - perTokensExponent + Number(exponent) - fraction.length
  if (shift > 30) return null
  const scaled = shift >= 0 ? digits * 10n ** BigInt(shift) : rounded(digits, 10n ** BigInt(-shift))
  return scaled <= PICODOLLARS_PER_TOKEN_MAX ? scaled : null
}

const rounded = (a: bigint, b: bigint) => (a + b / 2n) / b

function count(value: unknown): number | null {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 2 ** 31 ? (value as number) : null
}

const inOrder = (dialects: readonly Dialect[]) => DIALECTS.filter((one) => dialects.includes(one))

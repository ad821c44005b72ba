import type { PricedModel } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import { fullPrice } from '@stipend/money'
import type { Gateway, Handled, Http } from './gateway.ts'
import { sendJson } from './send.ts'

/** The models this key may use at this moment, each once. A spent budget doesn't close the list: tools ask for it before anything else. */
export async function listModels(gateway: Gateway, http: Http): Promise<Handled> {
  const { key_id, models } = await usable(gateway, http)
  if (http.family === 'openai') sendJson(http, 200, { object: 'list', data: models.map(asOpenAI) })
  else sendJson(http, 200, pageOf(models, new URLSearchParams(http.request.url?.split('?')[1])))
  return { status: 200, code: null, key_id }
}

/** One of them, by any of its names. */
export async function getModel(gateway: Gateway, http: Http, name: string): Promise<Handled> {
  const { key_id, models } = await usable(gateway, http)
  const model = models.find((one) => namesOf(one).includes(name))
  if (model === undefined) {
    const words = `There is no model "${name.slice(0, 100)}" on this key. GET /v1/models lists those you can use.`
    throw new DomainError('model_not_found', words, { param: 'model' })
  }
  const shown = { ...model, name }
  sendJson(http, 200, http.family === 'openai' ? asOpenAI(shown) : asAnthropic(shown))
  return { status: 200, code: null, key_id }
}

function namesOf({ name, aliases, provider }: PricedModel): string[] {
  const short = [name, ...aliases]
  return short.flatMap((one) => [one, `${provider.name}/${one}`, `${provider.owner}:${provider.name}/${one}`])
}

async function usable(gateway: Gateway, http: Http): Promise<{ key_id: string; models: PricedModel[] }> {
  const purse = gateway.door.find(http)
  try {
    const facts = await gateway.door.check(http, purse)
    const models = await gateway.rules.visible(facts, await gateway.catalogue.usable(facts))
    // Of several with one name the one that is asked first.
    const byName = new Map(models.toReversed().map((model) => [model.name, model]))
    return { key_id: facts.key_id, models: models.filter((model) => byName.get(model.name) === model) }
  } catch (error) {
    gateway.door.noteError(http, purse, error)
    throw error
  }
}

/** OpenAI's four fields, and what tools that choose by context and price read beside them. */
function asOpenAI(model: PricedModel) {
  const { input, cached_input, cache_write, output } = fullPrice(model.price)
  return {
    id: model.name,
    object: 'model',
    created: Math.floor(Date.parse(model.created_at) / 1000),
    owned_by: model.provider.name,
    aliases: model.aliases,
    context_length: model.context_tokens_max,
    max_output_tokens: model.output_tokens_max,
    endpoints: model.dialects,
    /** US dollars per token. */
    pricing: {
      prompt: usdPerToken(input),
      completion: usdPerToken(output),
      input_cache_read: usdPerToken(cached_input),
      input_cache_write: usdPerToken(cache_write),
    },
  }
}

/** A picodollar is a millionth of what a million tokens cost. */
function usdPerToken(picos: bigint): string {
  const digits = picos.toString().padStart(13, '0')
  return `${digits.slice(0, -12)}.${digits.slice(-12)}`.replace(/\.?0+$/, '')
}

function asAnthropic(model: PricedModel) {
  return {
    type: 'model',
    id: model.name,
    display_name: model.name,
    created_at: new Date(model.created_at).toISOString(),
    max_input_tokens: model.context_tokens_max,
    max_tokens: model.output_tokens_max,
  }
}

const PAGE_MAX = 1_000

/** Anthropic's page of those that speak Messages: from after one model, or up to before one. */
function pageOf(models: readonly PricedModel[], query: URLSearchParams) {
  const all = models.filter((model) => model.dialects.includes('messages'))
  const place = (name: string | null) => all.findIndex((model) => model.name === name)
  const asked = Number(query.get('limit') ?? 20)
  const limit = Number.isInteger(asked) && asked > 0 ? Math.min(asked, PAGE_MAX) : 20
  const before = place(query.get('before_id'))
  const from = before === -1 ? place(query.get('after_id')) + 1 : Math.max(0, before - limit)
  const page = all.slice(from, before === -1 ? from + limit : before)
  return {
    data: page.map(asAnthropic),
    has_more: before === -1 ? from + limit < all.length : from > 0,
    first_id: page[0]?.name ?? null,
    last_id: page.at(-1)?.name ?? null,
  }
}

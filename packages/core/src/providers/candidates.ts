import { DomainError } from '../errors.ts'
import type { KeyFacts } from '../spend/draw.ts'
import type { PricedModel, ServedModel } from './catalogue.ts'
import type { Dialect } from './kinds.ts'

/** What a key says about the models it may use. */
export type ModelTerms = Pick<KeyFacts, 'provider_id' | 'allowed_models' | 'group_ids'>

/** A tenant's models, and each name a request may use with the models it may mean. */
export type Catalogue = {
  models: readonly ServedModel[]
  byName: ReadonlyMap<string, readonly Meaning[]>
}
/** How precisely the name says which model is meant: 0 with its owner, 1 with its provider, 2 its name, 3 an alias. */
type Meaning = { model: ServedModel; rank: number }

export type Candidates = { ok: true; models: [PricedModel, ...PricedModel[]] } | { ok: false; error: DomainError }

type Named = Pick<ServedModel, 'name' | 'aliases'> & { provider: { owner: string; name: string } }

/** All names of a model, the most precise first. */
export function namesOf(model: Named): { name: string; rank: number }[] {
  const { provider } = model
  const words = [model.name, ...model.aliases]
  return [
    ...words.map((word) => ({ name: `${provider.owner}:${provider.name}/${word}`, rank: 0 })),
    ...words.map((word) => ({ name: `${provider.name}/${word}`, rank: 1 })),
    ...words.map((word, nth) => ({ name: word, rank: nth === 0 ? 2 : 3 })),
  ]
}

export function catalogueOf(models: readonly ServedModel[]): Catalogue {
  const byName = new Map<string, Meaning[]>()
  for (const model of models) {
    for (const { name, rank } of namesOf(model)) {
      const meanings = byName.get(name)
      if (meanings === undefined) byName.set(name, [{ model, rank }])
      else meanings.push({ model, rank })
    }
  }
  return { models, byName }
}

/**
 * The models a request of this key may go to, in the order to try them, or why there is none. Of several models that a name may
 * mean, those it names most precisely; of these by priority, and among equals by chance, as their weights say.
 */
export function candidates(
  catalogue: Catalogue,
  key: ModelTerms,
  asked: { name: string; dialect: Dialect },
  random: () => number,
): Candidates {
  const shown = asked.name.slice(0, 100)
  // What isn't shared with somebody doesn't exist for them.
  const meant = (catalogue.byName.get(asked.name) ?? []).filter(({ model }) => isShared(model, key))
  const allowed = meant.filter(({ model }) => mayUse(model, key))
  if (allowed.length === 0) return refused(meant.length > 0 ? notAllowed(catalogue, key, shown) : unknown(shown))

  const speaking = allowed.filter(({ model }) => model.dialects.includes(asked.dialect))
  if (speaking.length === 0) return refused(notSpoken(catalogue, key, shown, asked.dialect))

  const priced = speaking.flatMap(({ model, rank }) => (isPriced(model) ? [{ model, rank }] : []))
  const rank = Math.min(...priced.map((one) => one.rank))
  const [first, ...rest] = inOrder(
    priced.filter((one) => one.rank === rank).map((one) => one.model),
    random,
  )
  return first === undefined ? refused(notPriced(shown)) : { ok: true, models: [first, ...rest] }
}

/** The models a key may use, priced and shared with its member, by name and in the order they would be tried. */
export function usableModels(catalogue: Catalogue, key: ModelTerms): PricedModel[] {
  return catalogue.models
    .filter(isPriced)
    .filter((model) => isShared(model, key) && mayUse(model, key))
    .sort(
      (a, b) =>
        compare(a.name, b.name) ||
        a.provider.priority - b.provider.priority ||
        compare(a.created_at + a.id, b.created_at + b.id),
    )
}

function isShared({ shared_with }: ServedModel, { group_ids }: ModelTerms): boolean {
  return shared_with === null || shared_with.some((id) => group_ids.includes(id))
}

function mayUse(model: ServedModel, { provider_id, allowed_models }: ModelTerms): boolean {
  if (provider_id !== null && model.provider.id !== provider_id) return false
  return allowed_models === null || namesOf(model).some(({ name }) => allowed_models.includes(name))
}

function isPriced(model: ServedModel): model is PricedModel {
  return model.price !== null && model.price_id !== null
}

/** By priority; among equals the next is drawn each time, with chances in the ratio of the weights. */
function inOrder(models: PricedModel[], random: () => number): PricedModel[] {
  if (models.length < 2) return models
  const left = [...models]
  const ordered: PricedModel[] = []
  while (left.length > 0) {
    const priority = Math.min(...left.map((model) => model.provider.priority))
    const equals = left.filter((model) => model.provider.priority === priority)
    let point = random() * equals.reduce((sum, model) => sum + model.provider.weight, 0)
    const drawn = equals.find((model) => {
      point -= model.provider.weight
      return point < 0
    })
    const next = drawn ?? equals.at(-1)
    if (next === undefined) break
    ordered.push(next)
    left.splice(left.indexOf(next), 1)
  }
  return ordered
}

const refused = (error: DomainError): Candidates => ({ ok: false, error })

function unknown(name: string): DomainError {
  const words = `There is no model "${name}" on this key. GET /v1/models lists those you can use.`
  return new DomainError('model_not_found', words, { param: 'model' })
}

function notAllowed(catalogue: Catalogue, key: ModelTerms, name: string): DomainError {
  const words = `This API key may not use the model "${name}". ${worksWith(usableModels(catalogue, key))}`
  return new DomainError('model_not_allowed', words, { param: 'model' })
}

function notSpoken(catalogue: Catalogue, key: ModelTerms, name: string, dialect: Dialect): DomainError {
  const others = usableModels(catalogue, key).filter((model) => model.dialects.includes(dialect))
  const words = `The model "${name}" can’t be asked at ${ENDPOINTS[dialect]}. ${worksWith(others)}`
  return new DomainError('invalid_request', words, { param: 'model' })
}

function notPriced(name: string): DomainError {
  const words = `The model "${name}" has no price yet, so it can’t be charged. Ask your administrator to set one, or use another model.`
  return new DomainError('model_not_priced', words, { param: 'model' })
}

const ENDPOINTS: Record<Dialect, string> = {
  chat: '/v1/chat/completions',
  completions: '/v1/completions',
  embeddings: '/v1/embeddings',
  responses: '/v1/responses',
  messages: '/v1/messages',
}

const NAMED_MAX = 5

function worksWith(models: readonly ServedModel[]): string {
  const names = [...new Set(models.map((model) => model.name))]
  if (names.length === 0) return 'No other model of this key works here: ask your administrator.'
  const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more (GET /v1/models)` : ''
  return `These work: ${names.slice(0, NAMED_MAX).join(', ')}${more}.`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

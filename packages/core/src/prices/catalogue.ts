import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type ModelPrice, modelPrice } from '@stipend/money'
import type { Dialect, ProviderKindName } from '../providers/kinds.ts'

/** US dollars per million tokens, as decimals. A kind that isn't there has no price of its own. */
type WrittenPrice = Parameters<typeof modelPrice>[0]

/** `catalogue.json`: what models cost, by kind of provider and by the provider's own name of the model. */
export type CatalogueFile = {
  about: string[]
  models: Partial<Record<ProviderKindName, Record<string, CatalogueFileEntry>>>
}
export type CatalogueFileEntry = {
  context_tokens_max: number | null
  output_tokens_max: number | null
  dialects: Dialect[]
  price: WrittenPrice
  /** Which of the two files has it: `litellm`, `models.dev`, or both of them with the same price. */
  source: 'litellm' | 'models.dev' | 'both'
}

export type CatalogueEntry = Omit<CatalogueFileEntry, 'price'> & { price: ModelPrice }

let loaded: CatalogueFile['models'] | undefined

/** The facts we ship about a model. They are a proposal: what is charged is what a provider's own prices say. */
export function catalogueEntry(kind: ProviderKindName, name: string): CatalogueEntry | undefined {
  loaded ??= (JSON.parse(readFileSync(path.join(import.meta.dirname, 'catalogue.json'), 'utf8')) as CatalogueFile)
    .models
  const models = loaded[kind]
  const entry = models !== undefined && Object.hasOwn(models, name) ? models[name] : undefined
  return entry && { ...entry, price: modelPrice(entry.price) }
}

import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { DIALECTS, kindOf, type ProviderKindName } from '../providers/kinds.ts'
import { enteredView, isSamePrice } from '../providers/price.ts'
import type { CatalogueFile, CatalogueFileEntry } from './catalogue.ts'
import { type Format, type ListedPrice, readPriceList } from './public-formats.ts'
import { SOURCES } from './sources.ts'

/**
 * Writes catalogue.json from the two public lists: node write-catalogue.ts LITELLM.json MODELS-DEV.json. Where both know a model
 * and disagree, the first one's price is taken.
 */
const ABOUT = [
  'Prices of models in US dollars per million tokens, as their providers publish them. Written by write-catalogue.ts.',
  'Facts from model_prices_and_context_window.json of LiteLLM (2026-08-01) and from models.dev (2026-07-02), both under the MIT licence.',
  'Chat, reasoning and embedding models that are not announced to end. Prices for batches, priority and audio are left out.',
  'Where the two lists disagree the newer, LiteLLM’s, is taken.',
]

/** What is charged by more than tokens of text, or made for something else than a chat. */
const OTHER_WORK =
  /audio|realtime|live|tts|transcribe|whisper|image|imagen|veo|video|search|computer-use|moderation|guard|rerank|ocr|robotics|container|ft:/

/** Elsewhere a folder before the name is a region, at another price. */
const NAMES_FOLDERS = new Set<ProviderKindName>(['openrouter', 'groq'])

function entriesOf(kind: ProviderKindName, listed: readonly ListedPrice[], source: string): Map<string, ListedPrice> {
  const fits = (one: ListedPrice) =>
    one.provider === source &&
    !one.is_deprecated &&
    !OTHER_WORK.test(one.name) &&
    (NAMES_FOLDERS.has(kind) || !one.name.includes('/')) &&
    one.price !== null &&
    one.price.input > 0n
  return new Map(listed.filter(fits).map((one) => [one.name, one]))
}

function entry(kind: ProviderKindName, one: ListedPrice, source: CatalogueFileEntry['source']): CatalogueFileEntry {
  if (one.price === null) throw new Error('a model without a price in the catalogue')
  const spoken = kindOf(kind).dialects
  const wanted = one.dialects.includes('chat') ? [...one.dialects, ...kindOf(kind).usual_dialects] : one.dialects
  const dialects = DIALECTS.filter((dialect) => spoken.includes(dialect) && wanted.includes(dialect))
  return {
    context_tokens_max: one.context_tokens_max,
    output_tokens_max: one.dialects.includes('embeddings') ? null : one.output_tokens_max,
    dialects: dialects.length === 0 ? [...kindOf(kind).usual_dialects] : dialects,
    price: written(one.price),
    source,
  }
}

function written(price: Parameters<typeof enteredView>[0]): CatalogueFileEntry['price'] {
  const shorter = (rates: object) =>
    Object.fromEntries(
      Object.entries(rates).flatMap(([name, text]) =>
        text === null ? [] : [[name.replace('_usd_per_million', ''), text]],
      ),
    )
  const { tiers, ...base } = enteredView(price)
  return {
    ...shorter(base),
    ...(tiers.length === 0 ? {} : { tiers: tiers.map(shorter) }),
  } as CatalogueFileEntry['price']
}

const [first, second] = process.argv.slice(2)
if (first === undefined || second === undefined) throw new Error('which files? LITELLM.json MODELS-DEV.json')
const read = (file: string) => readPriceList(JSON.parse(readFileSync(file, 'utf8')))?.models ?? []
const [liteLlm, modelsDev] = [read(first), read(second)]

const models: CatalogueFile['models'] = {}
for (const [kind, source] of Object.entries(SOURCES) as [ProviderKindName, Record<Format, string>][]) {
  const a = entriesOf(kind, liteLlm, source.litellm)
  const b = entriesOf(kind, modelsDev, source['models.dev'])
  const names = [...new Set([...a.keys(), ...b.keys()])].sort()
  models[kind] = Object.fromEntries(
    names.flatMap((name) => {
      const [one, other] = [a.get(name), b.get(name)]
      if (one === undefined) return other === undefined ? [] : [[name, entry(kind, other, 'models.dev')]]
      const agrees = other?.price != null && one.price !== null && isSamePrice(one.price, other.price)
      return [[name, entry(kind, one, agrees ? 'both' : 'litellm')]]
    }),
  )
}
const file: CatalogueFile = { about: ABOUT, models }
writeFileSync(path.join(import.meta.dirname, 'catalogue.json'), `${JSON.stringify(file, null, 2)}\n`)

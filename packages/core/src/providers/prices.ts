import type { ModelPrice } from '@stipend/money'
import { z } from 'zod'
import { type Actor, ownerOf } from '../actor.ts'
import { invalidField } from '../errors.ts'
import { idSchema } from '../id.ts'
import { type OwnerTx, ownerCommand } from '../operation.ts'
import { type ListedPrice, readPriceList } from '../prices/public-formats.ts'
import { SOURCES } from '../prices/sources.ts'
import { modelPriceOf } from './catalogue.ts'
import { writeModels } from './operations.ts'
import { EnteredPrice, enteredView, PriceInput } from './price.ts'
import { ProviderModelList } from './provider.ts'
import { pricedModels, requireProvider, viewModels } from './view.ts'

const Document = z
  .string()
  .min(2)
  .max(8 * 1024 * 1024, 'At most 8 MB.')
  .describe(
    'The text of LiteLLM’s model_prices_and_context_window.json, of models.dev’s api.json, or of a part of either.',
  )

const CHANGES = ['new', 'changed', 'same', 'free', 'missing'] as const

const ImportedPrice = z.strictObject({
  name: z
    .string()
    .describe('The model, as the provider’s list here has it.')
    .meta({ examples: ['gpt-6-mini'] }),
  change: z
    .enum(CHANGES)
    .describe(
      '`new`: it had no price. `free`: the document says zero, which is taken only where `free` names it. `missing`: not in the document.',
    ),
  before: EnteredPrice.nullable(),
  after: EnteredPrice.nullable(),
})

const Preview = z.strictObject({
  format: z.enum(['litellm', 'models.dev']),
  data: z.array(ImportedPrice),
  next_cursor: z.null(),
})

const from = z
  .string()
  .trim()
  .max(100)
  .optional()
  .describe(
    'The document’s word for the provider whose prices are meant, such as `openai`; by itself where it is known.',
  )

export const previewPrices = ownerCommand({
  name: 'providers.preview_prices',
  permission: 'providers:write',
  summary: 'What importing a public list of prices would change at a provider. Changes nothing.',
  input: z.strictObject({ id: idSchema('provider'), document: Document, from }),
  output: Preview,
  errors: ['not_found'],
  handle: async ({ tx, actor, input }) => {
    const { format, rows } = await compare(tx, actor, input)
    return { output: { format, data: rows, next_cursor: null }, audit: [] }
  },
})

export const importPrices = ownerCommand({
  name: 'providers.import_prices',
  permission: 'providers:write',
  summary:
    'Take the prices of a provider’s models from a public list. They hold from now on; earlier ones stay in the history.',
  input: z.strictObject({
    id: idSchema('provider'),
    document: Document,
    from,
    names: z.array(z.string()).max(2_000).optional().describe('Only these models; all that change unless given.'),
    free: z.array(z.string()).max(2_000).default([]).describe('Models that really cost nothing.'),
  }),
  output: ProviderModelList,
  errors: ['not_found'],
  handle: async ({ tx, actor, input, now, newId }) => {
    const { format, rows } = await compare(tx, actor, input)
    const taken = rows.filter(({ name, change, after }) => {
      if (after === null || (input.names !== undefined && !input.names.includes(name))) return false
      return change === 'new' || change === 'changed' || (change === 'free' && input.free.includes(name))
    })
    const wanted = taken.map(({ name, change, after }) => ({
      name,
      price: PriceInput.parse({ ...after, is_free: change === 'free' }),
    }))
    if (wanted.length > 0) await writeModels(tx, { actor, now, newId, source: format }, input.id, wanted)
    const before = taken.map((row) => ({ name: row.name, price: row.before }))
    const after = taken.map((row) => ({ name: row.name, price: row.after }))
    return {
      output: { data: await viewModels(tx, input.id), next_cursor: null },
      audit: taken.length === 0 ? [] : { target_id: input.id, before: { models: before }, after: { models: after } },
    }
  },
})

async function compare(tx: OwnerTx, actor: Actor, input: { id: string; document: string; from?: string | undefined }) {
  const provider = await requireProvider(tx, ownerOf(actor), input.id)
  const list = readDocument(input.document)
  const source = input.from ?? SOURCES[provider.kind]?.[list.format]
  const priced = Map.groupBy(
    list.models.filter((one) => source === undefined || one.provider === source),
    (one) => one.name,
  )
  if (priced.size === 0) {
    const known = [...new Set(list.models.map((one) => one.provider))].slice(0, 12).join(', ')
    throw invalidField('from', `The document has no prices of "${source}". It has: ${known}.`)
  }
  const rows = (await pricedModels(tx, input.id)).map(({ model, price: row }): z.infer<typeof ImportedPrice> => {
    const before = row === null ? null : enteredView(modelPriceOf(row))
    const price = onlyPrice(priced.get(model.upstream_name) ?? [])
    if (price === null) return { name: model.name, change: 'missing', before, after: null }
    const after = enteredView(price)
    const isSame = before !== null && JSON.stringify(before) === JSON.stringify(after)
    return { name: model.name, change: isSame ? 'same' : changeOf(price, before !== null), before, after }
  })
  return { format: list.format, rows }
}

function readDocument(text: string): NonNullable<ReturnType<typeof readPriceList>> {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw invalidField('document', 'This is not JSON. Take the file as it was published.')
  }
  const list = readPriceList(document)
  if (list === undefined) {
    throw invalidField('document', 'This is no list of prices of LiteLLM or models.dev.')
  }
  return list
}

/** The one price that all entries of a name agree on; where providers differ, nobody knows which is meant. */
function onlyPrice(entries: readonly ListedPrice[]): ModelPrice | null {
  const prices = new Map(
    entries.flatMap(({ price }) => (price === null ? [] : [[JSON.stringify(enteredView(price)), price] as const])),
  )
  const [first] = prices.values()
  return prices.size === 1 && first !== undefined ? first : null
}

function changeOf(price: ModelPrice, hadOne: boolean): 'new' | 'changed' | 'free' {
  if (price.input === 0n && price.output === 0n) return 'free'
  return hadOne ? 'changed' : 'new'
}

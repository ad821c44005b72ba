export type Model = {
  readonly id: string
  /** The most tokens of prompt and answer together. */
  readonly contextTokensMax: number
  readonly outputTokensMax: number
  readonly reasons: boolean
  readonly serves: 'text' | 'embeddings'
}

export const MODELS: readonly Model[] = [
  { id: 'sandbox-small', contextTokensMax: 1_000_000, outputTokensMax: 32_768, reasons: false, serves: 'text' },
  { id: 'sandbox-large', contextTokensMax: 1_000_000, outputTokensMax: 65_536, reasons: false, serves: 'text' },
  { id: 'sandbox-reasoning', contextTokensMax: 1_000_000, outputTokensMax: 65_536, reasons: true, serves: 'text' },
  { id: 'sandbox-embedding', contextTokensMax: 300_000, outputTokensMax: 0, reasons: false, serves: 'embeddings' },
]

const byId = new Map(MODELS.map((model) => [model.id, model]))

export function findModel(id: string): Model | undefined {
  return byId.get(id)
}

/** What a model is taken for whose name is accepted only because a behaviour says so. */
export function unlistedModel(id: string, serves: Model['serves']): Model {
  return { id, contextTokensMax: 1_000_000, outputTokensMax: 65_536, reasons: false, serves }
}

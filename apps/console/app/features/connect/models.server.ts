import type { Caller } from '../../../backend.ts'

/** Names of models to write into a tool's configuration, those in use first. Empty where nothing is known yet. */
export async function modelsOf(api: Caller): Promise<string[]> {
  const summary = await api.usage.summary({ days: 90 }).catch(() => null)
  return summary?.by_model.map(({ model }) => model) ?? []
}

import type { Caller } from '../../../backend.ts'

/** The models there are, by name, and the one to write into a tool's configuration. */
export async function modelsOf(api: Caller) {
  const [models, summary] = await Promise.all([
    api.models.list(),
    // Only some may read what others use; for everybody else any model will do.
    api.usage.summary({ days: 90 }).catch(() => null),
  ])
  const names = models.data.map(({ name }) => name)
  const inUse = summary?.by_model.find(({ model }) => names.includes(model))?.model
  return { models: models.data, model: inUse ?? names[0] ?? 'MODEL' }
}

export type Model = Awaited<ReturnType<typeof modelsOf>>['models'][number]

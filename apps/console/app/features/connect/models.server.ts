import type { Caller } from '../../../backend.ts'

/** The models there are, by name, and the one to write into a tool's configuration. */
export async function modelsOf(api: Caller) {
  const [models, summary] = await Promise.all([
    api.models.list(),
    // Only some may read what others use; for everybody else any model will do.
    api.usage.summary({ days: 90 }).catch(() => null),
  ])
  // Of several with one name, the first is the one that is tried first.
  const offered = models.data.filter(({ name }, at) => models.data[at - 1]?.name !== name)
  const names = offered.map(({ name }) => name)
  const inUse = summary?.by_model.find(({ model }) => names.includes(model))?.model
  return { models: offered, model: inUse ?? names[0] ?? 'MODEL' }
}

export type Model = Awaited<ReturnType<typeof modelsOf>>['models'][number]

import type { ToolDialect } from '@stipend/setups'
import type { Caller } from '../../../backend.ts'

/** The models there are, by name, and the one to write into the configuration of a tool that speaks this or that. */
export async function modelsOf(api: Caller) {
  const [{ data: models }, summary] = await Promise.all([
    api.models.list(),
    // Only some may read what others use; for everybody else any model will do.
    api.usage.summary({ days: 90 }).catch(() => null),
  ])
  const inUse = summary?.by_model.map(({ model }) => model) ?? []
  const best = (dialect: ToolDialect) => {
    const names = models.filter(({ dialects }) => dialects.includes(dialect)).map(({ name }) => name)
    return inUse.find((name) => names.includes(name)) ?? names[0] ?? null
  }
  const model_for: Record<ToolDialect, string | null> = {
    chat: best('chat'),
    responses: best('responses'),
    messages: best('messages'),
  }
  return { models, model_for }
}

export type Model = Awaited<ReturnType<typeof modelsOf>>['models'][number]

import type { Caller } from '../../../backend.ts'
import { loadPlaces } from '../people/places.server.ts'

/** What a rule can name, of what its maker sees. */
export async function loadChoices(api: Caller) {
  const [places, models, providers] = await Promise.all([loadPlaces(api), api.models.list(), api.providers.list()])
  return {
    ...places,
    models: [...new Set(models.data.flatMap(({ name, aliases }) => [name, ...aliases]))].sort(),
    providers: providers.data.map(({ id, name }) => ({ id, name })),
  }
}

export type Choices = Awaited<ReturnType<typeof loadChoices>>

import type { Provider } from './provider.ts'

/** States of a provider, in a word and a colour. Red only for what is wrong. */
export const HEALTH = {
  up: { word: 'Working', color: 'green', meaning: 'Requests go through.' },
  failing: { word: 'Failing', color: 'red', meaning: 'Most requests of the last minutes failed.' },
  resting: { word: 'Resting', color: 'red', meaning: 'It failed so often that it is left alone for a moment.' },
  idle: { word: 'Idle', color: 'gray', meaning: 'Nothing was asked of it in the last minutes.' },
} as const satisfies Record<Provider['health']['state'], object>

export function sharedWords(provider: Pick<Provider, 'shared_with'>, groups: string): string {
  const { shared_with } = provider
  if (shared_with === null) return 'Everyone'
  if (shared_with.length === 0) return 'Nobody'
  return `${shared_with.length} ${shared_with.length === 1 ? groups.replace(/s$/, '') : groups}`
}

import { instantToLocal, localToInstant } from '../../time.ts'

/** Ends of a key at a click. */
export const ENDS = [
  { value: 'keep', label: 'As it is' },
  { value: 'never', label: 'Never' },
  { value: 'hour', label: 'One hour' },
  { value: 'day', label: 'One day' },
  { value: 'month', label: 'One month' },
  { value: 'choose', label: 'Choose…' },
] as const
export type End = (typeof ENDS)[number]['value']

const HOUR_MS = 60 * 60_000

/** The moment an end means: days and months on the wall clock of the zone, hours as they pass. */
export function endOf(end: End, current: string | null, chosen: string | null, zone: string, now: Date): string | null {
  switch (end) {
    case 'keep':
      return current
    case 'never':
      return null
    case 'hour':
      return new Date(now.getTime() + HOUR_MS).toISOString()
    case 'day':
      return later(now, zone, (local) => local.setUTCDate(local.getUTCDate() + 1))
    case 'month':
      return later(now, zone, (local) => {
        const day = local.getUTCDate()
        local.setUTCDate(1)
        local.setUTCMonth(local.getUTCMonth() + 1)
        // The last day of a shorter month.
        const last = new Date(Date.UTC(local.getUTCFullYear(), local.getUTCMonth() + 1, 0)).getUTCDate()
        local.setUTCDate(Math.min(day, last))
      })
    case 'choose':
      return chosen === null ? null : localToInstant(chosen, zone)
  }
}

function later(now: Date, zone: string, change: (local: Date) => void): string {
  const local = new Date(`${instantToLocal(now, zone).replace(' ', 'T')}Z`)
  change(local)
  return localToInstant(local.toISOString().slice(0, 19), zone)
}

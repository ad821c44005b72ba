import { percentUsed } from '../../money.ts'

type Watched = {
  id: string
  member_id: string
  member_name: string
  status: string
  valid_until: string | null
  budget: { limit_usd: string | null; spent_usd: string; remaining_usd: string | null; renewal: string }
}

const SOON_MS = 48 * 60 * 60_000
const LONG_LIVED_MS = 7 * 24 * 60 * 60_000

export type Need<K> = { kind: 'used_up' | 'nearly_used_up' | 'expiring'; key: K }

/**
 * Keys somebody may have to do something about, worst first. A budget that renews by itself and a key made for a lesson or a day
 * end as they were meant to.
 */
export function needsYou<K extends Watched & { created_at: string }>(keys: readonly K[], now: Date): Need<K>[] {
  const needs: Need<K>[] = []
  for (const key of keys) {
    if (key.status !== 'active') continue
    const { limit_usd, spent_usd, renewal } = key.budget
    const used = limit_usd === null || renewal !== 'never' ? 0 : percentUsed(spent_usd, limit_usd)
    if (used === 100) needs.push({ kind: 'used_up', key })
    else if (used >= 85) needs.push({ kind: 'nearly_used_up', key })
    else if (key.valid_until !== null) {
      const ends = new Date(key.valid_until).getTime()
      const isLongLived = ends - new Date(key.created_at).getTime() >= LONG_LIVED_MS
      if (isLongLived && ends - now.getTime() < SOON_MS) needs.push({ kind: 'expiring', key })
    }
  }
  const rank = { used_up: 0, nearly_used_up: 1, expiring: 2 } as const
  return needs.sort((a, b) => rank[a.kind] - rank[b.kind])
}

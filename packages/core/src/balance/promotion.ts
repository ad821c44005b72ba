import type { Nanodollars } from '@stipend/money'

/** Money that has to be used by a moment, as far as spending has been counted. Times are RFC 3339 in UTC, which sort as text. */
export type Grant = {
  id: string
  expires_at: string
  counted_until: string
  left_nanos: Nanodollars
}

/** The moments at which what is to be used first may change, in order, from where counting stopped to `until`. */
export function boundaries(grants: readonly Grant[], until: string): string[] {
  const times = grants.flatMap((grant) => [grant.counted_until, grant.expires_at]).filter((time) => time < until)
  return times.length === 0 ? [] : [...new Set([...times, until])].sort()
}

/** What was spent from one boundary to the next. */
export type Stretch = { from: string; until: string; spent_nanos: Nanodollars }

/** Counts spending against the grants that could be used then: what expires soonest is used first. Answers what is used of each. */
export function useGrants(grants: readonly Grant[], stretches: readonly Stretch[]): Map<string, Nanodollars> {
  const used = new Map<string, Nanodollars>(grants.map((grant) => [grant.id, 0n]))
  const inOrder = grants.toSorted((a, b) => (a.expires_at + a.id < b.expires_at + b.id ? -1 : 1))
  for (const { from, until, spent_nanos } of stretches) {
    let rest = spent_nanos
    for (const grant of inOrder) {
      if (grant.counted_until > from || grant.expires_at < until) continue
      const before = used.get(grant.id) ?? 0n
      const left = grant.left_nanos - before
      const share = rest < left ? rest : left
      used.set(grant.id, before + share)
      rest -= share
    }
  }
  return used
}

import { type Clock, clockAt, type Day, momentsAfter } from '../clock.ts'
import type { KeyFacts } from '../spend/draw.ts'

/** What a rule says. A condition that is null matches anything; all of them must match, and of a list one entry. */
export type RuleTerms = {
  name: string
  effect: 'allow' | 'block'
  is_enabled: boolean
  member_ids: readonly string[] | null
  kinds: readonly string[] | null
  roles: readonly string[] | null
  group_ids: readonly string[] | null
  location_ids: readonly string[] | null
  /** Names of a model, or with `*` at the end the beginning of one. */
  models: readonly string[] | null
  provider_ids: readonly string[] | null
  /** The days on which it applies; past midnight the day is the one it began on. */
  days: readonly Day[] | null
  /** By the clocks of the tenant, `HH:MM`; both or neither. From is included, until is not. */
  time_from: string | null
  time_until: string | null
}

/** Whom a key belongs to. */
export type Subject = Pick<KeyFacts, 'member_id' | 'member_kind' | 'member_role' | 'group_ids' | 'location_id'>

/** Where a request may go: a model under all its names, at a provider. */
export type Target = { provider_id: string; names: readonly string[] }

export type Decision<Rule> = { effect: 'allow' | 'block'; rule: Rule | null }

/** The first rule that matches decides. Where none does, it is allowed. */
export function decide<Rule extends RuleTerms>(
  rules: readonly Rule[],
  subject: Subject,
  target: Target,
  clock: Clock,
): Decision<Rule> {
  for (const rule of rules) {
    if (rule.is_enabled && isAbout(rule, subject) && isFor(rule, target) && isOn(rule, clock)) {
      return { effect: rule.effect, rule }
    }
  }
  return { effect: 'allow', rule: null }
}

/** From when on one of these targets is allowed to somebody to whom none is now; null if no time of the week allows it. */
export function opensAt(
  rules: readonly RuleTerms[],
  subject: Subject,
  targets: readonly Target[],
  at: Date,
  time_zone: string,
): Date | null {
  const timed = rules.filter((rule) => rule.is_enabled && (rule.days !== null || rule.time_from !== null))
  // Only at these can anything change.
  const times = new Set(timed.flatMap(({ time_from, time_until }) => [time_from ?? '00:00', time_until ?? '00:00']))
  const opens = momentsAfter(at, times, time_zone).find((moment) => {
    const clock = clockAt(moment, time_zone)
    return targets.some((target) => decide(rules, subject, target, clock).effect === 'allow')
  })
  return opens ?? null
}

function isAbout(rule: RuleTerms, subject: Subject): boolean {
  return (
    (rule.member_ids === null || rule.member_ids.includes(subject.member_id)) &&
    (rule.kinds === null || rule.kinds.includes(subject.member_kind)) &&
    (rule.roles === null || rule.roles.includes(subject.member_role)) &&
    (rule.location_ids === null || (subject.location_id !== null && rule.location_ids.includes(subject.location_id))) &&
    (rule.group_ids === null || rule.group_ids.some((id) => subject.group_ids.includes(id)))
  )
}

function isFor(rule: RuleTerms, { provider_id, names }: Target): boolean {
  if (rule.provider_ids !== null && !rule.provider_ids.includes(provider_id)) return false
  return rule.models === null || rule.models.some((pattern) => matches(pattern, names))
}

function matches(pattern: string, names: readonly string[]): boolean {
  if (!pattern.endsWith('*')) return names.includes(pattern)
  const beginning = pattern.slice(0, -1)
  return names.some((name) => name.startsWith(beginning))
}

function isOn({ days, time_from, time_until }: RuleTerms, { day, yesterday, time }: Clock): boolean {
  const isOf = (one: Day) => days === null || days.includes(one)
  if (time_from === null || time_until === null) return isOf(day)
  if (time_from < time_until) return time >= time_from && time < time_until && isOf(day)
  return (time >= time_from && isOf(day)) || (time < time_until && isOf(yesterday))
}

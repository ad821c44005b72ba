import { MEMBER_KIND_WORDS, type Words } from '../../words.ts'
import type { RuleDraft } from './rule.ts'

export const DAY_WORDS = {
  mon: 'Mon',
  tue: 'Tue',
  wed: 'Wed',
  thu: 'Thu',
  fri: 'Fri',
  sat: 'Sat',
  sun: 'Sun',
} as const
const DAYS = Object.keys(DAY_WORDS) as (keyof typeof DAY_WORDS)[]

export const ROLE_WORDS = {
  owner: 'owners',
  admin: 'administrators',
  auditor: 'auditors',
  billing: 'those who look after bills',
  member: 'members',
} as const

const NAMED_MAX = 3

type Names = ReadonlyMap<string, string>

/** A rule in words: whom it is about, with what, and when. "Students in 7b", "all models", "Mon–Fri 17:00–08:00". */
export function inWords(
  rule: RuleDraft,
  names: Names,
  words: Words,
  hidden_count = 0,
): { who: string; what: string; when: string } {
  const list = (ids: readonly string[], one: string) => someOf(ids.map((id) => names.get(id) ?? `a deleted ${one}`))
  const kinds = someOf(rule.kinds.map((kind) => MEMBER_KIND_WORDS[kind]))
  const base = rule.member_ids.length > 0 ? list(rule.member_ids, words.person) : kinds === '' ? 'Everyone' : kinds
  const who = [
    base,
    ...(rule.member_ids.length > 0 && kinds !== '' ? [`if ${kinds.toLowerCase()}`] : []),
    ...(rule.roles.length > 0 ? [`who are ${someOf(rule.roles.map((role) => ROLE_WORDS[role]))}`] : []),
    ...(rule.group_ids.length > 0 ? [`in ${list(rule.group_ids, words.group.toLowerCase())}`] : []),
    ...(rule.location_ids.length > 0 ? [`at ${list(rule.location_ids, words.location.toLowerCase())}`] : []),
    ...(hidden_count > 0 ? [`(and ${hidden_count} you don’t see)`] : []),
  ].join(' ')
  const models = rule.models.length === 0 ? 'all models' : someOf(rule.models)
  const what = rule.provider_ids.length === 0 ? models : `${models} at ${list(rule.provider_ids, 'provider')}`
  const times = rule.time_from === '' || rule.time_until === '' ? '' : `${rule.time_from}–${rule.time_until}`
  const when = [daysInWords(rule.days), times].filter(Boolean).join(' ') || 'always'
  return { who, what, when }
}

/** "Block · Students · all models · Mon–Fri 17:00–08:00" */
export function inOneLine(rule: RuleDraft, names: Names, words: Words): string {
  const { who, what, when } = inWords(rule, names, words)
  return `${rule.effect === 'block' ? 'Block' : 'Allow'} · ${who} · ${what} · ${when}`
}

/** "Mon–Fri", "Mon, Wed, Fri"; nothing for every day. */
function daysInWords(days: RuleDraft['days']): string {
  if (days.length === 0 || days.length === DAYS.length) return ''
  const places = DAYS.flatMap((day, place) => (days.includes(day) ? [place] : []))
  const [first = 0] = places
  const last = places.at(-1) ?? first
  const word = (place: number) => DAY_WORDS[DAYS[place] ?? 'mon']
  if (places.length > 2 && last - first === places.length - 1) return `${word(first)}–${word(last)}`
  return places.map(word).join(', ')
}

function someOf(words: readonly string[]): string {
  if (words.length <= NAMED_MAX) {
    const last = words.at(-1) ?? ''
    return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`
  }
  return `${words.slice(0, NAMED_MAX - 1).join(', ')} or ${words.length - NAMED_MAX + 1} others`
}

import { parseUsd } from '@stipend/money'
import { exactUsd, shortUsd } from '../../money.ts'
import {
  clock,
  dayAndClock,
  daysBetween,
  endWords,
  localToInstant,
  relativeDay,
  startOfDay,
  startOfHolidays,
  startOfNextWeek,
} from '../../time.ts'
import { endOf } from './ends.ts'
import type { Renewal } from './key-state.tsx'
import { type Choices, type Restrictions, type RestrictionsDraft, restrictionsOf } from './restrictions.ts'

export const BUDGET_CHIPS = ['1.00', '2.00', '5.00', '10.00', '25.00'] as const
export const LESSON_MINUTES = 50

/** A key as the form holds it. */
export type Draft = RestrictionsDraft & {
  /** An amount of the chips, `other` for the one typed, `none` for no limit of its own. */
  budget: string
  other_usd: string
  renewal: Renewal
  window: 'always' | 'lesson' | 'today' | 'week' | 'holidays' | 'hour' | 'day' | 'month' | 'choose'
  /** Local times of the tenant, for `choose`. */
  from: string | null
  until: string | null
  name: string
  allocation_id: string | null
}

export type Terms = Restrictions & {
  budget_usd: string | null
  renewal: Renewal
  valid_from: string | null
  valid_until: string | null
}

/** What the form says in terms of the operation; what is missing or wrong in it, by field. */
export function termsOf(
  draft: Draft,
  zone: string,
  now: Date,
  choices: Choices,
): { terms: Terms; problems: Partial<Record<keyof Terms, string>> } {
  const { restrictions, problems: wrong } = restrictionsOf(draft, choices)
  const problems: Partial<Record<keyof Terms, string>> = {}
  const budget_usd =
    draft.budget === 'none' ? null : draft.budget === 'other' ? plainAmount(draft.other_usd) : draft.budget
  if (budget_usd !== null) {
    const parsed = parseUsd(budget_usd)
    if (budget_usd === '') problems.budget_usd = 'Type an amount, such as 7.50.'
    else if (!parsed.ok) problems.budget_usd = parsed.reason
    else if (parsed.nanos <= 0n) problems.budget_usd = 'Must be more than zero.'
  }
  const { valid_from, valid_until } = windowOf(draft, zone, now)
  if (draft.window === 'choose' && valid_from === null && valid_until === null) {
    problems.valid_until = 'Choose a start, an end, or both.'
  } else if (valid_until !== null && valid_until <= now.toISOString()) {
    problems.valid_until = 'This time has passed. Choose a later one.'
  } else if (valid_from !== null && valid_until !== null && valid_until <= valid_from) {
    problems.valid_until = 'The end must be later than the start.'
  }
  return {
    terms: {
      budget_usd,
      renewal: budget_usd === null ? 'never' : draft.renewal,
      valid_from,
      valid_until,
      ...restrictions,
    },
    problems: { ...problems, ...wrong },
  }
}

function windowOf(draft: Draft, zone: string, now: Date): Pick<Terms, 'valid_from' | 'valid_until'> {
  switch (draft.window) {
    case 'always':
      return { valid_from: null, valid_until: null }
    case 'lesson': {
      // The whole minute after, so that the end on the page is the end.
      const end = Math.ceil((now.getTime() + LESSON_MINUTES * 60_000) / 60_000) * 60_000
      return { valid_from: null, valid_until: new Date(end).toISOString() }
    }
    case 'today':
      return { valid_from: null, valid_until: startOfDay(now, zone, 1) }
    case 'week':
      return { valid_from: null, valid_until: startOfNextWeek(now, zone) }
    case 'holidays':
      return { valid_from: null, valid_until: startOfHolidays(now, zone) }
    case 'hour':
    case 'day':
    case 'month':
      return { valid_from: null, valid_until: endOf(draft.window, null, null, zone, now) }
    case 'choose':
      return {
        valid_from: draft.from === null ? null : localToInstant(draft.from, zone),
        valid_until: draft.until === null ? null : localToInstant(draft.until, zone),
      }
  }
}

/** "Sanne can spend $5.00, today between 10:00 and 11:00. Not renewed." */
export function sentenceOf(name: string, terms: Omit<Terms, keyof Restrictions>, zone: string, now: Date): string {
  const amount = terms.budget_usd === null ? 'as much as the balance allows' : amountWords(terms.budget_usd)
  return `${name} can spend ${amount}${RENEWAL_PHRASES[terms.renewal]}${when(terms, zone, now)}.${terms.renewal === 'never' ? ' Not renewed.' : ''}`
}

export const RENEWAL_PHRASES: Record<Renewal, string> = {
  never: '',
  when_used_up: ', again and again as it is used up',
  daily: ' every day',
  weekly: ' every week',
  monthly: ' every month',
}

export function amountWords(usd: string): string {
  const parsed = parseUsd(usd)
  if (!parsed.ok) return '…'
  // Never rounded where it is promised.
  return /\.\d{3,}$/.test(usd) ? exactUsd(usd) : shortUsd(usd)
}

function when(
  { valid_from: from, valid_until: until }: Pick<Terms, 'valid_from' | 'valid_until'>,
  zone: string,
  now: Date,
): string {
  const isLater = from !== null && from > now.toISOString()
  const end = until === null ? null : endWords(until, zone, now)
  if (isLater && until !== null) {
    return daysBetween(from, until, zone) === 0
      ? `, ${relativeDay(from, zone, now)} between ${clock(from, zone)} and ${clock(until, zone)}`
      : `, from ${dayAndClock(from, zone, now)} until ${end}`
  }
  if (isLater) return `, from ${dayAndClock(from, zone, now)} on`
  return end === null ? ', from now on' : `, from now until ${end}`
}

/** "7,50" and "$7.5" are amounts to those who type them. */
function plainAmount(typed: string): string {
  return typed
    .trim()
    .replace(/^\$\s*/, '')
    .replace(/^(\d+),(\d{1,2})$/, '$1.$2')
}

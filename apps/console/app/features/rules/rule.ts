import type { Inputs } from '@stipend/wire/trpc'
import type { Caller } from '../../../backend.ts'

export type Rule = Awaited<ReturnType<Caller['rules']['list']>>['data'][number]
export type Terms = Omit<Inputs['rules']['create'], 'position'>

/** A rule as a form holds it: a list without entries and a time left blank mean any. */
export type RuleDraft = {
  name: string
  effect: Rule['effect']
  member_ids: string[]
  kinds: NonNullable<Rule['kinds']>
  roles: NonNullable<Rule['roles']>
  group_ids: string[]
  location_ids: string[]
  models: string[]
  provider_ids: string[]
  days: NonNullable<Rule['days']>
  time_from: string
  time_until: string
}

export const NEW_RULE: RuleDraft = {
  name: '',
  effect: 'block',
  member_ids: [],
  kinds: [],
  roles: [],
  group_ids: [],
  location_ids: [],
  models: [],
  provider_ids: [],
  days: [],
  time_from: '',
  time_until: '',
}

/** What rules are for, ready to be made. */
export const EXAMPLES = {
  evenings: {
    ...NEW_RULE,
    name: 'No coding after school',
    days: ['mon', 'tue', 'wed', 'thu', 'fri'],
    time_from: '17:00',
    time_until: '08:00',
  },
  models: { ...NEW_RULE, name: 'No expensive models', models: ['claude-opus*'] },
} satisfies Record<string, RuleDraft>

export function draftOf(rule: Rule): RuleDraft {
  return {
    name: rule.name,
    effect: rule.effect,
    member_ids: rule.member_ids ?? [],
    kinds: rule.kinds ?? [],
    roles: rule.roles ?? [],
    group_ids: rule.group_ids ?? [],
    location_ids: rule.location_ids ?? [],
    models: rule.models ?? [],
    provider_ids: rule.provider_ids ?? [],
    days: rule.days ?? [],
    time_from: rule.time_from ?? '',
    time_until: rule.time_until ?? '',
  }
}

export function termsOf(draft: RuleDraft): Terms {
  return { ...draft, time_from: draft.time_from || null, time_until: draft.time_until || null }
}

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clockAt, DAYS, momentsAfter } from '../clock.ts'
import { decide, opensAt, type RuleTerms, type Subject, type Target } from './decide.ts'

const ZONES = ['Europe/Amsterdam', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'UTC']

const student: Subject = {
  member_id: 'mem_ada',
  member_kind: 'student',
  member_role: 'member',
  location_id: 'loc_north',
  group_ids: ['grp_7b', 'grp_chess'],
}
const teacher: Subject = { ...student, member_id: 'mem_bob', member_kind: 'staff', location_id: null, group_ids: [] }
const opus: Target = {
  provider_id: 'prv_own',
  names: ['own:own/claude-opus', 'own/claude-opus', 'claude-opus', 'best'],
}

function rule(facts: Partial<RuleTerms>): RuleTerms {
  return {
    name: 'Rule',
    effect: 'block',
    is_enabled: true,
    member_ids: null,
    kinds: null,
    roles: null,
    group_ids: null,
    location_ids: null,
    models: null,
    provider_ids: null,
    days: null,
    time_from: null,
    time_until: null,
    ...facts,
  }
}

/** A Wednesday at noon in Amsterdam. */
const noon = '2026-11-25T11:00:00Z'
const isBlocked = (rules: RuleTerms[], at = noon, subject = student, zone = 'Europe/Amsterdam') =>
  decide(rules, subject, opus, clockAt(new Date(at), zone)).effect === 'block'

describe('who and what', () => {
  it.each<[string, Partial<RuleTerms>, boolean]>([
    ['anybody', {}, true],
    ['switched off', { is_enabled: false }, false],
    ['this person', { member_ids: ['mem_x', 'mem_ada'] }, true],
    ['another person', { member_ids: ['mem_x'] }, false],
    ['their kind', { kinds: ['student'] }, true],
    ['another kind', { kinds: ['staff', 'employee'] }, false],
    ['their role', { roles: ['member'] }, true],
    ['another role', { roles: ['owner'] }, false],
    ['one of their groups', { group_ids: ['grp_chess'] }, true],
    ['another group', { group_ids: ['grp_8a'] }, false],
    ['their location', { location_ids: ['loc_north'] }, true],
    ['another location', { location_ids: ['loc_south'] }, false],
    ['both of two', { kinds: ['student'], group_ids: ['grp_7b'] }, true],
    ['one of two', { kinds: ['student'], group_ids: ['grp_8a'] }, false],
    ['the model', { models: ['claude-opus'] }, true],
    ['the model by its alias', { models: ['best'] }, true],
    ['the model with its provider', { models: ['own/claude-opus'] }, true],
    ['the beginning of its name', { models: ['claude-*'] }, true],
    ['all of its provider', { models: ['own/*'] }, true],
    ['every model', { models: ['*'] }, true],
    ['a part of its name', { models: ['claude'] }, false],
    ['another beginning', { models: ['gpt-*'] }, false],
    ['the provider', { provider_ids: ['prv_own'] }, true],
    ['another provider', { provider_ids: ['prv_x'] }, false],
  ])('%s', (_, facts, expected) => {
    expect(isBlocked([rule(facts)])).toBe(expected)
  })

  it('somebody of no location and no group matches no rule that names one', () => {
    expect(isBlocked([rule({ location_ids: ['loc_north'] })], noon, teacher)).toBe(false)
    expect(isBlocked([rule({ group_ids: ['grp_7b'] })], noon, teacher)).toBe(false)
  })

  it('the first that matches decides, and where none does it is allowed', () => {
    const allow = rule({ effect: 'allow', kinds: ['staff'] })
    const block = rule({})
    expect(isBlocked([allow, block], noon, teacher)).toBe(false)
    expect(isBlocked([block, allow], noon, teacher)).toBe(true)
    expect(isBlocked([allow, block])).toBe(true)
    expect(isBlocked([])).toBe(false)
    expect(decide([rule({ models: ['gpt'] })], student, opus, clockAt(new Date(noon), 'UTC'))).toEqual({
      effect: 'allow',
      rule: null,
    })
  })
})

describe('when', () => {
  const evenings = rule({ time_from: '17:00', time_until: '08:00', days: ['mon', 'fri'] })
  it.each<[string, string, boolean]>([
    ['before it begins', '2026-11-23T15:59:59Z', false],
    ['from the minute on', '2026-11-23T16:00:00Z', true],
    ['at midnight', '2026-11-23T23:00:00Z', true],
    ['in the morning of the next day', '2026-11-24T06:59:59Z', true],
    ['until the minute', '2026-11-24T07:00:00Z', false],
    ['the evening of a day that isn’t one of them', '2026-11-24T20:00:00Z', false],
    ['Saturday morning belongs to Friday', '2026-11-28T06:00:00Z', true],
    ['Monday morning belongs to Sunday', '2026-11-23T06:00:00Z', false],
  ])('past midnight: %s', (_, at, expected) => {
    expect(isBlocked([evenings], at)).toBe(expected)
  })

  it('until midnight is until the end of the day', () => {
    const late = [rule({ time_from: '17:00', time_until: '00:00' })]
    expect(isBlocked(late, '2026-11-23T22:59:00Z')).toBe(true)
    expect(isBlocked(late, '2026-11-23T23:00:00Z')).toBe(false)
  })

  it('says when it opens again, by the clock of the tenant', () => {
    const opens = (rules: RuleTerms[], at: string, zone = 'Europe/Amsterdam') =>
      opensAt(rules, student, [opus], new Date(at), zone)?.toISOString() ?? null
    expect(opens([evenings], '2026-11-23T20:00:00Z')).toBe('2026-11-24T07:00:00.000Z')
    // Friday from five to Saturday at eight, and then whole days.
    const weekend = rule({ days: ['sat', 'sun'] })
    expect(opens([evenings, weekend], '2026-11-27T20:00:00Z')).toBe('2026-11-29T23:00:00.000Z')
    const lessons = rule({ effect: 'allow', days: ['tue'], time_from: '09:00', time_until: '10:00' })
    expect(opens([lessons, rule({})], '2026-11-25T11:00:00Z')).toBe('2026-12-01T08:00:00.000Z')
    expect(opens([rule({})], noon)).toBeNull()
    expect(opens([evenings, rule({})], noon)).toBeNull()
  })

  it('opens by the clock also on the days it is changed', () => {
    const nights = rule({ time_from: '22:00', time_until: '02:30' })
    const opens = (at: string) => opensAt([nights], student, [opus], new Date(at), 'Europe/Amsterdam')?.toISOString()
    // Half past two isn't on the clocks of 28 March 2027: at two they are put to three.
    expect(opens('2027-03-27T23:00:00Z')).toBe('2027-03-28T01:00:00.000Z')
    // On 31 October 2027 it is there twice.
    expect(opens('2027-10-30T23:00:00Z')).toBe('2027-10-31T00:30:00.000Z')
    expect(opens('2027-10-31T01:10:00Z')).toBe('2027-10-31T01:30:00.000Z')
  })
})

// --- against a model that knows nothing of clocks but how a zone writes a moment -------------------------------------

const written = (at: Date, timeZone: string) => at.toLocaleString('sv-SE', { timeZone }).slice(0, 16)
const dayOf = (date: string) => DAYS[(new Date(`${date}T12:00Z`).getUTCDay() + 6) % 7]
const shift = (date: string, days: number) =>
  new Date(Date.parse(`${date}T12:00Z`) + days * 86_400_000).toISOString().slice(0, 10)

/** Goes through all days around, and looks whether the moment lies in the stretch that begins on one of them. */
function naively(rules: RuleTerms[], subject: Subject, target: Target, at: Date, zone: string): string {
  const now = written(at, zone)
  for (const one of rules) {
    const who = [
      [one.member_ids, [subject.member_id]],
      [one.kinds, [subject.member_kind]],
      [one.roles, [subject.member_role]],
      [one.group_ids, subject.group_ids],
      [one.location_ids, [subject.location_id]],
      [one.provider_ids, [target.provider_id]],
    ] as const
    if (
      !who.every(([wanted, has]) => wanted === null || wanted.some((one) => (has as readonly unknown[]).includes(one)))
    )
      continue
    const patterns = one.models?.map((text) => new RegExp(`^${text.replaceAll('*', '.*')}$`))
    if (patterns?.some((pattern) => target.names.some((name) => pattern.test(name))) === false) continue
    const isOn = [-1, 0, 1].some((days) => {
      const date = shift(now.slice(0, 10), days)
      if (one.days !== null && !one.days.includes(dayOf(date) ?? 'mon')) return false
      const [from, until] = [one.time_from ?? '00:00', one.time_until ?? '24:00']
      const end = `${until > from ? date : shift(date, 1)} ${until}`
      return now >= `${date} ${from}` && now < end
    })
    if (one.is_enabled && isOn) return one.effect
  }
  return 'allow'
}

const some = <T>(values: readonly T[]) => fc.option(fc.subarray([...values], { minLength: 1 }), { nil: null })
const time = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom('00', '15', '30', '59'))
  .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${minute}`)
const times = fc.option(
  fc.tuple(time, time).filter(([from, until]) => from !== until),
  { nil: [null, null] as const },
)
const anyRule = fc
  .record({
    name: fc.constant('Rule'),
    effect: fc.constantFrom('allow' as const, 'block' as const),
    is_enabled: fc.boolean(),
    member_ids: some(['mem_ada', 'mem_x']),
    kinds: some(['student', 'staff']),
    roles: some(['member', 'admin']),
    group_ids: some(['grp_7b', 'grp_8a']),
    location_ids: some(['loc_north', 'loc_south']),
    models: some(['claude-opus', 'claude-*', 'gpt-*', 'best', '*']),
    provider_ids: some(['prv_own', 'prv_x']),
    days: some(DAYS),
    times,
  })
  .map(({ times: [time_from, time_until], ...one }): RuleTerms => ({ ...one, time_from, time_until }))
// Around the two days of the year on which clocks are changed, to the minute.
const moment = fc
  .tuple(
    fc.constantFrom('2027-03-14', '2027-03-28', '2027-10-31', '2027-11-07', '2027-04-04', '2027-06-15'),
    fc.nat(4_320),
  )
  .map(([date, minutes]) => new Date(Date.parse(`${date}T00:00Z`) - 86_400_000 + minutes * 60_000))

it('decides as a naive model does', () => {
  fc.assert(
    fc.property(
      fc.array(anyRule, { maxLength: 5 }),
      moment,
      fc.constantFrom(...ZONES),
      fc.constantFrom(student, teacher),
      (rules, at, zone, subject) => {
        expect(decide(rules, subject, opus, clockAt(at, zone)).effect).toBe(naively(rules, subject, opus, at, zone))
      },
    ),
    { numRuns: 2_000 },
  )
})

it('opens at the first minute of the week that allows it', () => {
  fc.assert(
    fc.property(
      fc.array(anyRule, { minLength: 1, maxLength: 4 }),
      moment,
      fc.constantFrom(...ZONES),
      (rules, at, zone) => {
        fc.pre(naively(rules, student, opus, at, zone) === 'block')
        const opens = opensAt(rules, student, [opus], at, zone)
        const minutes = opens === null ? 7 * 1_440 : Math.round((opens.getTime() - at.getTime()) / 60_000)
        expect(minutes).toBeGreaterThan(0)
        const isOpen = (after: number) =>
          decide(rules, student, opus, clockAt(new Date(at.getTime() + after * 60_000), zone)).effect === 'allow'
        for (let after = 1; after < minutes; after++) expect(isOpen(after)).toBe(false)
        if (opens !== null) expect(isOpen(minutes)).toBe(true)
      },
    ),
    { numRuns: 60 },
  )
})

it('finds each time of day once a day, or as often as the clocks show it', () => {
  const shown = momentsAfter(new Date('2027-10-29T12:00:00Z'), ['02:30'], 'Europe/Amsterdam')
  expect(shown.slice(0, 4).map((one) => one.toISOString())).toEqual([
    '2027-10-30T00:30:00.000Z',
    '2027-10-31T00:30:00.000Z',
    '2027-10-31T01:30:00.000Z',
    '2027-11-01T01:30:00.000Z',
  ])
})

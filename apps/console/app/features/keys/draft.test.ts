import { describe, expect, test } from 'vitest'
import { type Draft, sentenceOf, termsOf } from './draft.ts'
import { NO_RESTRICTIONS } from './restrictions.ts'

const NONE = { models: [], providers: [] }
const ZONE = 'Europe/Amsterdam'
const now = new Date('2026-11-21T08:12:30Z') // Saturday 09:12:30 there
const draft = (changes: Partial<Draft> = {}): Draft => ({
  budget: '5.00',
  other_usd: '',
  renewal: 'never',
  window: 'always',
  from: null,
  until: null,
  name: 'Coding',
  allocation_id: null,
  ...NO_RESTRICTIONS,
  ...changes,
})
const say = (changes: Partial<Draft>) => sentenceOf('Sanne', termsOf(draft(changes), ZONE, now, NONE).terms, ZONE, now)

describe('the sentence', () => {
  test.each<[Partial<Draft>, string]>([
    [
      { window: 'choose', from: '2026-11-21 10:00:00', until: '2026-11-21 11:00:00' },
      'Sanne can spend $5.00, today between 10:00 and 11:00. Not renewed.',
    ],
    [{}, 'Sanne can spend $5.00, from now on. Not renewed.'],
    [{ renewal: 'weekly' }, 'Sanne can spend $5.00 every week, from now on.'],
    [{ budget: 'none', renewal: 'weekly' }, 'Sanne can spend as much as the balance allows, from now on. Not renewed.'],
    [{ window: 'lesson' }, 'Sanne can spend $5.00, from now until today 10:03. Not renewed.'],
    [{ window: 'today' }, 'Sanne can spend $5.00, from now until the end of today. Not renewed.'],
    [{ window: 'hour' }, 'Sanne can spend $5.00, from now until today 10:12. Not renewed.'],
    [{ window: 'month' }, 'Sanne can spend $5.00, from now until 21 Dec 09:12. Not renewed.'],
    [{ window: 'week' }, 'Sanne can spend $5.00, from now until the end of tomorrow. Not renewed.'],
    [{ window: 'choose', from: '2026-11-23 09:00:00' }, 'Sanne can spend $5.00, from 23 Nov 09:00 on. Not renewed.'],
    [{ budget: 'other', other_usd: '7,50' }, 'Sanne can spend $7.50, from now on. Not renewed.'],
    [{ budget: 'other', other_usd: '0.0005' }, 'Sanne can spend $0.0005, from now on. Not renewed.'],
  ])('%o', (changes, sentence) => {
    expect(say(changes)).toBe(sentence)
  })
})

describe('terms', () => {
  test('a window over the end of daylight saving is as long as the clock says', () => {
    const october = new Date('2026-10-20T08:00:00Z')
    const { terms } = termsOf(
      draft({ window: 'choose', from: '2026-10-24 12:00:00', until: '2026-10-25 12:00:00' }),
      ZONE,
      october,
      NONE,
    )
    expect(terms.valid_from).toBe('2026-10-24T10:00:00.000Z')
    expect(terms.valid_until).toBe('2026-10-25T11:00:00.000Z')
  })

  test.each<[Partial<Draft>, string, RegExp]>([
    [{ budget: 'other', other_usd: '' }, 'budget_usd', /amount/],
    [{ budget: 'other', other_usd: 'five' }, 'budget_usd', /number/],
    [{ budget: 'other', other_usd: '0' }, 'budget_usd', /zero/],
    [{ budget: 'other', other_usd: '-3' }, 'budget_usd', /negative/],
    [{ window: 'choose' }, 'valid_until', /Choose/],
    [{ window: 'choose', until: '2026-11-21 09:00:00' }, 'valid_until', /passed/],
    [{ window: 'choose', from: '2026-11-22 10:00:00', until: '2026-11-22 09:00:00' }, 'valid_until', /later/],
  ])('%o is refused at the field', (changes, field, words) => {
    expect(termsOf(draft(changes), ZONE, now, NONE).problems).toEqual({ [field]: expect.stringMatching(words) })
  })
})

import { expect, it } from 'vitest'
import { WORDS } from '../../words.ts'
import { NEW_RULE, type RuleDraft } from './rule.ts'
import { inOneLine, inWords } from './words.ts'

const names = new Map([
  ['grp_a', '7b'],
  ['grp_b', '8a'],
  ['loc_a', 'North'],
  ['mem_a', 'Ada'],
  ['mem_b', 'Ben'],
  ['prv_a', 'openai'],
])
const line = (rule: Partial<RuleDraft>) => inOneLine({ ...NEW_RULE, ...rule }, names, WORDS.school)

it.each<[Partial<RuleDraft>, string]>([
  [{}, 'Block · Everyone · all models · always'],
  [
    { kinds: ['student'], days: ['mon', 'tue', 'wed', 'thu', 'fri'], time_from: '17:00', time_until: '08:00' },
    'Block · Students · all models · Mon–Fri 17:00–08:00',
  ],
  [{ effect: 'allow', kinds: ['staff'] }, 'Allow · Staff · all models · always'],
  [
    { group_ids: ['grp_a', 'grp_b'], location_ids: ['loc_a'] },
    'Block · Everyone in 7b or 8a at North · all models · always',
  ],
  [{ member_ids: ['mem_a', 'mem_b'] }, 'Block · Ada or Ben · all models · always'],
  [{ roles: ['auditor'] }, 'Block · Everyone who are auditors · all models · always'],
  [{ models: ['a', 'b', 'c', 'd'] }, 'Block · Everyone · a, b or 2 others · always'],
  [{ models: ['gpt-*'], provider_ids: ['prv_a'] }, 'Block · Everyone · gpt-* at openai · always'],
  [{ days: ['sat', 'sun'] }, 'Block · Everyone · all models · Sat, Sun'],
  [{ days: ['mon', 'wed', 'fri'] }, 'Block · Everyone · all models · Mon, Wed, Fri'],
  [{ days: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] }, 'Block · Everyone · all models · always'],
  [{ group_ids: ['grp_gone'] }, 'Block · Everyone in a deleted group · all models · always'],
])('%j', (rule, expected) => {
  expect(line(rule)).toBe(expected)
})

it('says that there is more than one may see', () => {
  expect(inWords({ ...NEW_RULE, location_ids: ['loc_a'] }, names, WORDS.school, 2).who).toBe(
    'Everyone at North (and 2 you don’t see)',
  )
})

import { expect, test } from 'vitest'
import { readView } from './view.ts'

const of = (query: string, kind: 'school' | 'company' = 'school') => readView(new URLSearchParams(query), kind)

test('students are by class until somebody is looked for, filtered or sorted', () => {
  expect(of('').isGrouped).toBe(true)
  expect(of('location=loc_1&open=grp_1,grp_2')).toMatchObject({ isGrouped: true, open: ['grp_1', 'grp_2'] })
  for (const query of ['q=a', 'group=grp_1', 'key=none', 'used=85', 'sort=-spent', 'view=names', 'tab=staff']) {
    expect(of(query).isGrouped, query).toBe(false)
  }
  expect(of('', 'company')).toMatchObject({ isGrouped: false, kind: 'employee' })
})

test('filters are those of the operation', () => {
  expect(of('tab=staff&location=loc_1&group=grp_1&key=disabled&used=100&q=an').filter).toEqual({
    kind: 'staff',
    location_id: 'loc_1',
    group_id: 'grp_1',
    key: 'disabled',
    used_min: 100,
    search: 'an',
  })
  expect(of('group=none').filter).toEqual({ kind: 'student', is_ungrouped: true })
  expect(of('key=lost&used=12').filter).toEqual({ kind: 'student' })
})

import { expect, test } from 'vitest'
import { needsYou } from './needs-you.ts'

const now = new Date('2026-11-21T09:00:00Z')
const key = (id: string, budget: object, rest: object = {}) => ({
  id,
  member_id: 'mem_1',
  member_name: 'Sanne',
  status: 'active',
  created_at: '2026-09-01T09:00:00Z',
  valid_until: null,
  budget: { limit_usd: '5.00', spent_usd: '0.00', remaining_usd: '5.00', renewal: 'never', ...budget },
  ...rest,
})

test('names the keys near their end, worst first', () => {
  const needs = needsYou(
    [
      key('fine', { spent_usd: '4.00' }),
      key('ends tomorrow', {}, { valid_until: '2026-11-22T09:00:00Z' }),
      key('ends next month', {}, { valid_until: '2026-12-22T09:00:00Z' }),
      key('for one lesson', {}, { created_at: '2026-11-21T08:30:00Z', valid_until: '2026-11-21T09:20:00Z' }),
      key('nearly', { spent_usd: '4.50' }),
      key('empty', { spent_usd: '5.00' }),
      key('renews', { spent_usd: '5.00', renewal: 'daily' }),
      key('unlimited', { limit_usd: null, spent_usd: '500.00', remaining_usd: null }),
      key('revoked', { spent_usd: '5.00' }, { status: 'revoked' }),
    ],
    now,
  )
  expect(needs.map((need) => [need.kind, need.key.id])).toEqual([
    ['used_up', 'empty'],
    ['nearly_used_up', 'nearly'],
    ['expiring', 'ends tomorrow'],
  ])
})

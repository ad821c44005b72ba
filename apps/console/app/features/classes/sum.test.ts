import { expect, test } from 'vitest'
import { sumOf } from './sum.ts'

test.each([
  [28, '5.00', 'never', '312.40', 'Creates 28 keys, at most $140.00 of $312.40.', false],
  [1, '5.00', 'never', null, 'Creates 1 key, at most $5.00.', false],
  [28, '12.00', 'weekly', '312.40', 'Creates 28 keys, at most $336.00 a week of $312.40.', true],
  [3, '0.1', 'when_used_up', '0.30', 'Creates 3 keys, at most $0.30 each time they are used up of $0.30.', false],
  [1_000, '25.00', 'never', '5.00', 'Creates 1,000 keys, at most $25,000.00 of $5.00.', true],
  [
    2,
    null,
    'never',
    '5.00',
    'Creates 2 keys without a limit of their own: only the balance of $5.00 limits them.',
    false,
  ],
  [2, null, 'never', null, 'Creates 2 keys without a limit of their own: only the balance limits them.', false],
] as const)('%i keys of %s, %s, against %s', (count, budget_usd, renewal, available, sentence, isMoreThanThereIs) => {
  expect(sumOf(count, { budget_usd, renewal }, available)).toEqual({ sentence, isMoreThanThereIs })
})

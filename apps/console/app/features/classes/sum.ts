import { formatUsd, parseUsd } from '@stipend/money'
import { nanos, shortUsd } from '../../money.ts'
import { counted } from '../../words.ts'
import type { Terms } from '../keys/draft.ts'
import type { Renewal } from '../keys/key-state.tsx'

/** "Creates 28 keys, at most $140.00 of $312.40." and whether that is more than there is. */
export function sumOf(
  count: number,
  { budget_usd, renewal }: Pick<Terms, 'budget_usd' | 'renewal'>,
  available_usd: string | null,
): { sentence: string; isMoreThanThereIs: boolean } {
  const creates = `Creates ${counted(count, 'key')}`
  const balance = available_usd === null ? '' : shortUsd(available_usd)
  if (budget_usd === null) {
    const limit = balance === '' ? 'only the balance limits them' : `only the balance of ${balance} limits them`
    return { sentence: `${creates} without a limit of their own: ${limit}.`, isMoreThanThereIs: false }
  }
  const parsed = parseUsd(budget_usd)
  if (!parsed.ok) return { sentence: `${creates}.`, isMoreThanThereIs: false }
  const most = parsed.nanos * BigInt(count)
  const of = balance === '' ? '' : ` of ${balance}`
  return {
    sentence: `${creates}, at most ${shortUsd(formatUsd(most))}${EACH_TIME[renewal]}${of}.`,
    isMoreThanThereIs: available_usd !== null && most > nanos(available_usd),
  }
}

const EACH_TIME: Record<Renewal, string> = {
  never: '',
  when_used_up: ' each time they are used up',
  daily: ' a day',
  weekly: ' a week',
  monthly: ' a month',
}

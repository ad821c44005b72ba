import { Badge, Group, Progress, Stack, Text } from '@mantine/core'
import { exactUsd, percentUsed, shortUsd } from '../../money.ts'
import { windowWords } from '../../time.ts'
import { useNow } from '../../ui/now.tsx'
import { useTenant } from '../tenant.ts'

export type ShownBudget = {
  limit_usd: string | null
  spent_usd: string
  remaining_usd: string | null
  renewal: Renewal
  renews_at: string | null
}
export const RENEWALS = ['never', 'when_used_up', 'daily', 'weekly', 'monthly'] as const
export type Renewal = (typeof RENEWALS)[number]
export type ShownKey = {
  status: 'active' | 'not_yet_valid' | 'expired' | 'disabled' | 'revoked'
  masked: string
  budget: ShownBudget
  valid_from: string | null
  valid_until: string | null
  /** Of a key that a lesson paused. */
  paused_group_id?: string | null | undefined
}

const STATES = {
  active: { word: 'Active', color: 'green' },
  used_up: { word: 'Used up', color: 'red' },
  not_yet_valid: { word: 'Not yet', color: 'blue' },
  expired: { word: 'Ended', color: 'gray' },
  disabled: { word: 'Disabled', color: 'yellow' },
  paused: { word: 'Paused', color: 'yellow' },
  revoked: { word: 'Revoked', color: 'red' },
} as const

/** The states that a list can be filtered by. */
export const KEY_STATES = (['active', 'not_yet_valid', 'expired', 'disabled', 'revoked'] as const).map((value) => ({
  value,
  label: STATES[value].word,
}))

export const RENEWAL_WORDS: Record<Renewal, string> = {
  never: 'Not renewed',
  when_used_up: 'Renews when used up',
  daily: 'Renews every day',
  weekly: 'Renews every week',
  monthly: 'Renews every month',
}

type Stated = Pick<ShownKey, 'status' | 'budget' | 'paused_group_id'>

function stateOf({ status, budget, paused_group_id = null }: Stated): keyof typeof STATES {
  if (status === 'disabled' && paused_group_id !== null) return 'paused'
  const isUsedUp = budget.limit_usd !== null && percentUsed(budget.spent_usd, budget.limit_usd) === 100
  return status === 'active' && isUsedUp ? 'used_up' : status
}

/** The state of a key in a word and a colour. */
export function KeyBadge(props: { of: Stated }) {
  const { word, color } = STATES[stateOf(props.of)]
  return (
    <Badge color={color} style={{ flexShrink: 0 }}>
      {word}
    </Badge>
  )
}

export function KeyChip({ of: key }: { of: ShownKey }) {
  return (
    <Group gap={8} wrap="nowrap">
      <KeyBadge of={key} />
      <Text size="xs" c="dimmed" ff="monospace" visibleFrom="lg" style={{ whiteSpace: 'nowrap' }}>
        {key.masked}
      </Text>
    </Group>
  )
}

export function KeyWindow({ of: key }: { of: Pick<ShownKey, 'valid_from' | 'valid_until'> }) {
  const now = useNow()
  const { time_zone } = useTenant()
  const words = windowWords(key.valid_from, key.valid_until, time_zone, now)
  return <>{words === null ? 'Always' : words.charAt(0).toUpperCase() + words.slice(1)}</>
}

/** What is spent of a budget, as a bar and in figures. */
export function BudgetBar({ of: budget, label }: { of: ShownBudget; label: string }) {
  const figures = (
    <Text size="xs" style={{ whiteSpace: 'nowrap' }}>
      <data value={budget.spent_usd} title={exactUsd(budget.spent_usd)}>
        {shortUsd(budget.spent_usd)}
      </data>
      <Text span inherit c="dimmed">
        {budget.limit_usd === null ? ', no limit' : ` / ${shortUsd(budget.limit_usd)}`}
      </Text>
    </Text>
  )
  if (budget.limit_usd === null) return figures
  const percent = percentUsed(budget.spent_usd, budget.limit_usd)
  return (
    <Stack gap={4} miw={96}>
      {figures}
      <Progress.Root size={5}>
        <Progress.Section
          value={percent}
          color={percent === 100 ? 'red' : percent >= 85 ? 'yellow.5' : 'var(--mantine-primary-color-filled)'}
          aria-label={`${label}: ${percent} percent of the budget used`}
        />
      </Progress.Root>
    </Stack>
  )
}

import { Button, Group, Text } from '@mantine/core'
import { shortUsd } from '../../money.ts'
import { endWords } from '../../time.ts'
import { useNow } from '../../ui/now.tsx'
import type { ShownKey } from '../keys/key-state.tsx'
import { useTenant } from '../tenant.ts'
import classes from './lesson.module.css'
import type { Act } from './lesson-view.tsx'

export type LessonPerson = {
  member_id: string
  member_name: string
  state: 'idle' | 'working' | 'near_end' | 'out' | 'paused' | 'blocked' | 'no_key'
  is_working: boolean
  spent_today_usd: string
  key: (ShownKey & { id: string }) | null
  paused_group_ids: string[]
}

const STATE_WORDS = {
  idle: 'Idle',
  working: 'Working',
  near_end: 'Near the end',
  out: 'Budget spent',
  paused: 'Paused',
  blocked: 'Not now',
  no_key: 'No key',
} as const

type Props = {
  of: LessonPerson
  showsCosts: boolean
  mayWrite: boolean
  isBusy: boolean
  onAct: (act: Act) => void
}

/** One person, readable from the back of the room. */
export function LessonTile({ of: person, showsCosts, mayWrite, isBusy, onAct }: Props) {
  const { time_zone } = useTenant()
  const now = useNow()
  const { member_id, member_name, state, key } = person
  const why = state === 'blocked' && key !== null ? blockedWords(key, time_zone, now) : null
  const isRaisable = key !== null && key.budget.limit_usd !== null
  return (
    <li className={classes.tile} data-state={state} data-working={person.is_working || undefined}>
      <Text className={classes.name} title={member_name}>
        {member_name}
      </Text>
      <Text className={classes.state}>
        <span className={classes.dot} aria-hidden />
        {why ?? STATE_WORDS[state]}
        {state === 'near_end' && person.is_working ? ', working' : ''}
      </Text>
      {showsCosts && (
        <Text size="sm" className={classes.amounts}>
          {key === null ? '–' : budgetWords(key)}
        </Text>
      )}
      {mayWrite && key !== null && (
        <Group gap={6} mt="auto">
          {isRaisable && (
            <Button
              size="compact-sm"
              variant="default"
              disabled={isBusy}
              onClick={() => onAct({ act: 'raise', key_id: key.id })}
              aria-label={`+ $1 for ${member_name}`}
            >
              + $1
            </Button>
          )}
          {person.paused_group_ids.length > 0 ? (
            <Button
              size="compact-sm"
              variant="default"
              disabled={isBusy}
              onClick={() => onAct({ act: 'resume', member_ids: [member_id] })}
              aria-label={`Resume ${member_name}`}
            >
              Resume
            </Button>
          ) : (
            state !== 'blocked' &&
            state !== 'paused' && (
              <Button
                size="compact-sm"
                variant="default"
                disabled={isBusy}
                onClick={() => onAct({ act: 'pause', member_ids: [member_id] })}
                aria-label={`Pause ${member_name}`}
              >
                Pause
              </Button>
            )
          )}
        </Group>
      )}
    </li>
  )
}

function blockedWords(key: ShownKey, zone: string, now: Date): string {
  if (key.status === 'not_yet_valid') return `From ${endWords(key.valid_from ?? '', zone, now)}`
  if (key.status === 'disabled') return 'Disabled'
  return key.status === 'expired' ? 'Ended' : 'Not now'
}

function budgetWords({ budget }: ShownKey): string {
  const spent = shortUsd(budget.spent_usd)
  if (budget.limit_usd === null) return `${spent}, no limit`
  return `${spent} of ${shortUsd(budget.limit_usd)}`
}

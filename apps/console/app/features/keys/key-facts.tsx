import { Card, Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Caller } from '../../../backend.ts'
import { dayAndClock } from '../../time.ts'
import { Facts } from '../../ui/facts.tsx'
import { Moment } from '../../ui/moment.tsx'
import { useNow } from '../../ui/now.tsx'
import { counted } from '../../words.ts'
import { useTenant } from '../tenant.ts'
import { BudgetBar, KeyBadge, KeyWindow, RENEWAL_WORDS } from './key-state.tsx'

type Key = Awaited<ReturnType<Caller['keys']['get']>>

/** What a key may spend and has spent, and its state. */
export function KeyBudget({ of: key, label }: { of: Key; label: string }) {
  const { time_zone } = useTenant()
  const now = useNow()
  const { renews_at, renewal } = key.budget
  return (
    <Card padding="md">
      <Group justify="space-between" mb="xs">
        <Text size="sm" fw={600}>
          Budget
        </Text>
        <KeyBadge of={key} />
      </Group>
      <BudgetBar of={key.budget} label={label} />
      <Text size="xs" c="dimmed" mt="xs">
        {RENEWAL_WORDS[renewal]}
        {renews_at !== null && `, next ${dayAndClock(renews_at, time_zone, now)}`}.
      </Text>
    </Card>
  )
}

/** What a key may be used for, and what became of it. `created_by` where the reader may know it. */
export function KeyFacts({ of: key, created_by }: { of: Key; created_by?: string }) {
  const rows: [string, ReactNode][] = [
    ['Window', <KeyWindow key="window" of={key} />],
    ['Models', <Names key="models" of={key.allowed_models} none="All" />],
    ['Addresses', <Names key="addresses" of={key.allowed_ips} none="Anywhere" />],
  ]
  if (key.provider_id !== null) rows.push(['Provider', key.provider_name ?? '–'])
  if (key.requests_per_minute !== null) rows.push(['Limit', `${counted(key.requests_per_minute, 'request')} a minute`])
  rows.push(
    ['Last used', <Moment key="used" at={key.last_used_at} />],
    ['Created', <Moment key="created" at={key.created_at} />],
  )
  if (created_by !== undefined) rows.push(['Created by', created_by])
  if (key.revoked_at !== null) rows.push(['Revoked', <Moment key="revoked" at={key.revoked_at} />])
  else if (key.disabled_at !== null) rows.push(['Disabled', <Moment key="disabled" at={key.disabled_at} />])
  return <Facts rows={rows} />
}

function Names({ of: names, none }: { of: string[] | null; none: string }) {
  if (names === null) return none
  return names.map((name) => (
    <Text key={name} size="sm" style={{ overflowWrap: 'anywhere' }}>
      {name}
    </Text>
  ))
}

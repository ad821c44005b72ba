import { Text } from '@mantine/core'
import type { Caller } from '../../../backend.ts'
import { Amount } from '../../ui/amount.tsx'
import { Moment } from '../../ui/moment.tsx'
import type { Column } from '../../ui/table/columns.ts'
import { creatorOf } from './creator-of.ts'
import { BudgetBar, KeyBadge, KeyWindow, RENEWAL_WORDS } from './key-state.tsx'

type ListedKey = Awaited<ReturnType<Caller['keys']['list']>>['data'][number]

export const KEY_COLUMNS: readonly Column<ListedKey>[] = [
  {
    id: 'member',
    header: 'Owner',
    sort: { sort: 'member_name', begins: 'up' },
    cell: (key) => key.member_name,
    under: (key) => <KeyBadge of={key} />,
  },
  {
    id: 'name',
    header: 'Name',
    sort: { sort: 'name', begins: 'up' },
    from: 'md',
    width: 120,
    cell: (key) => key.name,
  },
  {
    id: 'status',
    header: 'Status',
    width: 90,
    from: 'sm',
    cell: (key) => <KeyBadge of={key} />,
  },
  {
    id: 'masked',
    header: 'Key',
    from: 'lg',
    width: 126,
    cell: (key) => (
      <Text size="xs" c="dimmed" ff="monospace">
        {key.masked}
      </Text>
    ),
  },
  {
    id: 'spent',
    header: 'Budget used',
    width: 148,
    sort: { sort: 'spent', begins: 'down' },
    cell: (key) => <BudgetBar of={key.budget} label={key.member_name} />,
  },
  {
    id: 'remaining',
    header: 'Left',
    width: 90,
    align: 'end',
    from: 'md',
    isExtra: true,
    cell: (key) => (key.budget.remaining_usd === null ? 'No limit' : <Amount usd={key.budget.remaining_usd} />),
  },
  {
    id: 'renewal',
    header: 'Renewal',
    width: 170,
    from: 'md',
    isExtra: true,
    cell: (key) => RENEWAL_WORDS[key.budget.renewal],
  },
  {
    id: 'requests',
    header: 'Requests',
    width: 92,
    align: 'end',
    from: 'md',
    cell: (key) => key.requests.toLocaleString('en-US'),
  },
  {
    id: 'tokens',
    header: 'Tokens',
    width: 100,
    align: 'end',
    from: 'md',
    isExtra: true,
    cell: (key) => key.tokens.toLocaleString('en-US'),
  },
  {
    id: 'cost',
    header: 'Cost in all',
    width: 96,
    align: 'end',
    from: 'md',
    isExtra: true,
    cell: (key) => <Amount usd={key.cost_usd} />,
  },
  {
    id: 'window',
    header: 'Window',
    width: 160,
    from: 'md',
    isExtra: true,
    cell: (key) => <KeyWindow of={key} />,
  },
  {
    id: 'creator',
    header: 'Made by',
    width: 140,
    from: 'md',
    isExtra: true,
    cell: creatorOf,
  },
  {
    id: 'created_at',
    header: 'Created',
    width: 118,
    from: 'md',
    sort: { sort: 'created_at', begins: 'down' },
    cell: (key) => <Moment at={key.created_at} />,
  },
  {
    id: 'valid_until',
    header: 'Expires',
    width: 118,
    from: 'lg',
    sort: { sort: 'valid_until', begins: 'up' },
    cell: (key) => <Moment at={key.valid_until} never="Never" />,
  },
  {
    id: 'last_used_at',
    header: 'Last used',
    width: 130,
    from: 'sm',
    sort: { sort: 'last_used_at', begins: 'down' },
    cell: (key) => <Moment at={key.last_used_at} never="–" />,
  },
  {
    id: 'revoked_at',
    header: 'Revoked',
    width: 118,
    from: 'md',
    isExtra: true,
    cell: (key) => <Moment at={key.revoked_at} never="–" />,
  },
]

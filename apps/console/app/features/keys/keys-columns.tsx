import { Text } from '@mantine/core'
import type { Caller } from '../../../backend.ts'
import { Amount } from '../../ui/amount.tsx'
import { Moment } from '../../ui/moment.tsx'
import type { Column } from '../../ui/table/columns.ts'
import { creatorOf } from './creator-of.ts'
import { BudgetBar, KeyBadge, KeyWindow, RENEWAL_WORDS } from './key-state.tsx'

export type ListedKey = Awaited<ReturnType<Caller['keys']['list']>>['data'][number]

/** The first of some names, and how many more; all of them on hover. */
function Names({ of: names, none }: { of: string[] | null; none: string }) {
  if (names === null) {
    return (
      <Text span inherit c="dimmed">
        {none}
      </Text>
    )
  }
  return (
    <span title={names.join('\n')}>
      {names[0]}
      {names.length > 1 && ` +${names.length - 1}`}
    </span>
  )
}

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
    header: 'Left of budget',
    width: 136,
    align: 'end',
    from: 'md',
    isExtra: true,
    cell: ({ budget }) =>
      budget.remaining_usd === null || budget.limit_usd === null ? (
        'No limit'
      ) : (
        <>
          <Amount usd={budget.remaining_usd} />
          <Text span inherit c="dimmed">
            {' / '}
            <Amount usd={budget.limit_usd} />
          </Text>
        </>
      ),
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
    id: 'models',
    header: 'Models',
    width: 150,
    from: 'lg',
    isExtra: true,
    cell: (key) => <Names of={key.allowed_models} none="All" />,
  },
  {
    id: 'provider',
    header: 'Provider',
    width: 110,
    from: 'lg',
    isExtra: true,
    cell: (key) => <Names of={key.provider_name === null ? null : [key.provider_name]} none="Any" />,
  },
  {
    id: 'addresses',
    header: 'Addresses',
    width: 150,
    from: 'lg',
    isExtra: true,
    cell: (key) => <Names of={key.allowed_ips} none="Anywhere" />,
  },
  {
    id: 'per_minute',
    header: 'Requests a minute',
    width: 136,
    align: 'end',
    from: 'lg',
    isExtra: true,
    cell: (key) => key.requests_per_minute?.toLocaleString('en-US') ?? 'Any',
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
    width: 132,
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
    cell: (key) => <Moment at={key.valid_until} never="Never expires" />,
  },
  {
    id: 'last_used_at',
    header: 'Last used',
    width: 142,
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

/** The same for one's own keys, which are told apart by their names. */
export const OWN_KEY_COLUMNS: readonly Column<ListedKey>[] = [
  {
    id: 'name',
    header: 'Name',
    sort: { sort: 'name', begins: 'up' },
    cell: (key) => key.name,
    under: (key) => <KeyBadge of={key} />,
  },
  ...KEY_COLUMNS.filter((column) => column.id !== 'member' && column.id !== 'name'),
]

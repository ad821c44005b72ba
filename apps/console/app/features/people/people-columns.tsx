import { Badge, Group, Text } from '@mantine/core'
import type { Caller } from '../../../backend.ts'
import { Moment } from '../../ui/moment.tsx'
import type { Column } from '../../ui/table/columns.ts'
import { KINDS, ROLES } from './people-query.ts'

export type Member = Awaited<ReturnType<Caller['members']['get']>>

/** Whether somebody can sign in, in a word and a colour. */
export function AccountBadge({ of }: { of: Pick<Member, 'account' | 'is_active' | 'invited_at'> }) {
  if (!of.is_active)
    return (
      <Badge color="gray" variant="light">
        Deactivated
      </Badge>
    )
  if (of.account === 'linked')
    return (
      <Badge color="green" variant="light">
        Active
      </Badge>
    )
  if (of.invited_at !== null)
    return (
      <Badge color="blue" variant="light">
        Invited
      </Badge>
    )
  return (
    <Badge color="yellow" variant="light">
      No account
    </Badge>
  )
}

const names = (of: { name: string }[]) => of.map((one) => one.name).join(', ')

export const PEOPLE_COLUMNS: readonly Column<Member>[] = [
  {
    id: 'name',
    header: 'Name',
    sort: { sort: 'name', begins: 'up' },
    cell: (person) => person.name,
    under: (person) => <AccountBadge of={person} />,
  },
  {
    id: 'email',
    header: 'E-mail',
    sort: { sort: 'email', begins: 'up' },
    from: 'md',
    cell: (person) => (
      <Text size="sm" c="dimmed" truncate>
        {person.email}
      </Text>
    ),
  },
  { id: 'account', header: 'Account', width: 132, from: 'sm', cell: (person) => <AccountBadge of={person} /> },
  { id: 'kind', header: 'Kind', width: 88, from: 'lg', cell: (person) => KINDS[person.kind].replace(/s$/, '') },
  {
    id: 'location',
    header: 'Location',
    width: 150,
    from: 'md',
    cell: (person) => person.location_name ?? '–',
  },
  {
    id: 'groups',
    header: 'Groups',
    width: 160,
    from: 'sm',
    cell: (person) => (
      <Text size="sm" truncate title={names([...person.groups, ...person.leads])}>
        {names(person.groups) || (person.leads.length > 0 ? `Leads ${names(person.leads)}` : '–')}
      </Text>
    ),
  },
  {
    id: 'role',
    header: 'Role',
    width: 112,
    from: 'md',
    cell: (person) =>
      person.role === 'member' ? (
        <Text size="sm" c="dimmed">
          –
        </Text>
      ) : (
        <Group gap={4}>{ROLES[person.role]}</Group>
      ),
  },
  {
    id: 'external_id',
    header: 'External id',
    width: 120,
    from: 'md',
    isExtra: true,
    cell: (person) => person.external_id ?? '–',
  },
  {
    id: 'created_at',
    header: 'Added',
    width: 136,
    from: 'lg',
    sort: { sort: 'created_at', begins: 'down' },
    cell: (person) => <Moment at={person.created_at} />,
  },
]

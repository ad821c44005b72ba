import { ActionIcon, Group, Text, Tooltip, useMantineTheme } from '@mantine/core'
import { Link, useSearchParams } from '@remix-run/react'
import { IconKey, IconKeyOff } from '@tabler/icons-react'
import type { Caller } from '../../../backend.ts'
import { paths } from '../../paths.ts'
import { Moment } from '../../ui/moment.tsx'
import type { Column } from '../../ui/table/columns.ts'
import { searchOf } from '../../ui/table/use-table.ts'
import { BudgetBar, KeyChip, KeyWindow } from '../keys/key-state.tsx'
import { useTenant } from '../tenant.ts'
import classes from './people-columns.module.css'

export type ListedPerson = Awaited<ReturnType<Caller['coding']['listPeople']>>['data'][number]

/** Where a person's row and key icon lead: their key, the form for one, or why there can be none. */
export function personPath(
  slug: string,
  person: Pick<ListedPerson, 'id' | 'account' | 'key'>,
  search: string,
  mayWrite: boolean,
) {
  if (person.key !== null) return paths.key(slug, person.id, person.key.id, search)
  return person.account === 'linked' && mayWrite
    ? paths.newKey(slug, person.id, search)
    : paths.person(slug, person.id, search)
}

export const keyButtonId = (memberId: string) => `key-of-${memberId}`

/** The columns of the Coding page. `group` is what a class or a team is called; without it the column is left out. */
export function peopleColumns(group: string | null): Column<ListedPerson>[] {
  return [
    {
      id: 'name',
      header: 'Name',
      sort: { sort: 'name', begins: 'up' },
      cell: (person) => <span title={person.email}>{person.name}</span>,
      under: (person) => <KeyState of={person} />,
    },
    ...(group === null
      ? []
      : [
          {
            id: 'group',
            header: group,
            width: 110,
            from: 'md' as const,
            cell: (person: ListedPerson) => person.groups.map((one) => one.name).join(', ') || '–',
          },
        ]),
    { id: 'account', header: 'Account', width: 92, from: 'xl', cell: (person) => <Account of={person} /> },
    { id: 'key', header: 'Key', width: 208, from: 'sm', cell: (person) => <KeyState of={person} /> },
    {
      id: 'window',
      header: 'Window',
      width: 156,
      from: 'md',
      cell: (person) => (person.key === null ? <None /> : <KeyWindow of={person.key} />),
    },
    {
      id: 'spent',
      header: 'Budget used',
      width: 130,
      sort: { sort: 'spent', begins: 'down' },
      cell: (person) => (person.key === null ? <None /> : <BudgetBar of={person.key.budget} label={person.name} />),
    },
    {
      id: 'requests',
      header: 'Requests',
      width: 92,
      from: 'md',
      align: 'end',
      cell: (person) => person.requests.toLocaleString('en-US'),
    },
    {
      id: 'last_used_at',
      header: 'Last used',
      width: 142,
      from: 'sm',
      sort: { sort: 'last_used_at', begins: 'down' },
      cell: (person) => <Moment at={person.key?.last_used_at ?? null} never="–" />,
    },
    {
      id: 'open',
      header: 'Open',
      isHeaderHidden: true,
      width: 48,
      align: 'end',
      cell: (person) => <KeyButton of={person} />,
    },
  ]
}

function None() {
  return (
    <Text span size="sm" c="dimmed">
      –
    </Text>
  )
}

function Account({ of: person }: { of: ListedPerson }) {
  if (person.account === 'linked') return <>Linked</>
  return (
    <Text span size="sm" c="dimmed">
      {person.invited_at === null ? 'None yet' : 'Invited'}
    </Text>
  )
}

function KeyState({ of: person }: { of: ListedPerson }) {
  if (person.key === null) {
    return (
      <Text span size="sm" c="dimmed">
        {person.account === 'linked' ? 'No key' : person.invited_at === null ? 'No account yet' : 'Invited'}
      </Text>
    )
  }
  return (
    <Group gap={6} wrap="nowrap">
      <KeyChip of={person.key} />
      {person.keys_count > 1 && (
        <Text span size="xs" c="dimmed" title={`${person.keys_count} keys`}>
          +{person.keys_count - 1}
        </Text>
      )}
    </Group>
  )
}

function KeyButton({ of: person }: { of: ListedPerson }) {
  const { slug, may } = useTenant()
  const [params] = useSearchParams()
  const { primaryColor } = useMantineTheme()
  const to = personPath(slug, person, searchOf(params), may('keys:write'))
  if (person.account === 'none' && person.key === null) {
    const reason = `${person.name} has no account yet. A key can only be made for somebody who can sign in.`
    return (
      <Tooltip label={may('members:write') ? `${reason} Open to invite them.` : reason} multiline w={250}>
        <ActionIcon
          component={Link}
          to={to}
          preventScrollReset
          variant="transparent"
          size="md"
          className={classes.unavailable}
          aria-label={reason}
          id={keyButtonId(person.id)}
        >
          <IconKeyOff size={17} stroke={1.6} />
        </ActionIcon>
      </Tooltip>
    )
  }
  if (person.key === null && !may('keys:write')) return null
  const label = person.key !== null ? `Key of ${person.name}` : `Create a key for ${person.name}`
  return (
    <Tooltip label={person.key !== null ? 'Open the key' : 'Create a key'}>
      <ActionIcon
        component={Link}
        to={to}
        preventScrollReset
        variant="subtle"
        color={person.key !== null ? 'gray' : primaryColor}
        size="md"
        aria-label={label}
        id={keyButtonId(person.id)}
      >
        <IconKey size={17} stroke={1.6} />
      </ActionIcon>
    </Tooltip>
  )
}

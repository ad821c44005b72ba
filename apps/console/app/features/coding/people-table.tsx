import { ActionIcon, Group, Table, Text, Tooltip, useMantineTheme, VisuallyHidden } from '@mantine/core'
import { Link, useNavigate, useSearchParams } from '@remix-run/react'
import { IconKey, IconKeyOff } from '@tabler/icons-react'
import { paths } from '../../paths.ts'
import { Moment } from '../../ui/moment.tsx'
import { BudgetBar, KeyChip, KeyWindow, type ShownKey } from '../keys/key-state.tsx'
import { useTenant } from '../tenant.ts'
import classes from './people-table.module.css'

export type ShownPerson = {
  id: string
  name: string
  email: string
  account: 'linked' | 'none'
  location_name: string | null
  groups: { id: string; name: string }[]
  key: (ShownKey & { id: string; last_used_at: string | null }) | null
  requests: number
}

/** Where a person's row and key icon lead: their key, the form for one, or why there can be none. */
export function personPath(
  slug: string,
  person: Pick<ShownPerson, 'id' | 'account' | 'key'>,
  search: string,
  mayWrite: boolean,
) {
  if (person.key !== null) return paths.key(slug, person.id, person.key.id, search)
  return person.account === 'linked' && mayWrite
    ? paths.newKey(slug, person.id, search)
    : paths.person(slug, person.id, search)
}

export const keyButtonId = (memberId: string) => `key-of-${memberId}`

export function PeopleTable({
  people,
  caption,
  withGroup,
}: {
  people: ShownPerson[]
  caption: string
  withGroup: boolean
}) {
  const { words } = useTenant()
  return (
    <Table className={classes.table} aria-label={caption}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Name</Table.Th>
          {withGroup && <Table.Th visibleFrom="md">{words.group}</Table.Th>}
          <Table.Th visibleFrom="sm" w={{ sm: 110, lg: 190 }}>
            Key
          </Table.Th>
          <Table.Th visibleFrom="md" w={148}>
            Window
          </Table.Th>
          <Table.Th w={{ base: 116, sm: 144 }}>Budget used</Table.Th>
          <Table.Th visibleFrom="md" ta="right" w={92}>
            Requests
          </Table.Th>
          <Table.Th visibleFrom="sm" w={118}>
            Last used
          </Table.Th>
          <Table.Th w={{ base: 48, sm: 64 }}>
            <VisuallyHidden>Open</VisuallyHidden>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {people.map((person) => (
          <PersonRow key={person.id} person={person} withGroup={withGroup} />
        ))}
      </Table.Tbody>
    </Table>
  )
}

function PersonRow({ person, withGroup }: { person: ShownPerson; withGroup: boolean }) {
  const { slug, may } = useTenant()
  const [search] = useSearchParams()
  const navigate = useNavigate()
  const query = search.size === 0 ? '' : `?${search}`
  const { key } = person
  const to = personPath(slug, person, query, may('keys:write'))
  return (
    // The name is the link for the keyboard; a click anywhere in the row is a larger target for the mouse.
    <Table.Tr
      className={classes.row}
      onClick={(event) => {
        if (!(event.target as Element).closest('a, button')) navigate(to, { preventScrollReset: true })
      }}
    >
      <Table.Td className={classes.name}>
        <Link to={to} preventScrollReset className={classes.link} title={person.email}>
          {person.name}
        </Link>
        <Group gap={6} hiddenFrom="sm">
          {key !== null ? <KeyChip of={key} /> : <NoKey account={person.account} />}
        </Group>
      </Table.Td>
      {withGroup && (
        <Table.Td visibleFrom="md">
          <Text size="sm" truncate c={person.groups.length === 0 ? 'dimmed' : 'inherit'}>
            {person.groups.map((group) => group.name).join(', ') || '–'}
          </Text>
        </Table.Td>
      )}
      <Table.Td visibleFrom="sm">{key !== null ? <KeyChip of={key} /> : <NoKey account={person.account} />}</Table.Td>
      <Table.Td visibleFrom="md" c={key === null ? 'dimmed' : 'inherit'}>
        {key === null ? '–' : <KeyWindow of={key} />}
      </Table.Td>
      <Table.Td>
        {key === null ? (
          <Text size="sm" c="dimmed">
            –
          </Text>
        ) : (
          <BudgetBar of={key.budget} label={person.name} />
        )}
      </Table.Td>
      <Table.Td visibleFrom="md" ta="right">
        {person.requests.toLocaleString('en-US')}
      </Table.Td>
      <Table.Td visibleFrom="sm" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
        <Moment at={key?.last_used_at ?? null} never="–" />
      </Table.Td>
      <Table.Td ta="right">
        <KeyButton person={person} to={to} />
      </Table.Td>
    </Table.Tr>
  )
}

function NoKey({ account }: { account: 'linked' | 'none' }) {
  return (
    <Text size="sm" c="dimmed">
      {account === 'linked' ? 'No key' : 'No account yet'}
    </Text>
  )
}

function KeyButton({ person, to }: { person: ShownPerson; to: string }) {
  const { may } = useTenant()
  const { primaryColor } = useMantineTheme()
  if (person.account === 'none' && person.key === null) {
    const reason = `${person.name} has no account yet. A key can only be made for somebody who can sign in.`
    return (
      <Tooltip label={reason} multiline w={240}>
        {/* Not `disabled`: the reason must be within reach of the keyboard. */}
        <ActionIcon
          variant="transparent"
          color="gray"
          size="lg"
          className={classes.unavailable}
          aria-disabled
          aria-label={reason}
          id={keyButtonId(person.id)}
        >
          <IconKeyOff size={18} stroke={1.6} />
        </ActionIcon>
      </Tooltip>
    )
  }
  const label = person.key !== null ? `Key of ${person.name}` : `Create a key for ${person.name}`
  if (person.key === null && !may('keys:write')) return null
  return (
    <Tooltip label={person.key !== null ? 'Open the key' : 'Create a key'}>
      <ActionIcon
        component={Link}
        to={to}
        preventScrollReset
        variant="subtle"
        color={person.key !== null ? 'gray' : primaryColor}
        size="lg"
        aria-label={label}
        id={keyButtonId(person.id)}
      >
        <IconKey size={18} stroke={1.6} />
      </ActionIcon>
    </Tooltip>
  )
}

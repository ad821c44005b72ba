import { ActionIcon, Button, Group, Menu } from '@mantine/core'
import { Link } from '@remix-run/react'
import { IconDots, IconPlayerPause, IconPlayerPlay, IconPlus, IconPresentation, IconTrash } from '@tabler/icons-react'
import type { KeysMeant, useManyKeys } from '../keys/many-keys.tsx'

type Props = {
  /** The class, the team or the location. */
  name: string
  keys: KeysMeant
  newKeysPath: string
  /** Of a class or a team. */
  lessonPath?: string
  ask: ReturnType<typeof useManyKeys>['ask']
}

/** What can be done with all keys of a class or a location at once. */
export function PlaceActs({ name, keys, newKeysPath, lessonPath, ask }: Props) {
  const askFor = (act: 'revoke' | 'disable' | 'enable') => ask({ act, keys, what: `the keys of ${name}` })
  return (
    <Group gap={4} wrap="nowrap">
      <Button
        component={Link}
        to={newKeysPath}
        variant="subtle"
        size="compact-sm"
        leftSection={<IconPlus size={14} />}
        aria-label={`Create keys for ${name}`}
      >
        Create keys
      </Button>
      {lessonPath !== undefined && (
        <Button
          component={Link}
          to={lessonPath}
          variant="subtle"
          size="compact-sm"
          leftSection={<IconPresentation size={14} />}
          aria-label={`Lesson view of ${name}`}
          visibleFrom="sm"
        >
          Lesson view
        </Button>
      )}
      <Menu position="bottom-end" shadow="md" width={200}>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" size="md" aria-label={`More for ${name}`}>
            <IconDots size={17} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {lessonPath !== undefined && (
            <Menu.Item component={Link} to={lessonPath} hiddenFrom="sm">
              Lesson view
            </Menu.Item>
          )}
          <Menu.Item leftSection={<IconPlayerPause size={15} />} onClick={() => askFor('disable')}>
            Disable all keys
          </Menu.Item>
          <Menu.Item leftSection={<IconPlayerPlay size={15} />} onClick={() => askFor('enable')}>
            Enable all keys
          </Menu.Item>
          <Menu.Item color="red" leftSection={<IconTrash size={15} />} onClick={() => askFor('revoke')}>
            Revoke all keys
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  )
}

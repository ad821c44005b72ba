import { Alert, Anchor, Button, Group, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Link, useFetcher, useSearchParams } from '@remix-run/react'
import {
  IconAlertCircle,
  IconClockStop,
  IconPencil,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlus,
  IconTrash,
} from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { paths } from '../../paths.ts'
import type { Refusal } from '../../session.server.ts'
import { Amount } from '../../ui/amount.tsx'
import { Confirm } from '../../ui/confirm.tsx'
import { answerOf } from '../../ui/form/act-form.tsx'
import { Moment } from '../../ui/moment.tsx'
import { useNotify } from '../../ui/notices.tsx'
import { SidePanel } from '../../ui/side-panel.tsx'
import { searchOf } from '../../ui/table/use-table.ts'
import { counted } from '../../words.ts'
import { useTenant } from '../tenant.ts'
import { RequestLine } from '../usage/request-line.tsx'
import { KeyBudget, KeyFacts } from './key-facts.tsx'
import type { loadKeyPanel } from './key-panel.server.ts'

type Panel = Awaited<ReturnType<typeof loadKeyPanel>>
type Props = {
  of: Panel
  /** Where closing leads, and what has the focus again then. */
  closeTo: string
  openedBy: string
}

/** All about one key, and what can be done with it. */
export function KeyPanel({ of: panel, closeTo, openedBy }: Props) {
  const { key, created_by, recent, chats, keeps_titles, others_count } = panel
  const { slug, may } = useTenant()
  const [search] = useSearchParams()
  return (
    <SidePanel title={key.member_name} sentence={`${key.name} · ${key.masked}`} closeTo={closeTo} openedBy={openedBy}>
      <Stack gap="lg">
        <KeyBudget of={key} label={key.member_name} />
        <KeyFacts of={key} created_by={created_by} />
        {key.status === 'disabled' && key.disabled_at === null && (
          <Alert color="yellow">
            {key.member_name} is deactivated: the key is refused until they are active again.
          </Alert>
        )}
        {may('keys:write') && <Acts of={key} />}
        <Stack gap={0}>
          <Group justify="space-between" mb={4}>
            <Text size="sm" fw={600}>
              Latest requests
            </Text>
            {recent.length > 0 && (
              <Anchor component={Link} to={paths.usage(slug, `?${new URLSearchParams({ key: key.id })}`)} size="sm">
                All requests
              </Anchor>
            )}
          </Group>
          {recent.length === 0 ? (
            <Text size="sm" c="dimmed">
              This key has not been used yet.
            </Text>
          ) : (
            recent.map((request) => <RequestLine key={request.id} request={request} />)
          )}
        </Stack>
        {chats.length > 0 && (
          <Stack gap={0}>
            <Text size="sm" fw={600} mb={4}>
              Chats
            </Text>
            {chats.map((chat) => (
              <Group key={chat.thread} justify="space-between" wrap="nowrap" py={6} gap="md">
                <Text size="sm" truncate title={chat.title ?? undefined}>
                  {chat.title ?? chat.models.join(', ')} · {counted(chat.requests, 'request')}
                </Text>
                <Text size="sm" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
                  <Moment at={chat.last_at} /> · <Amount usd={chat.cost_usd} />
                </Text>
              </Group>
            ))}
            <Text size="xs" c="dimmed" mt={4}>
              {keeps_titles
                ? 'Counts, costs and the first words are kept of a chat, nothing else of what was said.'
                : 'Only counts and costs are kept of a chat, nothing of what was said.'}
            </Text>
          </Stack>
        )}
        {others_count > 0 && (
          <Anchor component={Link} to={paths.person(slug, key.member_id, searchOf(search))} size="sm">
            All keys of {key.member_name} ({others_count + 1})
          </Anchor>
        )}
      </Stack>
    </SidePanel>
  )
}

function Acts({ of: key }: { of: Panel['key'] }) {
  const { slug } = useTenant()
  const [search] = useSearchParams()
  const notify = useNotify()
  const fetcher = useFetcher<{ did: string } | Refusal>()
  const [isAsking, { open, close }] = useDisclosure(false)
  const [isEnding, setEnding] = useState(false)
  const isBusy = fetcher.state !== 'idle'
  const { refused, done } = answerOf(fetcher.data)
  const send = (intent: string) => fetcher.submit({ intent }, { method: 'post' })
  useEffect(() => {
    if (done?.did === 'disable') {
      notify({ message: `The key of ${key.member_name} is disabled.`, undo: () => send('enable') })
    }
  }, [done])
  const another = (
    <Button
      component={Link}
      to={paths.newKey(slug, key.member_id, searchOf(search))}
      variant={key.revoked_at === null ? 'default' : 'filled'}
      leftSection={<IconPlus size={16} />}
    >
      {key.revoked_at === null ? 'Another key' : 'Create a new key'}
    </Button>
  )
  if (key.revoked_at !== null) {
    return (
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          This key was revoked and never works again. The record stays.
        </Text>
        <Group>{another}</Group>
      </Stack>
    )
  }
  return (
    <Stack gap="sm">
      <Group gap="sm">
        {key.disabled_at === null ? (
          <Button
            variant="default"
            leftSection={<IconPlayerPause size={16} />}
            onClick={() => send('disable')}
            loading={isBusy && !isAsking}
          >
            Disable
          </Button>
        ) : (
          <Button
            variant="default"
            leftSection={<IconPlayerPlay size={16} />}
            onClick={() => send('enable')}
            loading={isBusy && !isAsking}
          >
            Enable
          </Button>
        )}
        <Button
          component={Link}
          to={paths.editKey(slug, key.member_id, key.id, searchOf(search))}
          variant="default"
          leftSection={<IconPencil size={16} />}
        >
          Change
        </Button>
        {another}
        {key.status === 'active' && (
          <Button variant="default" leftSection={<IconClockStop size={16} />} onClick={() => setEnding(true)}>
            End now
          </Button>
        )}
        <Button variant="light" color="red" leftSection={<IconTrash size={16} />} onClick={open}>
          Revoke
        </Button>
      </Group>
      {refused !== null && (
        <Alert color="red" icon={<IconAlertCircle size={18} />} role="alert">
          {refused.message}
        </Alert>
      )}
      <Text size="xs" c="dimmed">
        Lost? A key is never shown again.{' '}
        <Anchor
          component={Link}
          to={paths.replaceKey(slug, key.member_id, key.id, searchOf(search))}
          inherit
          underline="always"
        >
          Replace it with a new one
        </Anchor>
        .{' '}
        <Anchor component={Link} to={paths.connect(slug)} inherit underline="always">
          How to connect a tool
        </Anchor>
      </Text>
      <Confirm
        opened={isEnding}
        onClose={() => setEnding(false)}
        title={`End the key of ${key.member_name} now?`}
        act="End key"
        isDangerous={false}
        onConfirm={() => {
          send('end')
          setEnding(false)
        }}
      >
        1 key ({key.masked}) expires at this moment and is refused from then on. It works again once you change until
        when it works.
      </Confirm>
      <Confirm
        opened={isAsking}
        onClose={close}
        title={`Revoke the key of ${key.member_name}?`}
        act="Revoke key"
        onConfirm={() => {
          send('revoke')
          close()
        }}
      >
        1 key ({key.masked}) stops working at once, in every tool that has it. This can’t be undone; {key.member_name}{' '}
        will need a new key.
      </Confirm>
    </Stack>
  )
}

import { Alert, Anchor, Button, Card, Group, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Link, useFetcher, useSearchParams } from '@remix-run/react'
import { IconAlertCircle, IconPencil, IconPlayerPause, IconPlayerPlay, IconPlus, IconTrash } from '@tabler/icons-react'
import { type ReactNode, useEffect } from 'react'
import { paths } from '../../paths.ts'
import type { Refusal } from '../../session.server.ts'
import { dayAndClock } from '../../time.ts'
import { Amount } from '../../ui/amount.tsx'
import { Confirm } from '../../ui/confirm.tsx'
import { Facts } from '../../ui/facts.tsx'
import { answerOf } from '../../ui/form/act-form.tsx'
import { Moment } from '../../ui/moment.tsx'
import { useNotify } from '../../ui/notices.tsx'
import { useNow } from '../../ui/now.tsx'
import { SidePanel } from '../../ui/side-panel.tsx'
import { searchOf } from '../../ui/table/use-table.ts'
import { counted } from '../../words.ts'
import { useTenant } from '../tenant.ts'
import { RequestLine } from '../usage/request-line.tsx'
import type { loadKeyPanel } from './key-panel.server.ts'
import { BudgetBar, KeyBadge, KeyWindow, RENEWAL_WORDS } from './key-state.tsx'

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
  const { slug, time_zone, may } = useTenant()
  const now = useNow()
  const [search] = useSearchParams()
  const { renews_at } = key.budget
  return (
    <SidePanel title={key.member_name} sentence={`${key.name} · ${key.masked}`} closeTo={closeTo} openedBy={openedBy}>
      <Stack gap="lg">
        <Card padding="md">
          <Group justify="space-between" mb="xs">
            <Text size="sm" fw={600}>
              Budget
            </Text>
            <KeyBadge of={key} />
          </Group>
          <BudgetBar of={key.budget} label={key.member_name} />
          <Text size="xs" c="dimmed" mt="xs">
            {RENEWAL_WORDS[key.budget.renewal]}
            {renews_at !== null && `, next ${dayAndClock(renews_at, time_zone, now)}`}.
          </Text>
        </Card>
        <Facts
          rows={[
            ['Window', <KeyWindow key="window" of={key} />],
            ['Models', <Names key="models" of={key.allowed_models} none="All" />],
            ...(key.provider_id === null ? [] : [['Provider', key.provider_name ?? '–'] as [string, ReactNode]]),
            ['Addresses', <Names key="addresses" of={key.allowed_ips} none="Anywhere" />],
            ['Last used', <Moment key="used" at={key.last_used_at} />],
            ['Created', <Moment key="created" at={key.created_at} />],
            ['Created by', created_by],
            ...(key.disabled_at !== null && key.revoked_at === null
              ? [
                  [
                    key.paused_group_id === null ? 'Disabled' : 'Paused in a lesson',
                    <Moment key="disabled" at={key.disabled_at} />,
                  ] as [string, ReactNode],
                ]
              : []),
            ...(key.revoked_at !== null
              ? [['Revoked', <Moment key="revoked" at={key.revoked_at} />] as [string, ReactNode]]
              : []),
          ]}
        />
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

function Names({ of: names, none }: { of: string[] | null; none: string }) {
  if (names === null) return none
  return names.map((name) => (
    <Text key={name} size="sm" style={{ overflowWrap: 'anywhere' }}>
      {name}
    </Text>
  ))
}

function Acts({ of: key }: { of: Panel['key'] }) {
  const { slug } = useTenant()
  const [search] = useSearchParams()
  const notify = useNotify()
  const fetcher = useFetcher<{ did: string } | Refusal>()
  const [isAsking, { open, close }] = useDisclosure(false)
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

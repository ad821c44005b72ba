import { Alert, Anchor, Button, Card, Group, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { MetaFunction } from '@remix-run/node'
import { Link, useFetcher, useLoaderData, useSearchParams } from '@remix-run/react'
import { IconAlertCircle, IconPlayerPause, IconPlayerPlay, IconPlus, IconTrash } from '@tabler/icons-react'
import { keyButtonId } from '../features/coding/people-table.tsx'
import { creatorWords } from '../features/keys/creator.server.ts'
import { BudgetBar, KeyBadge, KeyWindow, RENEWAL_WORDS } from '../features/keys/key-state.tsx'
import { useTenant } from '../features/tenant.ts'
import { RequestLine } from '../features/usage/request-line.tsx'
import { paths } from '../paths.ts'
import { notFoundPage, tenantAction, tenantLoader, text } from '../session.server.ts'
import { dayAndClock } from '../time.ts'
import { Confirm } from '../ui/confirm.tsx'
import { Facts } from '../ui/facts.tsx'
import { Moment } from '../ui/moment.tsx'
import { useNow } from '../ui/now.tsx'
import { SidePanel } from '../ui/side-panel.tsx'

export const meta: MetaFunction = () => [{ title: 'Key – Stipend' }]

export const loader = tenantLoader(async ({ api, param, context }) => {
  const key = await api.keys.get({ id: param('keyId') })
  if (key.member_id !== param('memberId')) throw notFoundPage(context)
  const [others, recent, created_by] = await Promise.all([
    api.keys.list({ member_id: key.member_id, limit: 50 }),
    api.usage.list({ key_id: key.id, limit: 5 }),
    creatorWords(api, key.created_by),
  ])
  return { key, created_by, recent: recent.data, others_count: others.data.length - 1 }
})

export const action = tenantAction(async ({ api, param }, form) => {
  const key = { id: param('keyId') }
  switch (text(form, 'intent')) {
    case 'revoke':
      await api.keys.revoke(key)
      break
    case 'disable':
      await api.keys.disable(key)
      break
    case 'enable':
      await api.keys.enable(key)
      break
  }
  return { done: true }
})

export default function KeyPanel() {
  const { key, created_by, recent, others_count } = useLoaderData<typeof loader>()
  const { slug, time_zone, may } = useTenant()
  const now = useNow()
  const [search] = useSearchParams()
  const query = search.size === 0 ? '' : `?${search}`
  const { renews_at } = key.budget
  return (
    <SidePanel
      title={key.member_name}
      sentence={`${key.name} · ${key.masked}`}
      closeTo={paths.coding(slug, query)}
      openedBy={keyButtonId(key.member_id)}
    >
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
            ['Last used', <Moment key="used" at={key.last_used_at} />],
            ['Created', <Moment key="created" at={key.created_at} />],
            ['Created by', created_by],
            ...(key.disabled_at !== null && key.revoked_at === null
              ? [['Disabled', <Moment key="disabled" at={key.disabled_at} />] as [string, React.ReactNode]]
              : []),
            ...(key.revoked_at !== null
              ? [['Revoked', <Moment key="revoked" at={key.revoked_at} />] as [string, React.ReactNode]]
              : []),
          ]}
        />
        {may('keys:write') && <Acts />}
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
        {others_count > 0 && (
          <Anchor component={Link} to={paths.person(slug, key.member_id, query)} size="sm">
            All keys of {key.member_name} ({others_count + 1})
          </Anchor>
        )}
      </Stack>
    </SidePanel>
  )
}

function Acts() {
  const { key } = useLoaderData<typeof loader>()
  const { slug } = useTenant()
  const [search] = useSearchParams()
  const fetcher = useFetcher<typeof action>()
  const [isAsking, { open, close }] = useDisclosure(false)
  const isBusy = fetcher.state !== 'idle'
  const refused = fetcher.data !== undefined && 'error' in fetcher.data ? fetcher.data.error : null
  const send = (intent: string) => fetcher.submit({ intent }, { method: 'post' })
  const another = (
    <Button
      component={Link}
      to={paths.newKey(slug, key.member_id, search.size === 0 ? '' : `?${search}`)}
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
        Lost? A key is never shown again: revoke it and create a new one.{' '}
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

import { Anchor, Button, Card, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { MetaFunction } from '@remix-run/node'
import { Link, Outlet, useFetcher, useLoaderData } from '@remix-run/react'
import { BudgetBar, KeyBadge, KeyWindow, RENEWAL_WORDS } from '../features/keys/key-state.tsx'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { Amount } from '../ui/amount.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Empty } from '../ui/empty.tsx'
import { Moment } from '../ui/moment.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { counted } from '../words.ts'

export const meta: MetaFunction = () => [{ title: 'My keys – Stipend' }]

export const loader = tenantLoader(async ({ api }) => {
  const [keys, limits, { content }] = await Promise.all([
    api.keys.listOwn({ limit: 50 }),
    api.keys.getOwnLimits(),
    api.tenants.get({}),
  ])
  return { keys: keys.data, may_create: limits.may_create, keeps_titles: content.kept === 'titles' }
})

export const action = tenantAction(async ({ api }, form) => ({
  revoked: await api.keys.revokeOwn({ id: text(form, 'id') }),
}))

export default function MyKeys() {
  const { keys, may_create, keeps_titles } = useLoaderData<typeof loader>()
  const { slug, kind } = useTenant()
  const giver = kind === 'school' ? 'your school' : 'your company'
  const create = may_create && (
    <Button component={Link} to={paths.newOwnKey(slug)} id="new-own-key">
      Create a key
    </Button>
  )
  return (
    <>
      <PageHeader
        title="My keys"
        sentence={`Your keys, and what is left on them. ${kind === 'school' ? 'Your school' : 'Your company'} sees which models you use and what it costs${keeps_titles ? ', and the first words of each chat' : ''}.`}
        action={create}
      />
      {keys.length === 0 ? (
        <Card>
          <Empty kind="nothing_yet" title="You have no key yet" action={create}>
            {may_create
              ? 'Make one for yourself: it is shown once, and your tool is set up in a minute.'
              : `Keys are handed out by ${giver}. Ask ${kind === 'school' ? 'your teacher' : 'your administrator'} for one.`}
          </Empty>
        </Card>
      ) : (
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
          {keys.map((key) => (
            <OwnKey key={key.id} of={key} />
          ))}
        </SimpleGrid>
      )}
      <Text size="sm" mt="lg">
        <Anchor component={Link} to={paths.connect(slug)} inherit>
          How to connect a tool
        </Anchor>
      </Text>
      <Text size="sm" c="dimmed" mt="xs">
        A key is shown once, when it is made. If you lost yours, revoke it and {may_create ? 'make' : 'ask for'} a new
        one.
      </Text>
      <Outlet />
    </>
  )
}

function OwnKey({ of: key }: { of: ReturnType<typeof useLoaderData<typeof loader>>['keys'][number] }) {
  const fetcher = useFetcher<typeof action>()
  const [isAsking, { open, close }] = useDisclosure(false)
  return (
    <Card component="section" aria-label={key.name}>
      <Group justify="space-between" mb="xs" wrap="nowrap">
        <Title order={2}>{key.name}</Title>
        <KeyBadge of={key} />
      </Group>
      <Stack gap="xs">
        <Text size="sm" c="dimmed" ff="monospace">
          {key.masked}
        </Text>
        <BudgetBar of={key.budget} label={key.name} />
        <Text size="sm" c="dimmed">
          {RENEWAL_WORDS[key.budget.renewal]} · <KeyWindow of={key} /> · Last used:{' '}
          <Moment at={key.last_used_at} never="never" />
        </Text>
        <Group justify="space-between">
          <Text size="sm" c="dimmed">
            {counted(key.requests, 'request')} · {key.tokens.toLocaleString('en-US')} tokens ·{' '}
            <Amount usd={key.cost_usd} />
          </Text>
          {key.revoked_at === null && (
            <Button variant="subtle" color="red" size="compact-sm" onClick={open} loading={fetcher.state !== 'idle'}>
              Revoke
            </Button>
          )}
        </Group>
      </Stack>
      <Confirm
        opened={isAsking}
        onClose={close}
        title={`Revoke ${key.name}?`}
        act="Revoke key"
        onConfirm={() => {
          fetcher.submit({ id: key.id }, { method: 'post' })
          close()
        }}
      >
        1 key ({key.masked}) stops working at once, in every tool that has it. This can’t be undone.
      </Confirm>
    </Card>
  )
}

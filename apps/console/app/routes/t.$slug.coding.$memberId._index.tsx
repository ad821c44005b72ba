import { Alert, Anchor, Button, Group, Stack, Text } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { Link, useFetcher, useLoaderData, useSearchParams } from '@remix-run/react'
import { IconKey } from '@tabler/icons-react'
import { keyButtonId } from '../features/coding/people-columns.tsx'
import { BudgetBar, KeyBadge } from '../features/keys/key-state.tsx'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader } from '../session.server.ts'
import { Facts } from '../ui/facts.tsx'
import { answerOf } from '../ui/form/act-form.tsx'
import { SidePanel } from '../ui/side-panel.tsx'

export const meta: MetaFunction = () => [{ title: 'Person – Stipend' }]

export const loader = tenantLoader(async ({ api, param }) => {
  const [member, keys] = await Promise.all([
    api.members.get({ id: param('memberId') }),
    api.keys.list({ member_id: param('memberId'), limit: 50 }),
  ])
  return { member, keys: keys.data }
})

export const action = tenantAction(async ({ api, param }) => ({
  sent: await api.invitations.send({ member_ids: [param('memberId')] }),
}))

/** A person and all keys they ever had. */
export default function Person() {
  const { member, keys } = useLoaderData<typeof loader>()
  const { slug, words, may } = useTenant()
  const [search] = useSearchParams()
  const query = search.size === 0 ? '' : `?${search}`
  return (
    <SidePanel
      title={member.name}
      sentence={member.email}
      closeTo={paths.coding(slug, query)}
      openedBy={keyButtonId(member.id)}
    >
      <Stack gap="lg">
        {member.account === 'none' && (
          <Alert color="yellow" title="No account yet">
            {member.name} can’t sign in so far. A key can only be made for somebody who can.
            {may('members:write') && <Invite />}
          </Alert>
        )}
        <Facts
          rows={[
            [words.location, member.location_name ?? '–'],
            [words.group, member.groups.map((group) => group.name).join(', ') || '–'],
            ['Account', member.account === 'linked' ? 'Linked' : 'None yet'],
          ]}
        />
        <Stack gap={0}>
          <Text fw={600} size="sm" mb={4}>
            Keys
          </Text>
          {keys.length === 0 && (
            <Text size="sm" c="dimmed">
              None so far.
            </Text>
          )}
          {keys.map((key) => (
            <Group key={key.id} justify="space-between" wrap="nowrap" py={8}>
              <Group gap="xs" wrap="nowrap" miw={0}>
                <KeyBadge of={key} />
                <Anchor component={Link} to={paths.key(slug, member.id, key.id, query)} size="sm" truncate>
                  {key.name}
                </Anchor>
                <Text size="xs" c="dimmed" ff="monospace">
                  {key.masked}
                </Text>
              </Group>
              <BudgetBar of={key.budget} label={key.name} />
            </Group>
          ))}
        </Stack>
        {member.account === 'linked' && may('keys:write') && (
          <Button component={Link} to={paths.newKey(slug, member.id, query)} leftSection={<IconKey size={16} />}>
            Create a key
          </Button>
        )}
      </Stack>
    </SidePanel>
  )
}

/** Sends the invitation that a person without an account needs first. */
function Invite() {
  const { member } = useLoaderData<typeof loader>()
  const fetcher = useFetcher<typeof action>()
  const { done, refused } = answerOf(fetcher.data)
  if (done !== null) return <Text size="sm">The invitation is on its way to {member.email}.</Text>
  return (
    <fetcher.Form method="post">
      <Button type="submit" size="xs" mt="sm" loading={fetcher.state !== 'idle'}>
        {member.invited_at === null ? 'Invite' : 'Invite again'}
      </Button>
      {refused !== null && (
        <Text size="sm" c="red" mt="xs" role="alert">
          {refused.message}
        </Text>
      )}
    </fetcher.Form>
  )
}

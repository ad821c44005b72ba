import { Alert, Anchor, Button, Group, Stack, Text } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { Link, useLoaderData, useSearchParams } from '@remix-run/react'
import { IconKey } from '@tabler/icons-react'
import { keyButtonId } from '../features/coding/people-columns.tsx'
import { BudgetBar, KeyBadge } from '../features/keys/key-state.tsx'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantLoader } from '../session.server.ts'
import { Facts } from '../ui/facts.tsx'
import { SidePanel } from '../ui/side-panel.tsx'

export const meta: MetaFunction = () => [{ title: 'Person – Stipend' }]

export const loader = tenantLoader(async ({ api, param }) => {
  const [member, keys] = await Promise.all([
    api.members.get({ id: param('memberId') }),
    api.keys.list({ member_id: param('memberId'), limit: 50 }),
  ])
  return { member, keys: keys.data }
})

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

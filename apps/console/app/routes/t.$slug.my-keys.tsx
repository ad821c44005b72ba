import { Anchor, Card, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { Link, useLoaderData } from '@remix-run/react'
import { BudgetBar, KeyBadge, KeyWindow, RENEWAL_WORDS } from '../features/keys/key-state.tsx'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantLoader } from '../session.server.ts'
import { Empty } from '../ui/empty.tsx'
import { Moment } from '../ui/moment.tsx'
import { PageHeader } from '../ui/page-header.tsx'

export const meta: MetaFunction = () => [{ title: 'My keys – Stipend' }]

export const loader = tenantLoader(async ({ api }) => ({ keys: (await api.keys.listOwn({ limit: 50 })).data }))

export default function MyKeys() {
  const { keys } = useLoaderData<typeof loader>()
  const { slug, kind } = useTenant()
  const giver = kind === 'school' ? 'your school' : 'your company'
  return (
    <>
      <PageHeader title="My keys" sentence={`The keys ${giver} gave you, and what is left on them.`} />
      {keys.length === 0 ? (
        <Card>
          <Empty kind="nothing_yet" title="You have no key yet">
            Keys are handed out by {giver}. Ask {kind === 'school' ? 'your teacher' : 'your administrator'} for one.
          </Empty>
        </Card>
      ) : (
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
          {keys.map((key) => (
            <Card key={key.id} component="section" aria-label={key.name}>
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
              </Stack>
            </Card>
          ))}
        </SimpleGrid>
      )}
      <Text size="sm" mt="lg">
        <Anchor component={Link} to={paths.connect(slug)} inherit>
          How to connect a tool
        </Anchor>
      </Text>
      <Text size="sm" c="dimmed" mt="xs">
        A key is shown once, when it is made. If you lost yours, ask for a new one.
      </Text>
    </>
  )
}

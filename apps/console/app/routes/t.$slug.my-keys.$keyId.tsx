import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { MetaFunction } from '@remix-run/node'
import { useFetcher, useLoaderData, useSearchParams } from '@remix-run/react'
import { IconAlertCircle, IconTrash } from '@tabler/icons-react'
import { KeyBudget, KeyFacts } from '../features/keys/key-facts.tsx'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader } from '../session.server.ts'
import { Confirm } from '../ui/confirm.tsx'
import { answerOf } from '../ui/form/act-form.tsx'
import { SidePanel } from '../ui/side-panel.tsx'
import { rowLinkId } from '../ui/table/data-table.tsx'
import { searchOf } from '../ui/table/use-table.ts'

export const meta: MetaFunction = () => [{ title: 'Your key – Stipend' }]

export const loader = tenantLoader(async ({ api, param }) => ({ key: await api.keys.getOwn({ id: param('keyId') }) }))

export const action = tenantAction(async ({ api, param }) => ({
  revoked: await api.keys.revokeOwn({ id: param('keyId') }),
}))

/** All about a key of one's own, and the way to end it. */
export default function OwnKey() {
  const { key } = useLoaderData<typeof loader>()
  const { slug } = useTenant()
  const [search] = useSearchParams()
  const fetcher = useFetcher<typeof action>()
  const { refused } = answerOf<object>(fetcher.data as never)
  const [isAsking, { open, close }] = useDisclosure(false)
  return (
    <SidePanel
      title={key.name}
      sentence={key.masked}
      closeTo={paths.myKeys(slug, searchOf(search))}
      openedBy={rowLinkId(key.id)}
    >
      <Stack gap="lg">
        <KeyBudget of={key} label={key.name} />
        <KeyFacts of={key} />
        {refused !== null && (
          <Alert color="red" icon={<IconAlertCircle size={18} />} role="alert">
            {refused.message}
          </Alert>
        )}
        {key.revoked_at === null ? (
          <Group>
            <Button
              variant="light"
              color="red"
              leftSection={<IconTrash size={16} />}
              onClick={open}
              loading={fetcher.state !== 'idle'}
            >
              Revoke
            </Button>
          </Group>
        ) : (
          <Text size="sm" c="dimmed">
            This key was revoked and never works again. The record stays.
          </Text>
        )}
      </Stack>
      <Confirm
        opened={isAsking}
        onClose={close}
        title={`Revoke ${key.name}?`}
        act="Revoke key"
        onConfirm={() => {
          fetcher.submit({}, { method: 'post' })
          close()
        }}
      >
        1 key ({key.masked}) stops working at once, in every tool that has it. This can’t be undone.
      </Confirm>
    </SidePanel>
  )
}

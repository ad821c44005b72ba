import {
  ActionIcon,
  Alert,
  Anchor,
  Badge,
  Button,
  Card,
  Group,
  Table,
  Text,
  Tooltip,
  VisuallyHidden,
} from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { Link, Outlet, useFetcher, useLoaderData } from '@remix-run/react'
import { IconAlertCircle, IconExternalLink, IconPlus, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { useTenant } from '../features/tenant.ts'
import classes from '../features/usage/request-table.module.css'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { Confirm } from '../ui/confirm.tsx'
import { Empty } from '../ui/empty.tsx'
import { Moment } from '../ui/moment.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { cursorOf, Pager } from '../ui/pager.tsx'
import { counted } from '../words.ts'

export const meta: MetaFunction = () => [{ title: 'API – Stipend' }]

export const loader = tenantLoader(async ({ api, context, url }) => ({
  tokens: await api.serviceTokens.list({ ...cursorOf(url.searchParams), limit: 50 }),
  api_url: context.backend.api_url,
}))

export const action = tenantAction(async ({ api }, form) => {
  await api.serviceTokens.revoke({ id: text(form, 'id') })
  return { done: true }
})

export default function Api() {
  const { tokens, api_url } = useLoaderData<typeof loader>()
  const { slug, may } = useTenant()
  const fetcher = useFetcher<typeof action>()
  const [asked, setAsked] = useState<{ id: string; name: string } | null>(null)
  const refused = fetcher.data !== undefined && 'error' in fetcher.data ? fetcher.data.error : null
  const mayWrite = may('service_tokens:write')
  return (
    <>
      <PageHeader
        title="API"
        sentence={
          <>
            Service tokens let your own scripts make keys and read usage.{' '}
            <Anchor href={`${api_url}/docs`} target="_blank" rel="noreferrer" inherit underline="always">
              Documentation <IconExternalLink size={14} style={{ verticalAlign: -2 }} aria-hidden />
            </Anchor>
          </>
        }
        action={
          mayWrite && (
            <Button
              component={Link}
              to={paths.newToken(slug)}
              leftSection={<IconPlus size={16} />}
              style={{ flexShrink: 0 }}
              id="new-token"
            >
              Create token
            </Button>
          )
        }
      />
      {refused !== null && (
        <Alert color="red" icon={<IconAlertCircle size={18} />} role="alert" mb="md">
          {refused.message}
        </Alert>
      )}
      <Card p={0}>
        {tokens.data.length === 0 ? (
          <Empty kind="nothing_yet" title="No service tokens yet">
            A token acts for the organisation, not for a person. Give it only the scopes it needs.
          </Empty>
        ) : (
          <Table className={classes.table} aria-label="Service tokens">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th visibleFrom="md">Scopes</Table.Th>
                <Table.Th visibleFrom="sm">Created</Table.Th>
                <Table.Th visibleFrom="sm">Last used</Table.Th>
                <Table.Th>State</Table.Th>
                <Table.Th w={64}>
                  <VisuallyHidden>Revoke</VisuallyHidden>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {tokens.data.map((token) => (
                <Table.Tr key={token.id} h={44}>
                  <Table.Td>
                    <Text size="sm" fw={500}>
                      {token.name}
                    </Text>
                    <Text size="xs" c="dimmed" ff="monospace">
                      {token.masked}
                    </Text>
                  </Table.Td>
                  <Table.Td visibleFrom="md">
                    <Text size="sm" title={token.scopes.join(', ')}>
                      {counted(token.scopes.length, 'scope')}
                    </Text>
                  </Table.Td>
                  <Table.Td visibleFrom="sm" c="dimmed">
                    <Moment at={token.created_at} />
                  </Table.Td>
                  <Table.Td visibleFrom="sm" c="dimmed">
                    <Moment at={token.last_used_at} />
                  </Table.Td>
                  <Table.Td>
                    {token.revoked_at === null ? (
                      <Badge color="green">Active</Badge>
                    ) : (
                      <Badge color="red">Revoked</Badge>
                    )}
                  </Table.Td>
                  <Table.Td ta="right">
                    {token.revoked_at === null && mayWrite && (
                      <Tooltip label="Revoke">
                        <ActionIcon
                          variant="subtle"
                          color="red"
                          size="lg"
                          onClick={() => setAsked(token)}
                          aria-label={`Revoke ${token.name}`}
                        >
                          <IconTrash size={18} stroke={1.6} />
                        </ActionIcon>
                      </Tooltip>
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
        <Pager next={tokens.next_cursor} />
      </Card>
      <Group mt="md">
        <Text size="sm" c="dimmed">
          Address of the API: <code>{api_url}/v1</code>
        </Text>
      </Group>
      <Confirm
        opened={asked !== null}
        onClose={() => setAsked(null)}
        title={`Revoke ${asked?.name ?? 'the token'}?`}
        act="Revoke token"
        onConfirm={() => {
          if (asked !== null) fetcher.submit({ id: asked.id }, { method: 'post' })
          setAsked(null)
        }}
      >
        Scripts that use it are refused from now on. This can’t be undone.
      </Confirm>
      <Outlet />
    </>
  )
}

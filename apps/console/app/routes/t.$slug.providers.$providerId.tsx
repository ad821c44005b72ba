import { Alert, Anchor, Button, Card, Group, Menu, Stack, Switch, Table, Text, Title } from '@mantine/core'
import { type MetaFunction, redirect } from '@remix-run/node'
import { Link, Outlet, useFetcher, useLoaderData } from '@remix-run/react'
import { IconAlertTriangle, IconChevronDown, IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { HealthBadge } from '../features/providers/health-badge.tsx'
import { PriceWords } from '../features/providers/price-words.tsx'
import type { Verdict } from '../features/providers/provider.ts'
import classes from '../features/providers/providers.module.css'
import { Ticks } from '../features/providers/ticks.tsx'
import { HEALTH, sharedWords } from '../features/providers/words.ts'
import { useTenant } from '../features/tenant.ts'
import { seconds } from '../features/usage/request-state.tsx'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { Amount } from '../ui/amount.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Empty } from '../ui/empty.tsx'
import { Facts } from '../ui/facts.tsx'
import { answerOf } from '../ui/form/act-form.tsx'
import { Moment } from '../ui/moment.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { counted } from '../words.ts'

export const meta: MetaFunction<typeof loader> = ({ data }) => [
  { title: `${data === undefined ? 'Provider' : data.provider.name} – Stipend` },
]

export const loader = tenantLoader(async ({ api, param }) => {
  const id = param('providerId')
  const [provider, models, kinds] = await Promise.all([
    api.providers.get({ id }),
    api.providers.listModels({ id }),
    api.providers.listKinds(),
  ])
  const kind = kinds.data.find((one) => one.name === provider.kind)
  return { provider, models: models.data, kind_title: kind?.title ?? provider.kind }
})

export const action = tenantAction(async ({ api, param, slug }, form) => {
  const id = param('providerId')
  switch (text(form, 'act')) {
    case 'try':
      return { verdict: await api.providers.try({ id }) }
    case 'switch':
      await api.providers.update({ id, is_enabled: text(form, 'is_enabled') === 'true' })
      return { verdict: null }
    case 'switch_model':
      await api.providers.setModels({
        id,
        models: [{ name: text(form, 'name'), is_enabled: text(form, 'is_enabled') === 'true' }],
      })
      return { verdict: null }
    case 'delete':
      await api.providers.delete({ id })
      throw redirect(paths.providers(slug))
    default:
      return { verdict: null }
  }
})

export default function Provider() {
  const { provider, models, kind_title } = useLoaderData<typeof loader>()
  const { slug, may, words } = useTenant()
  const fetcher = useFetcher<typeof action>()
  const [isRemoving, setRemoving] = useState(false)
  const { refused, done } = answerOf<{ verdict: Verdict | null }>(fetcher.data as never)
  const isOwn = provider.owner === 'organisation'
  const mayWrite = may('providers:write')
  const act = (fields: Record<string, string>) => fetcher.submit(fields, { method: 'post' })
  const isTrying = fetcher.state !== 'idle' && fetcher.formData?.get('act') === 'try'
  const { health } = provider
  const unpriced = provider.models_without_price
  return (
    <>
      <PageHeader
        title={provider.name}
        sentence={
          <>
            <Anchor component={Link} to={paths.providers(slug)} inherit underline="always">
              Providers
            </Anchor>{' '}
            / {kind_title}.{' '}
            {isOwn
              ? 'Requests to it are on your own account there, not on your balance.'
              : 'Belongs to the platform: requests to it draw on your balance.'}
          </>
        }
        action={
          mayWrite && (
            <Group gap="xs">
              {isOwn && (
                <Button variant="default" loading={isTrying} onClick={() => act({ act: 'try' })}>
                  Test the connection
                </Button>
              )}
              <Menu position="bottom-end" shadow="md" width={220}>
                <Menu.Target>
                  <Button variant="default" rightSection={<IconChevronDown size={16} />} id="change-provider">
                    Change
                  </Button>
                </Menu.Target>
                <Menu.Dropdown>
                  <Menu.Item component={Link} to={paths.shareProvider(slug, provider.id)}>
                    Share with…
                  </Menu.Item>
                  {isOwn && (
                    <>
                      <Menu.Item component={Link} to={paths.editProvider(slug, provider.id)}>
                        Name, address, order…
                      </Menu.Item>
                      <Menu.Item component={Link} to={paths.rotateCredential(slug, provider.id)}>
                        Change the API key…
                      </Menu.Item>
                      <Menu.Item component={Link} to={paths.importPrices(slug, provider.id)}>
                        Import prices…
                      </Menu.Item>
                      <Menu.Divider />
                      <Menu.Item onClick={() => act({ act: 'switch', is_enabled: String(!provider.is_enabled) })}>
                        {provider.is_enabled ? 'Switch off' : 'Switch on'}
                      </Menu.Item>
                      <Menu.Item color="red" onClick={() => setRemoving(true)}>
                        Remove…
                      </Menu.Item>
                    </>
                  )}
                </Menu.Dropdown>
              </Menu>
            </Group>
          )
        }
      />
      <Stack gap="md">
        {refused !== null && (
          <Alert color="red" icon={<IconAlertTriangle size={18} />} role="alert">
            {refused.message}
          </Alert>
        )}
        {done?.verdict != null && (
          <Card withBorder role="status">
            <Ticks of={done.verdict} />
          </Card>
        )}
        {unpriced.length > 0 && (
          <Alert color="red" icon={<IconAlertTriangle size={18} />} title="A price is missing">
            Nobody has said what {unpriced.slice(0, 5).join(', ')}
            {unpriced.length > 5 && ` and ${unpriced.length - 5} more`} {unpriced.length === 1 ? 'costs' : 'cost'}, so
            requests to {unpriced.length === 1 ? 'it' : 'them'} are refused. Click the model to set its price.
          </Alert>
        )}
        <Card withBorder>
          <Facts
            rows={[
              [
                'State',
                <Group key="state" gap="xs" component="span">
                  <HealthBadge of={provider} />
                  {provider.is_enabled ? HEALTH[health.state].meaning : 'No requests go to it.'}
                </Group>,
              ],
              ...(health.failure_percent === null
                ? []
                : [['Failed of late', `${health.failure_percent} %`] as [string, string]]),
              ['Latency', health.latency_ms === null ? '–' : `${seconds(health.latency_ms)} to the first byte`],
              ...(health.last_error_at === null
                ? []
                : [
                    [
                      'Last error',
                      <span key="error">
                        <code>{health.last_error_code}</code> <Moment at={health.last_error_at} />
                      </span>,
                    ] as [string, JSX.Element],
                  ]),
              [
                'Today',
                <span key="today">
                  <Amount usd={provider.today.cost_usd} /> in {counted(provider.today.requests, 'request')}.{' '}
                  {may('usage:read') && (
                    <Anchor
                      component={Link}
                      to={paths.usage(slug, `?days=1&provider=${provider.id}`)}
                      inherit
                      underline="always"
                    >
                      Usage
                    </Anchor>
                  )}
                </span>,
              ],
              ['Shared with', sharedWords(provider, words.groups.toLowerCase())],
              ...(provider.base_url === null
                ? []
                : [['Address', <code key="url">{provider.base_url}</code>] as [string, JSX.Element]]),
              ...(isOwn
                ? [
                    [
                      'API key',
                      provider.credential_set_at === null ? (
                        'None'
                      ) : (
                        <span key="key">
                          Set <Moment at={provider.credential_set_at} />, encrypted
                        </span>
                      ),
                    ] as [string, JSX.Element | string],
                  ]
                : []),
              ['Order', `Priority ${provider.priority}, weight ${provider.weight}`],
            ]}
          />
        </Card>
        <Group justify="space-between">
          <Title order={2} size="h4">
            Models
          </Title>
          {isOwn && mayWrite && (
            <Button
              component={Link}
              to={paths.addModels(slug, provider.id)}
              variant="default"
              size="xs"
              leftSection={<IconPlus size={14} />}
              id="add-models"
            >
              Add models
            </Button>
          )}
        </Group>
        <Card p={0} withBorder>
          {models.length === 0 ? (
            <Empty kind="nothing_yet" title="No models yet">
              Choose from what the provider offers: keys can ask for a model once it is added and has a price.
            </Empty>
          ) : (
            <Table aria-label="Models" verticalSpacing="sm" horizontalSpacing="md">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Model</Table.Th>
                  <Table.Th visibleFrom="sm">Per million tokens</Table.Th>
                  <Table.Th visibleFrom="md">Formats</Table.Th>
                  <Table.Th ta="right">On</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {models.map((model) => (
                  <Table.Tr key={model.id}>
                    <Table.Td className={classes.name}>
                      <Anchor
                        component={Link}
                        to={paths.model(slug, provider.id, model.id)}
                        size="sm"
                        ff="monospace"
                        id={`model-${model.id}`}
                        preventScrollReset
                      >
                        {model.name}
                      </Anchor>
                      {model.aliases.length > 0 && (
                        <Text size="xs" c="dimmed">
                          also {model.aliases.join(', ')}
                        </Text>
                      )}
                      <Text size="xs" hiddenFrom="sm" component="div" c={model.price === null ? 'red' : 'dimmed'}>
                        <PriceWords of={model.price} />
                      </Text>
                    </Table.Td>
                    <Table.Td visibleFrom="sm" {...(model.price === null && model.is_enabled ? { c: 'red' } : {})}>
                      <PriceWords of={model.price} />
                    </Table.Td>
                    <Table.Td visibleFrom="md" c="dimmed">
                      <Text size="sm">{model.dialects.join(', ')}</Text>
                    </Table.Td>
                    <Table.Td>
                      <Group justify="flex-end">
                        <Switch
                          size="sm"
                          checked={model.is_enabled}
                          disabled={!isOwn || !mayWrite}
                          aria-label={`${model.name} is on`}
                          onChange={(event) =>
                            act({
                              act: 'switch_model',
                              name: model.name,
                              is_enabled: String(event.currentTarget.checked),
                            })
                          }
                        />
                      </Group>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
        </Card>
      </Stack>
      <Confirm
        opened={isRemoving}
        onClose={() => setRemoving(false)}
        title={`Remove ${provider.name}?`}
        act="Remove provider"
        onConfirm={() => {
          act({ act: 'delete' })
          setRemoving(false)
        }}
      >
        Its {counted(provider.models, 'model')} can no longer be used through it, and its API key is forgotten. What was
        spent stays in the history. This can’t be undone.
      </Confirm>
      <Outlet />
    </>
  )
}

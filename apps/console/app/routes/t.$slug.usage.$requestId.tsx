import { Anchor, Card, Code, Group, Stack, Text } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { Link, useLoaderData, useSearchParams } from '@remix-run/react'
import { useTenant } from '../features/tenant.ts'
import { OUTCOMES, OutcomeBadge, seconds } from '../features/usage/request-state.tsx'
import { exactUsd } from '../money.ts'
import { paths } from '../paths.ts'
import { notFoundPage, tenantLoader } from '../session.server.ts'
import { exact } from '../time.ts'
import { Facts } from '../ui/facts.tsx'
import { SidePanel } from '../ui/side-panel.tsx'

export const meta: MetaFunction = () => [{ title: 'Request – Stipend' }]

export const loader = tenantLoader(async ({ api, param, context }) => {
  const { data } = await api.usage.list({ search: param('requestId'), limit: 1 })
  const event = data.find((one) => one.id === param('requestId'))
  if (event === undefined) throw notFoundPage(context)
  return { event }
})

/** Everything about one request. What was written in it isn't kept. */
export default function Request() {
  const { event } = useLoaderData<typeof loader>()
  const { slug, time_zone } = useTenant()
  const [search] = useSearchParams()
  const outcome = OUTCOMES[event.status]
  return (
    <SidePanel
      title={`Request by ${event.member_name}`}
      sentence={exact(event.started_at, time_zone)}
      closeTo={paths.usage(slug, search.size === 0 ? '' : `?${search}`)}
      openedBy={`request-${event.id}`}
    >
      <Stack gap="lg">
        <Card padding="md">
          <Group justify="space-between">
            <Text fz={22} fw={600}>
              {exactUsd(event.cost_usd)}
            </Text>
            <OutcomeBadge of={event} />
          </Group>
          <Text size="sm" c="dimmed">
            {outcome.meaning}
            {event.error_code !== null && ` (${event.error_code})`}
          </Text>
        </Card>
        <Facts
          rows={[
            [
              'Key',
              <Anchor key="key" component={Link} to={paths.key(slug, event.member_id, event.key_id)} size="sm">
                {event.key_name}, {event.key_masked}
              </Anchor>,
            ],
            ['Model', event.model],
            ['Provider', event.provider],
            [
              'Tokens in',
              `${event.input_tokens.toLocaleString('en-US')}${event.cached_input_tokens > 0 ? `, of which ${event.cached_input_tokens.toLocaleString('en-US')} cached` : ''}`,
            ],
            ['Tokens out', event.output_tokens.toLocaleString('en-US')],
            ['Counted by', event.is_estimated ? 'Us: the provider reported no usage' : 'The provider'],
            ['Answer', event.is_streamed ? 'Streamed' : 'Whole'],
            ['HTTP status', String(event.http_status)],
            ['First byte after', event.first_byte_ms === null ? '–' : seconds(event.first_byte_ms)],
            ['Took', seconds(event.latency_ms)],
            ['Request id', <Code key="id">{event.id}</Code>],
          ]}
        />
        <Text size="xs" c="dimmed">
          What was asked and answered is not kept.
        </Text>
      </Stack>
    </SidePanel>
  )
}

import { Anchor, Group, Text } from '@mantine/core'
import { Link } from '@remix-run/react'
import { paths } from '../../paths.ts'
import { Amount } from '../../ui/amount.tsx'
import { Moment } from '../../ui/moment.tsx'
import { useTenant } from '../tenant.ts'
import { type Outcome, OutcomeBadge } from './request-state.tsx'

/** A request in a short list of them. */
export function RequestLine({
  request,
}: {
  request: Outcome & { id: string; started_at: string; model: string; cost_usd: string }
}) {
  const { slug } = useTenant()
  return (
    <Group justify="space-between" wrap="nowrap" py={6} gap="sm">
      <Group gap="xs" wrap="nowrap" miw={0}>
        <OutcomeBadge of={request} />
        <Anchor component={Link} to={paths.request(slug, request.id)} size="sm" truncate>
          {request.model}
        </Anchor>
      </Group>
      <Group gap="md" wrap="nowrap">
        <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
          <Moment at={request.started_at} toTheMinute />
        </Text>
        <Text size="sm" miw={52} ta="right">
          <Amount usd={request.cost_usd} />
        </Text>
      </Group>
    </Group>
  )
}

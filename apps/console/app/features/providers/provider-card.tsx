import { Card, Group, Stack, Text } from '@mantine/core'
import { Link } from '@remix-run/react'
import { IconAlertTriangle } from '@tabler/icons-react'
import { paths } from '../../paths.ts'
import { Amount } from '../../ui/amount.tsx'
import { counted } from '../../words.ts'
import { useTenant } from '../tenant.ts'
import { seconds } from '../usage/request-state.tsx'
import { HealthBadge } from './health-badge.tsx'
import type { Provider } from './provider.ts'
import classes from './providers.module.css'
import { sharedWords } from './words.ts'

export function ProviderCard({ of: provider, title }: { of: Provider; title: string }) {
  const { slug, words } = useTenant()
  const { health, today } = provider
  const unpriced = provider.models_without_price.length
  return (
    <Card className={classes.card} withBorder>
      <Stack gap="sm" h="100%" justify="space-between">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <div>
            <Link to={paths.provider(slug, provider.id)} className={classes.link} prefetch="intent">
              {provider.name}
            </Link>
            <Text size="xs" c="dimmed">
              {title}, {provider.owner === 'platform' ? 'on your balance' : 'your own account'}
            </Text>
          </div>
          <HealthBadge of={provider} />
        </Group>
        <dl className={classes.figures}>
          <div>
            <dt>Latency</dt>
            <dd>{health.latency_ms === null ? '–' : seconds(health.latency_ms)}</dd>
          </div>
          <div>
            <dt>Models</dt>
            <dd>{provider.models}</dd>
          </div>
          <div>
            <dt>Today</dt>
            <dd>
              <Amount usd={today.cost_usd} />
            </dd>
          </div>
        </dl>
        {unpriced > 0 ? (
          <Group gap={6} wrap="nowrap" c="red" align="flex-start">
            <IconAlertTriangle size={16} style={{ flexShrink: 0, marginTop: 2 }} aria-hidden />
            <Text size="sm">
              {counted(unpriced, 'model')} without a price, so {unpriced === 1 ? 'it is' : 'they are'} refused
            </Text>
          </Group>
        ) : (
          <Text size="sm" c="dimmed">
            Shared with: {sharedWords(provider, words.groups.toLowerCase())}
          </Text>
        )}
      </Stack>
    </Card>
  )
}

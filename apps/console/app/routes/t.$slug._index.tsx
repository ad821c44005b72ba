import {
  Alert,
  Anchor,
  Badge,
  Card,
  Group,
  List,
  SimpleGrid,
  Stack,
  Text,
  ThemeIcon,
  Title,
  VisuallyHidden,
} from '@mantine/core'
import { redirect } from '@remix-run/node'
import { Link, useLoaderData } from '@remix-run/react'
import { IconAlertTriangle, IconCheck, IconCircleDashed, IconClock, IconWallet } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { lastsWords } from '../features/billing/words.ts'
import { needsYou } from '../features/overview/needs-you.ts'
import { useTenant } from '../features/tenant.ts'
import { SpendChart } from '../features/usage/spend-chart.tsx'
import { shortUsd } from '../money.ts'
import { paths } from '../paths.ts'
import { tenantLoader } from '../session.server.ts'
import { dayAndClock, day as dayOf } from '../time.ts'
import { Amount } from '../ui/amount.tsx'
import { useNow } from '../ui/now.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { ZoneNote } from '../ui/zone-note.tsx'
import { counted } from '../words.ts'

const DAYS = 30

export const loader = tenantLoader(async ({ api, context, session, membership, slug, url, now }) => {
  const permissions = context.backend.permissions(session, membership)
  if (!permissions.includes('usage:read')) {
    throw redirect(permissions.includes('billing:read') ? paths.billing(slug) : paths.myKeys(slug))
  }
  const location_id = url.searchParams.get('location')?.trim() || undefined
  const place = location_id === undefined ? {} : { location_id }
  const [summary, balance, { level }, active, people] = await Promise.all([
    api.usage.summary({ days: DAYS, ...place }),
    permissions.includes('balance:read') ? api.balance.get() : null,
    api.balance.level(),
    api.keys.list({ limit: 200, ...place }),
    api.members.list({ limit: 2 }),
  ])
  return {
    location_id,
    summary,
    balance,
    level,
    needs: needsYou(active.data, now),
    has_people: people.data.length > 1,
    has_keys: active.data.length > 0,
  }
})

export default function Overview() {
  const { location_id, summary, balance, level, needs, has_people, has_keys } = useLoaderData<typeof loader>()
  const { tenant_name, locations } = useTenant()
  const today = summary.by_day.at(-1)
  const now = useNow()
  const place = locations.length < 2 ? undefined : locations.find((one) => one.id === location_id)
  const lasts = lastsWords(balance?.runs_out_at ?? null, now)
  return (
    <>
      <PageHeader title="Overview" sentence={`What ${place?.name ?? tenant_name} spends on AI, and what is left.`} />
      {level !== 'enough' && <LowBalance level={level} runsOutAt={balance?.runs_out_at ?? null} />}
      {summary.requests === 0 && location_id === undefined && <FirstDay hasPeople={has_people} hasKeys={has_keys} />}
      <SimpleGrid cols={{ base: 2, md: balance === null ? 3 : 4 }} spacing="md" mb="md">
        {balance !== null && (
          <Figure label="Balance left" value={<Amount usd={balance.available_usd} />}>
            {location_id !== undefined
              ? 'of the whole organisation'
              : (lasts ?? `${shortUsd(balance.spent_usd)} spent so far`)}
          </Figure>
        )}
        <Figure label="Spent today" value={<Amount usd={today?.cost_usd ?? '0.00'} />}>
          {usualDay(summary.by_day)}
        </Figure>
        <Figure label="Requests today" value={(today?.requests ?? 0).toLocaleString('en-US')}>
          {counted(summary.requests, 'request')} in {DAYS} days
        </Figure>
        <Figure label="Active people" value={summary.active_members.toLocaleString('en-US')}>
          in the last {DAYS} days
        </Figure>
      </SimpleGrid>
      {summary.requests > 0 && (
        <Card mb="md">
          <Group justify="space-between" mb="md">
            <Title order={2}>Spend per day</Title>
            <Text size="sm" c="dimmed">
              <Amount usd={summary.cost_usd} /> in {DAYS} days
            </Text>
          </Group>
          <SpendChart days={summary.by_day} />
        </Card>
      )}
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        <Card>
          <Title order={2} mb="sm">
            Needs you
          </Title>
          <NeedsYou needs={needs} />
        </Card>
        <Card>
          <Title order={2} mb="sm">
            Models
          </Title>
          <Models models={summary.by_model} location={location_id} />
        </Card>
      </SimpleGrid>
      <Group mt="md" justify="flex-end">
        <ZoneNote />
      </Group>
    </>
  )
}

/** For everyone who sees this page; who may top up is led there. */
function LowBalance({ level, runsOutAt }: { level: 'low' | 'empty'; runsOutAt: string | null }) {
  const { slug, time_zone, may } = useTenant()
  const now = useNow()
  const when = runsOutAt === null ? '' : ` At this pace it is used up on ${dayOf(runsOutAt, time_zone, now)}.`
  return (
    <Alert
      color={level === 'empty' ? 'red' : 'yellow'}
      icon={<IconAlertTriangle size={18} />}
      mb="md"
      title={level === 'empty' ? 'The balance is used up' : 'The balance is low'}
    >
      {level === 'empty' ? 'Keys that use the platform’s providers are refused.' : `It will not last long.${when}`}{' '}
      {may('billing:write') ? (
        <Anchor component={Link} to={paths.billing(slug)} inherit underline="always">
          Top up
        </Anchor>
      ) : (
        'Ask an owner of your organisation to top it up.'
      )}
    </Alert>
  )
}

function Figure({ label, value, children }: { label: string; value: ReactNode; children: ReactNode }) {
  return (
    <Card padding="md">
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Text fz={26} fw={600} lh={1.4}>
        {value}
      </Text>
      <Text size="xs" c="dimmed">
        {children}
      </Text>
    </Card>
  )
}

/** The middle one of the last fourteen full days: a single busy day doesn't move it. */
function usualDay(days: { cost_usd: string }[]): string {
  const costs = days.slice(-15, -1).map((day) => day.cost_usd)
  const middle = costs.toSorted((a, b) => Number(a) - Number(b))[Math.floor(costs.length / 2)]
  return middle === undefined || Number(middle) === 0 ? 'today so far' : `A usual day: ${shortUsd(middle)}`
}

const NEED_ICONS = { used_up: IconAlertTriangle, nearly_used_up: IconWallet, expiring: IconClock } as const

function NeedsYou({ needs }: { needs: ReturnType<typeof needsYou> }) {
  const { slug, time_zone } = useTenant()
  const now = useNow()
  if (needs.length === 0) {
    return (
      <Group gap="sm" c="dimmed">
        <IconCheck size={18} stroke={1.6} />
        <Text size="sm">Nothing. No key is near its end.</Text>
      </Group>
    )
  }
  return (
    <Stack gap={0}>
      {needs.slice(0, 6).map(({ kind, key }) => {
        const Icon = NEED_ICONS[kind]
        return (
          <Group key={`${kind} ${key.id}`} gap="sm" wrap="nowrap" py={6}>
            <ThemeIcon variant="light" color={kind === 'used_up' ? 'red' : 'yellow'} size={28}>
              <Icon size={16} stroke={1.6} />
            </ThemeIcon>
            <Text size="sm" flex={1} miw={0}>
              <Anchor component={Link} to={paths.key(slug, key.member_id, key.id)} size="sm" fw={500}>
                {key.member_name}
              </Anchor>
              {kind === 'used_up' && ' has spent the whole budget'}
              {kind === 'nearly_used_up' && (
                <>
                  {' has '}
                  <Amount usd={key.budget.remaining_usd ?? '0.00'} /> left of{' '}
                  <Amount usd={key.budget.limit_usd ?? '0.00'} />
                </>
              )}
              {kind === 'expiring' &&
                key.valid_until !== null &&
                ` has a key that ends ${dayAndClock(key.valid_until, time_zone, now)}`}
            </Text>
          </Group>
        )
      })}
      {needs.length > 6 && (
        <Anchor component={Link} to={paths.coding(slug)} size="sm" mt="xs">
          {counted(needs.length - 6, 'more key')}
        </Anchor>
      )}
    </Stack>
  )
}

function Models(props: {
  models: { model: string; requests: number; cost_usd: string }[]
  location: string | undefined
}) {
  const { models, location } = props
  const { slug } = useTenant()
  if (models.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        No request in the last {DAYS} days.
      </Text>
    )
  }
  return (
    <Stack gap={0}>
      {models.slice(0, 6).map(({ model, requests, cost_usd }) => (
        <Group key={model} justify="space-between" py={6} wrap="nowrap">
          <Anchor
            component={Link}
            to={paths.usage(
              slug,
              `?${new URLSearchParams({ model, ...(location === undefined ? {} : { location }) })}`,
            )}
            size="sm"
            truncate
          >
            {model}
          </Anchor>
          <Group gap="sm" wrap="nowrap">
            <Badge color="gray">{counted(requests, 'request')}</Badge>
            <Text size="sm" fw={500} ta="right" miw={64}>
              <Amount usd={cost_usd} />
            </Text>
          </Group>
        </Group>
      ))}
    </Stack>
  )
}

/** Steps of the first day, which tick themselves. */
function FirstDay({ hasPeople, hasKeys }: { hasPeople: boolean; hasKeys: boolean }) {
  const { slug } = useTenant()
  const steps = [
    { isDone: hasPeople, words: 'People are here', to: paths.coding(slug), do: 'See who' },
    { isDone: hasKeys, words: 'Make the first key', to: paths.coding(slug), do: 'Choose a person' },
    { isDone: false, words: 'Connect a tool and send a request', to: paths.connect(slug), do: 'How to connect' },
  ]
  return (
    <Card mb="md">
      <Title order={2} mb="xs">
        The first day
      </Title>
      <List spacing="xs" center listStyleType="none">
        {steps.map((step) => (
          <List.Item
            key={step.words}
            icon={
              step.isDone ? (
                <ThemeIcon variant="light" color="green" size={24} radius="xl">
                  <IconCheck size={14} />
                </ThemeIcon>
              ) : (
                <ThemeIcon variant="light" color="gray" size={24} radius="xl">
                  <IconCircleDashed size={14} />
                </ThemeIcon>
              )
            }
          >
            <Text span size="sm" c={step.isDone ? 'dimmed' : 'inherit'}>
              {step.words}
              <VisuallyHidden>{step.isDone ? ' (done)' : ' (to do)'}</VisuallyHidden>
            </Text>{' '}
            {!step.isDone && (
              <Anchor component={Link} to={step.to} size="sm" underline="always">
                {step.do}
              </Anchor>
            )}
          </List.Item>
        ))}
      </List>
    </Card>
  )
}

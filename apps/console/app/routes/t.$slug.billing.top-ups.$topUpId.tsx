import { Alert, Anchor, Button, Group, Loader, Stack, Text, ThemeIcon } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { useFetcher, useLoaderData, useRevalidator } from '@remix-run/react'
import { IconAlertCircle, IconCheck, IconClock, IconCreditCard, IconX } from '@tabler/icons-react'
import { useEffect } from 'react'
import { useTenant } from '../features/tenant.ts'
import { nanos, shortUsd } from '../money.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { Amount } from '../ui/amount.tsx'
import { Facts } from '../ui/facts.tsx'
import { answerOf } from '../ui/form/act-form.tsx'
import { Moment } from '../ui/moment.tsx'
import { SidePanel } from '../ui/side-panel.tsx'

export const meta: MetaFunction = () => [{ title: 'Top-up – Stipend' }]

/** People come here from paying. What they bring along says nothing: how it stands is asked. */
export const loader = tenantLoader(async ({ api, param }) => {
  const id = param('topUpId')
  const known = await api.topUps.get({ id })
  const isOver = known.status === 'succeeded' || known.status === 'failed' || known.status === 'canceled'
  // Without the payment provider it is shown as it was last seen.
  const top_up = isOver ? known : await api.topUps.check({ id }).catch(() => known)
  return { top_up }
})

export const action = tenantAction(async ({ api, param }, form) => {
  if (text(form, 'act') === 'confirm') return { url: (await api.billing.confirm()).url }
  await api.topUps.cancel({ id: param('topUpId') })
  return { url: null }
})

const LOOK_AGAIN_MS = 2_000

const STATES = {
  created: { title: 'Not paid yet', sentence: 'The payment page could not be opened.', icon: IconClock, color: 'gray' },
  open: { title: 'Not paid yet', sentence: 'Nothing was charged so far.', icon: IconCreditCard, color: 'gray' },
  processing: {
    title: 'On its way',
    sentence: 'Your bank is on it. Some ways to pay take days; the balance rises when the money is there.',
    icon: IconClock,
    color: 'blue',
  },
  needs_confirmation: {
    title: 'Your bank wants you to confirm it',
    sentence: 'Nothing is charged until you do.',
    icon: IconAlertCircle,
    color: 'yellow',
  },
  succeeded: {
    title: 'Paid',
    sentence: 'It is in your balance, and keys work again.',
    icon: IconCheck,
    color: 'green',
  },
  failed: { title: 'It failed', sentence: 'Nothing was charged.', icon: IconX, color: 'red' },
  canceled: { title: 'Canceled', sentence: 'Nothing was charged.', icon: IconX, color: 'gray' },
} as const

export default function TopUpPage() {
  const { top_up } = useLoaderData<typeof loader>()
  const { slug, may } = useTenant()
  const fetcher = useFetcher<typeof action>()
  const { revalidate, state: looking } = useRevalidator()
  const { refused, done } = answerOf(fetcher.data)
  const state = STATES[top_up.status]
  const Icon = state.icon
  const isPending = top_up.status === 'open' || top_up.status === 'processing' || top_up.status === 'created'
  useEffect(() => {
    if (!isPending || looking !== 'idle') return
    const timer = setTimeout(revalidate, LOOK_AGAIN_MS)
    return () => clearTimeout(timer)
  }, [isPending, looking, revalidate])
  // The page behind was read at the same moment as the state was asked for.
  const { status } = top_up
  useEffect(() => {
    if (status === 'succeeded') revalidate()
  }, [status, revalidate])
  const url = done?.url ?? null
  useEffect(() => {
    if (url !== null) window.location.assign(url)
  }, [url])
  const facts: [string, React.ReactNode][] = [
    ['Amount', <Amount key="a" usd={top_up.amount_usd} />],
    ['Begun', <Moment key="b" at={top_up.created_at} />],
    ...(nanos(top_up.refunded_usd) > 0n
      ? [['Refunded', <Amount key="r" usd={top_up.refunded_usd} />] as [string, React.ReactNode]]
      : []),
    ...(nanos(top_up.disputed_usd) > 0n
      ? [['Disputed', <Amount key="d" usd={top_up.disputed_usd} />] as [string, React.ReactNode]]
      : []),
  ]
  const mayGiveUp = may('billing:write') && ['created', 'open', 'needs_confirmation'].includes(top_up.status)
  return (
    <SidePanel title={`Top-up of ${shortUsd(top_up.amount_usd)}`} closeTo={paths.billing(slug)}>
      <Stack gap="lg">
        <Group wrap="nowrap" align="flex-start" aria-live="polite">
          <ThemeIcon color={state.color} variant="light" size={44} radius="xl">
            <Icon size={22} stroke={1.6} />
          </ThemeIcon>
          <div>
            <Text fw={600} data-testid="top-up-state">
              {state.title}
            </Text>
            <Text size="sm" c="dimmed">
              {top_up.failure !== null && top_up.status !== 'succeeded' ? top_up.failure : state.sentence}
            </Text>
          </div>
          {isPending && <Loader size="xs" mt={4} aria-label="Looking again" />}
        </Group>
        {refused !== null && (
          <Alert color="red" role="alert">
            {refused.message}
          </Alert>
        )}
        {top_up.checkout_url !== null && top_up.status === 'open' && (
          <Button component="a" href={top_up.checkout_url}>
            Pay {shortUsd(top_up.amount_usd)}
          </Button>
        )}
        {top_up.status === 'needs_confirmation' && may('billing:write') && (
          <Button
            loading={fetcher.state !== 'idle' || url !== null}
            onClick={() => fetcher.submit({ act: 'confirm' }, { method: 'post' })}
          >
            Confirm with the bank
          </Button>
        )}
        <Facts rows={facts} />
        <Group gap="md">
          {top_up.invoice_url !== null && (
            <Anchor href={top_up.invoice_url} target="_blank" rel="noreferrer" size="sm">
              Invoice {top_up.invoice_number}
            </Anchor>
          )}
          {top_up.receipt_url !== null && (
            <Anchor href={top_up.receipt_url} target="_blank" rel="noreferrer" size="sm">
              Receipt
            </Anchor>
          )}
        </Group>
        {mayGiveUp && (
          <Button
            variant="default"
            loading={fetcher.state !== 'idle'}
            onClick={() => fetcher.submit({ act: 'cancel' }, { method: 'post' })}
          >
            Give it up
          </Button>
        )}
      </Stack>
    </SidePanel>
  )
}

import { randomUUID } from 'node:crypto'
import {
  Alert,
  Anchor,
  Badge,
  Button,
  Card,
  Checkbox,
  Group,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { Link, Outlet, useFetcher, useLoaderData } from '@remix-run/react'
import { IconAlertTriangle, IconBolt, IconFlask } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { LedgerTable } from '../features/billing/ledger-table.tsx'
import { Statements } from '../features/billing/statement-list.tsx'
import { TopUpsTable } from '../features/billing/top-ups-table.tsx'
import { lastsWords } from '../features/billing/words.ts'
import { useTenant } from '../features/tenant.ts'
import { nanos, shortUsd } from '../money.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { day } from '../time.ts'
import { Amount } from '../ui/amount.tsx'
import { ActForm, answerOf, errorAt } from '../ui/form/act-form.tsx'
import { ChoiceChips } from '../ui/form/choice-chips.tsx'
import { useNow } from '../ui/now.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { cursorOf } from '../ui/pager.tsx'
import { ZoneNote } from '../ui/zone-note.tsx'

export const meta: MetaFunction = () => [{ title: 'Billing – Stipend' }]

export const loader = tenantLoader(async ({ api, url }) => {
  const with_usage = url.searchParams.get('usage') === '1'
  const [balance, billing, ledger, topUps, statements, gifts] = await Promise.all([
    api.balance.get(),
    api.billing.get(),
    api.balance.listLedger({ ...cursorOf(url.searchParams), limit: 25, without_usage: !with_usage }),
    api.topUps.list({ limit: 10 }),
    api.statements.list(),
    api.balance.listPromotions(),
  ])
  return { balance, billing, ledger, topUps, statements, gifts, with_usage, idempotency_key: randomUUID() }
})

export const action = tenantAction(async ({ api }, form) => {
  const top_up = await api.topUps.create({
    amount_usd: text(form, 'amount_usd'),
    save_method: form.get('save_method') !== null,
  })
  return { top_up }
})

export default function Billing() {
  const { balance, billing, ledger, topUps, statements, gifts, with_usage } = useLoaderData<typeof loader>()
  const { tenant_name } = useTenant()
  return (
    <>
      <PageHeader
        title="Billing"
        sentence={`The prepaid money of ${tenant_name}: what is left, how more comes in, and where it went.`}
      />
      <Warning />
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md" mb="md">
        <Stack gap="md">
          <BalanceCard balance={balance} gifts={gifts.data} />
          <AutomaticCard billing={billing} />
        </Stack>
        <TopUpCard />
      </SimpleGrid>
      <Stack gap="md">
        <LedgerTable page={ledger} withUsage={with_usage} />
        <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
          <TopUpsTable topUps={topUps.data} />
          <Statements statements={statements.data} />
        </SimpleGrid>
        <Group justify="space-between">
          <CompareLink />
          <ZoneNote />
        </Group>
      </Stack>
      <Outlet />
    </>
  )
}

type Loaded = ReturnType<typeof useLoaderData<typeof loader>>

/** What is wrong with the money at the moment, and what to do. */
function Warning() {
  const { balance, billing } = useLoaderData<typeof loader>()
  const { slug, time_zone } = useTenant()
  const now = useNow()
  const { state, reason, unconfirmed_top_up_id } = billing.automatic
  if (state === 'needs_confirmation') {
    return (
      <Alert color="yellow" icon={<IconAlertTriangle size={18} />} mb="md" title="A payment waits for you">
        The bank wants an automatic top-up to be confirmed.{' '}
        <Anchor component={Link} to={paths.topUp(slug, unconfirmed_top_up_id ?? '')} inherit underline="always">
          Confirm it
        </Anchor>
      </Alert>
    )
  }
  if (state === 'stopped') {
    return (
      <Alert color="red" icon={<IconAlertTriangle size={18} />} mb="md" title="Automatic top-up has stopped">
        {reason}{' '}
        <Anchor component={Link} to={paths.automatic(slug)} inherit underline="always">
          Mend it
        </Anchor>
      </Alert>
    )
  }
  if (balance.level === 'enough') return null
  const when =
    balance.runs_out_at === null ? '' : ` At this pace it is used up on ${day(balance.runs_out_at, time_zone, now)}.`
  return balance.level === 'empty' ? (
    <Alert color="red" icon={<IconAlertTriangle size={18} />} mb="md" title="The balance is used up">
      Keys that use the platform’s providers are refused until it is topped up.
    </Alert>
  ) : (
    <Alert color="yellow" icon={<IconAlertTriangle size={18} />} mb="md" title="The balance is low">
      {`Less than ${shortUsd(balance.low_below_usd)} is left.${when}`}
    </Alert>
  )
}

function BalanceCard({ balance, gifts }: { balance: Loaded['balance']; gifts: Loaded['gifts']['data'] }) {
  const { time_zone } = useTenant()
  const now = useNow()
  const lasts = lastsWords(balance.runs_out_at, now)
  return (
    <Card>
      <Text size="sm" c="dimmed">
        Balance
      </Text>
      <Text fz={34} fw={600} lh={1.3} {...(balance.level === 'empty' ? { c: 'red' } : {})} data-testid="balance">
        <Amount usd={balance.available_usd} />
      </Text>
      <Text size="sm" c="dimmed">
        {lasts ?? 'Too little was used lately to say how long it lasts'}
        {nanos(balance.daily_spend_usd) > 0n && ` · ${shortUsd(balance.daily_spend_usd)} on a day`}
      </Text>
      {gifts.map((gift) => (
        <Text key={gift.id} size="sm" mt={6}>
          <Amount usd={gift.left_usd} /> of it is a gift ({gift.cause}) to be used by{' '}
          {day(gift.expires_at, time_zone, now)}.
        </Text>
      ))}
      {nanos(balance.set_aside_usd) > 0n && (
        <Text size="xs" c="dimmed" mt={6}>
          <Amount usd={balance.set_aside_usd} /> of it is set aside for running requests.
        </Text>
      )}
    </Card>
  )
}

function AutomaticCard({ billing }: { billing: Loaded['billing'] }) {
  const { slug, may } = useTenant()
  const { automatic } = billing
  const isOn = automatic.state === 'on'
  return (
    <Card>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Group gap="sm" wrap="nowrap" align="flex-start">
          <IconBolt size={20} stroke={1.6} style={{ flexShrink: 0, marginTop: 2 }} aria-hidden />
          <div>
            <Title order={2} fz="md">
              Automatic top-up
            </Title>
            <Text size="sm" c="dimmed">
              {isOn && automatic.amount_usd !== null && automatic.threshold_usd !== null
                ? `${shortUsd(automatic.amount_usd)} from ${billing.payment_method} when less than ${shortUsd(automatic.threshold_usd)} is left. ${shortUsd(automatic.spent_this_month_usd)} of at most ${shortUsd(automatic.monthly_max_usd ?? '0')} this month.`
                : automatic.state === 'off'
                  ? 'Off. Switch it on, and nobody is stopped for want of money.'
                  : automatic.reason}
            </Text>
          </div>
        </Group>
        {may('billing:write') && billing.is_available && (
          <Button
            component={Link}
            to={paths.automatic(slug)}
            variant="default"
            size="xs"
            id="automatic"
            style={{ flexShrink: 0 }}
          >
            {isOn ? 'Change' : 'Set up'}
          </Button>
        )}
      </Group>
    </Card>
  )
}

const OTHER = 'other'

/** How much, and off to the payment page. */
function TopUpCard() {
  const { billing, balance, idempotency_key } = useLoaderData<typeof loader>()
  const { may } = useTenant()
  const fetcher = useFetcher<typeof action>()
  const [choice, setChoice] = useState<string>(billing.amounts[1] ?? OTHER)
  const [typed, setTyped] = useState('')
  const { refused, done } = answerOf(fetcher.data)
  const url = done?.top_up.checkout_url ?? null
  // The page's own policy lets forms go nowhere else: so it is a step of its own.
  useEffect(() => {
    if (url !== null) window.location.assign(url)
  }, [url])
  const amount = choice === OTHER ? typed.trim().replace(/^\$/, '') : choice
  const isAmount = /^\d{1,9}(?:\.\d{1,9})?$/.test(amount)
  if (!may('billing:write')) return null
  return (
    <Card>
      <Group justify="space-between" mb="xs">
        <Title order={2}>Top up</Title>
        {billing.is_test && (
          <Badge color="gray" variant="light" leftSection={<IconFlask size={12} />}>
            Test: no money moves
          </Badge>
        )}
      </Group>
      {billing.is_available ? (
        <ActForm
          fetcher={fetcher as ReturnType<typeof useFetcher<unknown>>}
          idempotencyKey={idempotency_key}
          sentence={
            isAmount
              ? `Pays ${shortUsd(amount)} on the next page: by card, or another way you choose there. The balance will be ${shortUsd(sum(balance.available_usd, amount))} once it has arrived.`
              : 'Choose an amount.'
          }
          act={url !== null ? 'Going to the payment page …' : isAmount ? `Pay ${shortUsd(amount)}` : 'Pay'}
          isDisabled={!isAmount || url !== null}
          isTouched={false}
          leaveTitle=""
          refused={refused}
          fields={new Set(['amount_usd'])}
        >
          <input type="hidden" name="amount_usd" value={amount} />
          <ChoiceChips
            label="Amount"
            value={choice}
            onChange={setChoice}
            options={[
              ...billing.amounts.map((value) => ({ value, label: shortUsd(value).replace(/\.00$/, '') })),
              { value: OTHER, label: 'Other' },
            ]}
            error={choice === OTHER ? undefined : errorAt(refused, 'amount_usd')}
          />
          {choice === OTHER && (
            <TextInput
              label="Other amount"
              description={`US dollars, from ${shortUsd(billing.amount_min_usd)} to ${shortUsd(billing.amount_max_usd)}`}
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
              inputMode="decimal"
              leftSection="$"
              error={errorAt(refused, 'amount_usd')}
              autoComplete="off"
              autoFocus
            />
          )}
          <Checkbox
            name="save_method"
            label="Keep this way to pay for automatic top-up"
            description="Nothing is charged by itself until you switch that on."
          />
          {url !== null && (
            <Text size="sm">
              <Anchor href={url}>Go on to the payment page</Anchor> if it doesn’t open by itself.
            </Text>
          )}
        </ActForm>
      ) : (
        <Text size="sm">
          Payments are not set up here. Ask whoever runs this service for an invoice: what you transfer is credited by
          hand.
        </Text>
      )}
    </Card>
  )
}

function sum(one: string, other: string): string {
  const total = nanos(one) + nanos(other)
  const sign = total < 0n ? '-' : ''
  const digits = (total < 0n ? -total : total).toString().padStart(10, '0')
  return `${sign}${digits.slice(0, -9)}.${digits.slice(-9)}`
}

function CompareLink() {
  const { slug } = useTenant()
  return (
    <Anchor component={Link} to={paths.reconciliation(slug)} size="sm" id="compare">
      Compare usage, ledger and payments
    </Anchor>
  )
}

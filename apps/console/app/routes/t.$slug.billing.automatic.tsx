import { randomUUID } from 'node:crypto'
import { Alert, Anchor, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { type MetaFunction, redirect } from '@remix-run/node'
import { useFetcher, useLoaderData } from '@remix-run/react'
import { IconCreditCard } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { useTenant } from '../features/tenant.ts'
import { shortUsd } from '../money.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { ActForm, answerOf, errorAt } from '../ui/form/act-form.tsx'
import { SidePanel } from '../ui/side-panel.tsx'

export const meta: MetaFunction = () => [{ title: 'Automatic top-up – Stipend' }]

export const loader = tenantLoader(async ({ api }) => ({
  billing: await api.billing.checkMethod().catch(() => api.billing.get()),
  idempotency_key: randomUUID(),
}))

export const action = tenantAction(async ({ api, slug }, form) => {
  switch (text(form, 'act')) {
    case 'save_method':
      return { url: (await api.billing.saveMethod()).url }
    case 'stop':
      await api.billing.stopAutomatic()
      return redirect(paths.billing(slug))
    default:
      await api.billing.setAutomatic({
        threshold_usd: text(form, 'threshold_usd'),
        amount_usd: text(form, 'amount_usd'),
        monthly_max_usd: text(form, 'monthly_max_usd'),
      })
      return redirect(paths.billing(slug))
  }
})

const FIELDS = new Set(['threshold_usd', 'amount_usd', 'monthly_max_usd'])

export default function Automatic() {
  const { billing, idempotency_key } = useLoaderData<typeof loader>()
  const { slug } = useTenant()
  const { automatic, payment_method } = billing
  const form = useFetcher<typeof action>()
  const other = useFetcher<typeof action>()
  const trimmed = (usd: string | null, fallback: string) => (usd === null ? fallback : usd.replace(/\.00$/, ''))
  const [threshold, setThreshold] = useState(trimmed(automatic.threshold_usd, '20'))
  const [amount, setAmount] = useState(trimmed(automatic.amount_usd, '50'))
  const [most, setMost] = useState(trimmed(automatic.monthly_max_usd, '200'))
  const [isTouched, setTouched] = useState(false)
  const { refused } = answerOf(form.data as Parameters<typeof answerOf>[0])
  const answered = answerOf<{ url: string | null }>(
    other.data as Parameters<typeof answerOf<{ url: string | null }>>[0],
  )
  const url = answered.done?.url ?? null
  useEffect(() => {
    if (url !== null) window.location.assign(url)
  }, [url])
  const isOn = automatic.state === 'on'
  const amounts = [threshold, amount, most].every((one) => /^\d{1,9}(?:\.\d{1,2})?$/.test(one.trim()))
  const field = (name: string, label: string, description: string, value: string, set: (value: string) => void) => (
    <TextInput
      name={name}
      label={label}
      description={description}
      value={value}
      onChange={(event) => {
        setTouched(true)
        set(event.currentTarget.value)
      }}
      leftSection="$"
      inputMode="decimal"
      autoComplete="off"
      error={errorAt(refused, name)}
    />
  )
  return (
    <SidePanel
      title="Automatic top-up"
      sentence="Charges a saved way to pay when the balance gets low."
      closeTo={paths.billing(slug)}
      openedBy="automatic"
    >
      <Stack gap="lg">
        {automatic.state === 'stopped' && (
          <Alert color="red" title="It has stopped">
            {automatic.reason} Save another card if that is needed, and switch it on again.
          </Alert>
        )}
        {answered.refused !== null && (
          <Alert color="red" role="alert">
            {answered.refused.message}
          </Alert>
        )}
        <Group justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <IconCreditCard size={20} stroke={1.6} aria-hidden />
            <Text size="sm" data-testid="payment-method">
              {payment_method ?? 'No way to pay is saved yet'}
            </Text>
          </Group>
          <Button
            variant={payment_method === null ? 'filled' : 'default'}
            size="xs"
            loading={other.state !== 'idle' || url !== null}
            onClick={() => other.submit({ act: 'save_method' }, { method: 'post' })}
          >
            {payment_method === null ? 'Save a card' : 'Change'}
          </Button>
        </Group>
        {url !== null && (
          <Text size="sm">
            <Anchor href={url}>Go on to the payment page</Anchor> if it doesn’t open by itself.
          </Text>
        )}
        {payment_method !== null && (
          <ActForm
            fetcher={form as ReturnType<typeof useFetcher<unknown>>}
            idempotencyKey={idempotency_key}
            sentence={
              amounts
                ? `Charges ${shortUsd(amount.trim())} when less than ${shortUsd(threshold.trim())} is left, at most ${shortUsd(most.trim())} in a calendar month, and never twice within an hour.`
                : 'Give three amounts in US dollars.'
            }
            act={isOn ? 'Save' : 'Switch on'}
            isDisabled={!amounts}
            isTouched={isTouched && form.state === 'idle'}
            leaveTitle="Leave without saving?"
            refused={refused}
            fields={FIELDS}
          >
            {field(
              'threshold_usd',
              'When less is left than',
              'A day or two of usage is a good measure.',
              threshold,
              setThreshold,
            )}
            {field('amount_usd', 'Top up by', `From ${shortUsd(billing.amount_min_usd)} on.`, amount, setAmount)}
            {field('monthly_max_usd', 'At most in a month', 'Nothing more is charged until the next.', most, setMost)}
          </ActForm>
        )}
        {(isOn || automatic.state === 'stopped') && (
          <Button
            variant="subtle"
            color="red"
            loading={other.state !== 'idle'}
            onClick={() => other.submit({ act: 'stop' }, { method: 'post' })}
          >
            Switch it off
          </Button>
        )}
      </Stack>
    </SidePanel>
  )
}

import { randomUUID } from 'node:crypto'
import { Alert, Stack, Text } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { useActionData, useFetcher, useLoaderData } from '@remix-run/react'
import { modelsOf } from '../features/connect/models.server.ts'
import { KeyForm } from '../features/keys/key-form.tsx'
import { MadeKey } from '../features/keys/made-key.tsx'
import { choicesOf } from '../features/keys/restrictions.ts'
import { readTerms } from '../features/keys/terms.server.ts'
import { useTenant } from '../features/tenant.ts'
import { shortUsd } from '../money.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { answerOf } from '../ui/form/act-form.tsx'
import { SidePanel } from '../ui/side-panel.tsx'
import { counted } from '../words.ts'

export const meta: MetaFunction = () => [{ title: 'Create a key – Stipend' }]

export const loader = tenantLoader(async ({ api, context }) => {
  const [limits, { models, model_for }] = await Promise.all([api.keys.getOwnLimits(), modelsOf(api)])
  return {
    limits,
    choices: choicesOf(models),
    model_for,
    gateway_url: context.backend.gateway_url,
    idempotency_key: randomUUID(),
  }
})

export const shouldRevalidate = () => false

export const action = tenantAction(async ({ api }, form) => ({
  created: await api.keys.createOwn({
    ...readTerms(form),
    // An own key always has a budget; without one the operation says so.
    budget_usd: text(form, 'budget_usd'),
  }),
}))

/** A key for oneself, with the form that administrators have and within the limits they set. */
export default function NewOwnKey() {
  const { limits, choices, model_for, gateway_url, idempotency_key } = useLoaderData<typeof loader>()
  const { slug } = useTenant()
  const fetcher = useFetcher<typeof action>()
  const { done, refused } = answerOf(fetcher.data ?? useActionData<typeof action>())
  const closeTo = paths.myKeys(slug)
  return (
    <SidePanel
      title={done === null ? 'Create a key for yourself' : 'Your key'}
      closeTo={closeTo}
      openedBy="new-own-key"
    >
      {done !== null ? (
        <MadeKey
          made={done.created}
          keyPath={closeTo}
          closeTo={closeTo}
          warning="It is shown this once. Put it into your tool, and nowhere else."
          gateway_url={gateway_url}
          modelFor={model_for}
        />
      ) : (
        <Stack gap="lg">
          <Alert color="gray">
            <Text size="sm">
              At most {shortUsd(limits.budget_max_usd)}
              {limits.days_max === null ? '' : `, for at most ${counted(limits.days_max, 'day')}`}
              {limits.may_renew ? '' : ', not renewed'}. You may have {counted(limits.keys_max, 'key')}.
            </Text>
          </Alert>
          <KeyForm
            fetcher={fetcher}
            name="You"
            idempotencyKey={idempotency_key}
            allocations={[]}
            choices={choices}
            refused={refused}
            isOwn
          />
        </Stack>
      )}
    </SidePanel>
  )
}

import { randomUUID } from 'node:crypto'
import { Alert, Text } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { useActionData, useFetcher, useLoaderData, useSearchParams } from '@remix-run/react'
import { keyButtonId } from '../features/coding/people-columns.tsx'
import { modelsOf } from '../features/connect/models.server.ts'
import { RENEWAL_WORDS } from '../features/keys/key-state.tsx'
import { MadeKey } from '../features/keys/made-key.tsx'
import { useTenant } from '../features/tenant.ts'
import { shortUsd } from '../money.ts'
import { paths } from '../paths.ts'
import { notFoundPage, tenantAction, tenantLoader } from '../session.server.ts'
import { ActForm, answerOf } from '../ui/form/act-form.tsx'
import { SidePanel } from '../ui/side-panel.tsx'
import { searchOf } from '../ui/table/use-table.ts'

export const meta: MetaFunction = () => [{ title: 'Replace a lost key – Stipend' }]

export const loader = tenantLoader(async ({ api, param, context }) => {
  const [key, { model_for }] = await Promise.all([api.keys.get({ id: param('keyId') }), modelsOf(api)])
  if (key.member_id !== param('memberId')) throw notFoundPage(context)
  return { key, model_for, gateway_url: context.backend.gateway_url, idempotency_key: randomUUID() }
})

// The form keeps its idempotency key, and the key once shown stays on the page.
export const shouldRevalidate = () => false

export const action = tenantAction(async ({ api, param }) => ({
  created: await api.keys.replace({ id: param('keyId') }),
}))

/** A lost key: revoked, and made anew with the same settings and what is left of its budget. */
export default function ReplaceKey() {
  const { key, model_for, gateway_url, idempotency_key } = useLoaderData<typeof loader>()
  const { slug } = useTenant()
  const [params] = useSearchParams()
  const fetcher = useFetcher<typeof action>()
  const { done, refused } = answerOf(fetcher.data ?? useActionData<typeof action>())
  const { budget } = key
  const firstName = key.member_name.split(' ')[0] ?? key.member_name
  const left =
    budget.remaining_usd === null
      ? 'It has no limit of its own, and the new one won’t either.'
      : `Of ${shortUsd(budget.limit_usd ?? '0')}, ${shortUsd(budget.spent_usd)} is spent and stays spent: the new key begins with ${shortUsd(budget.remaining_usd)}.`
  return (
    <SidePanel
      title={done === null ? `Replace the key of ${key.member_name}` : `The new key of ${key.member_name}`}
      sentence={`${key.name} · ${done === null ? key.masked : done.created.masked}`}
      closeTo={paths.coding(slug, searchOf(params))}
      openedBy={keyButtonId(key.member_id)}
    >
      {done !== null ? (
        <MadeKey
          made={done.created}
          keyPath={paths.key(slug, key.member_id, done.created.id)}
          closeTo={paths.coding(slug, searchOf(params))}
          warning={`It is shown this once. Give it to ${firstName} in person. The lost key works no more.`}
          gateway_url={gateway_url}
          modelFor={model_for}
        />
      ) : (
        <ActForm
          fetcher={fetcher}
          idempotencyKey={idempotency_key}
          sentence={`${key.masked} stops working at once, and ${firstName} gets a new key with the same settings.`}
          act="Revoke it and make a new one"
          isTouched={false}
          leaveTitle=""
          refused={refused}
        >
          <Text size="sm">For a key that was lost, or that somebody else has seen.</Text>
          <Alert color="gray" title="What is left stays the same">
            {left} {RENEWAL_WORDS[budget.renewal]}.
          </Alert>
        </ActForm>
      )}
    </SidePanel>
  )
}

import { randomUUID } from 'node:crypto'
import { PasswordInput } from '@mantine/core'
import { type MetaFunction, redirect } from '@remix-run/node'
import { useFetcher, useLoaderData } from '@remix-run/react'
import { useState } from 'react'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { ActForm, answerOf, errorAt } from '../ui/form/act-form.tsx'
import { SidePanel } from '../ui/side-panel.tsx'

export const meta: MetaFunction = () => [{ title: 'Change the API key – Stipend' }]

export const loader = tenantLoader(async ({ api, param }) => ({
  provider: await api.providers.get({ id: param('providerId') }),
  idempotency_key: randomUUID(),
}))

export const action = tenantAction(async ({ api, param, slug }, form) => {
  const id = param('providerId')
  await api.providers.rotateCredential({ id, credential: text(form, 'credential') })
  throw redirect(paths.provider(slug, id))
})

const FIELDS = new Set(['credential'])

export default function RotateCredential() {
  const { provider, idempotency_key } = useLoaderData<typeof loader>()
  const { slug } = useTenant()
  const fetcher = useFetcher<typeof action>()
  const { refused } = answerOf(fetcher.data as never)
  const [isTouched, setTouched] = useState(false)
  return (
    <SidePanel
      title="Change the API key"
      sentence={provider.name}
      closeTo={paths.provider(slug, provider.id)}
      openedBy="change-provider"
    >
      <ActForm
        fetcher={fetcher}
        idempotencyKey={idempotency_key}
        refused={refused}
        fields={FIELDS}
        isTouched={isTouched && fetcher.state === 'idle'}
        leaveTitle="Leave without changing the API key?"
        sentence="Requests use the new one from now on. The old one is forgotten here; revoke it at the provider too."
        act="Change the API key"
      >
        <PasswordInput
          name="credential"
          label="New API key"
          description="Kept encrypted and never shown again."
          required
          withAsterisk={false}
          autoComplete="off"
          onChange={() => setTouched(true)}
          error={errorAt(refused, 'credential')}
          data-autofocus
        />
      </ActForm>
    </SidePanel>
  )
}

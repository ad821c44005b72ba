import { randomUUID } from 'node:crypto'
import { Group, NumberInput, PasswordInput, Stack, TextInput } from '@mantine/core'
import { type MetaFunction, redirect } from '@remix-run/node'
import { useFetcher, useLoaderData } from '@remix-run/react'
import { useState } from 'react'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { ActForm, answerOf, errorAt } from '../ui/form/act-form.tsx'
import { SidePanel } from '../ui/side-panel.tsx'

export const meta: MetaFunction = () => [{ title: 'Change a provider – Stipend' }]

export const loader = tenantLoader(async ({ api, param }) => ({
  provider: await api.providers.get({ id: param('providerId') }),
  idempotency_key: randomUUID(),
}))

export const action = tenantAction(async ({ api, param, slug }, form) => {
  const id = param('providerId')
  const credential = text(form, 'credential') || undefined
  await api.providers.update({
    id,
    name: text(form, 'name'),
    base_url: text(form, 'base_url'),
    priority: Number(text(form, 'priority')),
    weight: Number(text(form, 'weight')),
    ...(credential === undefined ? {} : { credential }),
  })
  throw redirect(paths.provider(slug, id))
})

const FIELDS = new Set(['name', 'base_url', 'credential', 'priority', 'weight'])

export default function EditProvider() {
  const { provider, idempotency_key } = useLoaderData<typeof loader>()
  const { slug } = useTenant()
  const fetcher = useFetcher<typeof action>()
  const { refused } = answerOf(fetcher.data as never)
  const [isTouched, setTouched] = useState(false)
  const [address, setAddress] = useState(provider.base_url ?? '')
  const isMoved = URL.parse(address)?.host !== URL.parse(provider.base_url ?? '')?.host
  return (
    <SidePanel
      title="Change the provider"
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
        leaveTitle="Leave without saving?"
        sentence="Takes effect on every gateway at once."
        act="Save"
      >
        <Stack gap="lg" onChange={() => setTouched(true)}>
          <TextInput
            name="name"
            label="Name"
            description="Long names of models begin with it."
            defaultValue={provider.name}
            error={errorAt(refused, 'name')}
            autoComplete="off"
            data-autofocus
          />
          <TextInput
            name="base_url"
            label="Address"
            value={address}
            onChange={(event) => setAddress(event.currentTarget.value)}
            error={errorAt(refused, 'base_url')}
            inputMode="url"
            autoComplete="off"
          />
          {isMoved && provider.has_credential && (
            <PasswordInput
              name="credential"
              label="API key"
              description="Another host gets the API key only if you give it again."
              error={errorAt(refused, 'credential')}
              autoComplete="off"
            />
          )}
          <Group grow align="flex-start">
            <NumberInput
              name="priority"
              label="Priority"
              description="The lowest is tried first."
              defaultValue={provider.priority}
              min={1}
              max={1000}
              allowDecimal={false}
              error={errorAt(refused, 'priority')}
            />
            <NumberInput
              name="weight"
              label="Weight"
              description="Its share among equals."
              defaultValue={provider.weight}
              min={1}
              max={1000}
              allowDecimal={false}
              error={errorAt(refused, 'weight')}
            />
          </Group>
        </Stack>
      </ActForm>
    </SidePanel>
  )
}

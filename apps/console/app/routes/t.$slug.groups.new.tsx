import { randomUUID } from 'node:crypto'
import { Select, Stack, TextInput } from '@mantine/core'
import { type MetaFunction, redirect } from '@remix-run/node'
import { useFetcher, useLoaderData, useSearchParams } from '@remix-run/react'
import { useState } from 'react'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { ActForm, answerOf, errorAt } from '../ui/form/act-form.tsx'
import { SidePanel } from '../ui/side-panel.tsx'
import { searchOf } from '../ui/table/use-table.ts'

export const meta: MetaFunction = () => [{ title: 'Add a group – Stipend' }]

export const loader = tenantLoader(async ({ api }) => ({
  locations: (await api.locations.list({})).data.map(({ id, name }) => ({ value: id, label: name })),
  idempotency_key: randomUUID(),
}))
export const shouldRevalidate = () => false

export const action = tenantAction(async ({ api, slug, url }, form) => {
  const made = await api.groups.create({ name: text(form, 'name'), location_id: text(form, 'location_id') })
  return redirect(paths.group(slug, made.id, url.search))
})

export default function NewGroup() {
  const { locations, idempotency_key } = useLoaderData<typeof loader>()
  const { slug, words } = useTenant()
  const [search] = useSearchParams()
  const fetcher = useFetcher<typeof action>()
  const [isTouched, setTouched] = useState(false)
  const { refused } = answerOf<object>(fetcher.data as never)
  const one = words.group.toLowerCase()
  return (
    <SidePanel title={`Add a ${one}`} closeTo={paths.groups(slug, searchOf(search))} openedBy="new-group">
      <div onChange={() => setTouched(true)}>
        <ActForm
          fetcher={fetcher as never}
          idempotencyKey={idempotency_key}
          sentence={`Adds the ${one}. You then choose who is in it and who leads it.`}
          act={`Add the ${one}`}
          isTouched={isTouched && fetcher.state === 'idle'}
          leaveTitle={`Leave without adding the ${one}?`}
          refused={
            refused?.code === 'conflict'
              ? { ...refused, message: `There is a ${one} of this name here already.` }
              : refused
          }
          fields={new Set(['name', 'location_id'])}
        >
          <Stack>
            <TextInput
              name="name"
              label="Name"
              required
              withAsterisk={false}
              maxLength={200}
              autoComplete="off"
              data-autofocus
              error={errorAt(refused, 'name')}
            />
            <Select
              name="location_id"
              label={words.location}
              data={locations}
              defaultValue={locations.length === 1 ? (locations[0]?.value ?? null) : null}
              required
              withAsterisk={false}
              searchable={locations.length > 8}
              error={errorAt(refused, 'location_id')}
            />
          </Stack>
        </ActForm>
      </div>
    </SidePanel>
  )
}

import { randomUUID } from 'node:crypto'
import { Badge, Checkbox, FileInput, Stack, Table, Text, TextInput } from '@mantine/core'
import { type MetaFunction, redirect } from '@remix-run/node'
import { useFetcher, useLoaderData } from '@remix-run/react'
import { useState } from 'react'
import { PriceWords } from '../features/providers/price-words.tsx'
import classes from '../features/providers/providers.module.css'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { ActForm, answerOf, errorAt } from '../ui/form/act-form.tsx'
import { SidePanel } from '../ui/side-panel.tsx'
import { counted } from '../words.ts'

export const meta: MetaFunction = () => [{ title: 'Import prices – Stipend' }]

export const loader = tenantLoader(async ({ api, param }) => ({
  provider: await api.providers.get({ id: param('providerId') }),
  idempotency_key: randomUUID(),
}))

export const action = tenantAction(async ({ api, param, slug }, form) => {
  const id = param('providerId')
  const document = text(form, 'document')
  const from = text(form, 'from') || undefined
  const names = form.getAll('names').map(String)
  if (names.length === 0) return { preview: await api.providers.previewPrices({ id, document, from }) }
  await api.providers.importPrices({ id, document, from, names, free: names })
  throw redirect(paths.provider(slug, id))
})

type Preview = Exclude<Awaited<ReturnType<typeof action>>, { data: unknown }>['preview']

const CHANGES = {
  new: { word: 'New', color: 'blue' },
  changed: { word: 'Changes', color: 'yellow' },
  same: { word: 'As it is', color: 'gray' },
  free: { word: 'Free', color: 'yellow' },
  missing: { word: 'Not in it', color: 'gray' },
} as const

const FIELDS = new Set(['document', 'from'])

export default function ImportPrices() {
  const { provider, idempotency_key } = useLoaderData<typeof loader>()
  const { slug } = useTenant()
  const fetcher = useFetcher<typeof action>()
  const { refused, done } = answerOf<{ preview: Preview }>(fetcher.data as never)
  const [document, setDocument] = useState('')
  const [chosen, setChosen] = useState<string[] | null>(null)
  const rows = done?.preview.data ?? []
  const usual = rows.filter((row) => row.change === 'new' || row.change === 'changed').map((row) => row.name)
  const names = done === null ? [] : (chosen ?? usual)
  return (
    <SidePanel
      title="Import prices"
      sentence="From the public lists of LiteLLM or models.dev. You see first what would change."
      closeTo={paths.provider(slug, provider.id)}
      openedBy="change-provider"
    >
      <ActForm
        fetcher={fetcher}
        idempotencyKey={idempotency_key}
        refused={refused}
        fields={FIELDS}
        isTouched={document !== '' && fetcher.state === 'idle'}
        leaveTitle="Leave without importing?"
        isDisabled={document === '' || (done !== null && names.length === 0)}
        sentence={
          done === null
            ? 'Changes nothing yet.'
            : names.length === 0
              ? 'Nothing is chosen.'
              : `${counted(names.length, 'model')} of ${provider.name} get these prices from now on.`
        }
        act={done === null ? 'Show what would change' : `Take ${counted(names.length, 'price')}`}
      >
        <input type="hidden" name="document" value={document} />
        <FileInput
          label="File"
          description="model_prices_and_context_window.json, or api.json of models.dev."
          placeholder="Choose a file"
          accept="application/json,.json"
          error={errorAt(refused, 'document')}
          onChange={(file) => {
            setChosen(null)
            file?.text().then(setDocument, () => setDocument(''))
            if (file === null) setDocument('')
          }}
        />
        <TextInput
          name="from"
          label="Provider in the file"
          description="Only if it isn’t found by itself, such as together_ai."
          autoComplete="off"
          error={errorAt(refused, 'from')}
        />
        {done !== null && (
          <Stack gap="xs">
            {names.map((name) => (
              <input key={name} type="hidden" name="names" value={name} />
            ))}
            <Table aria-label="What would change" verticalSpacing={6}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Model</Table.Th>
                  <Table.Th>Now and then</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {rows.map((row) => (
                  <Table.Tr key={row.name}>
                    <Table.Td className={classes.name}>
                      <Checkbox
                        size="sm"
                        checked={names.includes(row.name)}
                        disabled={row.change === 'same' || row.change === 'missing'}
                        onChange={(event) =>
                          setChosen(
                            event.currentTarget.checked
                              ? [...names, row.name]
                              : names.filter((name) => name !== row.name),
                          )
                        }
                        label={row.name}
                      />
                      <Badge size="xs" color={CHANGES[row.change].color} mt={4}>
                        {CHANGES[row.change].word}
                      </Badge>
                    </Table.Td>
                    <Table.Td>
                      <Text size="xs" c="dimmed" component="div">
                        <PriceWords of={row.before} />
                      </Text>
                      {row.after !== null && <PriceWords of={row.after} />}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Stack>
        )}
      </ActForm>
    </SidePanel>
  )
}

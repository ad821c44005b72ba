import { randomUUID } from 'node:crypto'
import { Stack, Table, TagsInput, Text, TextInput, Title } from '@mantine/core'
import { type MetaFunction, redirect } from '@remix-run/node'
import { useFetcher, useLoaderData } from '@remix-run/react'
import { useState } from 'react'
import { draftOf, PriceFields, priceOf } from '../features/providers/price-fields.tsx'
import { PriceWords } from '../features/providers/price-words.tsx'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { notFoundPage, tenantAction, tenantLoader, text } from '../session.server.ts'
import { ActForm, answerOf, errorAt } from '../ui/form/act-form.tsx'
import { Moment } from '../ui/moment.tsx'
import { SidePanel } from '../ui/side-panel.tsx'

export const meta: MetaFunction = () => [{ title: 'Model – Stipend' }]

export const loader = tenantLoader(async ({ api, param, context }) => {
  const [provider, models, history] = await Promise.all([
    api.providers.get({ id: param('providerId') }),
    api.providers.listModels({ id: param('providerId') }),
    api.providers.listPrices({ model_id: param('modelId') }),
  ])
  const model = models.data.find((one) => one.id === param('modelId'))
  if (model === undefined) throw notFoundPage(context)
  return { provider, model, history: history.data, idempotency_key: randomUUID() }
})

export const action = tenantAction(async ({ api, param, slug }, form) => {
  const id = param('providerId')
  const price = JSON.parse(text(form, 'price')) as ReturnType<typeof priceOf>
  await api.providers.setModels({
    id,
    models: [
      {
        name: text(form, 'name'),
        upstream_name: text(form, 'upstream_name'),
        aliases: JSON.parse(text(form, 'aliases')) as string[],
        ...(price === null ? {} : { price }),
      },
    ],
  })
  throw redirect(paths.provider(slug, id))
})

const FIELDS = new Set<string>()

export default function Model() {
  const { provider, model, history, idempotency_key } = useLoaderData<typeof loader>()
  const { slug, may } = useTenant()
  const fetcher = useFetcher<typeof action>()
  const { refused } = answerOf(fetcher.data as never)
  const [price, setPrice] = useState(() => draftOf(model.price))
  const [aliases, setAliases] = useState<string[]>(model.aliases)
  const [upstream, setUpstream] = useState(model.upstream_name)
  const mayChange = provider.owner === 'organisation' && may('providers:write')
  const changed = JSON.stringify(price) !== JSON.stringify(draftOf(model.price))
  const isTouched = changed || aliases.join() !== model.aliases.join() || upstream !== model.upstream_name
  const at = (path: string) => errorAt(refused, `models.0.${path}`)
  const isAtField = refused?.fields.some((field) => field.path.startsWith('models.0.')) === true
  const fields = isAtField ? new Set(refused.fields.map((field) => field.path)) : FIELDS
  return (
    <SidePanel
      title={model.name}
      sentence={`${provider.name}, ${model.context_tokens_max.toLocaleString('en-US')} tokens of context`}
      closeTo={paths.provider(slug, provider.id)}
      openedBy={`model-${model.id}`}
    >
      <Stack gap="xl">
        {mayChange ? (
          <ActForm
            fetcher={fetcher}
            idempotencyKey={idempotency_key}
            refused={refused}
            fields={fields}
            isTouched={isTouched && fetcher.state === 'idle'}
            leaveTitle="Leave without saving?"
            isDisabled={!isTouched}
            sentence={
              changed
                ? 'Requests that begin from now on are charged at the new price. The earlier one stays in the history.'
                : 'Names and prices take effect on every gateway at once.'
            }
            act="Save"
          >
            <input type="hidden" name="name" value={model.name} />
            <input type="hidden" name="aliases" value={JSON.stringify(aliases)} />
            <input type="hidden" name="price" value={JSON.stringify(changed ? priceOf(price) : null)} />
            <PriceFields value={price} onChange={setPrice} errorAt={(path) => at(`price.${path}`)} />
            <TagsInput
              label="Aliases"
              description="Further names that requests may use, such as “fast”."
              value={aliases}
              onChange={setAliases}
              error={at('aliases')}
              clearable
            />
            <TextInput
              name="upstream_name"
              label="Its name at the provider"
              value={upstream}
              onChange={(event) => setUpstream(event.currentTarget.value)}
              error={at('upstream_name')}
              autoComplete="off"
            />
          </ActForm>
        ) : (
          <Text size="sm">
            <PriceWords of={model.price} />, per million tokens.
          </Text>
        )}
        <div>
          <Title order={3} size="h5" mb="xs">
            Prices so far
          </Title>
          {history.length === 0 ? (
            <Text size="sm" c="dimmed">
              None yet: requests to this model are refused.
            </Text>
          ) : (
            <Table aria-label="Prices so far" verticalSpacing={6}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>From</Table.Th>
                  <Table.Th>Per million tokens</Table.Th>
                  <Table.Th>Said by</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {history.map((one) => (
                  <Table.Tr key={one.id}>
                    <Table.Td>
                      <Moment at={one.valid_from} />
                    </Table.Td>
                    <Table.Td>
                      <PriceWords of={one} />
                    </Table.Td>
                    <Table.Td>{/^(mem|tok)_|^operator/.test(one.source) ? 'A person' : one.source}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
        </div>
      </Stack>
    </SidePanel>
  )
}

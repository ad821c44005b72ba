import { randomUUID } from 'node:crypto'
import { Anchor, Checkbox, Group, Stack, Text, TextInput } from '@mantine/core'
import { type MetaFunction, redirect } from '@remix-run/node'
import { useFetcher, useLoaderData } from '@remix-run/react'
import { useState } from 'react'
import { PriceWords } from '../features/providers/price-words.tsx'
import type { Price, Verdict } from '../features/providers/provider.ts'
import classes from '../features/providers/providers.module.css'
import { Ticks } from '../features/providers/ticks.tsx'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { ActForm, answerOf } from '../ui/form/act-form.tsx'
import { SidePanel } from '../ui/side-panel.tsx'
import { counted } from '../words.ts'

export const meta: MetaFunction = () => [{ title: 'Add models – Stipend' }]

export const loader = tenantLoader(async ({ api, param }) => {
  const id = param('providerId')
  const [provider, there, verdict] = await Promise.all([
    api.providers.get({ id }),
    api.providers.listModels({ id }),
    api.providers.try({ id }),
  ])
  const names = new Set(there.data.map((model) => model.upstream_name))
  const found = verdict.found.filter((model) => !names.has(model.name))
  return { provider, verdict, found, is_first: there.data.length === 0, idempotency_key: randomUUID() }
})

export const shouldRevalidate = () => false

export const action = tenantAction(async ({ api, param, slug }, form) => {
  const id = param('providerId')
  const chosen = form.getAll('models').map((one) => JSON.parse(String(one)) as Verdict['found'][number])
  const typed = text(form, 'typed')
    .split(/[\s,]+/)
    .filter((name) => name !== '')
  const models = [
    ...chosen.map(({ name, dialects, price, context_tokens_max, output_tokens_max }) => ({
      name,
      dialects,
      ...(context_tokens_max === null ? {} : { context_tokens_max }),
      ...(output_tokens_max === null ? {} : { output_tokens_max }),
      ...(price === null ? {} : { price }),
    })),
    ...typed.map((name) => ({ name })),
  ]
  await api.providers.setModels({ id, models })
  throw redirect(text(form, 'is_first') === 'true' ? paths.shareProvider(slug, id) : paths.provider(slug, id))
})

const SHOWN_MAX = 300

export default function AddModels() {
  const { provider, verdict, found, is_first, idempotency_key } = useLoaderData<typeof loader>()
  const { slug } = useTenant()
  const fetcher = useFetcher<typeof action>()
  const { refused } = answerOf(fetcher.data as never)
  const [search, setSearch] = useState('')
  const [typed, setTyped] = useState('')
  const [chosen, setChosen] = useState<string[]>([])
  const matching = found.filter((model) => model.name.toLowerCase().includes(search.trim().toLowerCase()))
  const unpriced = found.filter((model) => chosen.includes(model.name) && model.price === null).length
  const count = chosen.length + typed.split(/[\s,]+/).filter((name) => name !== '').length
  const isWrong = !verdict.is_ok
  return (
    <SidePanel
      title="Add models"
      sentence={`What ${provider.name} offers. Prices are US dollars per million tokens.`}
      closeTo={paths.provider(slug, provider.id)}
      openedBy="add-models"
    >
      <Stack gap="lg">
        {(isWrong || found.length === 0) && <Ticks of={verdict} />}
        <ActForm
          fetcher={fetcher}
          idempotencyKey={idempotency_key}
          refused={refused}
          isTouched={count > 0 && fetcher.state === 'idle'}
          leaveTitle="Leave without adding the models?"
          isDisabled={count === 0}
          sentence={
            count === 0
              ? 'Choose at least one model.'
              : `Adds ${counted(count, 'model')}.${unpriced > 0 ? ` ${counted(unpriced, 'has', 'have')} no known price: set it next, or requests are refused.` : ''}`
          }
          act={count === 0 ? 'Add models' : `Add ${counted(count, 'model')}`}
        >
          <input type="hidden" name="is_first" value={String(is_first)} />
          {found
            .filter((model) => chosen.includes(model.name))
            .map((model) => (
              <input key={model.name} type="hidden" name="models" value={JSON.stringify(model)} />
            ))}
          {found.length > 0 && (
            <Stack gap="xs">
              <TextInput
                label="Models"
                placeholder="Search"
                value={search}
                onChange={(event) => setSearch(event.currentTarget.value)}
                autoComplete="off"
                data-autofocus
              />
              <Group gap="md">
                <Anchor
                  component="button"
                  type="button"
                  size="sm"
                  onClick={() => setChosen([...new Set([...chosen, ...matching.map((model) => model.name)])])}
                >
                  Choose {matching.length === found.length ? 'all' : 'these'} {matching.length}
                </Anchor>
                <Anchor
                  component="button"
                  type="button"
                  size="sm"
                  onClick={() => setChosen(found.filter((model) => model.price !== null).map((model) => model.name))}
                >
                  Only with a known price
                </Anchor>
                {chosen.length > 0 && (
                  <Anchor component="button" type="button" size="sm" onClick={() => setChosen([])}>
                    None
                  </Anchor>
                )}
              </Group>
              <Checkbox.Group value={chosen} onChange={setChosen} aria-label="Models it offers">
                <Stack gap={10} className={classes.models} tabIndex={0} role="group" aria-label="Models it offers">
                  {matching.slice(0, SHOWN_MAX).map((model) => (
                    <Checkbox
                      key={model.name}
                      value={model.name}
                      size="sm"
                      label={<ModelLine name={model.name} price={model.price} />}
                    />
                  ))}
                  {matching.length === 0 && (
                    <Text size="sm" c="dimmed">
                      None has this in its name.
                    </Text>
                  )}
                  {matching.length > SHOWN_MAX && (
                    <Text size="sm" c="dimmed">
                      And {matching.length - SHOWN_MAX} more: search for them.
                    </Text>
                  )}
                </Stack>
              </Checkbox.Group>
            </Stack>
          )}
          <TextInput
            name="typed"
            label={found.length > 0 ? 'Others, by name' : 'Names of models'}
            description="As the provider writes them, with blanks or commas between."
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            autoComplete="off"
          />
        </ActForm>
      </Stack>
    </SidePanel>
  )
}

function ModelLine({ name, price }: { name: string; price: Price | null }) {
  return (
    <>
      <Text component="span" size="sm" ff="monospace" display="block" className={classes.name}>
        {name}
      </Text>
      <PriceWords of={price} />
    </>
  )
}

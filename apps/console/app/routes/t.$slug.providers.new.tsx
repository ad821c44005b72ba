import { randomUUID } from 'node:crypto'
import { Anchor, Button, Card, PasswordInput, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { type MetaFunction, redirect } from '@remix-run/node'
import { Link, useFetcher, useLoaderData } from '@remix-run/react'
import { IconArrowLeft } from '@tabler/icons-react'
import { useState } from 'react'
import type { Kind } from '../features/providers/provider.ts'
import classes from '../features/providers/providers.module.css'
import { Ticks } from '../features/providers/ticks.tsx'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { ActForm, answerOf, errorAt } from '../ui/form/act-form.tsx'
import { PageHeader } from '../ui/page-header.tsx'

export const meta: MetaFunction = () => [{ title: 'Add a provider – Stipend' }]

export const loader = tenantLoader(async ({ api, url }) => {
  const kinds = (await api.providers.listKinds()).data
  return {
    kinds,
    kind: kinds.find((one) => one.name === url.searchParams.get('kind')) ?? null,
    idempotency_key: randomUUID(),
  }
})

export const action = tenantAction(async ({ api, slug }, form) => {
  const kind = text(form, 'kind') as Kind['name']
  const base_url = text(form, 'base_url') || undefined
  const credential = text(form, 'credential') || undefined
  const verdict = await api.providers.tryNew({ kind, base_url, credential })
  if (!verdict.is_ok && text(form, 'anyway') !== 'true') return { verdict }
  const { id } = await api.providers.create({ name: text(form, 'name'), kind, base_url, credential })
  throw redirect(paths.addModels(slug, id))
})

export default function NewProvider() {
  const { kinds, kind, idempotency_key } = useLoaderData<typeof loader>()
  const { slug } = useTenant()
  return (
    <>
      <PageHeader
        title={kind === null ? 'Add a provider' : `Add ${kind.title}`}
        sentence={
          kind === null
            ? 'Which one do you have an account with?'
            : 'First the connection is tried. Then you choose the models, and with whom to share them.'
        }
        action={
          <Button
            component={Link}
            to={kind === null ? paths.providers(slug) : paths.newProvider(slug)}
            variant="default"
            leftSection={<IconArrowLeft size={16} />}
          >
            {kind === null ? 'Providers' : 'Another kind'}
          </Button>
        }
      />
      {kind === null ? (
        <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="sm">
          {kinds.map((one) => (
            <Link key={one.name} to={paths.newProvider(slug, one.name)} className={classes.kind}>
              <Text fw={600}>{one.title}</Text>
              <Text size="sm" c="dimmed">
                {ABOUT[one.name]}
              </Text>
            </Link>
          ))}
        </SimpleGrid>
      ) : (
        <Connection key={kind.name} kind={kind} idempotencyKey={idempotency_key} />
      )}
    </>
  )
}

const ABOUT: Record<Kind['name'], string> = {
  openai: 'GPT models and embeddings',
  anthropic: 'Claude models',
  azure_openai: 'Your deployments at Azure',
  google: 'Gemini models',
  groq: 'Open models, fast',
  mistral: 'Mistral and Codestral',
  openrouter: 'Many providers behind one account',
  deepseek: 'DeepSeek models',
  xai: 'Grok models',
  vllm: 'Models on machines of your own',
  ollama: 'Models on machines of your own',
  openai_compatible: 'Anything that speaks OpenAI’s language',
}

const FIELDS = new Set(['name', 'base_url', 'credential'])

function Connection({ kind, idempotencyKey }: { kind: Kind; idempotencyKey: string }) {
  const fetcher = useFetcher<typeof action>()
  const [isTouched, setTouched] = useState(false)
  const { refused, done } = answerOf<{ verdict: Parameters<typeof Ticks>[0]['of'] }>(fetcher.data as never)
  const isWrong = done !== null && !done.verdict.is_ok
  // A second try after a change is another request.
  return (
    <Card withBorder maw={560}>
      <ActForm
        fetcher={fetcher}
        idempotencyKey={idempotencyKey}
        refused={refused}
        fields={FIELDS}
        isTouched={isTouched && fetcher.state === 'idle'}
        leaveTitle="Leave without adding the provider?"
        sentence={
          isWrong
            ? 'Mend what is wrong and test again.'
            : 'Asks the provider for its list of models, which costs nothing, and then adds it.'
        }
        act={isWrong ? 'Test again' : 'Test and add'}
      >
        <input type="hidden" name="kind" value={kind.name} />
        <Stack gap="lg" onChange={() => setTouched(true)}>
          <TextInput
            name="name"
            label="Name"
            description="It stands before the model in long names, such as openai/gpt-6-mini."
            defaultValue={kind.name.replaceAll('_', '-')}
            required
            withAsterisk={false}
            autoComplete="off"
            error={errorAt(refused, 'name')}
          />
          {kind.needs_address && (
            <TextInput
              name="base_url"
              label="Address"
              description="What comes before /chat/completions."
              placeholder={kind.example}
              required
              withAsterisk={false}
              autoComplete="off"
              inputMode="url"
              error={errorAt(refused, 'base_url')}
            />
          )}
          <PasswordInput
            name="credential"
            label="API key"
            description={`${kind.needs_credential ? `Made at ${kind.title}. ` : 'Empty if it wants none. '}Kept encrypted and never shown again.`}
            required={kind.needs_credential}
            withAsterisk={false}
            autoComplete="off"
            error={errorAt(refused, 'credential')}
          />
          {done !== null && <Ticks of={done.verdict} />}
          {isWrong && (
            <Text size="sm" c="dimmed">
              <Anchor component="button" type="submit" name="anyway" value="true" inherit>
                Add it anyway
              </Anchor>{' '}
              if you know that it will work later.
            </Text>
          )}
        </Stack>
      </ActForm>
    </Card>
  )
}

import { randomUUID } from 'node:crypto'
import { Alert, Anchor, Button, Checkbox, Group, Stack, Text, TextInput } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { useActionData, useFetcher, useLoaderData, useNavigate } from '@remix-run/react'
import { IconAlertCircle } from '@tabler/icons-react'
import { useState } from 'react'
import { ShownOnce } from '../features/keys/shown-once.tsx'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { CodeBlock } from '../ui/code-block.tsx'
import { LeaveGuard } from '../ui/leave-guard.tsx'
import { useOnce } from '../ui/once.ts'
import { SidePanel } from '../ui/side-panel.tsx'

export const meta: MetaFunction = () => [{ title: 'Create a token – Stipend' }]

// What its maker may do is what a token can be given.
export const loader = tenantLoader(async ({ context, session, membership }) => ({
  idempotency_key: randomUUID(),
  scopes: context.backend.permissions(session, membership),
  api_url: context.backend.api_url,
}))

export const shouldRevalidate = () => false

export const action = tenantAction(async ({ api, context, session, membership }, form) => {
  const asked = form.getAll('scopes')
  const scopes = context.backend.permissions(session, membership).filter((scope) => asked.includes(scope))
  return { created: await api.serviceTokens.create({ name: text(form, 'name'), scopes }) }
})

export default function NewToken() {
  const { idempotency_key, scopes, api_url } = useLoaderData<typeof loader>()
  const { slug } = useTenant()
  const navigate = useNavigate()
  const fetcher = useFetcher<typeof action>()
  const sentPlainly = useActionData<typeof action>()
  const [chosen, setChosen] = useState<string[]>(['members:read', 'keys:read', 'keys:write', 'usage:read'])
  const [isTouched, setTouched] = useState(false)
  const result = fetcher.data ?? sentPlainly
  const created = result !== undefined && 'created' in result ? result.created : null
  const refused = result !== undefined && 'error' in result ? result.error : null
  const errorOf = (path: string) =>
    refused?.fields.find((field) => field.path === path || field.path.startsWith(`${path}.`))?.message
  const closeTo = paths.tokens(slug)
  const isSending = fetcher.state !== 'idle'
  const once = useOnce(fetcher.state)
  return (
    <SidePanel
      title={created === null ? 'Create a service token' : created.name}
      closeTo={closeTo}
      openedBy="new-token"
    >
      {created !== null && created.secret !== null ? (
        <ShownOnce
          what="token"
          secret={created.secret}
          warning="It is shown this once. Keep it where your scripts keep their secrets."
          onDone={() => navigate(closeTo, { preventScrollReset: true })}
        >
          <CodeBlock
            label="An example"
            code={`curl ${api_url}/v1/members \\\n  -H "authorization: Bearer ${created.secret}"`}
          />
        </ShownOnce>
      ) : created !== null ? (
        <Alert color="yellow" title="This token was made already">
          It was shown once and can’t be shown again. If it is lost, revoke it and make a new one.
        </Alert>
      ) : (
        <fetcher.Form method="post" onSubmit={once} onChange={() => setTouched(true)}>
          <input type="hidden" name="idempotency_key" value={idempotency_key} />
          <Stack gap="lg">
            <TextInput
              name="name"
              label="Name"
              description="What it is for, such as “Timetable sync”."
              required
              withAsterisk={false}
              error={errorOf('name')}
              autoComplete="off"
              data-autofocus
            />
            <Checkbox.Group
              label="Scopes"
              description="What it may do. Less is safer."
              value={chosen}
              onChange={setChosen}
              error={errorOf('scopes')}
            >
              <Group gap="md" mt={6}>
                <Anchor
                  component="button"
                  type="button"
                  size="sm"
                  onClick={() => setChosen(scopes.filter((scope) => scope.endsWith(':read')))}
                >
                  Read only
                </Anchor>
                <Anchor component="button" type="button" size="sm" onClick={() => setChosen([...scopes])}>
                  Everything
                </Anchor>
              </Group>
              <Stack gap={8} mt="sm">
                {scopes.map((scope) => (
                  <Checkbox key={scope} name="scopes" value={scope} label={scopeWords(scope)} size="sm" />
                ))}
              </Stack>
            </Checkbox.Group>
            {refused !== null && errorOf('name') === undefined && errorOf('scopes') === undefined && (
              <Alert color="red" icon={<IconAlertCircle size={18} />} role="alert">
                {refused.message}
              </Alert>
            )}
            <Stack gap="sm">
              <Text size="sm">
                The token can do{' '}
                {chosen.length === 0 ? 'nothing yet: choose a scope' : `${chosen.length} of ${scopes.length} things`}.
              </Text>
              <Button type="submit" loading={isSending} disabled={chosen.length === 0}>
                Create token
              </Button>
            </Stack>
          </Stack>
          <LeaveGuard when={isTouched} title="Leave without making the token?" leave="Leave" stay="Stay here">
            What you have filled in will be lost.
          </LeaveGuard>
        </fetcher.Form>
      )}
    </SidePanel>
  )
}

/** `service_tokens:write` as "Change service tokens". */
function scopeWords(scope: string): string {
  const [noun = '', verb] = scope.split(':')
  return `${verb === 'write' ? 'Change' : 'Read'} ${noun.replaceAll('_', ' ')}`
}

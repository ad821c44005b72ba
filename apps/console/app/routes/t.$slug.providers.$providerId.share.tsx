import { randomUUID } from 'node:crypto'
import { Checkbox, Radio, Stack, Text } from '@mantine/core'
import { type MetaFunction, redirect } from '@remix-run/node'
import { useFetcher, useLoaderData } from '@remix-run/react'
import { useState } from 'react'
import classes from '../features/providers/providers.module.css'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { ActForm, answerOf } from '../ui/form/act-form.tsx'
import { SidePanel } from '../ui/side-panel.tsx'
import { counted } from '../words.ts'

export const meta: MetaFunction = () => [{ title: 'Share a provider – Stipend' }]

export const loader = tenantLoader(async ({ api, param }) => {
  const [provider, groups] = await Promise.all([
    api.providers.get({ id: param('providerId') }),
    api.groups.list({ limit: 200 }),
  ])
  return { provider, groups: groups.data, idempotency_key: randomUUID() }
})

export const action = tenantAction(async ({ api, param, slug }, form) => {
  const id = param('providerId')
  const group_ids =
    { everyone: null, nobody: [], groups: form.getAll('groups').map(String) }[text(form, 'with')] ?? null
  await api.providers.share({ id, group_ids })
  throw redirect(paths.provider(slug, id))
})

export default function ShareProvider() {
  const { provider, groups, idempotency_key } = useLoaderData<typeof loader>()
  const { slug, words } = useTenant()
  const fetcher = useFetcher<typeof action>()
  const { refused } = answerOf(fetcher.data as never)
  const before = provider.shared_with === null ? 'everyone' : provider.shared_with.length === 0 ? 'nobody' : 'groups'
  const [sharing, setSharing] = useState<string>(before)
  const [chosen, setChosen] = useState<string[]>(provider.shared_with ?? [])
  const nouns = words.groups.toLowerCase()
  const sentence =
    sharing === 'everyone'
      ? 'Every key may use it.'
      : sharing === 'nobody'
        ? 'No key may use it, until you share it again.'
        : `Keys of people in ${counted(chosen.length, words.group.toLowerCase(), nouns)} may use it; for everybody else its models aren’t there.`
  return (
    <SidePanel
      title="Share with"
      sentence={provider.name}
      closeTo={paths.provider(slug, provider.id)}
      openedBy="change-provider"
    >
      <ActForm
        fetcher={fetcher}
        idempotencyKey={idempotency_key}
        refused={refused}
        isTouched={
          (sharing !== before || chosen.join() !== (provider.shared_with ?? []).join()) && fetcher.state === 'idle'
        }
        leaveTitle="Leave without sharing?"
        isDisabled={sharing === 'groups' && chosen.length === 0}
        sentence={sentence}
        act="Share"
      >
        <Radio.Group name="with" value={sharing} onChange={setSharing} label="Who may use it">
          <Stack gap="sm" mt="xs">
            <Radio value="everyone" label="Everyone" />
            <Radio value="groups" label={`Some ${nouns}`} disabled={groups.length === 0} />
            <Radio value="nobody" label="Nobody" />
          </Stack>
        </Radio.Group>
        {sharing === 'groups' && (
          <Checkbox.Group value={chosen} onChange={setChosen} label={words.groups}>
            <Stack gap={8} mt="xs" className={classes.models} tabIndex={0} role="group" aria-label={words.groups}>
              {groups.map((group) => (
                <Checkbox
                  key={group.id}
                  name="groups"
                  value={group.id}
                  size="sm"
                  label={
                    <>
                      {group.name}{' '}
                      <Text component="span" size="sm" c="dimmed">
                        {'location_name' in group ? String(group.location_name) : ''}
                      </Text>
                    </>
                  }
                />
              ))}
            </Stack>
          </Checkbox.Group>
        )}
      </ActForm>
    </SidePanel>
  )
}

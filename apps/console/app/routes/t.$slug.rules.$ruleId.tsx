import { randomUUID } from 'node:crypto'
import { Button, Divider, Stack } from '@mantine/core'
import { type MetaFunction, redirect } from '@remix-run/node'
import { useFetcher, useLoaderData } from '@remix-run/react'
import { useState } from 'react'
import { loadChoices } from '../features/rules/choices.server.ts'
import { draftOf } from '../features/rules/rule.ts'
import { RuleForm } from '../features/rules/rule-form.tsx'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { Confirm } from '../ui/confirm.tsx'
import { answerOf } from '../ui/form/act-form.tsx'
import { SidePanel } from '../ui/side-panel.tsx'
import { rowLinkId } from '../ui/table/data-table.tsx'

export const meta: MetaFunction = () => [{ title: 'Rule – Stipend' }]

export const loader = tenantLoader(async ({ api, param }) => ({
  rule: await api.rules.get({ id: param('ruleId') }),
  choices: await loadChoices(api),
  idempotency_key: randomUUID(),
}))
export const shouldRevalidate = () => false

export const action = tenantAction(async ({ api, param, slug }, form) => {
  const id = param('ruleId')
  if (text(form, 'intent') === 'delete') await api.rules.delete({ id })
  else await api.rules.update({ ...JSON.parse(text(form, 'terms')), id })
  return redirect(paths.rules(slug))
})

export default function RulePanel() {
  const { rule, choices, idempotency_key } = useLoaderData<typeof loader>()
  const { slug } = useTenant()
  const fetcher = useFetcher<unknown>()
  const [isDeleting, setDeleting] = useState(false)
  return (
    <SidePanel title={rule.name} closeTo={paths.rules(slug)} openedBy={rowLinkId(rule.id)}>
      <Stack gap="xl">
        <RuleForm
          key={rule.id}
          fetcher={fetcher}
          idempotencyKey={idempotency_key}
          refused={answerOf<object>(fetcher.data as never).refused}
          id={rule.id}
          initial={draftOf(rule)}
          names={rule.names}
          choices={choices}
        />
        <Divider />
        <Button
          size="xs"
          variant="light"
          color="red"
          style={{ alignSelf: 'flex-start' }}
          onClick={() => setDeleting(true)}
        >
          Delete
        </Button>
      </Stack>
      <Confirm
        opened={isDeleting}
        onClose={() => setDeleting(false)}
        title={`Delete ${rule.name}?`}
        act="Delete the rule"
        isBusy={fetcher.state !== 'idle'}
        onConfirm={() => fetcher.submit({ intent: 'delete' }, { method: 'post' })}
      >
        It is gone for good, with what was counted of it. To do without it for a while, switch it off instead.
      </Confirm>
    </SidePanel>
  )
}

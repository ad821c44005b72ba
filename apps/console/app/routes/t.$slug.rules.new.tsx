import { randomUUID } from 'node:crypto'
import { type MetaFunction, redirect } from '@remix-run/node'
import { useFetcher, useLoaderData } from '@remix-run/react'
import { loadChoices } from '../features/rules/choices.server.ts'
import { EXAMPLES, NEW_RULE } from '../features/rules/rule.ts'
import { RuleForm } from '../features/rules/rule-form.tsx'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { answerOf } from '../ui/form/act-form.tsx'
import { SidePanel } from '../ui/side-panel.tsx'

export const meta: MetaFunction = () => [{ title: 'Add a rule – Stipend' }]

export const loader = tenantLoader(async ({ api, url }) => {
  const example = url.searchParams.get('example') ?? ''
  return {
    choices: await loadChoices(api),
    initial: Object.hasOwn(EXAMPLES, example) ? EXAMPLES[example as keyof typeof EXAMPLES] : NEW_RULE,
    idempotency_key: randomUUID(),
  }
})
export const shouldRevalidate = () => false

export const action = tenantAction(async ({ api, slug }, form) => {
  await api.rules.create(JSON.parse(text(form, 'terms')))
  return redirect(paths.rules(slug))
})

export default function NewRule() {
  const { choices, initial, idempotency_key } = useLoaderData<typeof loader>()
  const { slug } = useTenant()
  const fetcher = useFetcher<unknown>()
  return (
    <SidePanel title="Add a rule" closeTo={paths.rules(slug)} openedBy="new-rule">
      <RuleForm
        fetcher={fetcher}
        idempotencyKey={idempotency_key}
        refused={answerOf<object>(fetcher.data as never).refused}
        initial={initial}
        names={[]}
        choices={choices}
      />
    </SidePanel>
  )
}

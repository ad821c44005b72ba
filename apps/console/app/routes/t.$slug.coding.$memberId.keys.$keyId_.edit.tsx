import { randomUUID } from 'node:crypto'
import { Select, TextInput } from '@mantine/core'
import { DateTimePicker } from '@mantine/dates'
import { type MetaFunction, redirect } from '@remix-run/node'
import { useActionData, useFetcher, useLoaderData, useSearchParams } from '@remix-run/react'
import { parseUsd } from '@stipend/money'
import { useState } from 'react'
import { keyButtonId } from '../features/coding/people-columns.tsx'
import { ENDS, type End, endOf } from '../features/keys/ends.ts'
import { RENEWAL_WORDS, RENEWALS, type Renewal } from '../features/keys/key-state.tsx'
import { RESTRICTION_FIELDS, RestrictionFields } from '../features/keys/restriction-fields.tsx'
import { choicesOf, restrictionsDraft, restrictionsOf, restrictionWords } from '../features/keys/restrictions.ts'
import { readRestrictions } from '../features/keys/terms.server.ts'
import { useTenant } from '../features/tenant.ts'
import { shortUsd } from '../money.ts'
import { paths } from '../paths.ts'
import { notFoundPage, tenantAction, tenantLoader, text } from '../session.server.ts'
import { endWords } from '../time.ts'
import { ActForm, answerOf, errorAt } from '../ui/form/act-form.tsx'
import { ChoiceChips } from '../ui/form/choice-chips.tsx'
import { useNow } from '../ui/now.tsx'
import { SidePanel } from '../ui/side-panel.tsx'
import { searchOf } from '../ui/table/use-table.ts'

export const meta: MetaFunction = () => [{ title: 'Change a key – Stipend' }]

export const loader = tenantLoader(async ({ api, param, context }) => {
  const [key, models] = await Promise.all([api.keys.get({ id: param('keyId') }), api.models.list()])
  if (key.member_id !== param('memberId')) throw notFoundPage(context)
  return { key, choices: choicesOf(models.data, key), idempotency_key: randomUUID() }
})

export const shouldRevalidate = () => false

export const action = tenantAction(async ({ api, param, slug, url }, form) => {
  const end = text(form, 'valid_until')
  const budget_usd = text(form, 'budget_usd')
  const renewal = RENEWALS.find((one) => one === text(form, 'renewal'))
  await api.keys.update({
    id: param('keyId'),
    name: text(form, 'name'),
    ...(end === 'keep' ? {} : { valid_until: end || null }),
    ...(form.get('is_unlimited') === 'yes' ? { budget_usd: null, renewal: 'never' as const } : { budget_usd }),
    ...readRestrictions(form),
    ...(renewal === undefined || form.get('is_unlimited') === 'yes' ? {} : { renewal }),
  })
  throw redirect(paths.key(slug, param('memberId'), param('keyId'), url.search))
})

/** Changes a key: its name, its budget, when it is renewed and until when it works. */
export default function EditKey() {
  const { key, choices, idempotency_key } = useLoaderData<typeof loader>()
  const { slug, time_zone } = useTenant()
  const now = useNow()
  const [params] = useSearchParams()
  const fetcher = useFetcher<typeof action>()
  const { refused } = answerOf<object>((fetcher.data ?? useActionData<typeof action>()) as never)
  const [isTouched, setTouched] = useState(false)
  const [budget, setBudget] = useState(key.budget.limit_usd ?? '')
  const [isUnlimited, setUnlimited] = useState(key.budget.limit_usd === null)
  const [renewal, setRenewal] = useState<Renewal>(key.budget.renewal)
  const [end, setEnd] = useState<End>('keep')
  const [chosen, setChosen] = useState<string | null>(null)
  const [limits, setLimits] = useState(restrictionsDraft(key))
  const [isTried, setTried] = useState(false)
  const touch = () => setTouched(true)
  const { restrictions, problems } = restrictionsOf(limits, choices)
  const wrong = Object.values(problems)[0]
  const until = endOf(end, key.valid_until, chosen, time_zone, now)
  const parsed = parseUsd(budget)
  const problem = isUnlimited || (parsed.ok && parsed.nanos > 0n) ? null : 'Type an amount, such as 7.50.'
  const amount = isUnlimited ? 'No limit of its own' : problem === null ? shortUsd(budget) : '…'
  const closeTo = paths.key(slug, key.member_id, key.id, searchOf(params))
  return (
    <SidePanel
      title={`Change the key of ${key.member_name}`}
      sentence={key.masked}
      closeTo={closeTo}
      openedBy={keyButtonId(key.member_id)}
    >
      <ActForm
        fetcher={fetcher}
        idempotencyKey={idempotency_key}
        sentence={`${amount}${isUnlimited ? '' : `, ${shortUsd(key.budget.spent_usd)} of it spent. ${RENEWAL_WORDS[renewal]}`}. Works ${
          until === null ? 'without an end' : `until ${endWords(until, time_zone, now)}`
        }.${restrictionWords(restrictions, choices)}`}
        act="Save"
        canSend={() => {
          setTried(true)
          return problem === null && wrong === undefined
        }}
        isTouched={isTouched && fetcher.state === 'idle'}
        leaveTitle="Leave without saving?"
        refused={refused}
        fields={FIELDS}
      >
        <input type="hidden" name="valid_until" value={end === 'keep' ? 'keep' : (until ?? '')} />
        <input type="hidden" name="is_unlimited" value={isUnlimited ? 'yes' : 'no'} />
        <TextInput
          name="name"
          label="Name"
          defaultValue={key.name}
          onChange={touch}
          error={errorAt(refused, 'name')}
          autoComplete="off"
        />
        <ChoiceChips
          label="Budget"
          description="The most this key may spend in a period. What is spent stays spent."
          value={isUnlimited ? 'none' : 'limit'}
          onChange={(value) => {
            touch()
            setUnlimited(value === 'none')
          }}
          options={[
            { value: 'limit', label: 'An amount' },
            { value: 'none', label: 'No limit of its own' },
          ]}
        />
        {!isUnlimited && (
          <>
            <TextInput
              name="budget_usd"
              label="Amount"
              leftSection="$"
              inputMode="decimal"
              value={budget}
              onChange={(event) => {
                touch()
                setBudget(event.currentTarget.value)
              }}
              error={problem ?? errorAt(refused, 'budget_usd')}
              w={160}
              autoComplete="off"
            />
            <Select
              name="renewal"
              label="Renewal"
              description="Another renewal begins its own period, with the whole budget."
              value={renewal}
              onChange={(value) => {
                touch()
                setRenewal((value ?? 'never') as Renewal)
              }}
              data={Object.entries(RENEWAL_WORDS).map(([value, label]) => ({ value, label }))}
              allowDeselect={false}
              error={errorAt(refused, 'renewal')}
            />
          </>
        )}
        <ChoiceChips
          label="Works until"
          value={end}
          onChange={(value) => {
            touch()
            setEnd(value)
          }}
          options={ENDS}
          error={errorAt(refused, 'valid_until')}
        />
        {end === 'choose' && (
          <DateTimePicker
            label="Until"
            placeholder="No end"
            value={chosen}
            onChange={setChosen}
            valueFormat="D MMM YYYY HH:mm"
            description={`Times are in ${time_zone}.`}
            submitButtonProps={{ 'aria-label': 'Take this time' }}
            timePickerProps={{ hoursInputLabel: 'Hours', minutesInputLabel: 'Minutes' }}
            id="key-until-target"
            popoverProps={{ shadow: 'md', withinPortal: true, id: 'key-until' }}
          />
        )}
        <RestrictionFields
          draft={limits}
          choices={choices}
          onChange={(changes) => {
            touch()
            setLimits((before) => ({ ...before, ...changes }))
          }}
          errorOf={(...paths) =>
            (isTried ? paths.map((path) => problems[path as keyof typeof problems]).find(Boolean) : undefined) ??
            errorAt(refused, ...paths)
          }
        />
      </ActForm>
    </SidePanel>
  )
}

const FIELDS: ReadonlySet<string> = new Set(['name', 'budget_usd', 'renewal', 'valid_until', ...RESTRICTION_FIELDS])

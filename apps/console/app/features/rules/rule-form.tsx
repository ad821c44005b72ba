import { Chip, Divider, Group, Input, MultiSelect, Stack, TagsInput, TextInput } from '@mantine/core'
import type { useFetcher } from '@remix-run/react'
import { useState } from 'react'
import type { Refusal } from '../../session.server.ts'
import { ActForm, errorAt } from '../../ui/form/act-form.tsx'
import { ChoiceChips } from '../../ui/form/choice-chips.tsx'
import { MEMBER_KIND_WORDS } from '../../words.ts'
import { PeopleSelect } from '../people/people-select.tsx'
import { useTenant } from '../tenant.ts'
import type { Choices } from './choices.server.ts'
import { type RuleDraft, termsOf } from './rule.ts'
import { TryIt } from './try-it.tsx'
import { DAY_WORDS, inOneLine, ROLE_WORDS } from './words.ts'

type Props = {
  fetcher: ReturnType<typeof useFetcher<unknown>>
  idempotencyKey: string
  refused: Refusal['error'] | null
  /** The rule that is changed; undefined for a new one. */
  id?: string
  initial: RuleDraft
  /** What the ids in it are called. */
  names: readonly { id: string; name: string }[]
  choices: Choices
}

const FIELDS = new Set(['name', 'models', 'time_from', 'time_until'])
const TIMES = { all: ['', ''], evening: ['17:00', '08:00'], lessons: ['08:00', '17:00'] } as const

/** Who, what and when, with the rule in words above the button, and what it would do to a request before it is saved. */
export function RuleForm({ fetcher, idempotencyKey, refused, id, initial, names, choices }: Props) {
  const { words, kind } = useTenant()
  const [draft, setDraft] = useState(initial)
  const [isTouched, setTouched] = useState(false)
  const [hasOwnTimes, setOwnTimes] = useState(false)
  const change = (changes: Partial<RuleDraft>) => {
    setTouched(true)
    setDraft((before) => ({ ...before, ...changes }))
  }
  const called = new Map(
    [...names, ...choices.groups, ...choices.locations, ...choices.providers].map((one) => [one.id, one.name]),
  )
  const [people, setPeople] = useState<ReadonlyMap<string, string>>(new Map())
  const all = new Map([...called, ...people])
  const preset = (Object.keys(TIMES) as (keyof typeof TIMES)[]).find(
    (one) => TIMES[one][0] === draft.time_from && TIMES[one][1] === draft.time_until,
  )
  const times = hasOwnTimes ? 'other' : (preset ?? 'other')
  const gone = (ids: string[], known: readonly { id: string; name: string }[]) =>
    [...new Set([...known.map((one) => one.id), ...ids])].map((value) => ({
      value,
      label: all.get(value) ?? 'Deleted',
    }))
  const kinds = kind === 'school' ? (['student', 'staff'] as const) : (['employee'] as const)
  return (
    <Stack gap="xl">
      <ActForm
        fetcher={fetcher}
        idempotencyKey={idempotencyKey}
        refused={refused}
        fields={FIELDS}
        isTouched={isTouched && fetcher.state === 'idle'}
        leaveTitle={id === undefined ? 'Leave without making the rule?' : 'Leave without saving the rule?'}
        sentence={`${inOneLine(draft, all, words)}. It holds within a second.`}
        act={id === undefined ? 'Create rule' : 'Save rule'}
      >
        <input type="hidden" name="terms" value={JSON.stringify(termsOf(draft))} />
        <Stack gap="md">
          <TextInput
            label="Name"
            description="People read it when the rule refuses them."
            value={draft.name}
            onChange={(event) => change({ name: event.currentTarget.value })}
            required
            withAsterisk={false}
            maxLength={200}
            autoComplete="off"
            data-autofocus
            error={errorAt(refused, 'name')}
          />
          <ChoiceChips
            label="What it does"
            value={draft.effect}
            onChange={(effect) => change({ effect })}
            options={[
              { value: 'block', label: 'Block' },
              { value: 'allow', label: 'Allow' },
            ]}
          />
          <Divider label="Who" labelPosition="left" />
          {kinds.length > 1 && (
            <ManyChips
              label="Kinds"
              description="None chosen: everyone."
              value={draft.kinds}
              onChange={(chosen) => change({ kinds: chosen as RuleDraft['kinds'] })}
              options={kinds.map((value) => ({ value, label: MEMBER_KIND_WORDS[value] }))}
            />
          )}
          <MultiSelect
            label={words.groups}
            placeholder={draft.group_ids.length === 0 ? 'Any' : ''}
            data={gone(
              draft.group_ids,
              choices.groups.map((one) => ({ id: one.id, name: `${one.name}, ${one.location_name}` })),
            )}
            value={draft.group_ids}
            onChange={(group_ids) => change({ group_ids })}
            searchable
            limit={100}
            nothingFoundMessage="Nothing of this name"
          />
          <MultiSelect
            label={words.locations}
            placeholder={draft.location_ids.length === 0 ? 'Any' : ''}
            data={gone(draft.location_ids, choices.locations)}
            value={draft.location_ids}
            onChange={(location_ids) => change({ location_ids })}
            searchable
            limit={100}
            nothingFoundMessage="Nothing of this name"
          />
          <PeopleSelect
            label="Only these people"
            known={names}
            among={{ state: 'active' }}
            value={draft.member_ids}
            onChange={(member_ids) => change({ member_ids })}
            onNames={setPeople}
          />
          <MultiSelect
            label="Roles"
            placeholder={draft.roles.length === 0 ? 'Any' : ''}
            data={Object.entries(ROLE_WORDS).map(([value, label]) => ({ value, label: sentenceCase(label) }))}
            value={draft.roles}
            onChange={(roles) => change({ roles: roles as RuleDraft['roles'] })}
          />
          <Divider label="What" labelPosition="left" />
          <TagsInput
            label="Models"
            description="By name, or the beginning of one with a *, such as claude-opus*. Blank: all."
            placeholder={draft.models.length === 0 ? 'All models' : ''}
            data={choices.models}
            value={draft.models}
            onChange={(models) => change({ models })}
            error={errorAt(refused, 'models')}
            acceptValueOnBlur
            limit={100}
          />
          <MultiSelect
            label="Providers"
            placeholder={draft.provider_ids.length === 0 ? 'Any' : ''}
            data={gone(draft.provider_ids, choices.providers)}
            value={draft.provider_ids}
            onChange={(provider_ids) => change({ provider_ids })}
            searchable
          />
          <Divider label="When" labelPosition="left" />
          <ManyChips
            label="Days"
            description="None chosen: every day."
            value={draft.days}
            onChange={(chosen) => change({ days: chosen as RuleDraft['days'] })}
            options={Object.entries(DAY_WORDS).map(([value, label]) => ({ value, label }))}
          />
          <ChoiceChips
            label="Time"
            value={times}
            onChange={(chosen) => {
              setOwnTimes(chosen === 'other')
              if (chosen !== 'other') change({ time_from: TIMES[chosen][0], time_until: TIMES[chosen][1] })
            }}
            options={[
              { value: 'all', label: 'All day' },
              { value: 'evening', label: '17:00–08:00' },
              { value: 'lessons', label: '08:00–17:00' },
              { value: 'other', label: 'Other' },
            ]}
          />
          {times === 'other' && (
            <Group grow align="flex-start">
              <TextInput
                type="time"
                label="From"
                value={draft.time_from}
                onChange={(event) => change({ time_from: event.currentTarget.value })}
                error={errorAt(refused, 'time_from')}
              />
              <TextInput
                type="time"
                label="Until"
                value={draft.time_until}
                onChange={(event) => change({ time_until: event.currentTarget.value })}
                error={errorAt(refused, 'time_until')}
              />
            </Group>
          )}
        </Stack>
      </ActForm>
      <Divider />
      <TryIt models={choices.models} draft={{ ...termsOf(draft), ...(id === undefined ? {} : { id }) }} />
    </Stack>
  )
}

type ManyProps = {
  label: string
  description: string
  value: string[]
  onChange: (value: string[]) => void
  options: readonly { value: string; label: string }[]
}

function ManyChips({ label, description, value, onChange, options }: ManyProps) {
  return (
    <Input.Wrapper label={label} labelElement="div" description={description}>
      <Chip.Group multiple value={value} onChange={onChange}>
        <Group gap={6} mt={8} role="group" aria-label={label}>
          {options.map((option) => (
            <Chip key={option.value} value={option.value} size="sm" radius="sm">
              {option.label}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
    </Input.Wrapper>
  )
}

const sentenceCase = (words: string) => `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`

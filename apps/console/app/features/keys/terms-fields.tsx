import { Collapse, Group, Select, Stack, Text, TextInput, UnstyledButton } from '@mantine/core'
import { DateTimePicker } from '@mantine/dates'
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import { useState } from 'react'
import type { Refusal } from '../../session.server.ts'
import { instantToLocal } from '../../time.ts'
import { errorAt } from '../../ui/form/act-form.tsx'
import { ChoiceChips } from '../../ui/form/choice-chips.tsx'
import { useNow } from '../../ui/now.tsx'
import type { TenantKind } from '../../words.ts'
import { useTenant } from '../tenant.ts'
import { BUDGET_CHIPS, type Draft, LESSON_MINUTES, termsOf } from './draft.ts'
import { RENEWAL_WORDS, type Renewal } from './key-state.tsx'
import { RESTRICTION_FIELDS, RestrictionFields } from './restriction-fields.tsx'
import { type Choices, NO_RESTRICTIONS } from './restrictions.ts'

const BEGINNING: Draft = {
  budget: '5.00',
  other_usd: '',
  renewal: 'never',
  window: 'always',
  from: null,
  until: null,
  name: 'Coding',
  allocation_id: null,
  ...NO_RESTRICTIONS,
}

/** What a form grants with a key, or with many, as it is being filled in. */
export function useTerms(refused: Refusal['error'] | null, choices: Choices) {
  const { time_zone } = useTenant()
  const now = useNow()
  const [draft, setDraft] = useState(BEGINNING)
  const [isTouched, setTouched] = useState(false)
  const [isTried, setTried] = useState(false)
  const { terms, problems } = termsOf(draft, time_zone, now, choices)
  const isValid = Object.keys(problems).length === 0
  return {
    draft,
    terms,
    choices,
    isTouched,
    /** The first thing that is missing or wrong, in words. */
    problem: Object.values(problems)[0],
    isValid,
    /** To be asked when the form is sent: from then on what is wrong shows at its field. */
    canSend: () => {
      setTried(true)
      return isValid
    },
    change: (changes: Partial<Draft>) => {
      setTouched(true)
      setDraft((before) => ({ ...before, ...changes }))
    },
    errorOf: (...paths: string[]) =>
      (isTried ? paths.map((path) => problems[path as keyof typeof problems]).find(Boolean) : undefined) ??
      errorAt(refused, ...paths),
  }
}

type Props = {
  of: ReturnType<typeof useTerms>
  allocations: { id: string; name: string }[]
  /** What each of them is called when there are several: "each key". */
  each?: boolean
  /** For oneself: always with a limit. */
  isOwn?: boolean
}

/** How much, how often, when; the rest folded away. The same for one key and for a class. */
export function TermsFields({ of, allocations, each = false, isOwn = false }: Props) {
  const { time_zone, kind } = useTenant()
  const now = useNow()
  const [isUnfolded, setUnfolded] = useState(false)
  const { draft, terms, choices, change, errorOf } = of
  // What is wrong in the folded part has to be seen.
  const isMore = isUnfolded || errorOf(...FOLDED) !== undefined
  return (
    <>
      <input type="hidden" name="budget_usd" value={terms.budget_usd ?? ''} />
      <input type="hidden" name="renewal" value={terms.renewal} />
      <input type="hidden" name="valid_from" value={terms.valid_from ?? ''} />
      <input type="hidden" name="valid_until" value={terms.valid_until ?? ''} />
      <input type="hidden" name="allocation_id" value={draft.allocation_id ?? ''} />
      <ChoiceChips
        label="Budget"
        description={`The most ${each ? 'each' : 'this'} key may spend, in US dollars.`}
        value={draft.budget}
        onChange={(budget) => change({ budget })}
        options={isOwn ? BUDGETS.filter((one) => one.value !== 'none') : BUDGETS}
        error={errorOf('budget_usd')}
        isFirst={!each}
      />
      {draft.budget === 'other' && (
        <TextInput
          label="Amount"
          leftSection="$"
          inputMode="decimal"
          placeholder="7.50"
          value={draft.other_usd}
          onChange={(event) => change({ other_usd: event.currentTarget.value })}
          w={160}
          autoFocus
          autoComplete="off"
        />
      )}
      {draft.budget === 'none' ? (
        <Text size="sm" c="dimmed">
          Only the balance of the organisation limits {each ? 'these keys' : 'this key'}.
        </Text>
      ) : (
        <Select
          label="Renewal"
          description="When the budget is given anew."
          value={draft.renewal}
          onChange={(renewal) => change({ renewal: (renewal ?? 'never') as Renewal })}
          data={Object.entries(RENEWAL_WORDS).map(([value, label]) => ({ value, label }))}
          allowDeselect={false}
          error={errorOf('renewal')}
          comboboxProps={{ shadow: 'md' }}
        />
      )}
      <ChoiceChips
        label="Window"
        description={`When ${each ? 'the keys work' : 'the key works'}. Outside it, ${each ? 'they are' : 'it is'} refused.`}
        value={draft.window}
        onChange={(window) => change({ window })}
        options={WINDOWS[kind]}
        error={errorOf('valid_from', 'valid_until')}
      />
      {draft.window === 'choose' && (
        <Group grow align="flex-start">
          {(['from', 'until'] as const).map((end) => (
            <DateTimePicker
              key={end}
              label={end === 'from' ? 'From' : 'Until'}
              placeholder={end === 'from' ? 'Now' : 'No end'}
              value={draft[end]}
              onChange={(value) => change({ [end]: value })}
              valueFormat="D MMM YYYY HH:mm"
              minDate={instantToLocal(now, time_zone).slice(0, 10)}
              ariaLabels={CALENDAR_LABELS}
              clearable
              clearButtonProps={{ 'aria-label': end === 'from' ? 'Clear the start' : 'Clear the end' }}
              submitButtonProps={{ 'aria-label': 'Take this time' }}
              timePickerProps={{ hoursInputLabel: 'Hours', minutesInputLabel: 'Minutes' }}
              hideOutsideDates
              // The calendar is a dialog named by its input, which has to have the id it looks for.
              id={`key-${end}-target`}
              popoverProps={{ shadow: 'md', withinPortal: true, id: `key-${end}` }}
            />
          ))}
        </Group>
      )}
      {draft.window !== 'always' && (
        <Text size="xs" c="dimmed" mt={-8}>
          Times are in {time_zone}.
        </Text>
      )}
      <div>
        <UnstyledButton onClick={() => setUnfolded(!isMore)} aria-expanded={isMore} fz="sm" fw={500}>
          <Group gap={4}>
            {isMore ? <IconChevronDown size={16} /> : <IconChevronRight size={16} />}
            More
          </Group>
        </UnstyledButton>
        <Collapse in={isMore}>
          <Stack gap="md" pt="sm">
            <TextInput
              name="name"
              label="Name"
              description="To tell several keys of one person apart."
              value={draft.name}
              onChange={(event) => change({ name: event.currentTarget.value })}
              error={errorOf('name')}
              autoComplete="off"
            />
            {allocations.length > 0 && (
              <Select
                label="Allocation"
                description={`A pot of money ${each ? 'these keys draw' : 'this key draws'} from as well.`}
                placeholder="None"
                value={draft.allocation_id}
                onChange={(allocation_id) => change({ allocation_id })}
                data={allocations.map(({ id, name: label }) => ({ value: id, label }))}
                clearable
                error={errorOf('allocation_id')}
              />
            )}
            <RestrictionFields draft={draft} choices={choices} onChange={change} errorOf={errorOf} each={each} />
          </Stack>
        </Collapse>
      </div>
    </>
  )
}

const BUDGETS = [
  ...BUDGET_CHIPS.map((usd) => ({ value: usd as string, label: `$${Number(usd)}` })),
  { value: 'other', label: 'Other' },
  { value: 'none', label: 'No limit of its own' },
]

const CHOOSE = { value: 'choose', label: 'Choose…' } as const
const WINDOWS: Record<TenantKind, { value: Draft['window']; label: string }[]> = {
  school: [
    { value: 'always', label: 'Always' },
    { value: 'lesson', label: `This lesson (${LESSON_MINUTES} min)` },
    { value: 'today', label: 'Today' },
    { value: 'week', label: 'This week' },
    { value: 'month', label: 'One month' },
    CHOOSE,
  ],
  company: [
    { value: 'always', label: 'Always' },
    { value: 'hour', label: 'One hour' },
    { value: 'day', label: 'One day' },
    { value: 'month', label: 'One month' },
    CHOOSE,
  ],
}

const CALENDAR_LABELS = {
  previousMonth: 'Previous month',
  nextMonth: 'Next month',
  previousYear: 'Previous year',
  nextYear: 'Next year',
  previousDecade: 'Previous ten years',
  nextDecade: 'Next ten years',
}

const FOLDED = ['name', 'allocation_id', ...RESTRICTION_FIELDS]

/** Fields of a form that show by themselves what is wrong with them. */
export const TERMS_FIELDS: ReadonlySet<string> = new Set([
  'budget_usd',
  'renewal',
  'valid_from',
  'valid_until',
  ...FOLDED,
])

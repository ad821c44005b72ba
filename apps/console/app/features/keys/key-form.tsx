import {
  Alert,
  Button,
  Chip,
  Collapse,
  Group,
  Input,
  Select,
  Stack,
  Text,
  TextInput,
  UnstyledButton,
} from '@mantine/core'
import { DateTimePicker } from '@mantine/dates'
import type { useFetcher } from '@remix-run/react'
import { IconAlertCircle, IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import { useState } from 'react'
import { instantToLocal } from '../../time.ts'
import { LeaveGuard } from '../../ui/leave-guard.tsx'
import { useNow } from '../../ui/now.tsx'
import { useOnce } from '../../ui/once.ts'
import { useTenant } from '../tenant.ts'
import { BUDGET_CHIPS, type Draft, LESSON_MINUTES, sentenceOf, termsOf } from './draft.ts'
import { RENEWAL_WORDS, type Renewal } from './key-state.tsx'

const BEGINNING: Draft = {
  budget: '5.00',
  other_usd: '',
  renewal: 'never',
  window: 'always',
  from: null,
  until: null,
  name: 'Coding',
  allocation_id: null,
}

type Props = {
  fetcher: ReturnType<typeof useFetcher<unknown>>
  /** Whom the key is for. */
  name: string
  idempotencyKey: string
  allocations: { id: string; name: string }[]
  refused: { message: string; fields: { path: string; message: string }[]; request_id: string } | null
}

/** The form that makes a key: how much, how often, when. What it will do is said in a sentence above its button. */
export function KeyForm({ fetcher, name, idempotencyKey, allocations, refused }: Props) {
  const { time_zone } = useTenant()
  const now = useNow()
  const [draft, setDraft] = useState(BEGINNING)
  const [isTouched, setTouched] = useState(false)
  const [isTried, setTried] = useState(false)
  const [isMore, setMore] = useState(false)
  const { terms, problems } = termsOf(draft, time_zone, now)
  const isValid = Object.keys(problems).length === 0
  const isSending = fetcher.state !== 'idle'
  const once = useOnce(fetcher.state)

  const change = (changes: Partial<Draft>) => {
    setTouched(true)
    setDraft((before) => ({ ...before, ...changes }))
  }
  const errorOf = (...paths: string[]) =>
    (isTried ? paths.map((path) => problems[path as keyof typeof problems]).find(Boolean) : undefined) ??
    refused?.fields.find((field) => paths.includes(field.path))?.message
  const isElsewhere = refused !== null && !refused.fields.some((field) => FIELDS.has(field.path))

  return (
    <fetcher.Form
      method="post"
      onSubmit={(event) => {
        setTried(true)
        if (!isValid) event.preventDefault()
        once(event)
      }}
    >
      <input type="hidden" name="idempotency_key" value={idempotencyKey} />
      <input type="hidden" name="budget_usd" value={terms.budget_usd ?? ''} />
      <input type="hidden" name="renewal" value={terms.renewal} />
      <input type="hidden" name="valid_from" value={terms.valid_from ?? ''} />
      <input type="hidden" name="valid_until" value={terms.valid_until ?? ''} />
      <input type="hidden" name="allocation_id" value={draft.allocation_id ?? ''} />
      <Stack gap="lg">
        <Input.Wrapper
          label="Budget"
          labelElement="div"
          description="The most this key may spend, in US dollars."
          error={errorOf('budget_usd')}
        >
          <Chip.Group value={draft.budget} onChange={(budget) => change({ budget: String(budget) })}>
            <Group gap={6} mt={8} role="radiogroup" aria-label="Budget">
              {BUDGET_CHIPS.map((usd) => (
                <Chip
                  key={usd}
                  value={usd}
                  size="sm"
                  radius="sm"
                  data-autofocus={usd === BEGINNING.budget || undefined}
                >
                  ${Number(usd)}
                </Chip>
              ))}
              <Chip value="other" size="sm" radius="sm">
                Other
              </Chip>
              <Chip value="none" size="sm" radius="sm">
                No limit of its own
              </Chip>
            </Group>
          </Chip.Group>
        </Input.Wrapper>
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
            Only the balance of the organisation limits this key.
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
        <Input.Wrapper
          label="Window"
          labelElement="div"
          description="When the key works. Outside it, it is refused."
          error={errorOf('valid_from', 'valid_until')}
        >
          <Chip.Group value={draft.window} onChange={(window) => change({ window: window as Draft['window'] })}>
            <Group gap={6} mt={8} role="radiogroup" aria-label="Window">
              <Chip value="always" size="sm" radius="sm">
                Always
              </Chip>
              <Chip value="lesson" size="sm" radius="sm">
                This lesson ({LESSON_MINUTES} min)
              </Chip>
              <Chip value="today" size="sm" radius="sm">
                Today
              </Chip>
              <Chip value="week" size="sm" radius="sm">
                This week
              </Chip>
              <Chip value="choose" size="sm" radius="sm">
                Choose…
              </Chip>
            </Group>
          </Chip.Group>
        </Input.Wrapper>
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
          <UnstyledButton onClick={() => setMore(!isMore)} aria-expanded={isMore} fz="sm" fw={500}>
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
                  description="A pot of money this key draws from as well."
                  placeholder="None"
                  value={draft.allocation_id}
                  onChange={(allocation_id) => change({ allocation_id })}
                  data={allocations.map(({ id, name: label }) => ({ value: id, label }))}
                  clearable
                  error={errorOf('allocation_id')}
                />
              )}
            </Stack>
          </Collapse>
        </div>
        {isElsewhere && (
          <Alert color="red" icon={<IconAlertCircle size={18} />} role="alert">
            {refused.message}
            <Text size="xs" mt={4}>
              Request {refused.request_id}
            </Text>
          </Alert>
        )}
        <Stack gap="sm">
          <Text size="sm" aria-live="polite" data-testid="sentence">
            {isValid ? sentenceOf(name, terms, time_zone, now) : `${Object.values(problems)[0]}`}
          </Text>
          <Button type="submit" loading={isSending} fullWidth>
            Create key
          </Button>
        </Stack>
      </Stack>
      <LeaveGuard when={isTouched} title="Leave without making the key?" leave="Leave" stay="Stay here">
        What you have filled in will be lost.
      </LeaveGuard>
    </fetcher.Form>
  )
}

const CALENDAR_LABELS = {
  previousMonth: 'Previous month',
  nextMonth: 'Next month',
  previousYear: 'Previous year',
  nextYear: 'Next year',
  previousDecade: 'Previous ten years',
  nextDecade: 'Next ten years',
}

const FIELDS: ReadonlySet<string> = new Set([
  'budget_usd',
  'renewal',
  'valid_from',
  'valid_until',
  'name',
  'allocation_id',
])

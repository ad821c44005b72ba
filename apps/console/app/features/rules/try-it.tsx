import { Alert, Autocomplete, Button, Stack, Text, TextInput, Title } from '@mantine/core'
import { useFetcher } from '@remix-run/react'
import { IconCheck, IconHandStop } from '@tabler/icons-react'
import { useState } from 'react'
import type { Caller } from '../../../backend.ts'
import { paths } from '../../paths.ts'
import { localToInstant } from '../../time.ts'
import { answerOf, errorAt } from '../../ui/form/act-form.tsx'
import { RefusalAlert } from '../../ui/refusal-alert.tsx'
import { PeopleSelect } from '../people/people-select.tsx'
import { useTenant } from '../tenant.ts'
import type { Terms } from './rule.ts'

type Trial = Awaited<ReturnType<Caller['rules']['try']>>

/** What would happen to a request: of this person, for this model, at that time. With a draft, as if it were saved already. */
export function TryIt({ models, draft }: { models: string[]; draft?: Terms & { id?: string } }) {
  const { slug, time_zone } = useTenant()
  const fetcher = useFetcher<unknown>()
  const [people, setPeople] = useState<string[]>([])
  const [model, setModel] = useState(models[0] ?? '')
  const [at, setAt] = useState('')
  const { refused, done } = answerOf<{ trial: Trial }>(fetcher.data as never)
  const submit = () =>
    fetcher.submit(
      {
        intent: 'try',
        sample: JSON.stringify({
          ...(people[0] === undefined ? {} : { member_id: people[0] }),
          model,
          ...(at === '' ? {} : { at: localToInstant(at, time_zone) }),
          // A name isn't needed to try.
          ...(draft === undefined ? {} : { draft: { ...draft, name: draft.name.trim() || 'This rule' } }),
        }),
      },
      { method: 'post', action: paths.rules(slug) },
    )
  return (
    <section aria-label="Try it">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          event.stopPropagation()
          submit()
        }}
      >
        <Stack gap="md">
          <div>
            <Title order={2} size="h4">
              Try it
            </Title>
            <Text size="sm" c="dimmed">
              {draft === undefined
                ? 'What a request would meet. Nothing is sent and nothing is charged.'
                : 'What a request would meet with this rule, before it is saved.'}
            </Text>
          </div>
          <PeopleSelect
            label="Who asks"
            known={[]}
            among={{ state: 'active' }}
            value={people}
            onChange={(ids) => setPeople(ids.slice(-1))}
          />
          <Autocomplete
            label="For which model"
            data={models}
            value={model}
            onChange={setModel}
            limit={50}
            error={errorAt(refused, 'model')}
          />
          <TextInput
            type="datetime-local"
            label="When"
            description="Blank: now."
            value={at}
            onChange={(event) => setAt(event.currentTarget.value)}
          />
          <Button
            type="submit"
            variant="default"
            loading={fetcher.state !== 'idle'}
            disabled={people.length === 0 || model.trim() === ''}
          >
            Try it
          </Button>
          <RefusalAlert of={refused} />
          {done !== null && fetcher.state === 'idle' && <Verdict of={done.trial} />}
        </Stack>
      </form>
    </section>
  )
}

function Verdict({ of: { effect, rule, sentence, candidates } }: { of: Trial }) {
  const blocked = candidates.filter((one) => one.effect === 'block')
  return (
    <Alert
      role="status"
      color={effect === 'allow' ? 'teal' : 'red'}
      icon={effect === 'allow' ? <IconCheck size={18} /> : <IconHandStop size={18} />}
      title={effect === 'allow' ? 'Allowed' : 'Refused'}
    >
      {effect === 'allow' ? (
        <>
          {rule === null ? 'No rule matches, so it goes through.' : `The rule “${rule.name}” allows it.`}
          {blocked.length > 0 && ` Passed over: ${blocked.map((one) => one.provider).join(', ')}.`}
        </>
      ) : (
        <>
          {rule !== null && `The rule “${rule.name}” decides. `}Their tool says: “{sentence}”
        </>
      )}
    </Alert>
  )
}

import { Alert, Button, Card, Checkbox, Group, NativeSelect, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { Link, useFetcher, useLoaderData } from '@remix-run/react'
import { IconCheck } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { ImportRows } from '../features/people/import-rows.tsx'
import { DELIMITERS, FIELDS, FORMATS, type Import, type ImportRow, OUTCOMES } from '../features/people/import-words.ts'
import { usePeopleActs } from '../features/people/use-people-acts.tsx'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { trpcFor } from '../trpc-client.ts'
import { Confirm } from '../ui/confirm.tsx'
import { answerOf, errorAt } from '../ui/form/act-form.tsx'
import { WorkProgress } from '../ui/notices.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { RefusalAlert } from '../ui/refusal-alert.tsx'
import { counted, type Words } from '../words.ts'

export const meta: MetaFunction = () => [{ title: 'Import people – Stipend' }]

const isOutcome = (text: string | null): text is ImportRow['outcome'] => text !== null && Object.hasOwn(OUTCOMES, text)

export const loader = tenantLoader(async ({ api, param, url }) => {
  const id = param('importId')
  const asked = url.searchParams.get('show')
  const outcome = isOutcome(asked) ? asked : null
  const cursor = url.searchParams.get('after')
  const [of, rows, locations] = await Promise.all([
    api.imports.get({ id }),
    api.imports.listRows({
      id,
      limit: 50,
      ...(outcome === null ? {} : { outcome }),
      ...(cursor === null ? {} : { cursor }),
    }),
    api.locations.list({}),
  ])
  return { of, rows, outcome, locations: locations.data.map(({ id: value, name: label }) => ({ value, label })) }
})

export const action = tenantAction(async ({ api, param }, form) => {
  const id = param('importId')
  if (text(form, 'intent') === 'run') {
    await api.imports.run({ id, fingerprint: text(form, 'fingerprint') })
    return { ran: true }
  }
  const column = (name: string) => (text(form, name) === '' ? undefined : Number(text(form, name)))
  await api.imports.update({
    id,
    settings: {
      has_header: form.has('has_header'),
      ...(form.has('maps')
        ? { mapping: Object.fromEntries(Object.keys(FIELDS).map((name) => [name, column(`map.${name}`)])) }
        : {}),
      ...(form.has('default_kind')
        ? { default_kind: text(form, 'default_kind') as Import['settings']['default_kind'] }
        : {}),
      default_location_id: text(form, 'default_location_id') || null,
      email_domain: text(form, 'email_domain') || null,
      deactivate_missing: form.has('deactivate_missing'),
      reactivate: form.has('reactivate'),
      replace_groups: form.has('replace_groups'),
    },
  })
  return { updated: true }
})

export default function ImportPage() {
  const { of, rows, outcome } = useLoaderData<typeof loader>()
  const { words } = useTenant()
  return (
    <>
      <PageHeader
        title={of.status === 'applied' ? 'Imported' : `Import ${words.people.toLowerCase()}`}
        sentence={
          of.status === 'applied'
            ? 'What came of it.'
            : 'This is what would happen. Nothing is written until you say so.'
        }
      />
      {of.status === 'applied' ? <Result of={of} /> : <Preview />}
      <ImportRows of={of} rows={rows} outcome={outcome} />
    </>
  )
}

function Preview() {
  const { of, locations } = useLoaderData<typeof loader>()
  const { slug, kind, words } = useTenant()
  const settings = useFetcher<typeof action>()
  const running = useFetcher<typeof action>()
  const [isAsking, setAsking] = useState(false)
  const { refused } = answerOf<object>(settings.data as never)
  const failed = answerOf<object>(running.data as never).refused
  const isRunning = running.state !== 'idle'
  const { summary, fingerprint } = of
  const acts = summary.add + summary.change + summary.deactivate
  const run = () => running.submit({ intent: 'run', fingerprint }, { method: 'post' })
  const progress = useQuery({
    queryKey: ['import', of.id],
    queryFn: () => trpcFor(slug).imports.get.query({ id: of.id }),
    enabled: isRunning,
    refetchInterval: 500,
    gcTime: 0,
  })
  const told = progress.data?.progress
  return (
    <Stack gap="md" mb="lg">
      <Card withBorder padding="md">
        <Text size="sm" fw={600}>
          {FORMATS[of.format]}
        </Text>
        <Text size="sm" c="dimmed">
          {of.files
            .map(
              (file) =>
                `${file.name}: ${counted(file.rows - (of.settings.has_header || of.format !== 'csv' ? 1 : 0), 'row')}, ${file.encoding.toUpperCase()}, cut at ${DELIMITERS[file.delimiter] ?? file.delimiter}`,
            )
            .join('. ')}
          .
        </Text>
      </Card>
      <settings.Form
        method="post"
        onChange={(event) => settings.submit(event.currentTarget)}
        aria-label="How the file is read"
      >
        <Card withBorder padding="md">
          <Stack gap="md">
            {of.format === 'csv' && <Mapping of={of} />}
            <SimpleGrid cols={{ base: 1, sm: 3 }}>
              {kind === 'school' && (
                <NativeChoice
                  name="default_kind"
                  label="Kind, where the file says none"
                  value={of.settings.default_kind}
                  options={[
                    { value: 'student', label: 'Student' },
                    { value: 'staff', label: 'Staff' },
                  ]}
                />
              )}
              <NativeChoice
                name="default_location_id"
                label={`${words.location}, where the file says none`}
                value={of.settings.default_location_id ?? ''}
                options={[{ value: '', label: 'None' }, ...locations]}
              />
              <TextInput
                name="email_domain"
                label="Mail domain, for user names"
                placeholder="school.example"
                defaultValue={of.settings.email_domain ?? ''}
                onChange={(event) => event.stopPropagation()}
                onBlur={(event) => settings.submit(event.currentTarget.form)}
                autoComplete="off"
                error={errorAt(refused, 'settings.email_domain')}
              />
            </SimpleGrid>
            <Group gap="lg">
              <Checkbox
                name="deactivate_missing"
                label="Deactivate who isn’t in the file"
                defaultChecked={of.settings.deactivate_missing}
              />
              <Checkbox name="reactivate" label="Reactivate who is" defaultChecked={of.settings.reactivate} />
              <Checkbox
                name="replace_groups"
                label={`Leave ${words.groups.toLowerCase()} the file doesn’t name`}
                defaultChecked={of.settings.replace_groups}
              />
            </Group>
          </Stack>
        </Card>
      </settings.Form>
      <RefusalAlert
        of={refused !== null && errorAt(refused, 'settings.email_domain') === undefined ? refused : failed}
      />
      {isRunning ? (
        <Card withBorder padding="md">
          <WorkProgress
            label={`Importing ${words.people.toLowerCase()}`}
            done={told?.done ?? 0}
            total={told?.total ?? acts}
          />
        </Card>
      ) : (
        <Group justify="space-between" gap="md">
          <Text size="sm" data-testid="sentence" aria-live="polite" flex={1} miw={220}>
            {sentenceOf(summary, words)}
          </Text>
          <Button
            disabled={acts === 0}
            loading={settings.state !== 'idle'}
            onClick={() => (summary.deactivate > 0 ? setAsking(true) : run())}
          >
            {acts === 0 ? 'Nothing to import' : `Import ${counted(summary.add + summary.change, 'person', 'people')}`}
          </Button>
        </Group>
      )}
      <Confirm
        opened={isAsking}
        onClose={() => setAsking(false)}
        title={`Deactivate ${counted(summary.deactivate, 'person', 'people')} who ${summary.deactivate === 1 ? 'isn’t' : 'aren’t'} in the file?`}
        act="Import"
        count={summary.deactivate}
        onConfirm={() => {
          setAsking(false)
          run()
        }}
      >
        They can’t sign in any more and their keys are refused, until they are reactivated. {sentenceOf(summary, words)}
      </Confirm>
    </Stack>
  )
}

function Mapping({ of }: { of: Import }) {
  const options = [
    { value: '', label: 'Not in the file' },
    ...of.columns.map((column) => ({
      value: String(column.index),
      label: column.header || `Column ${column.index + 1}: ${column.samples.filter(Boolean)[0] ?? ''}`,
    })),
  ]
  return (
    <>
      <input type="hidden" name="maps" value="yes" />
      <Checkbox name="has_header" label="The first row names the columns" defaultChecked={of.settings.has_header} />
      <SimpleGrid cols={{ base: 2, sm: 3, md: 5 }} spacing="sm">
        {Object.entries(FIELDS).map(([field, label]) => (
          <NativeChoice
            key={field}
            name={`map.${field}`}
            label={label}
            value={String(of.settings.mapping[field as keyof typeof FIELDS] ?? '')}
            options={options}
          />
        ))}
      </SimpleGrid>
    </>
  )
}

function NativeChoice(props: {
  name: string
  label: string
  value: string
  options: { value: string; label: string }[]
}) {
  const { name, label, value, options } = props
  return <NativeSelect key={value} name={name} label={label} defaultValue={value} data={options} />
}

function sentenceOf(summary: Import['summary'], words: Words): string {
  const parts = [
    summary.add > 0 ? `adds ${counted(summary.add, 'person', 'people')}` : '',
    summary.change > 0 ? `changes ${summary.change.toLocaleString('en-US')}` : '',
    summary.deactivate > 0 ? `deactivates ${summary.deactivate.toLocaleString('en-US')}` : '',
    summary.new_locations.length > 0
      ? `makes ${counted(summary.new_locations.length, `new ${words.location.toLowerCase()}`)}`
      : '',
    summary.new_groups_count > 0
      ? `${summary.new_locations.length > 0 ? '' : 'makes '}${counted(summary.new_groups_count, `new ${words.group.toLowerCase()}`)}`
      : '',
  ].filter((part) => part !== '')
  const left = summary.skip > 0 ? ` ${counted(summary.skip, 'row')} can’t be used: look at them below.` : ''
  if (parts.length === 0) return `Changes nothing: everybody in the file is here already.${left}`
  const said = parts.length === 1 ? parts[0] : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
  return `${(said ?? '').replace(/^./, (letter) => letter.toUpperCase())}.${left}`
}

function Result({ of }: { of: Import }) {
  const { slug, words, may } = useTenant()
  const { ask, dialog } = usePeopleActs([])
  return (
    <Stack gap="md" mb="lg">
      <Alert color="green" icon={<IconCheck size={18} />} title={sentenceOf(of.summary, words)} role="status">
        <Group gap="sm" mt="xs">
          <Button component={Link} to={paths.members(slug)} size="xs">
            Go to {words.people}
          </Button>
          {may('members:write') && of.summary.add > 0 && (
            <Button
              size="xs"
              variant="default"
              onClick={() =>
                ask({
                  act: 'invite',
                  people: { matching: { state: 'no_account' } },
                  what: 'everybody without an account',
                })
              }
            >
              Invite who can’t sign in yet
            </Button>
          )}
          {of.summary.skip > 0 && (
            <Button size="xs" variant="default" component="a" href={paths.importErrors(slug, of.id)} download>
              Download the rows left out
            </Button>
          )}
        </Group>
      </Alert>
      {dialog}
    </Stack>
  )
}

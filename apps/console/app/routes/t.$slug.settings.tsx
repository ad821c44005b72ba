import {
  Anchor,
  Button,
  Card,
  Checkbox,
  Group,
  NativeSelect,
  NumberInput,
  SimpleGrid,
  Stack,
  Table,
  Text,
  TextInput,
  Title,
} from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { useFetcher, useLoaderData } from '@remix-run/react'
import { type ReactNode, useEffect, useState } from 'react'
import { KINDS } from '../features/people/people-query.ts'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { palettes } from '../theme/palette.ts'
import { Confirm } from '../ui/confirm.tsx'
import { answerOf, errorAt } from '../ui/form/act-form.tsx'
import { ChoiceChips } from '../ui/form/choice-chips.tsx'
import { useNotify } from '../ui/notices.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { RefusalAlert } from '../ui/refusal-alert.tsx'

export const meta: MetaFunction = () => [{ title: 'Settings – Stipend' }]

type Kind = keyof typeof KINDS

export const loader = tenantLoader(async ({ api, context, session, membership }) => {
  const canWrite = context.backend.permissions(session, membership).includes('tenant:write')
  const [tenant, domains, locations] = await Promise.all([
    api.tenants.get(),
    api.domains.list({}),
    api.locations.list({}),
  ])
  return {
    tenant,
    canWrite,
    domains: domains.data,
    locations: locations.data.map(({ id, name }) => ({ value: id, label: name })),
    zones: ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone.includes('/'))],
  }
})

export const action = tenantAction(async ({ api }, form) => {
  const intent = text(form, 'intent')
  switch (intent) {
    case 'organisation':
      await api.tenants.update({
        name: text(form, 'name'),
        time_zone: text(form, 'time_zone'),
        accent_color: text(form, 'accent_color'),
      })
      break
    case 'own_keys':
      await api.tenants.update({
        own_keys: {
          kinds: form.getAll('kinds').map(String) as Kind[],
          keys_max: Number(text(form, 'keys_max')),
          budget_max_usd: text(form, 'budget_max_usd').replace(/^\$/, ''),
          days_max: text(form, 'days_max') === '' ? null : Number(text(form, 'days_max')),
          may_renew: form.has('may_renew'),
        },
      })
      break
    case 'content':
      await api.tenants.update({
        content: { kept: text(form, 'kept') as 'nothing' | 'titles', days: Number(text(form, 'days')) },
      })
      break
    case 'add_domain':
      await api.domains.set({
        domain: text(form, 'domain'),
        kind: text(form, 'kind') as Kind,
        location_id: text(form, 'location_id') || null,
      })
      break
    case 'remove_domain':
      await api.domains.remove({ domain: text(form, 'domain') })
      break
  }
  return { saved: intent }
})

export default function Settings() {
  const { canWrite } = useLoaderData<typeof loader>()
  return (
    <>
      <PageHeader
        title="Settings"
        sentence={
          canWrite
            ? 'What holds for your whole organisation.'
            : 'What holds for your whole organisation. Owners and administrators of all of it can change this.'
        }
      />
      <Stack gap="lg" maw={720}>
        <Organisation />
        <Domains />
        <OwnKeys />
        <Content />
      </Stack>
    </>
  )
}

/** A part of the settings, saved by itself. */
function Part(props: {
  intent: string
  title: string
  sentence: string
  children: (refused: ReturnType<typeof answerOf>['refused']) => ReactNode
  act?: string
}) {
  const { canWrite } = useLoaderData<typeof loader>()
  const fetcher = useFetcher<typeof action>()
  const notify = useNotify()
  const { refused, done } = answerOf<{ saved: string }>(fetcher.data as never)
  const isSaved = done !== null && fetcher.state === 'idle'
  useEffect(() => {
    if (isSaved) notify({ message: `${props.title} saved.` })
  }, [isSaved, fetcher.data])
  return (
    <Card withBorder padding="lg" component="section" aria-label={props.title}>
      <fetcher.Form method="post">
        <input type="hidden" name="intent" value={props.intent} />
        <fieldset disabled={!canWrite} style={{ border: 0, margin: 0, padding: 0, minWidth: 0 }}>
          <Stack gap="md">
            <div>
              <Title order={2} size="h4">
                {props.title}
              </Title>
              <Text size="sm" c="dimmed">
                {props.sentence}
              </Text>
            </div>
            {props.children(refused)}
            {refused?.fields.length === 0 && <RefusalAlert of={refused} />}
            {canWrite && (
              <Group justify="flex-end">
                <Button type="submit" loading={fetcher.state !== 'idle'}>
                  {props.act ?? 'Save'}
                </Button>
              </Group>
            )}
          </Stack>
        </fieldset>
      </fetcher.Form>
    </Card>
  )
}

function Organisation() {
  const { tenant, zones } = useLoaderData<typeof loader>()
  return (
    <Part intent="organisation" title="Organisation" sentence="Its name, its clock and its colour.">
      {(refused) => (
        <>
          <TextInput
            name="name"
            label="Name"
            defaultValue={tenant.name}
            required
            withAsterisk={false}
            maxLength={200}
            error={errorAt(refused, 'name')}
          />
          <NativeSelect
            name="time_zone"
            label="Time zone"
            description="Days, weeks and months of budgets follow its clock; lessons too."
            defaultValue={tenant.time_zone}
            data={[...new Set([tenant.time_zone, ...zones])].toSorted()}
            error={errorAt(refused, 'time_zone')}
          />
          <NativeSelect
            name="accent_color"
            label="Colour"
            defaultValue={tenant.accent_color}
            data={Object.keys(palettes).map((name) => ({
              value: name,
              label: name.replace(/^./, (letter) => letter.toUpperCase()),
            }))}
          />
        </>
      )}
    </Part>
  )
}

function Domains() {
  const { domains, locations, canWrite } = useLoaderData<typeof loader>()
  const { kind, words } = useTenant()
  const removal = useFetcher<typeof action>()
  const [asked, setAsked] = useState<string | null>(null)
  return (
    <Part
      intent="add_domain"
      title="Who may join by themselves"
      sentence="Whoever has an address in one of these mail domains, and confirms it, gets an account."
      act="Add the domain"
    >
      {(refused) => (
        <>
          {domains.length > 0 && (
            <Text size="sm">
              They begin at{' '}
              <Anchor href={paths.signUp()} underline="always">
                the sign-up page
              </Anchor>
              .
            </Text>
          )}
          {domains.length > 0 && (
            <Table aria-label="Domains">
              <Table.Tbody>
                {domains.map((one) => (
                  <Table.Tr key={one.domain}>
                    <Table.Td fw={500}>{one.domain}</Table.Td>
                    <Table.Td>
                      {KINDS[one.kind].replace(/s$/, '')}
                      {one.location_name === null ? '' : `, ${one.location_name}`}
                    </Table.Td>
                    <Table.Td ta="end">
                      {canWrite && (
                        <Button
                          size="compact-xs"
                          variant="subtle"
                          color="red"
                          onClick={() => setAsked(one.domain)}
                          aria-label={`Remove ${one.domain}`}
                        >
                          Remove
                        </Button>
                      )}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
          {canWrite && (
            <SimpleGrid cols={{ base: 1, sm: 3 }}>
              <TextInput
                name="domain"
                label="Mail domain"
                placeholder="school.example"
                required
                withAsterisk={false}
                autoComplete="off"
                error={errorAt(refused, 'domain')}
              />
              {kind === 'school' ? (
                <NativeSelect
                  name="kind"
                  label="They are"
                  data={[
                    { value: 'student', label: 'Students' },
                    { value: 'staff', label: 'Staff' },
                  ]}
                />
              ) : (
                <input type="hidden" name="kind" value="employee" />
              )}
              <NativeSelect
                name="location_id"
                label={words.location}
                data={[{ value: '', label: 'None' }, ...locations]}
              />
            </SimpleGrid>
          )}
          <Confirm
            opened={asked !== null}
            onClose={() => setAsked(null)}
            title={`Remove ${asked}?`}
            act="Remove the domain"
            onConfirm={() => {
              removal.submit({ intent: 'remove_domain', domain: asked ?? '' }, { method: 'post' })
              setAsked(null)
            }}
          >
            Nobody with an address there can join by themselves any more. Who has joined stays.
          </Confirm>
        </>
      )}
    </Part>
  )
}

function OwnKeys() {
  const { tenant } = useLoaderData<typeof loader>()
  const { kind } = useTenant()
  const { own_keys } = tenant
  const kinds: Kind[] = kind === 'school' ? ['staff', 'student'] : ['employee']
  return (
    <Part intent="own_keys" title="Keys people make themselves" sentence="Without asking anybody, within these limits.">
      {(refused) => (
        <>
          <Checkbox.Group label="Who may" defaultValue={own_keys.kinds} error={errorAt(refused, 'own_keys.kinds')}>
            <Group mt={6}>
              {kinds.map((one) => (
                <Checkbox key={one} name="kinds" value={one} label={KINDS[one]} />
              ))}
            </Group>
          </Checkbox.Group>
          <SimpleGrid cols={{ base: 1, sm: 3 }}>
            <NumberInput
              name="keys_max"
              label="Keys each, at most"
              defaultValue={own_keys.keys_max}
              min={1}
              max={100}
              error={errorAt(refused, 'own_keys.keys_max')}
            />
            <TextInput
              name="budget_max_usd"
              label="Budget each, at most"
              leftSection="$"
              inputMode="decimal"
              defaultValue={own_keys.budget_max_usd}
              error={errorAt(refused, 'own_keys.budget_max_usd')}
            />
            <NumberInput
              name="days_max"
              label="Days, at most"
              placeholder="No limit"
              defaultValue={own_keys.days_max ?? ''}
              min={1}
              max={3650}
              error={errorAt(refused, 'own_keys.days_max')}
            />
          </SimpleGrid>
          <Checkbox
            name="may_renew"
            label="Their budgets may renew by themselves"
            defaultChecked={own_keys.may_renew}
          />
        </>
      )}
    </Part>
  )
}

function Content() {
  const { tenant } = useLoaderData<typeof loader>()
  const [kept, setKept] = useState(tenant.content.kept)
  return (
    <Part
      intent="content"
      title="What is kept of chats"
      sentence="Counts and costs are always kept. People see on their pages what is kept about them."
    >
      {(refused) => (
        <>
          <input type="hidden" name="kept" value={kept} />
          <ChoiceChips
            label="Of what people and models write"
            value={kept}
            onChange={setKept}
            options={[
              { value: 'nothing', label: 'Nothing' },
              { value: 'titles', label: 'Titles' },
            ]}
          />
          {kept === 'nothing' ? (
            <input type="hidden" name="days" value={tenant.content.days} />
          ) : (
            <NumberInput
              name="days"
              label="For how many days"
              defaultValue={tenant.content.days}
              min={1}
              max={3650}
              maw={200}
              error={errorAt(refused, 'content.days')}
            />
          )}
        </>
      )}
    </Part>
  )
}

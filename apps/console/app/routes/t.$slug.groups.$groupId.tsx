import { Anchor, Button, Divider, Group, List, Stack, Text, TextInput } from '@mantine/core'
import { type MetaFunction, redirect } from '@remix-run/node'
import { Link, useFetcher, useLoaderData, useSearchParams } from '@remix-run/react'
import { useEffect, useState } from 'react'
import type { Caller } from '../../backend.ts'
import { PeopleSelect } from '../features/people/people-select.tsx'
import { usePeopleActs } from '../features/people/use-people-acts.tsx'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { Confirm } from '../ui/confirm.tsx'
import { answerOf } from '../ui/form/act-form.tsx'
import { useNotify } from '../ui/notices.tsx'
import { RefusalAlert } from '../ui/refusal-alert.tsx'
import { SidePanel } from '../ui/side-panel.tsx'
import { rowLinkId } from '../ui/table/data-table.tsx'
import { searchOf } from '../ui/table/use-table.ts'
import { counted } from '../words.ts'

export const meta: MetaFunction = () => [{ title: 'Group – Stipend' }]

const SHOWN = 100

export const loader = tenantLoader(async ({ api, param }) => {
  const group = await api.groups.get({ id: param('groupId') })
  const people = await api.members.list({ group_id: group.id, limit: SHOWN })
  return {
    group,
    people: people.data.map(({ id, name }) => ({ id, name })),
  }
})

export const action = tenantAction(async ({ api, param, slug, url }, form) => {
  const id = param('groupId')
  const ids = text(form, 'member_ids').split(',').filter(Boolean)
  switch (text(form, 'intent')) {
    case 'rename':
      await api.groups.update({ id, name: text(form, 'name') })
      break
    case 'leads':
      await api.groups.setLeads({ group_id: id, member_ids: ids })
      break
    case 'members': {
      const now = (await api.members.list({ group_id: id, limit: 200 })).data.map((one) => one.id)
      const joined = ids.filter((one) => !now.includes(one))
      const left = text(form, 'shown')
        .split(',')
        .filter((one) => now.includes(one) && !ids.includes(one))
      if (joined.length > 0) await api.groups.addMembers({ group_id: id, member_ids: joined })
      if (left.length > 0) await api.groups.removeMembers({ group_id: id, member_ids: left })
      break
    }
    case 'delete':
      await api.groups.delete({ id })
      return redirect(paths.groups(slug, url.search))
  }
  return { saved: text(form, 'intent') }
})

export default function GroupPanel() {
  const { group, people } = useLoaderData<typeof loader>()
  const { slug, words, may } = useTenant()
  const [search] = useSearchParams()
  const notify = useNotify()
  const fetcher = useFetcher<typeof action>()
  const [isEditing, setEditing] = useState(false)
  const [isDeleting, setDeleting] = useState(false)
  const { ask, dialog } = usePeopleActs([])
  const { refused, done } = answerOf<{ saved: string }>(fetcher.data as never)
  const isDone = done !== null && fetcher.state === 'idle'
  useEffect(() => {
    if (!isDone) return
    setEditing(false)
    notify({ message: 'Saved.' })
  }, [isDone, fetcher.data])
  const canWrite = may('groups:write')
  const one = words.group.toLowerCase()
  const send = (fields: Record<string, string>) => fetcher.submit(fields, { method: 'post' })
  return (
    <SidePanel
      title={group.name}
      sentence={`${group.location_name}, ${counted(group.members_count, 'person', 'people')}`}
      closeTo={paths.groups(slug, searchOf(search))}
      openedBy={rowLinkId(group.id)}
    >
      {isEditing ? (
        <Editor
          group={group}
          people={people}
          isBusy={fetcher.state !== 'idle'}
          send={send}
          refused={refused}
          onCancel={() => setEditing(false)}
        />
      ) : (
        <Stack gap="lg">
          <Group gap="xs">
            {canWrite && (
              <Button size="xs" variant="default" onClick={() => setEditing(true)}>
                Edit
              </Button>
            )}
            {may('members:write') && group.members_count > 0 && (
              <Button
                size="xs"
                variant="default"
                onClick={() =>
                  ask({
                    act: 'invite',
                    people: { matching: { group_id: group.id } },
                    what: `everybody of ${group.name}`,
                  })
                }
              >
                Invite all
              </Button>
            )}
            <Button size="xs" variant="default" component={Link} to={paths.members(slug, `?group=${group.id}`)}>
              Open the list
            </Button>
          </Group>
          <RefusalAlert of={refused} />
          <section aria-label="Led by">
            <Text fw={600} size="sm" mb={4}>
              Led by
            </Text>
            <Text size="sm" {...(group.leads.length === 0 ? { c: 'dimmed' } : {})}>
              {group.leads.map((lead) => lead.name).join(', ') ||
                `Nobody yet. Whoever leads the ${one} looks after its keys.`}
            </Text>
          </section>
          <section aria-label={words.people}>
            <Text fw={600} size="sm" mb={4}>
              {words.people}
            </Text>
            {people.length === 0 ? (
              <Text size="sm" c="dimmed">
                Nobody yet.
              </Text>
            ) : (
              <List size="sm" listStyleType="none" spacing={4}>
                {people.map((person) => (
                  <List.Item key={person.id}>
                    <Anchor component={Link} to={paths.member(slug, person.id)} c="inherit">
                      {person.name}
                    </Anchor>
                  </List.Item>
                ))}
              </List>
            )}
            {group.members_count > people.length && (
              <Text size="sm" c="dimmed" mt={6}>
                And {counted(group.members_count - people.length, 'other')}.
              </Text>
            )}
          </section>
          {canWrite && (
            <>
              <Divider />
              <Button
                size="xs"
                variant="light"
                color="red"
                onClick={() => setDeleting(true)}
                style={{ alignSelf: 'flex-start' }}
              >
                Delete
              </Button>
            </>
          )}
        </Stack>
      )}
      <Confirm
        opened={isDeleting}
        onClose={() => setDeleting(false)}
        title={`Delete ${group.name}?`}
        act={`Delete the ${one}`}
        isBusy={fetcher.state !== 'idle'}
        onConfirm={() => send({ intent: 'delete' })}
      >
        The {one} is gone for good. {counted(group.members_count, 'person', 'people')}{' '}
        {group.members_count === 1 ? 'is' : 'are'} no longer in it; they, their keys and what they used stay.
      </Confirm>
      {dialog}
    </SidePanel>
  )
}

type EditorProps = {
  group: Awaited<ReturnType<Caller['groups']['get']>>
  people: { id: string; name: string }[]
  isBusy: boolean
  send: (fields: Record<string, string>) => void
  refused: Parameters<typeof RefusalAlert>[0]['of']
  onCancel: () => void
}

function Editor({ group, people, isBusy, send, refused, onCancel }: EditorProps) {
  const { words, kind } = useTenant()
  const [name, setName] = useState(group.name)
  const [leads, setLeads] = useState(group.leads.map((one) => one.id))
  const shown = people.map((one) => one.id)
  const [members, setMembers] = useState(shown)
  return (
    <Stack gap="md">
      <RefusalAlert of={refused} />
      <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} maxLength={200} />
      <Button
        size="xs"
        variant="default"
        loading={isBusy}
        disabled={name.trim() === '' || name === group.name}
        onClick={() => send({ intent: 'rename', name })}
      >
        Rename
      </Button>
      <Divider />
      <PeopleSelect
        label="Led by"
        description="They see these people and look after their keys, and see nobody else."
        known={group.leads}
        among={kind === 'school' ? { kind: 'staff', state: 'active' } : { state: 'active' }}
        value={leads}
        onChange={setLeads}
      />
      <Button
        size="xs"
        variant="default"
        loading={isBusy}
        onClick={() => send({ intent: 'leads', member_ids: leads.join(',') })}
      >
        Save who leads
      </Button>
      <Divider />
      <PeopleSelect
        label={words.people}
        description={`Anybody of ${group.location_name}.`}
        known={people}
        among={{ location_id: group.location_id, state: 'active' }}
        value={members}
        onChange={setMembers}
      />
      <Button
        size="xs"
        variant="default"
        loading={isBusy}
        onClick={() => send({ intent: 'members', member_ids: members.join(','), shown: shown.join(',') })}
      >
        Save who is in it
      </Button>
      <Button variant="subtle" color="gray" onClick={onCancel}>
        Done
      </Button>
    </Stack>
  )
}

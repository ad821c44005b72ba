import {
  ActionIcon,
  Anchor,
  Button,
  Group,
  Menu,
  Modal,
  Stack,
  Table,
  Text,
  TextInput,
  VisuallyHidden,
} from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { Link, useFetcher, useLoaderData } from '@remix-run/react'
import { IconDots } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { useManyKeys } from '../features/keys/many-keys.tsx'
import { usePeopleActs } from '../features/people/use-people-acts.tsx'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { Empty } from '../ui/empty.tsx'
import { answerOf } from '../ui/form/act-form.tsx'
import { PageHeader } from '../ui/page-header.tsx'

export const meta: MetaFunction = () => [{ title: 'Locations – Stipend' }]

export const loader = tenantLoader(async ({ api }) => ({ locations: (await api.locations.list({})).data }))

export const action = tenantAction(async ({ api }, form) => {
  const [id, name] = [text(form, 'id'), text(form, 'name')]
  switch (text(form, 'intent')) {
    case 'rename':
      await api.locations.update({ id, name })
      break
    case 'delete':
      await api.locations.delete({ id })
      break
    default:
      await api.locations.create({ name })
  }
  return { done: true }
})

const KEY_ACTS = { disable: 'Disable', enable: 'Enable', revoke: 'Revoke' } as const

type Asked = { intent: 'create' | 'rename' | 'delete'; id?: string; name?: string }

export default function Locations() {
  const { locations } = useLoaderData<typeof loader>()
  const { slug, words, may } = useTenant()
  const [asked, setAsked] = useState<Asked | null>(null)
  const { ask, dialog } = usePeopleActs([])
  const one = words.location.toLowerCase()
  const canWrite = may('locations:write')
  const keys = useManyKeys()
  const hasActs = canWrite || may('keys:write')
  const add = (
    <Button onClick={() => setAsked({ intent: 'create' })}>
      Add {/^[aeiou]/.test(one) ? 'an' : 'a'} {one}
    </Button>
  )
  return (
    <>
      <PageHeader
        title={words.locations}
        sentence={`Where your ${words.people.toLowerCase()} are. Administrators can be confined to some of them.`}
        action={canWrite && add}
      />
      {locations.length === 0 ? (
        <Empty kind="nothing_yet" title={`No ${words.locations.toLowerCase()} yet`} action={canWrite && add}>
          Add the first one, or import people with theirs.
        </Empty>
      ) : (
        <Table aria-label={words.locations} verticalSpacing="sm">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Name</Table.Th>
              <Table.Th ta="end" w={110}>
                {words.people}
              </Table.Th>
              <Table.Th ta="end" w={100}>
                {words.groups}
              </Table.Th>
              {hasActs && (
                <Table.Th w={50}>
                  <VisuallyHidden>Actions</VisuallyHidden>
                </Table.Th>
              )}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {locations.map((location) => (
              <Table.Tr key={location.id}>
                <Table.Td fw={500}>
                  {may('keys:read') ? (
                    <Anchor component={Link} to={paths.coding(slug, `?location=${location.id}`)} inherit c="inherit">
                      {location.name}
                    </Anchor>
                  ) : (
                    location.name
                  )}
                </Table.Td>
                <Table.Td ta="end">
                  <Anchor
                    component={Link}
                    size="sm"
                    to={paths.members(slug, `?location=${location.id}`)}
                    aria-label={`${location.members_count} people of ${location.name}`}
                  >
                    {location.members_count.toLocaleString('en-US')}
                  </Anchor>
                </Table.Td>
                <Table.Td ta="end">
                  <Anchor
                    component={Link}
                    size="sm"
                    to={paths.groups(slug, `?location=${location.id}`)}
                    aria-label={`${location.groups_count} groups of ${location.name}`}
                  >
                    {location.groups_count.toLocaleString('en-US')}
                  </Anchor>
                </Table.Td>
                {hasActs && (
                  <Table.Td>
                    <Menu position="bottom-end" shadow="md" withinPortal>
                      <Menu.Target>
                        <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${location.name}`}>
                          <IconDots size={17} />
                        </ActionIcon>
                      </Menu.Target>
                      <Menu.Dropdown>
                        {may('keys:write') && (
                          <>
                            <Menu.Item component={Link} to={paths.newLocationKeys(slug, location.id)}>
                              Create keys
                            </Menu.Item>
                            {(['disable', 'enable', 'revoke'] as const).map((act) => (
                              <Menu.Item
                                key={act}
                                onClick={() =>
                                  keys.ask({
                                    act,
                                    keys: { filter: { location_id: location.id } },
                                    what: `the keys of ${location.name}`,
                                  })
                                }
                                {...(act === 'revoke' ? { color: 'red' } : {})}
                              >
                                {KEY_ACTS[act]} all keys
                              </Menu.Item>
                            ))}
                            {may('usage:read') && (
                              <Menu.Item component={Link} to={paths.usage(slug, `?location=${location.id}`)}>
                                Usage
                              </Menu.Item>
                            )}
                            {canWrite && <Menu.Divider />}
                          </>
                        )}
                        {canWrite && (
                          <Menu.Item
                            onClick={() => setAsked({ intent: 'rename', id: location.id, name: location.name })}
                          >
                            Rename
                          </Menu.Item>
                        )}
                        {canWrite && may('members:write') && (
                          <Menu.Item
                            onClick={() =>
                              ask({
                                act: 'invite',
                                people: { matching: { location_id: location.id } },
                                what: `everybody of ${location.name}`,
                              })
                            }
                          >
                            Invite everybody
                          </Menu.Item>
                        )}
                        {canWrite && (
                          <Menu.Item
                            color="red"
                            onClick={() => setAsked({ intent: 'delete', id: location.id, name: location.name })}
                          >
                            Delete
                          </Menu.Item>
                        )}
                      </Menu.Dropdown>
                    </Menu>
                  </Table.Td>
                )}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {dialog}
      {keys.dialog}
      {asked !== null && <PlaceDialog key={JSON.stringify(asked)} asked={asked} onClose={() => setAsked(null)} />}
    </>
  )
}

function PlaceDialog({ asked, onClose }: { asked: Asked; onClose: () => void }) {
  const { words } = useTenant()
  const fetcher = useFetcher<typeof action>()
  const { refused, done } = answerOf<{ done: boolean }>(fetcher.data as never)
  const isDone = done !== null && fetcher.state === 'idle'
  useEffect(() => {
    if (isDone) onClose()
  }, [isDone])
  const one = words.location.toLowerCase()
  const titles = {
    create: `Add ${/^[aeiou]/.test(one) ? 'an' : 'a'} ${one}`,
    rename: `Rename ${asked.name}`,
    delete: `Delete ${asked.name}?`,
  }
  return (
    <Modal opened onClose={onClose} title={titles[asked.intent]} closeButtonProps={{ 'aria-label': 'Close' }}>
      <fetcher.Form method="post">
        <input type="hidden" name="intent" value={asked.intent} />
        <input type="hidden" name="id" value={asked.id ?? ''} />
        <Stack>
          {asked.intent === 'delete' ? (
            <>
              <Text size="sm">
                Only {/^[aeiou]/.test(one) ? 'an' : 'a'} {one} without people and {words.groups.toLowerCase()} can be
                deleted. This can’t be undone.
              </Text>
              {refused !== null && (
                <Text size="sm" c="red" role="alert">
                  {refused.message}
                </Text>
              )}
            </>
          ) : (
            <TextInput
              name="name"
              label="Name"
              defaultValue={asked.name ?? ''}
              required
              withAsterisk={false}
              maxLength={200}
              data-autofocus
              autoComplete="off"
              error={
                refused === null
                  ? undefined
                  : refused.code === 'conflict'
                    ? 'There is one of this name already.'
                    : refused.message
              }
            />
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button
              type="submit"
              loading={fetcher.state !== 'idle'}
              {...(asked.intent === 'delete' ? { color: 'red' } : {})}
            >
              {asked.intent === 'create' ? 'Add' : asked.intent === 'rename' ? 'Rename' : 'Delete'}
            </Button>
          </Group>
        </Stack>
      </fetcher.Form>
    </Modal>
  )
}

import { Button, Checkbox, Group, Paper, ScrollArea, SimpleGrid, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { trpcFor } from '../../trpc-client.ts'
import { counted } from '../../words.ts'
import { useTenant } from '../tenant.ts'

export type Person = { member_id: string; member_name: string }
export type LeftOut = Person & { reason: 'deactivated' | 'no_account' | 'has_active_key' }

type Props = {
  recipients: readonly Person[]
  leftOut: readonly LeftOut[]
  /** Those who were there and have been unticked. */
  unticked: ReadonlySet<string>
  onTick: (member_id: string, isTicked: boolean) => void
  onTickAll: (isTicked: boolean) => void
  addsToThoseWithKey: boolean
  onAddToThoseWithKey: (adds: boolean) => void
}

/** Who gets a key, to be unticked one by one, and who doesn't, with why and what to do about it. */
export function Recipients(props: Props) {
  const { recipients, leftOut, unticked } = props
  const count = recipients.filter((one) => !unticked.has(one.member_id)).length
  const withKey = leftOut.filter((one) => one.reason === 'has_active_key')
  return (
    <Stack gap="md">
      {recipients.length > 0 && (
        <Paper withBorder p="sm">
          <Checkbox
            label={`${count} of ${counted(recipients.length, 'person', 'people')} get a key`}
            checked={count === recipients.length}
            indeterminate={count > 0 && count < recipients.length}
            onChange={(event) => props.onTickAll(event.currentTarget.checked)}
            fw={500}
            mb="sm"
          />
          <ScrollArea.Autosize
            mah={264}
            type="auto"
            viewportProps={{ tabIndex: 0, 'aria-label': 'People', role: 'group' }}
          >
            <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="xs" verticalSpacing={8} pl={2} pb={2} pr="sm">
              {recipients.map(({ member_id, member_name }) => (
                <Checkbox
                  key={member_id}
                  label={member_name}
                  checked={!unticked.has(member_id)}
                  onChange={(event) => props.onTick(member_id, event.currentTarget.checked)}
                  size="sm"
                  styles={{ label: { overflowWrap: 'anywhere' } }}
                />
              ))}
            </SimpleGrid>
          </ScrollArea.Autosize>
        </Paper>
      )}
      {withKey.length > 0 || props.addsToThoseWithKey ? (
        <Checkbox
          label="Also for those who have a key that works"
          description={
            props.addsToThoseWithKey
              ? 'They get another one beside it.'
              : `${namesOf(withKey)}: left out unless you tick this.`
          }
          checked={props.addsToThoseWithKey}
          onChange={(event) => props.onAddToThoseWithKey(event.currentTarget.checked)}
        />
      ) : null}
      <Without people={leftOut.filter((one) => one.reason === 'no_account')} />
      <Deactivated people={leftOut.filter((one) => one.reason === 'deactivated')} />
    </Stack>
  )
}

/** Those without an account. Whoever looks after people can invite them right here. */
function Without({ people }: { people: readonly LeftOut[] }) {
  const { slug, may } = useTenant()
  const [invited, setInvited] = useState<ReadonlySet<string>>(new Set())
  const invite = useMutation({
    mutationFn: (ids: string[]) => trpcFor(slug).invitations.send.mutate({ member_ids: ids }),
    onSuccess: (_, ids) => setInvited((before) => new Set([...before, ...ids])),
  })
  if (people.length === 0) return null
  const waiting = people.filter((one) => !invited.has(one.member_id))
  return (
    <div>
      <Text size="sm" fw={500}>
        {counted(people.length, 'person has', 'people have')} no account yet and {people.length === 1 ? 'gets' : 'get'}{' '}
        none
      </Text>
      <Text size="xs" c="dimmed" mb={6}>
        A key is made only for somebody who can sign in.{' '}
        {may('members:write') ? 'Invite' : 'Ask an administrator to invite'} them; once they have accepted, come back.
      </Text>
      <Stack gap={6} component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
        {people.map(({ member_id, member_name }) => (
          <Group key={member_id} component="li" gap="xs">
            <Text size="sm">{member_name}</Text>
            {invited.has(member_id) ? (
              <Text size="sm" c="dimmed">
                Invited
              </Text>
            ) : (
              may('members:write') && (
                <Button
                  size="compact-xs"
                  variant="default"
                  onClick={() => invite.mutate([member_id])}
                  disabled={invite.isPending}
                  aria-label={`Invite ${member_name}`}
                >
                  Invite
                </Button>
              )
            )}
          </Group>
        ))}
      </Stack>
      {may('members:write') && waiting.length > 1 && (
        <Button
          size="compact-sm"
          variant="default"
          mt="xs"
          onClick={() => invite.mutate(waiting.map((one) => one.member_id))}
          loading={invite.isPending}
        >
          Invite all {waiting.length}
        </Button>
      )}
      {invite.error !== null && (
        <Text size="sm" c="red" role="alert">
          {invite.error.message}
        </Text>
      )}
    </div>
  )
}

function Deactivated({ people }: { people: readonly LeftOut[] }) {
  if (people.length === 0) return null
  return (
    <Text size="sm" c="dimmed">
      {namesOf(people)}: deactivated, no key.
    </Text>
  )
}

const NAMES_SHOWN = 5

function namesOf(people: readonly Person[]): string {
  const names = people.slice(0, NAMES_SHOWN).map((one) => one.member_name)
  const rest = people.length - names.length
  return rest === 0 ? names.join(', ') : `${names.join(', ')} and ${rest} more`
}

import { Alert, Anchor, Button, Group, Stack, Switch, Text, VisuallyHidden } from '@mantine/core'
import { Link } from '@remix-run/react'
import { formatUsd } from '@stipend/money'
import { IconClock, IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { shortUsd, sumUsd } from '../../money.ts'
import { paths } from '../../paths.ts'
import { clock, endWords } from '../../time.ts'
import { trpcFor } from '../../trpc-client.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { useNow } from '../../ui/now.tsx'
import { PageHeader } from '../../ui/page-header.tsx'
import { counted } from '../../words.ts'
import { useTenant } from '../tenant.ts'
import { EndLesson } from './end-lesson.tsx'
import classes from './lesson.module.css'
import { type LessonPerson, LessonTile } from './lesson-tile.tsx'

/** As often as this the class is looked at anew: what a teacher takes for at once, and one small question to the database. */
const EVERY_MS = 2_000

type Lesson = { group_id: string; group_name: string; at: string; people: LessonPerson[] }
export type Act =
  | { act: 'raise'; key_id: string }
  | { act: 'pause' | 'resume'; member_ids?: string[] }
  | { act: 'end'; ends_at: string }

/** A class during a lesson, for a projector: who is working and who is stuck. No keys, and no amounts unless asked for. */
export function LessonView({ lesson: first, may_write }: { lesson: Lesson; may_write: boolean }) {
  const { slug, time_zone } = useTenant()
  const now = useNow()
  const { group_id, group_name } = first
  const [showsCosts, setShowsCosts] = useState(false)
  const [asks, setAsks] = useState<'pause' | 'end' | null>(null)
  const api = trpcFor(slug)
  const queries = useQueryClient()
  const queryKey = ['lesson', slug, group_id]
  const { data, isError } = useQuery({
    queryKey,
    queryFn: (): Promise<Lesson> => api.lessons.get.query({ group_id }),
    initialData: first,
    refetchInterval: EVERY_MS,
    retry: false,
  })
  const act = useMutation({
    mutationFn: async (what: Act) => {
      if (what.act === 'raise') await api.keys.raise.mutate({ id: what.key_id, by_usd: '1' })
      else if (what.act === 'end') await api.lessons.end.mutate({ group_id, ends_at: what.ends_at })
      else await api.lessons[what.act].mutate({ group_id, member_ids: what.member_ids })
    },
    onSuccess: () => setAsks(null),
    onSettled: () => queries.invalidateQueries({ queryKey }),
  })

  const { people } = data
  const usable = people.filter((one) => one.key !== null && one.state !== 'paused' && one.state !== 'blocked')
  const end = endOfAll(usable)
  const paused = people.filter((one) => one.paused_group_ids.includes(group_id))
  const spent = formatUsd(sumUsd(people.map((one) => one.spent_today_usd)))
  const error = act.error === null ? undefined : act.error.message

  return (
    <Stack gap="md">
      <PageHeader
        title={group_name}
        sentence={<Counts people={people} />}
        action={
          <Group gap="sm">
            {showsCosts && (
              <Text size="sm">
                Today <b>{shortUsd(spent)}</b>
              </Text>
            )}
            <Switch
              label="Show costs"
              checked={showsCosts}
              onChange={(event) => setShowsCosts(event.currentTarget.checked)}
            />
            {may_write && (
              <>
                <Button
                  variant="default"
                  leftSection={<IconClock size={16} />}
                  onClick={() => setAsks('end')}
                  disabled={usable.length === 0 || act.isPending}
                >
                  {end === null ? 'Ends at…' : `Ends ${endWords(end, time_zone, now)}`}
                </Button>
                {paused.length > 0 && (
                  <Button
                    variant="default"
                    leftSection={<IconPlayerPlay size={16} />}
                    onClick={() => act.mutate({ act: 'resume' })}
                    disabled={act.isPending}
                  >
                    Resume {paused.length}
                  </Button>
                )}
                <Button
                  leftSection={<IconPlayerPause size={16} />}
                  onClick={() => setAsks('pause')}
                  disabled={usable.length === 0 || act.isPending}
                >
                  Pause all
                </Button>
              </>
            )}
          </Group>
        }
      />
      {error !== undefined && asks === null && (
        <Alert color="red" role="alert">
          {error}
        </Alert>
      )}
      {isError && (
        <Alert color="yellow" role="status">
          Not up to date: this is how it was at {clock(data.at, time_zone)}. Trying again.
        </Alert>
      )}
      {people.length === 0 ? (
        <Alert color="gray" title="Nobody is in this group yet">
          Add people to it, then make keys for them.
        </Alert>
      ) : (
        <ul className={classes.tiles} aria-label="People">
          {people.map((one) => (
            <LessonTile
              key={one.member_id}
              of={one}
              showsCosts={showsCosts}
              mayWrite={may_write}
              isBusy={act.isPending}
              onAct={act.mutate}
            />
          ))}
        </ul>
      )}
      <Group gap="lg">
        <Text size="xs" c="dimmed">
          Working: a request runs, or one was made within the last minute.
        </Text>
        {may_write && (
          <Anchor component={Link} to={paths.newGroupKeys(slug, group_id)} size="xs">
            Create keys
          </Anchor>
        )}
      </Group>
      <Confirm
        opened={asks === 'pause'}
        onClose={() => setAsks(null)}
        title={`Pause ${counted(usable.length, 'person', 'people')}?`}
        act={`Pause ${usable.length}`}
        onConfirm={() => act.mutate({ act: 'pause', member_ids: usable.map((one) => one.member_id) })}
        isBusy={act.isPending}
        isDangerous={false}
        error={error}
      >
        All their keys stop within a second, answers that are running included. Resume lets them go on.
      </Confirm>
      {asks === 'end' && (
        <EndLesson
          count={usable.length}
          onClose={() => setAsks(null)}
          onEnd={(ends_at) => act.mutate({ act: 'end', ends_at })}
          isBusy={act.isPending}
          error={error}
        />
      )}
    </Stack>
  )
}

/** When all their keys end, if it is one moment; null otherwise. */
function endOfAll(people: readonly LessonPerson[]): string | null {
  const ends = new Set(people.map((one) => one.key?.valid_until ?? null))
  return ends.size === 1 ? ([...ends][0] ?? null) : null
}

function Counts({ people }: { people: readonly LessonPerson[] }) {
  const count = (test: (one: LessonPerson) => boolean) => people.filter(test).length
  const parts = [
    `${count((one) => one.is_working)} of ${people.length} working`,
    [count((one) => one.state === 'near_end'), 'near the end'],
    [count((one) => one.state === 'out'), 'out'],
    [count((one) => one.state === 'paused'), 'paused'],
    [count((one) => one.state === 'no_key'), 'without a key'],
  ] as const
  const words = parts.flatMap((part) =>
    typeof part === 'string' ? [part] : part[0] === 0 ? [] : [`${part[0]} ${part[1]}`],
  )
  return (
    <>
      {words.join(', ')}
      <VisuallyHidden>. Kept up to date.</VisuallyHidden>
    </>
  )
}

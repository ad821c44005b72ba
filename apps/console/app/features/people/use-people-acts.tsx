import { Button, List, Select, Skeleton, Stack } from '@mantine/core'
import { useRevalidator } from '@remix-run/react'
import type { Inputs } from '@stipend/wire/trpc'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { trpcFor } from '../../trpc-client.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { ChoiceChips } from '../../ui/form/choice-chips.tsx'
import { useNotify } from '../../ui/notices.tsx'
import { counted } from '../../words.ts'
import { useTenant } from '../tenant.ts'
import { ACTS, type ActName, consequences, leftOut } from './act-words.ts'

export type PeopleMeant = Pick<Extract<Inputs['members']['deactivate'], object>, 'member_ids' | 'matching'>
/** `what` names them in the dialog's title: "28 selected people", "Sanne de Vries". */
type Asked = { act: ActName; people: PeopleMeant; what: string }
type Place = { id: string; name: string }

/**
 * Acts on one person or on many, from wherever they are listed: each is said first, with what happens to keys, groups and
 * history. `ask` opens the dialog; `dialog` stands somewhere in the page.
 */
export function usePeopleActs(
  locations: readonly Place[],
  onDone?: (act: ActName) => void,
): { ask: (asked: Asked) => void; dialog: ReactNode } {
  const [asked, setAsked] = useState<Asked | null>(null)
  return {
    ask: setAsked,
    dialog: asked !== null && (
      <Dialog
        key={JSON.stringify(asked)}
        asked={asked}
        locations={locations}
        onClose={() => setAsked(null)}
        onDone={onDone}
      />
    ),
  }
}

type DialogProps = {
  asked: Asked
  locations: readonly Place[]
  onClose: () => void
  onDone: ((act: ActName) => void) | undefined
}

function Dialog({ asked, locations, onClose, onDone }: DialogProps) {
  const { act, people, what } = asked
  const { slug, words } = useTenant()
  const { revalidate } = useRevalidator()
  const notify = useNotify()
  const [history, setHistory] = useState<'keep' | 'anonymise'>('keep')
  const [locationId, setLocationId] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string>()
  const isReady = act !== 'move' || locationId !== null
  const perform = async (dry_run: boolean) => {
    const api = trpcFor(slug)
    const input = { ...people, dry_run }
    switch (act) {
      case 'invite':
        return { ...NO_COUNTS, ...(await api.invitations.send.mutate(input)) }
      case 'withdraw': {
        if (dry_run) return { ...NO_COUNTS, people: people.member_ids?.length ?? 0 }
        const { revoked } = await api.invitations.revoke.mutate(people)
        return { ...NO_COUNTS, people: revoked }
      }
      case 'move':
        return api.members.move.mutate({ ...input, location_id: locationId ?? '' })
      case 'remove':
        return api.members.remove.mutate({ ...input, history })
      default:
        return api.members[act].mutate(input)
    }
  }
  const preview = useQuery({
    queryKey: ['people', slug, act, people, locationId],
    queryFn: () => perform(true),
    enabled: isReady,
    gcTime: 0,
    retry: false,
  })
  const confirm = async () => {
    setBusy(true)
    try {
      const done = await perform(false)
      const undo = () => {
        trpcFor(slug)
          .members.reactivate.mutate(people)
          .then(
            ({ people: count }) => {
              revalidate()
              notify({ message: `${counted(count, 'person', 'people')} reactivated.` })
            },
            () => notify({ message: 'That could not be undone. Reactivate them by hand.' }),
          )
      }
      notify({
        message: `${counted(done.people, 'person', 'people')} ${ACTS[act].done}.`,
        // Of everybody who matched, some were perhaps deactivated before: only those who were named can be taken back.
        ...(act === 'deactivate' && people.matching === undefined && done.people > 0 ? { undo } : {}),
      })
      revalidate()
      onClose()
      onDone?.(act)
    } catch (thrown) {
      setError(thrown instanceof Error ? thrown.message : 'That did not work. Try again.')
      setBusy(false)
    }
  }
  const { verb } = ACTS[act]
  const title = `${verb} ${what}?`
  const said = preview.data
  const skipped = said === undefined ? null : leftOut(said.skipped, said.skipped_count)
  if (said !== undefined && said.people === 0) {
    return (
      <Confirm opened onClose={onClose} title={title} act="Close" onConfirm={onClose} isDangerous={false}>
        There is nobody to {verb.toLowerCase().replace(/ the.*/, '')} here. {skipped}
      </Confirm>
    )
  }
  const count = said?.people ?? 0
  return (
    <Confirm
      opened
      onClose={onClose}
      title={title}
      act={
        said === undefined ? verb : act === 'withdraw' ? 'Withdraw' : `${verb} ${counted(count, 'person', 'people')}`
      }
      count={count}
      isBusy={isBusy || !isReady || preview.isPending}
      isDangerous={act === 'remove' || act === 'deactivate'}
      error={error ?? preview.error?.message}
      onConfirm={() => void confirm()}
    >
      <Stack gap="md">
        {act === 'move' && (
          <Select
            label={`New ${words.location.toLowerCase()}`}
            data={locations.map(({ id, name }) => ({ value: id, label: name }))}
            value={locationId}
            onChange={setLocationId}
            searchable={locations.length > 8}
            data-autofocus
            comboboxProps={{ zIndex: 500 }}
          />
        )}
        {act === 'remove' && (
          <ChoiceChips
            label="What they did stays"
            value={history}
            onChange={setHistory}
            options={[
              { value: 'keep', label: 'Under their name' },
              { value: 'anonymise', label: 'Under no name' },
            ]}
          />
        )}
        {!isReady ? null : said === undefined ? (
          <Skeleton h={38} />
        ) : (
          <List size="sm" spacing={6} data-testid="consequences">
            {[...consequences(act, said, { history }), ...(skipped === null ? [] : [skipped])].map((line) => (
              <List.Item key={line}>{line}</List.Item>
            ))}
          </List>
        )}
      </Stack>
    </Confirm>
  )
}

const NO_COUNTS = {
  people: 0,
  skipped: [] as { name: string; reason: string }[],
  skipped_count: 0,
  keys: 0,
  groups: 0,
  requests: 0,
  accounts: 0,
}

/** The buttons for a selection of people. */
export function PeopleButtons({ onAct }: { onAct: (act: ActName) => void }) {
  return (
    <>
      <Button variant="default" size="xs" onClick={() => onAct('invite')}>
        Invite
      </Button>
      <Button variant="default" size="xs" onClick={() => onAct('move')}>
        Move
      </Button>
      <Button variant="default" size="xs" onClick={() => onAct('deactivate')}>
        Deactivate
      </Button>
      <Button variant="light" color="red" size="xs" onClick={() => onAct('remove')}>
        Remove
      </Button>
    </>
  )
}

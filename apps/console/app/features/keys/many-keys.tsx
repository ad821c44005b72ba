import { Button, Skeleton, Text } from '@mantine/core'
import { useRevalidator } from '@remix-run/react'
import type { Inputs } from '@stipend/wire/trpc'
import { IconCopy, IconPlayerPause, IconPlayerPlay, IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { trpcFor } from '../../trpc-client.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { useNotify } from '../../ui/notices.tsx'
import { counted } from '../../words.ts'
import { useTenant } from '../tenant.ts'

export type KeysMeant = Extract<Inputs['keys']['revokeMany'], object>
type Act = 'revoke' | 'disable' | 'enable'
/** `what` names them in the dialog's title: "28 selected keys", "the keys of Klas 3A". */
type Asked = { act: Act; keys: KeysMeant; what: string }

const WORDS = {
  revoke: { verb: 'Revoke', done: 'revoked' },
  disable: { verb: 'Disable', done: 'disabled' },
  enable: { verb: 'Enable', done: 'enabled' },
} as const

/**
 * Revoking, disabling and enabling many keys at once: asks first, with how many are hit and what runs with them now, and offers to
 * undo what can be. `ask` opens the dialog; `dialog` stands somewhere in the page.
 */
export function useManyKeys(onDone?: () => void): { ask: (asked: Asked) => void; dialog: ReactNode } {
  const [asked, setAsked] = useState<Asked | null>(null)
  return {
    ask: setAsked,
    dialog: asked !== null && (
      <Dialog key={JSON.stringify(asked)} asked={asked} onClose={() => setAsked(null)} onDone={onDone} />
    ),
  }
}

function Dialog({ asked, onClose, onDone }: { asked: Asked; onClose: () => void; onDone: (() => void) | undefined }) {
  const { act, keys, what: whose } = asked
  const { slug } = useTenant()
  const { revalidate } = useRevalidator()
  const notify = useNotify()
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string>()
  const { verb, done } = WORDS[act]
  const preview = useQuery({
    queryKey: ['keys.preview_many', slug, act, keys],
    queryFn: () => trpcFor(slug).keys.previewMany.query({ ...keys, act }),
    gcTime: 0,
    retry: false,
  })
  const count = preview.data?.keys_count ?? 0
  const isOne = count === 1
  const send = async (what: Act, which: KeysMeant) => {
    const api = trpcFor(slug).keys
    const sent = { revoke: api.revokeMany, disable: api.disableMany, enable: api.enableMany }[what]
    const answer = await sent.mutate(which)
    revalidate()
    return answer
  }
  const confirm = async () => {
    setBusy(true)
    try {
      const { keys_count, at } = await send(act, keys)
      const undo = () => {
        send('enable', { filter: { disabled_exactly_at: at } }).then(
          (again) => notify({ message: `${counted(again.keys_count, 'key')} enabled again.` }),
          () => notify({ message: 'That could not be undone. Enable the keys again by hand.' }),
        )
      }
      notify({
        message: `${counted(keys_count, 'key')} ${done}.`,
        ...(act === 'disable' && keys_count > 0 ? { undo } : {}),
      })
      onClose()
      onDone?.()
    } catch (thrown) {
      setError(thrown instanceof Error ? thrown.message : 'That did not work. Try again.')
      setBusy(false)
    }
  }
  const title = `${verb} ${whose}?`
  if (preview.data !== undefined && count === 0) {
    return (
      <Confirm opened onClose={onClose} title={title} act="Close" onConfirm={onClose} isDangerous={false}>
        There is no key to {act} here.
      </Confirm>
    )
  }
  return (
    <Confirm
      opened
      onClose={onClose}
      title={title}
      act={preview.data === undefined ? `${verb} keys` : `${verb} ${counted(count, 'key')}`}
      count={count}
      isBusy={isBusy || preview.isPending}
      isDangerous={act === 'revoke'}
      error={error ?? preview.error?.message}
      onConfirm={() => void confirm()}
    >
      {preview.data === undefined ? (
        <Skeleton h={38} />
      ) : (
        <>
          <Text inherit>
            {counted(count, 'key')} of {counted(preview.data.members_count, 'person', 'people')}{' '}
            {act === 'enable'
              ? `${isOne ? 'works' : 'work'} again at once.`
              : act === 'disable'
                ? `${isOne ? 'stops' : 'stop'} working at once, until ${isOne ? 'it is' : 'they are'} enabled again.`
                : `${isOne ? 'stops' : 'stop'} working at once, in every tool that has ${isOne ? 'it' : 'them'}. This can’t be undone.`}
          </Text>
          {preview.data.running_count > 0 && act !== 'enable' && (
            <Text inherit mt="xs">
              {counted(preview.data.running_count, 'key')} {preview.data.running_count === 1 ? 'was' : 'were'} used a
              moment ago: answers that are running are cut.
            </Text>
          )}
        </>
      )}
    </Confirm>
  )
}

/** The buttons for a selection of keys. */
export function ManyKeysButtons({ onAct, onCopy }: { onAct: (act: Act) => void; onCopy?: () => void }) {
  return (
    <>
      {onCopy !== undefined && (
        <Button variant="default" size="xs" leftSection={<IconCopy size={14} />} onClick={onCopy}>
          Copy
        </Button>
      )}
      <Button variant="default" size="xs" leftSection={<IconPlayerPause size={14} />} onClick={() => onAct('disable')}>
        Disable
      </Button>
      <Button variant="default" size="xs" leftSection={<IconPlayerPlay size={14} />} onClick={() => onAct('enable')}>
        Enable
      </Button>
      <Button
        variant="light"
        color="red"
        size="xs"
        leftSection={<IconTrash size={14} />}
        onClick={() => onAct('revoke')}
      >
        Revoke
      </Button>
    </>
  )
}

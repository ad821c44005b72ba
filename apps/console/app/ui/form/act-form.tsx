import { Alert, Button, Stack, Text } from '@mantine/core'
import type { useFetcher } from '@remix-run/react'
import { IconAlertCircle } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import type { Refusal } from '../../session.server.ts'
import { LeaveGuard } from '../leave-guard.tsx'
import { useOnce } from '../once.ts'

type Props = {
  fetcher: ReturnType<typeof useFetcher<unknown>>
  /** Made by the loader with `randomUUID()`: however often the form is sent, it acts once. */
  idempotencyKey: string
  /** What will happen, in words: "Creates 28 keys, at most $140.00 of $312.40." */
  sentence: ReactNode
  /** The button names the act: "Create 28 keys". */
  act: string
  /** Why it can't be sent yet; asked at each attempt. */
  canSend?: () => boolean
  isDisabled?: boolean
  /** Whether something was filled in that leaving would lose. */
  isTouched: boolean
  /** What leaving is called: "Leave without making the key?" */
  leaveTitle: string
  /** What the server refused, and which of its fields this form shows by itself. */
  refused: Refusal['error'] | null
  fields?: ReadonlySet<string>
  children: ReactNode
}

/**
 * The form of every act: its fields, the sentence above the button, the button that names the act. Sends once however often it is
 * clicked, asks before changes are lost, and shows what was refused: at the field (`errorAt`), or above the button.
 */
export function ActForm(props: Props) {
  const { fetcher, refused, fields = new Set<string>(), canSend } = props
  const once = useOnce(fetcher.state)
  const isElsewhere = refused !== null && !refused.fields.some((field) => fields.has(field.path))
  return (
    <fetcher.Form
      method="post"
      onSubmit={(event) => {
        if (canSend?.() === false) event.preventDefault()
        once(event)
      }}
    >
      <input type="hidden" name="idempotency_key" value={props.idempotencyKey} />
      <Stack gap="lg">
        {props.children}
        {isElsewhere && (
          <Alert color="red" icon={<IconAlertCircle size={18} />} role="alert">
            {refused.message}
            <Text size="xs" mt={4}>
              Request {refused.request_id}
            </Text>
          </Alert>
        )}
        <Stack gap="sm">
          <Text size="sm" component="div" aria-live="polite" data-testid="sentence">
            {props.sentence}
          </Text>
          <Button type="submit" loading={fetcher.state !== 'idle'} disabled={props.isDisabled ?? false} fullWidth>
            {props.act}
          </Button>
        </Stack>
      </Stack>
      <LeaveGuard when={props.isTouched} title={props.leaveTitle} leave="Leave" stay="Stay here">
        What you have filled in will be lost.
      </LeaveGuard>
    </fetcher.Form>
  )
}

/** What the server said of a field, in words that tell what to do. */
export function errorAt(refused: Refusal['error'] | null, ...paths: string[]): string | undefined {
  return refused?.fields.find((field) => paths.some((path) => field.path === path || field.path.startsWith(`${path}.`)))
    ?.message
}

/** What an action answered: what it refused, or what came of it. */
export function answerOf<Done extends object>(
  data: Done | Refusal | undefined,
): { refused: Refusal['error'] | null; done: Done | null } {
  if (data === undefined) return { refused: null, done: null }
  return 'error' in data ? { refused: (data as Refusal).error, done: null } : { refused: null, done: data as Done }
}

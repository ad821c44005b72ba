import { Alert, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { IconAlertCircle } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'

/** From more than this many on, the number has to be typed. */
const TYPED_FROM = 50

type Props = {
  opened: boolean
  onClose: () => void
  title: string
  /** What will happen, to how many, and that it can't be undone. */
  children: ReactNode
  /** The button's words: the act itself. */
  act: string
  onConfirm: () => void
  /** How many are hit. More than fifty, and the number has to be typed. */
  count?: number
  /** It has not been counted yet, or is under way. */
  isBusy?: boolean
  /** What the server refused. */
  error?: string | undefined
  isDangerous?: boolean
}

/** Asks before something that hits many, or that can't be taken back. */
export function Confirm({ isDangerous = true, isBusy = false, count = 1, ...props }: Props) {
  const [typed, setTyped] = useState('')
  const isTyping = isDangerous && count > TYPED_FROM
  const isTyped = !isTyping || typed.replace(/[\s.,’']/g, '') === String(count)
  const close = () => {
    setTyped('')
    props.onClose()
  }
  return (
    <Modal
      opened={props.opened}
      onClose={close}
      title={props.title}
      zIndex={400}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!isTyped || isBusy) return
          setTyped('')
          props.onConfirm()
        }}
      >
        <Stack gap="md">
          <Text size="sm" component="div">
            {props.children}
          </Text>
          {isTyping && (
            <TextInput
              label={`Type ${count.toLocaleString('en-US')} to go on`}
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
              inputMode="numeric"
              autoComplete="off"
              data-autofocus
            />
          )}
          {props.error !== undefined && (
            <Alert color="red" icon={<IconAlertCircle size={18} />} role="alert">
              {props.error}
            </Alert>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={close} data-autofocus={!isTyping || undefined}>
              Cancel
            </Button>
            <Button type="submit" {...(isDangerous ? { color: 'red' } : {})} disabled={!isTyped} loading={isBusy}>
              {props.act}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

import { Button, Group, Modal, Text } from '@mantine/core'
import type { ReactNode } from 'react'

type Props = {
  opened: boolean
  onClose: () => void
  title: string
  /** What will happen, and whether it can be undone. */
  children: ReactNode
  /** The button's words: the act itself. */
  act: string
  onConfirm: () => void
}

/** Asks before something that can't be taken back. */
export function Confirm({ opened, onClose, title, children, act, onConfirm }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title={title} zIndex={400} closeButtonProps={{ 'aria-label': 'Close' }}>
      <Text size="sm">{children}</Text>
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onClose} data-autofocus>
          Cancel
        </Button>
        <Button color="red" onClick={onConfirm}>
          {act}
        </Button>
      </Group>
    </Modal>
  )
}

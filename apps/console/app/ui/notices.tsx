import { ActionIcon, Button, Group, Paper, Progress, Stack, Text } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from 'react'
import classes from './notices.module.css'

type Notice = {
  message: string
  /** Takes it back. Offered for a minute, wherever one goes meanwhile. */
  undo?: () => void
}
type Shown = Notice & { id: number }

const UNDO_SECONDS = 60
const PLAIN_SECONDS = 6

const Notices = createContext<(notice: Notice) => void>(() => undefined)

/** Says that something was done: `notify({ message: '28 keys are disabled.', undo: () => … })`. */
export const useNotify = () => useContext(Notices)

export function NoticesProvider({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState<Shown[]>([])
  const count = useRef(0)
  const notify = (notice: Notice) => {
    count.current += 1
    const id = count.current
    setShown((before) => [...before.slice(-2), { ...notice, id }])
  }
  const close = (id: number) => setShown((before) => before.filter((one) => one.id !== id))
  return (
    <Notices.Provider value={notify}>
      {children}
      <Stack className={classes.place} gap="xs" role="status" aria-live="polite">
        {shown.map((notice) => (
          <One key={notice.id} notice={notice} onClose={() => close(notice.id)} />
        ))}
      </Stack>
    </Notices.Provider>
  )
}

function One({ notice, onClose }: { notice: Shown; onClose: () => void }) {
  const [left, setLeft] = useState(notice.undo === undefined ? PLAIN_SECONDS : UNDO_SECONDS)
  const isOver = left <= 0
  useEffect(() => {
    const timer = setInterval(() => setLeft((before) => before - 1), 1000)
    return () => clearInterval(timer)
  }, [])
  useEffect(() => {
    if (isOver) onClose()
  }, [isOver])
  return (
    <Paper shadow="md" withBorder p="xs" pl="md" className={classes.notice}>
      <Group wrap="nowrap" gap="sm">
        <Text size="sm" flex={1}>
          {notice.message}
        </Text>
        {notice.undo !== undefined && (
          <Button
            variant="light"
            size="xs"
            onClick={() => {
              notice.undo?.()
              onClose()
            }}
          >
            Undo
            <Text span inherit ml={6} aria-hidden>
              {left}
            </Text>
          </Button>
        )}
        <ActionIcon variant="subtle" color="gray" onClick={onClose} aria-label="Close the notice">
          <IconX size={15} />
        </ActionIcon>
      </Group>
    </Paper>
  )
}

/**
 * How far long work has come: "Creating keys, 140 of 500".
 * @public
 */
export function WorkProgress({ label, done, total }: { label: string; done: number; total: number }) {
  const percent = total === 0 ? 100 : Math.floor((done * 100) / total)
  return (
    <Stack gap={6}>
      <Group justify="space-between">
        <Text size="sm">{label}</Text>
        <Text size="sm" c="dimmed" aria-live="polite">
          {done.toLocaleString('en-US')} of {total.toLocaleString('en-US')}
        </Text>
      </Group>
      <Progress value={percent} size={6} animated={percent < 100} aria-label={label} />
    </Stack>
  )
}

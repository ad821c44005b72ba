import { Button, Group, Modal, Text } from '@mantine/core'
import { useBlocker } from '@remix-run/react'
import { type ReactNode, useEffect } from 'react'

/** Asks before something is left that would be lost. */
export function LeaveGuard(props: { when: boolean; title: string; children: ReactNode; leave: string; stay: string }) {
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) => props.when && currentLocation.pathname !== nextLocation.pathname,
  )
  useEffect(() => {
    if (!props.when) return
    const ask = (event: BeforeUnloadEvent) => event.preventDefault()
    window.addEventListener('beforeunload', ask)
    return () => window.removeEventListener('beforeunload', ask)
  }, [props.when])
  return (
    <Modal
      opened={blocker.state === 'blocked'}
      onClose={() => blocker.reset?.()}
      title={props.title}
      closeButtonProps={{ 'aria-label': 'Close' }}
      zIndex={400}
    >
      <Text size="sm">{props.children}</Text>
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={() => blocker.proceed?.()}>
          {props.leave}
        </Button>
        <Button onClick={() => blocker.reset?.()} data-autofocus>
          {props.stay}
        </Button>
      </Group>
    </Modal>
  )
}

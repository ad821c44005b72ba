import { Alert, Button, CopyButton, Group, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconCheck, IconCopy } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import { LeaveGuard } from '../../ui/leave-guard.tsx'
import classes from './shown-once.module.css'

type Props = {
  /** What the secret is: "key", "token". */
  what: string
  secret: string
  warning: ReactNode
  children?: ReactNode
  onDone: () => void
}

/** A secret on the one occasion it is shown. It is nowhere but in this page's memory, and leaving before it is copied asks. */
export function ShownOnce({ what, secret, warning, children, onDone }: Props) {
  const [isCopied, setCopied] = useState(false)
  return (
    <Stack gap="md">
      <Alert color="yellow" icon={<IconAlertTriangle size={18} />} title={`Copy the ${what} now`}>
        {warning}
      </Alert>
      <CopyButton value={secret} timeout={3000}>
        {({ copied, copy }) => (
          <Group gap="sm" wrap="nowrap" className={classes.box}>
            <Text component="output" className={classes.secret} aria-label={`The ${what}`} data-testid="secret">
              {secret}
            </Text>
            <Button
              onClick={() => {
                copy()
                setCopied(true)
              }}
              leftSection={copied ? <IconCheck size={16} /> : <IconCopy size={16} stroke={1.6} />}
              style={{ flexShrink: 0 }}
              data-autofocus
            >
              {copied ? 'Copied' : 'Copy'}
            </Button>
          </Group>
        )}
      </CopyButton>
      {children}
      <Button variant="default" onClick={onDone}>
        Done
      </Button>
      <LeaveGuard
        when={!isCopied}
        title={`Leave without the ${what}?`}
        leave="Leave without it"
        stay={`Back to the ${what}`}
      >
        It has not been copied yet and can not be shown again. If it is lost, revoke it and make a new one.
      </LeaveGuard>
    </Stack>
  )
}

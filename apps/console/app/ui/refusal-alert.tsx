import { Alert } from '@mantine/core'
import { IconAlertCircle } from '@tabler/icons-react'
import type { Refusal } from '../session.server.ts'

/** What the server refused, above the form it came from. */
export function RefusalAlert({ of }: { of: Refusal['error'] | null | undefined }) {
  if (of == null) return null
  return (
    <Alert color="red" variant="light" icon={<IconAlertCircle size={18} />} role="alert">
      {of.message}
    </Alert>
  )
}

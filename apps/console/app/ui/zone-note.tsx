import { Text } from '@mantine/core'
import { useMounted } from '@mantine/hooks'
import { useTenant } from '../features/tenant.ts'

/** Names the tenant's zone to those whose own clock shows another. */
export function ZoneNote() {
  const { time_zone } = useTenant()
  const isMounted = useMounted()
  if (!isMounted || Intl.DateTimeFormat().resolvedOptions().timeZone === time_zone) return null
  return (
    <Text size="xs" c="dimmed" mt="xs" ta="end">
      Times are in {time_zone}.
    </Text>
  )
}

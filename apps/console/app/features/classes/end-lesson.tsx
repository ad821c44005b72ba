import { Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { clock, instantToLocal, localToInstant } from '../../time.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { useNow } from '../../ui/now.tsx'
import { counted } from '../../words.ts'
import { LESSON_MINUTES } from '../keys/draft.ts'
import { useTenant } from '../tenant.ts'

type Props = {
  count: number
  onClose: () => void
  onEnd: (ends_at: string) => void
  isBusy: boolean
  error: string | undefined
}

const FIVE_MINUTES = 300_000

/** Asks when the lesson ends: today, on the tenant's clock. */
export function EndLesson({ count, onClose, onEnd, isBusy, error }: Props) {
  const { time_zone } = useTenant()
  const now = useNow()
  const [time, setTime] = useState(() => {
    const end = Math.round((now.getTime() + LESSON_MINUTES * 60_000) / FIVE_MINUTES) * FIVE_MINUTES
    return clock(new Date(end), time_zone)
  })
  const isTime = /^\d\d:\d\d$/.test(time)
  const ends_at = isTime ? localToInstant(`${instantToLocal(now, time_zone).slice(0, 10)} ${time}`, time_zone) : null
  const isPast = ends_at !== null && ends_at <= now.toISOString()
  const [isTried, setTried] = useState(false)
  return (
    <Confirm
      opened
      onClose={onClose}
      title="When does the lesson end?"
      act={isTime ? `Ends at ${time}` : 'Set the end'}
      onConfirm={() => {
        setTried(true)
        if (ends_at !== null && !isPast) onEnd(ends_at)
      }}
      count={count}
      isBusy={isBusy}
      isDangerous={false}
      error={error}
    >
      <Stack gap="sm">
        <TextInput
          type="time"
          label="Ends at"
          description={`Today, in ${time_zone}.`}
          value={time}
          onChange={(event) => setTime(event.currentTarget.value)}
          error={isTried && (isPast || !isTime) ? 'Give a time later today.' : undefined}
          w={180}
        />
        <Text size="sm">
          From then on {counted(count, 'key is', 'keys are')} refused, also those that had no end before.
        </Text>
      </Stack>
    </Confirm>
  )
}

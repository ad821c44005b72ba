import { useTenant } from '../features/tenant.ts'
import { ago, dayAndClock, exact } from '../time.ts'
import { useNow } from './now.tsx'

type Props = {
  at: string | null
  never?: string
  /** Where rows are told apart by their time: after an hour the clock's time, not only how long ago. */
  toTheMinute?: boolean
}

const HOUR_MS = 60 * 60_000

/** How long ago, with the exact time in the tenant's zone on hover. */
export function Moment({ at, never = 'Never', toTheMinute = false }: Props) {
  const now = useNow()
  const { time_zone } = useTenant()
  if (at === null) return <>{never}</>
  return (
    <time dateTime={at} title={exact(at, time_zone)}>
      {toTheMinute && now.getTime() - new Date(at).getTime() >= HOUR_MS
        ? dayAndClock(at, time_zone, now)
        : ago(at, time_zone, now)}
    </time>
  )
}

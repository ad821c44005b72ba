import { useTenant } from '../features/tenant.ts'
import { ago, exact } from '../time.ts'
import { useNow } from './now.tsx'

/** How long ago, with the exact time in the tenant's zone on hover. */
export function Moment({ at, never = 'Never' }: { at: string | null; never?: string }) {
  const now = useNow()
  const { time_zone } = useTenant()
  if (at === null) return <>{never}</>
  return (
    <time dateTime={at} title={exact(at, time_zone)}>
      {ago(at, time_zone, now)}
    </time>
  )
}

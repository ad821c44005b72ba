import { Box, Skeleton, VisuallyHidden } from '@mantine/core'
import { useMounted } from '@mantine/hooks'
import { lazy, Suspense } from 'react'
import { exactUsd } from '../../money.ts'

const Bars = lazy(() => import('./spend-bars.tsx'))

export type Day = { day: string; cost_usd: string; requests: number }

const HEIGHT = 200

/** Spend of each day. The chart library is large, so it comes after the page; the same numbers are there as a table for screen readers. */
export function SpendChart({ days }: { days: Day[] }) {
  const isMounted = useMounted()
  const waiting = <Skeleton h={HEIGHT} />
  return (
    <Box pos="relative">
      <Box aria-hidden="true">
        {isMounted ? (
          <Suspense fallback={waiting}>
            <Bars days={days} height={HEIGHT} />
          </Suspense>
        ) : (
          waiting
        )}
      </Box>
      <VisuallyHidden component="table">
        <caption>Spend per day</caption>
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col">Spent</th>
            <th scope="col">Requests</th>
          </tr>
        </thead>
        <tbody>
          {days.map(({ day, cost_usd, requests }) => (
            <tr key={day}>
              <th scope="row">{day}</th>
              <td>{exactUsd(cost_usd)}</td>
              <td>{requests}</td>
            </tr>
          ))}
        </tbody>
      </VisuallyHidden>
    </Box>
  )
}

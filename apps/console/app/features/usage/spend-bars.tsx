import { BarChart } from '@mantine/charts'
import { Paper, Text } from '@mantine/core'
import { plotted, shortUsd } from '../../money.ts'
import { day as dayWords } from '../../time.ts'
import { counted } from '../../words.ts'
import type { Day } from './spend-chart.tsx'

export default function SpendBars({ days, height }: { days: Day[]; height: number }) {
  const points = days.map((one) => ({ ...one, spent: plotted(one.cost_usd) }))
  const last = days.at(-1)?.day ?? '2000-01-01'
  // A day is a date without a time: read in UTC, it stays the day it is.
  const words = (day: string) => dayWords(day, 'UTC', new Date(last))
  const most = Math.max(...points.map((point) => point.spent))
  return (
    <BarChart
      h={height}
      data={points}
      dataKey="day"
      series={[{ name: 'spent', color: 'var(--mantine-primary-color-filled)' }]}
      barProps={{ radius: [3, 3, 0, 0], isAnimationActive: false, maxBarSize: 26 }}
      barChartProps={{ accessibilityLayer: false }}
      gridAxis="x"
      // The axis has a name, and the lines are drawn at the ticks of the one they name.
      gridProps={{ yAxisId: 'left' }}
      strokeDasharray="2 4"
      tickLine="none"
      xAxisProps={{ tickFormatter: words, minTickGap: 32 }}
      yAxisProps={{
        width: 56,
        domain: [0, most === 0 ? 1 : 'auto'],
        tickFormatter: (value: number) => (most < 8 ? `$${value.toFixed(2)}` : `$${value.toLocaleString('en-US')}`),
      }}
      tooltipProps={{
        content: ({ payload }) => {
          const point = payload?.[0]?.payload as Day | undefined
          if (point === undefined) return null
          return (
            <Paper withBorder shadow="sm" px="sm" py={6}>
              <Text size="xs" c="dimmed">
                {words(point.day)}
              </Text>
              <Text size="sm" fw={600}>
                {shortUsd(point.cost_usd)}
              </Text>
              <Text size="xs" c="dimmed">
                {counted(point.requests, 'request')}
              </Text>
            </Paper>
          )
        },
      }}
    />
  )
}

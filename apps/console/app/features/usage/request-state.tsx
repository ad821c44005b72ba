import { Badge } from '@mantine/core'

export type Outcome = { status: 'succeeded' | 'failed' | 'canceled' | 'interrupted'; http_status: number }

export const OUTCOMES = {
  succeeded: { word: 'Succeeded', color: 'green', meaning: 'The provider’s whole answer arrived.' },
  failed: { word: 'Failed', color: 'red', meaning: 'The provider refused or broke off.' },
  canceled: { word: 'Canceled', color: 'gray', meaning: 'The tool hung up before the answer was complete.' },
  interrupted: { word: 'Interrupted', color: 'yellow', meaning: 'The gateway stopped in the middle of it.' },
} as const

export function OutcomeBadge({ of: { status } }: { of: Outcome }) {
  const { word, color, meaning } = OUTCOMES[status]
  return (
    <Badge color={color} title={meaning}>
      {word}
    </Badge>
  )
}

/** 0.84 s, 12 s */
export function seconds(ms: number): string {
  return ms < 9_950 ? `${(ms / 1000).toFixed(ms < 1000 ? 2 : 1)} s` : `${Math.round(ms / 1000)} s`
}

import { Badge } from '@mantine/core'
import type { Provider } from './provider.ts'
import { HEALTH } from './words.ts'

export function HealthBadge({ of: provider }: { of: Pick<Provider, 'health' | 'is_enabled'> }) {
  if (!provider.is_enabled) {
    return (
      <Badge color="gray" style={{ flexShrink: 0 }} title="No requests go to it until it is switched on again.">
        Switched off
      </Badge>
    )
  }
  const { word, color, meaning } = HEALTH[provider.health.state]
  return (
    <Badge color={color} title={meaning} style={{ flexShrink: 0 }}>
      {word}
    </Badge>
  )
}

import { Alert, Anchor, Stack, Text, Title } from '@mantine/core'
import { Link, useNavigate } from '@remix-run/react'
import type { ComponentProps } from 'react'
import { ToolTabs } from '../connect/tool-tabs.tsx'
import { ShownOnce } from './shown-once.tsx'

type Props = {
  made: { secret: string | null }
  /** The key's own page, for when its secret was shown already. */
  keyPath: string
  closeTo: string
  warning: string
  gateway_url: string
  modelFor: ComponentProps<typeof ToolTabs>['modelFor']
}

/** A key that was just made: shown once, with tools that have it filled in. */
export function MadeKey({ made, keyPath, closeTo, warning, gateway_url, modelFor }: Props) {
  const navigate = useNavigate()
  if (made.secret === null) {
    return (
      <Alert color="yellow" title="This key was made already">
        <Stack gap="xs">
          <Text size="sm">It was shown once and can’t be shown again. If it is lost, replace it.</Text>
          <Anchor component={Link} to={keyPath} size="sm">
            Open the key
          </Anchor>
        </Stack>
      </Alert>
    )
  }
  return (
    <ShownOnce
      what="key"
      secret={made.secret}
      warning={warning}
      onDone={() => navigate(closeTo, { preventScrollReset: true })}
    >
      <div>
        <Title order={3} mb="xs">
          Connect a tool
        </Title>
        <ToolTabs connection={{ base_url: gateway_url, key: made.secret }} modelFor={modelFor} />
      </div>
    </ShownOnce>
  )
}

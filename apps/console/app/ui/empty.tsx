import { Center, Stack, Text, ThemeIcon } from '@mantine/core'
import { IconInbox, IconLock, IconSearchOff } from '@tabler/icons-react'
import type { ReactNode } from 'react'

const ICONS = { nothing_yet: IconInbox, nothing_matches: IconSearchOff, not_allowed: IconLock }

/** Why there is nothing to see, and what to do about it. */
export function Empty(props: { kind: keyof typeof ICONS; title: string; children?: ReactNode; action?: ReactNode }) {
  const Icon = ICONS[props.kind]
  return (
    <Center mih={220} p="lg">
      <Stack align="center" gap="xs" maw={420}>
        <ThemeIcon variant="light" color="gray" size={40} radius="xl">
          <Icon size={20} stroke={1.5} />
        </ThemeIcon>
        <Text fw={600}>{props.title}</Text>
        {props.children !== undefined && (
          <Text c="dimmed" ta="center" size="sm">
            {props.children}
          </Text>
        )}
        {props.action}
      </Stack>
    </Center>
  )
}

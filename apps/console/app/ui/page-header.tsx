import { Group, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

/** The page's one `h1`, what the page is for in a sentence, and its main action. */
export function PageHeader({ title, sentence, action }: { title: string; sentence: ReactNode; action?: ReactNode }) {
  return (
    <Group justify="space-between" align="flex-start" mb="lg" gap="sm">
      <Stack gap={4} flex="1 1 260px">
        <Title order={1}>{title}</Title>
        <Text c="dimmed" maw={640}>
          {sentence}
        </Text>
      </Stack>
      {action}
    </Group>
  )
}

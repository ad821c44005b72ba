import { Card, Center, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { Mark } from './mark.tsx'

/** A page for somebody who isn't in yet: one thing to do, in the middle, also on a phone. */
export function Door(props: { title: string; sentence?: ReactNode; children?: ReactNode; after?: ReactNode }) {
  return (
    <Center component="main" mih="100dvh" p="md">
      <Stack w="100%" maw={400} gap="lg">
        <Stack gap={6} align="center">
          <Mark size={36} />
          <Title order={1} ta="center">
            {props.title}
          </Title>
          {props.sentence !== undefined && (
            <Text c="dimmed" ta="center">
              {props.sentence}
            </Text>
          )}
        </Stack>
        {props.children !== undefined && (
          <Card padding="xl" style={{ background: 'var(--stipend-surface)' }}>
            {props.children}
          </Card>
        )}
        {props.after !== undefined && (
          <Text size="sm" c="dimmed" ta="center" component="div">
            {props.after}
          </Text>
        )}
      </Stack>
    </Center>
  )
}

import { Group, List, Text, ThemeIcon, VisuallyHidden } from '@mantine/core'
import { IconCheck, IconMinus, IconX } from '@tabler/icons-react'
import type { Verdict } from './provider.ts'

const STEPS = [
  ['reachable', 'Reachable'],
  ['credential', 'API key'],
  ['models', 'Models'],
  ['latency', 'Latency'],
] as const

/** What came of trying a connection: four ticks, each with what was found. */
export function Ticks({ of: verdict }: { of: Verdict }) {
  return (
    <List listStyleType="none" spacing="sm" aria-label="What was found" data-testid="ticks">
      {STEPS.map(([name, label]) => {
        const { is_ok, says } = verdict[name]
        const Icon = is_ok === null ? IconMinus : is_ok ? IconCheck : IconX
        return (
          <List.Item key={name}>
            <Group gap="sm" wrap="nowrap" align="flex-start">
              <ThemeIcon
                size={22}
                radius="xl"
                variant="light"
                color={is_ok === null ? 'gray' : is_ok ? 'green' : 'red'}
                mt={1}
              >
                <Icon size={14} aria-hidden />
              </ThemeIcon>
              <Text size="sm" component="span">
                <Text component="span" inherit fw={600}>
                  {label}
                </Text>
                <VisuallyHidden>{is_ok === null ? ', not known' : is_ok ? ', good' : ', wrong'}</VisuallyHidden>{' '}
                <Text component="span" inherit {...(is_ok === false ? {} : { c: 'dimmed' })}>
                  {says}
                </Text>
              </Text>
            </Group>
          </List.Item>
        )
      })}
    </List>
  )
}

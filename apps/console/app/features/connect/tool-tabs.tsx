import { Box, Stack, Tabs, Text } from '@mantine/core'
import { CodeBlock } from '../../ui/code-block.tsx'
import classes from './tool-tabs.module.css'
import { type Connection, TOOLS } from './tools.ts'

/** One tab for each tool, with its finished configuration. */
export function ToolTabs({ connection }: { connection: Connection }) {
  return (
    <Tabs
      defaultValue={TOOLS[0]?.id ?? null}
      keepMounted={false}
      variant="pills"
      classNames={{ list: classes.list, tab: classes.tab }}
    >
      <Tabs.List aria-label="Tool">
        {TOOLS.map((tool) => (
          <Tabs.Tab key={tool.id} value={tool.id}>
            {tool.name}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {TOOLS.map((tool) => (
        <Tabs.Panel key={tool.id} value={tool.id} pt="md">
          <Stack gap="sm">
            {tool.steps(connection).map((step) => (
              <Box key={step.say}>
                <Text size="sm" mb={6}>
                  {step.say}
                </Text>
                {step.code !== undefined && <CodeBlock code={step.code} label={`${tool.name}: ${step.say}`} />}
              </Box>
            ))}
          </Stack>
        </Tabs.Panel>
      ))}
    </Tabs>
  )
}

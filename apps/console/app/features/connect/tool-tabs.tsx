import { Box, Stack, Tabs, Text } from '@mantine/core'
import { CodeBlock } from '../../ui/code-block.tsx'
import classes from './tool-tabs.module.css'
import { type Connection, stepsFor, TOOLS, type ToolDialect } from './tools.ts'

/** One tab for each tool, with its finished configuration: its model is one that speaks what the tool speaks. */
export function ToolTabs({
  connection,
  modelFor,
}: {
  connection: Omit<Connection, 'model'>
  modelFor: Record<ToolDialect, string | null>
}) {
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
            {stepsFor(tool, connection, modelFor).map((step) => (
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

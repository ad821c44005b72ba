import { Table, Text } from '@mantine/core'
import { exactUsd } from '../../money.ts'
import classes from './model-table.module.css'
import type { Model } from './models.server.ts'

const short = new Intl.NumberFormat('en-US', { notation: 'compact' })

/** What a key can ask for. On a phone the context stands below the name, and the price of cached input is left out. */
export function ModelTable({ models }: { models: readonly Model[] }) {
  return (
    <Table className={classes.table} aria-label="Models">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Model</Table.Th>
          <Table.Th ta="right" visibleFrom="sm">
            Context
          </Table.Th>
          <Table.Th ta="right">Input</Table.Th>
          <Table.Th ta="right" visibleFrom="sm">
            Cached input
          </Table.Th>
          <Table.Th ta="right">Output</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {models.map((model) => (
          <Table.Tr key={model.name}>
            <Table.Td className={classes.name}>
              <Text size="sm" ff="monospace">
                {model.name}
              </Text>
              <Text size="xs" c="dimmed" hiddenFrom="sm">
                {short.format(model.context_tokens_max)} context
              </Text>
            </Table.Td>
            <Table.Td ta="right" visibleFrom="sm" title={`${model.context_tokens_max.toLocaleString('en-US')} tokens`}>
              {short.format(model.context_tokens_max)}
            </Table.Td>
            <Table.Td ta="right">{exactUsd(model.input_usd_per_million)}</Table.Td>
            <Table.Td ta="right" visibleFrom="sm">
              {exactUsd(model.cached_input_usd_per_million)}
            </Table.Td>
            <Table.Td ta="right">{exactUsd(model.output_usd_per_million)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

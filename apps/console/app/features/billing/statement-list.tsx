import { Anchor, Card, Group, Table, Text, Title } from '@mantine/core'
import { paths } from '../../paths.ts'
import { Amount } from '../../ui/amount.tsx'
import { Empty } from '../../ui/empty.tsx'
import { useTenant } from '../tenant.ts'
import classes from '../usage/request-table.module.css'
import { monthWords } from './words.ts'

type Month = { month: string; is_final: boolean; opening_usd: string; closing_usd: string }

/** The months, each to download. */
export function Statements({ statements }: { statements: Month[] }) {
  const { slug } = useTenant()
  return (
    <Card p={0}>
      <Title order={2} p="md" pb="xs">
        Statements
      </Title>
      {statements.length === 0 ? (
        <Empty kind="nothing_yet" title="No statements yet">
          There is one for each month in which money moved.
        </Empty>
      ) : (
        <Table className={classes.table} aria-label="Statements">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Month</Table.Th>
              <Table.Th ta="right">At its end</Table.Th>
              <Table.Th>Download</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {statements.map((one) => (
              <Table.Tr key={one.month} h={40}>
                <Table.Td>
                  <Text size="sm">{monthWords(one.month)}</Text>
                  {!one.is_final && (
                    <Text size="xs" c="dimmed">
                      Running
                    </Text>
                  )}
                </Table.Td>
                <Table.Td ta="right">
                  <Amount usd={one.closing_usd} />
                </Table.Td>
                <Table.Td>
                  <Group gap="sm">
                    {(['pdf', 'csv'] as const).map((format) => (
                      <Anchor
                        key={format}
                        href={paths.statement(slug, one.month, format)}
                        size="sm"
                        aria-label={`${monthWords(one.month)} as ${format.toUpperCase()}`}
                      >
                        {format.toUpperCase()}
                      </Anchor>
                    ))}
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Card>
  )
}

import { Card, Group, Switch, Table, Text, Title } from '@mantine/core'
import { useSearchParams } from '@remix-run/react'
import { exactUsd, shortUsd } from '../../money.ts'
import { Amount } from '../../ui/amount.tsx'
import { Empty } from '../../ui/empty.tsx'
import { Moment } from '../../ui/moment.tsx'
import { Pager } from '../../ui/pager.tsx'
import classes from '../usage/request-table.module.css'
import { isIn, KIND_WORDS, type Kind } from './words.ts'

type Movement = {
  id: string
  number: number
  kind: Kind
  cause: string
  amount_usd: string
  balance_after_usd: string
  effective_at: string
}

/** Every movement of the balance, newest first, with what it was afterwards. */
export function LedgerTable({
  page,
  withUsage,
}: {
  page: { data: Movement[]; next_cursor: string | null }
  withUsage: boolean
}) {
  const [search, setSearch] = useSearchParams()
  const toggle = (isOn: boolean) => {
    const next = new URLSearchParams(search)
    next.delete('after')
    if (isOn) next.set('usage', '1')
    else next.delete('usage')
    setSearch(next, { preventScrollReset: true })
  }
  return (
    <Card p={0}>
      <Group justify="space-between" p="md" pb="xs">
        <Title order={2}>Ledger</Title>
        <Switch
          label="Show hourly usage"
          size="sm"
          checked={withUsage}
          onChange={(event) => toggle(event.currentTarget.checked)}
        />
      </Group>
      {page.data.length === 0 ? (
        <Empty kind="nothing_yet" title="Nothing has moved yet">
          Top-ups, credits and refunds are listed here, each with the balance after it.
        </Empty>
      ) : (
        <Table className={classes.table} aria-label="Ledger">
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={56} visibleFrom="sm">
                No.
              </Table.Th>
              <Table.Th>What</Table.Th>
              <Table.Th visibleFrom="sm">When</Table.Th>
              <Table.Th ta="right">Amount</Table.Th>
              <Table.Th ta="right">Balance</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {page.data.map((one) => (
              <Table.Tr key={one.id} h={40}>
                <Table.Td c="dimmed" visibleFrom="sm">
                  {one.number}
                </Table.Td>
                <Table.Td>
                  <Text size="sm" fw={500} component="span">
                    {KIND_WORDS[one.kind]}
                  </Text>
                  {one.cause !== KIND_WORDS[one.kind] && (
                    <Text size="sm" c="dimmed" component="span">
                      {' '}
                      {one.cause}
                    </Text>
                  )}
                </Table.Td>
                <Table.Td c="dimmed" visibleFrom="sm">
                  <Moment at={one.effective_at} />
                </Table.Td>
                <Table.Td ta="right" {...(isIn(one.amount_usd) ? { c: 'green' } : {})}>
                  <data value={one.amount_usd} title={exactUsd(one.amount_usd)}>
                    {isIn(one.amount_usd) ? '+' : ''}
                    {shortUsd(one.amount_usd)}
                  </data>
                </Table.Td>
                <Table.Td ta="right">
                  <Amount usd={one.balance_after_usd} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      <Pager next={page.next_cursor} />
    </Card>
  )
}

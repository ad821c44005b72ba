import { Anchor, Badge, Card, Group, Table, Text, Title } from '@mantine/core'
import { Link } from '@remix-run/react'
import { paths } from '../../paths.ts'
import { Amount } from '../../ui/amount.tsx'
import { Empty } from '../../ui/empty.tsx'
import { Moment } from '../../ui/moment.tsx'
import { useTenant } from '../tenant.ts'
import classes from '../usage/request-table.module.css'
import { PAYMENT_WORDS } from './words.ts'

type TopUp = {
  id: string
  source: 'checkout' | 'automatic'
  status: keyof typeof PAYMENT_WORDS
  amount_usd: string
  receipt_url: string | null
  invoice_url: string | null
  invoice_number: string | null
  created_at: string
}

/** The last top-ups with their receipts and invoices. */
export function TopUpsTable({ topUps }: { topUps: TopUp[] }) {
  const { slug } = useTenant()
  return (
    <Card p={0}>
      <Title order={2} p="md" pb="xs">
        Top-ups
      </Title>
      {topUps.length === 0 ? (
        <Empty kind="nothing_yet" title="No top-ups yet">
          Their receipts and invoices are kept here.
        </Empty>
      ) : (
        <Table className={classes.table} aria-label="Top-ups">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>When</Table.Th>
              <Table.Th ta="right">Amount</Table.Th>
              <Table.Th>State</Table.Th>
              <Table.Th>Papers</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {topUps.map((one) => (
              <Table.Tr key={one.id} h={40}>
                <Table.Td>
                  <Anchor component={Link} to={paths.topUp(slug, one.id)} size="sm">
                    <Moment at={one.created_at} />
                  </Anchor>
                  {one.source === 'automatic' && (
                    <Text size="xs" c="dimmed">
                      Automatic
                    </Text>
                  )}
                </Table.Td>
                <Table.Td ta="right">
                  <Amount usd={one.amount_usd} />
                </Table.Td>
                <Table.Td>
                  <Badge color={PAYMENT_WORDS[one.status].color} variant="light">
                    {PAYMENT_WORDS[one.status].label}
                  </Badge>
                </Table.Td>
                <Table.Td>
                  <Group gap="sm">
                    {one.invoice_url !== null && (
                      <Anchor
                        href={one.invoice_url}
                        target="_blank"
                        rel="noreferrer"
                        size="sm"
                        title={one.invoice_number ?? undefined}
                      >
                        Invoice
                      </Anchor>
                    )}
                    {one.receipt_url !== null && (
                      <Anchor href={one.receipt_url} target="_blank" rel="noreferrer" size="sm">
                        Receipt
                      </Anchor>
                    )}
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

import { Alert, Stack, Table, Text } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { IconCheck } from '@tabler/icons-react'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantLoader } from '../session.server.ts'
import { Amount } from '../ui/amount.tsx'
import { SidePanel } from '../ui/side-panel.tsx'
import { counted } from '../words.ts'

export const meta: MetaFunction = () => [{ title: 'Compare – Stipend' }]

export const loader = tenantLoader(async ({ api }) => ({ report: await api.billing.reconcile({ days: 35 }) }))

const BETWEEN = {
  usage_and_ledger: 'Usage and ledger',
  ledger_and_balance: 'Ledger and balance',
  ledger_and_payments: 'Ledger and payments',
  payments_and_stripe: 'Payments and Stripe',
} as const

/** What was used, what was booked, what was paid: every difference between them. */
export default function Reconciliation() {
  const { report } = useLoaderData<typeof loader>()
  const { slug } = useTenant()
  const compared = `${counted(report.hours, 'hour')} of usage and ${counted(report.payments, 'payment')} of the last 35 days were compared${report.has_asked_stripe ? ', with Stripe as well' : ''}.`
  return (
    <SidePanel
      title="Compare"
      sentence="Usage, ledger and payments, side by side."
      closeTo={paths.billing(slug)}
      openedBy="compare"
    >
      <Stack gap="md">
        {report.differences.length === 0 ? (
          <Alert color="green" icon={<IconCheck size={18} />} title="Everything agrees">
            {compared}
          </Alert>
        ) : (
          <>
            <Alert color="red" title={`${counted(report.differences.length, 'difference')} found`}>
              {compared} Tell whoever runs this service.
            </Alert>
            <Table aria-label="Differences">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Where</Table.Th>
                  <Table.Th ta="right">Ours</Table.Th>
                  <Table.Th ta="right">Theirs</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {report.differences.map((one) => (
                  <Table.Tr key={`${one.between} ${one.subject}`}>
                    <Table.Td>
                      <Text size="sm" fw={500}>
                        {BETWEEN[one.between]}: {one.subject}
                      </Text>
                      <Text size="xs" c="dimmed">
                        {one.detail}
                      </Text>
                    </Table.Td>
                    <Table.Td ta="right">{one.ours_usd === null ? '–' : <Amount usd={one.ours_usd} />}</Table.Td>
                    <Table.Td ta="right">{one.theirs_usd === null ? '–' : <Amount usd={one.theirs_usd} />}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </>
        )}
      </Stack>
    </SidePanel>
  )
}

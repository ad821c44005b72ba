import { Badge, Button, Group, Table, Text } from '@mantine/core'
import { Link, useSearchParams } from '@remix-run/react'
import { FIELD_CHANGES, type Import, type ImportRow, OUTCOMES, REASONS } from './import-words.ts'

type Props = {
  of: Import
  rows: { data: ImportRow[]; next_cursor: string | null }
  outcome: ImportRow['outcome'] | null
}

/** The rows of an import, each with what happens to it and why; of one that is done, those that were left out. */
export function ImportRows({ of, rows, outcome }: Props) {
  const [search] = useSearchParams()
  const counts = of.summary
  const filters = (Object.keys(OUTCOMES) as ImportRow['outcome'][]).filter((one) => counts[one] > 0)
  if (of.status === 'applied' && counts.skip === 0) return null
  const to = (changes: Record<string, string | null>) => {
    const next = new URLSearchParams(search)
    for (const [name, value] of Object.entries({ after: null, ...changes })) {
      if (value === null) next.delete(name)
      else next.set(name, value)
    }
    return `?${next}`
  }
  return (
    <section aria-label="Rows">
      {of.status === 'draft' && (
        <Group gap={6} mb="sm" role="group" aria-label="Show">
          <FilterLink
            to={to({ show: null })}
            isOn={outcome === null}
            label={`All ${counts.rows.toLocaleString('en-US')}`}
          />
          {filters.map((one) => (
            <FilterLink
              key={one}
              to={to({ show: one })}
              isOn={outcome === one}
              label={`${OUTCOMES[one].label} ${counts[one].toLocaleString('en-US')}`}
            />
          ))}
        </Group>
      )}
      <Table.ScrollContainer minWidth={560} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
        <Table aria-label="Rows of the file" verticalSpacing="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={64}>Row</Table.Th>
              <Table.Th w={148}>Outcome</Table.Th>
              <Table.Th>Person</Table.Th>
              <Table.Th>What and why</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.data.map((row, at) => (
              <Table.Tr key={`${row.file} ${row.line} ${at}`}>
                <Table.Td>
                  <Text size="sm" c="dimmed" title={row.file ?? ''}>
                    {row.line ?? '–'}
                  </Text>
                </Table.Td>
                <Table.Td>
                  <Badge variant="light" color={OUTCOMES[row.outcome].color}>
                    {OUTCOMES[row.outcome].label}
                  </Badge>
                </Table.Td>
                <Table.Td>
                  <Text size="sm">{row.name || 'No name'}</Text>
                  <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                    {row.email || 'No address'}
                  </Text>
                </Table.Td>
                <Table.Td>
                  <Text size="sm" component="div">
                    {row.reason === null ? <Changes of={row} /> : REASONS[row.reason]}
                  </Text>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {rows.next_cursor !== null && (
        <Group justify="flex-end" mt="sm">
          <Button component={Link} to={to({ after: rows.next_cursor })} variant="default" size="xs">
            Next rows
          </Button>
        </Group>
      )}
    </section>
  )
}

function FilterLink({ to, isOn, label }: { to: string; isOn: boolean; label: string }) {
  return (
    <Button
      component={Link}
      to={to}
      size="compact-sm"
      variant={isOn ? 'filled' : 'default'}
      preventScrollReset
      aria-current={isOn ? 'true' : undefined}
    >
      {label}
    </Button>
  )
}

function Changes({ of }: { of: ImportRow }) {
  if (of.outcome === 'merged') return <>The person of an earlier row: what is new here is added to them.</>
  if (of.outcome === 'unchanged') return <>All of this is known already.</>
  if (of.changes.length === 0) return <>New.</>
  return (
    <>
      {of.changes.map((one) => (
        <div key={one.field}>
          {FIELD_CHANGES[one.field]}: {one.before !== null && <s>{one.before}</s>} {one.after ?? 'none'}
        </div>
      ))}
    </>
  )
}

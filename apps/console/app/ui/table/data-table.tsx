import { Box, Button, Checkbox, Group, Skeleton, Table, Text, UnstyledButton, VisuallyHidden } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { Link, useNavigate } from '@remix-run/react'
import { IconArrowDown, IconArrowUp, IconChevronLeft, IconChevronRight } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { Empty } from '../empty.tsx'
import { useChosenColumns } from './chosen-columns.tsx'
import { type Column, columnsShown, placeOf } from './columns.ts'
import { type Selected, SelectionBar, useSelection } from './selection.tsx'
import { nextSort, trailOf, withParams, withTrail } from './state.ts'
import classes from './table.module.css'
import { searchOf, useTable } from './use-table.ts'

type Props<Row extends { id: string }> = {
  /** Names the table's chosen columns: lower-case letters. */
  id: string
  /** What a screen reader calls it. */
  label: string
  columns: readonly Column<Row>[]
  page: { data: Row[]; next_cursor: string | null }
  /** The order that is shown, as the address's `sort` spells it. */
  sort?: string
  /** Where a click on a row leads: its side panel. */
  rowTo?: (row: Row) => string
  /** The row whose panel is open. */
  openId?: string | undefined
  /** Makes rows selectable. `total` counts all that match, on every page; `acts` are buttons for what is selected. */
  selection?: {
    nouns: readonly [string, string]
    /** What a screen reader calls a row's box: "Select Sanne de Vries". */
    nameOf: (row: Row) => string
    total: () => Promise<number>
    acts: (selected: Selected) => ReactNode
  }
  /** Whether a filter or a search is set: the words when nothing is there depend on it. */
  isFiltered: boolean
  /** Parameters that "Clear the filters" takes away. */
  filterNames?: readonly string[]
  /** What to say, and to do, when there is nothing yet. */
  nothingYet: ReactNode
  /** Without its own border, inside something that has one. */
  isBare?: boolean
  /** Its rows are on their way, whatever the address says. */
  isLoading?: boolean
}

/**
 * The table of every page. Searching, filtering, sorting and paging happen on the server; what is asked for stands in the address
 * (`state.ts`), so a loader reads it with `readTable` and a link can be sent to somebody. `docs/console-kit.md` has an example.
 */
export function DataTable<Row extends { id: string }>(props: Props<Row>) {
  const { page, label, selection, isFiltered } = props
  const { params, isLoading: isAsking } = useTable()
  const isLoading = props.isLoading ?? isAsking
  const { chosen } = useChosenColumns()
  const { ref, width } = useElementSize()
  const selected = useSelection(page.data)
  const columns = columnsShown(props.columns, chosen[props.id])
  const isEmpty = page.data.length === 0 && !isLoading
  // Wider than its place it scrolls by itself, and its head then sticks to that.
  const least = columns.reduce((sum, column) => sum + (column.width ?? 150), selection === undefined ? 0 : 40)
  const isWide = width > 640 && least > width
  if (isEmpty) {
    const isElsewhere = isFiltered || trailOf(params).length > 0
    return <Box className={classes.frame}>{isElsewhere ? <NothingMatches {...props} /> : props.nothingYet}</Box>
  }
  return (
    <>
      <Box
        ref={ref}
        className={classes.frame}
        data-bare={props.isBare || undefined}
        data-wide={isWide || undefined}
        tabIndex={isWide ? 0 : undefined}
      >
        <Table
          className={classes.table}
          aria-label={label}
          aria-busy={isLoading}
          style={isWide ? { minWidth: least } : undefined}
        >
          <Table.Thead className={classes.head}>
            <Table.Tr>
              {selection !== undefined && (
                <Table.Th w={40} className={classes.check}>
                  <Checkbox
                    size="xs"
                    aria-label="Select all on this page"
                    checked={selected.isWholePage}
                    indeterminate={selected.isSome && !selected.isWholePage}
                    onChange={selected.togglePage}
                  />
                </Table.Th>
              )}
              {columns.map((column) => (
                <Head key={column.id} column={column} sort={props.sort} />
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {isLoading
              ? Array.from({ length: Math.max(4, Math.min(page.data.length, 12)) }, (_, row) => (
                  <SkeletonRow key={row} columns={columns} isSelectable={selection !== undefined} />
                ))
              : page.data.map((row) => <Row key={row.id} {...props} row={row} columns={columns} selected={selected} />)}
          </Table.Tbody>
        </Table>
      </Box>
      {selection !== undefined && <SelectionBar selected={selected} {...selection} />}
      {props.isBare !== true && <Pages next={page.next_cursor} />}
    </>
  )
}

function Head<Row>({ column, sort = '' }: { column: Column<Row>; sort?: string | undefined }) {
  const { params, pathname } = useTable()
  const isSorted = column.sort !== undefined && sort.replace(/^-/, '') === column.sort.sort
  const place = { ...placeOf(column), ...(column.width === undefined ? {} : { w: column.width }) }
  if (column.sort === undefined) {
    const { header } = column
    return (
      <Table.Th {...place}>
        {column.isHeaderHidden === true ? <VisuallyHidden>{header}</VisuallyHidden> : header}
      </Table.Th>
    )
  }
  const Arrow = sort.startsWith('-') ? IconArrowDown : IconArrowUp
  return (
    <Table.Th {...place} aria-sort={isSorted ? (sort.startsWith('-') ? 'descending' : 'ascending') : 'none'}>
      <UnstyledButton
        component={Link}
        to={`${pathname}${searchOf(withParams(params, { sort: nextSort(sort, column.sort) }))}`}
        preventScrollReset
        className={classes.sort}
      >
        {column.header}
        {isSorted ? <Arrow size={13} stroke={2} /> : <VisuallyHidden>, sort</VisuallyHidden>}
      </UnstyledButton>
    </Table.Th>
  )
}

function Row<Row extends { id: string }>({
  row,
  columns,
  rowTo,
  openId,
  selection,
  selected,
}: {
  row: Row
  columns: Column<Row>[]
  selected: ReturnType<typeof useSelection>
} & Pick<Props<Row>, 'rowTo' | 'openId' | 'selection'>) {
  const navigate = useNavigate()
  const to = rowTo?.(row)
  const isOn = selected.has(row.id)
  return (
    // The first cell's link is for the keyboard; a click anywhere in the row is a larger target for the mouse.
    <Table.Tr
      className={classes.row}
      data-clickable={to !== undefined || undefined}
      data-open={openId === row.id || undefined}
      data-selected={isOn || undefined}
      data-row={row.id}
      onClick={(event) => {
        const isElse = (event.target as Element).closest('a, button, input, label, [data-no-open]') !== null
        if (to !== undefined && !isElse && window.getSelection()?.type !== 'Range') {
          navigate(to, { preventScrollReset: true })
        }
      }}
    >
      {selection !== undefined && (
        <Table.Td className={classes.check} data-no-open>
          <Checkbox
            size="xs"
            aria-label={`Select ${selection.nameOf(row)}`}
            checked={isOn}
            onChange={() => selected.toggle(row.id)}
          />
        </Table.Td>
      )}
      {columns.map((column, index) => (
        <Table.Td key={column.id} {...placeOf(column)}>
          {index === 0 && to !== undefined ? (
            <Link to={to} preventScrollReset className={classes.link} id={rowLinkId(row.id)}>
              {column.cell(row)}
            </Link>
          ) : (
            column.cell(row)
          )}
          {column.under !== undefined && <Box hiddenFrom="sm">{column.under(row)}</Box>}
        </Table.Td>
      ))}
    </Table.Tr>
  )
}

/** The link of a row, to give the focus back to when its panel closes (`openedBy` of `SidePanel`). */
export const rowLinkId = (id: string) => `row-${id}`

function SkeletonRow<Row>({ columns, isSelectable }: { columns: Column<Row>[]; isSelectable: boolean }) {
  return (
    <Table.Tr className={classes.row}>
      {isSelectable && <Table.Td className={classes.check} />}
      {columns.map((column, index) => (
        <Table.Td key={column.id} {...placeOf(column)}>
          <Skeleton h={10} w={index === 0 ? '60%' : '75%'} display="inline-block" />
        </Table.Td>
      ))}
    </Table.Tr>
  )
}

function NothingMatches<Row extends { id: string }>({ filterNames = [] }: Props<Row>) {
  const { params, pathname } = useTable()
  const cleared = withParams(params, Object.fromEntries(['q', ...filterNames].map((name) => [name, null])))
  return (
    <Empty
      kind="nothing_matches"
      title="Nothing matches"
      action={
        <Button component={Link} to={`${pathname}${searchOf(cleared)}`} variant="default" size="xs" mt="xs">
          Clear the filters
        </Button>
      }
    >
      There is nothing with these filters and this search.
    </Empty>
  )
}

/** Steps through keyset pages. The address remembers the way, so going back works there and with the browser's button. */
function Pages({ next }: { next: string | null }) {
  const { params, pathname } = useTable()
  const trail = trailOf(params)
  if (next === null && trail.length === 0) return null
  const to = (cursors: string[]) => `${pathname}${searchOf(withTrail(params, cursors))}`
  const step = (words: string, cursors: string[] | null, icon: object) =>
    cursors === null ? (
      <Button variant="default" size="xs" disabled {...icon}>
        {words}
      </Button>
    ) : (
      <Button component={Link} to={to(cursors)} variant="default" size="xs" {...icon}>
        {words}
      </Button>
    )
  return (
    <Group justify="flex-end" gap="xs" mt="sm" component="nav" aria-label="Pages">
      {trail.length > 1 && (
        <Text component={Link} to={to([])} size="sm" c="dimmed" mr="xs">
          First page
        </Text>
      )}
      {step('Previous', trail.length > 0 ? trail.slice(0, -1) : null, { leftSection: <IconChevronLeft size={14} /> })}
      {step('Next', next === null ? null : [...trail, next], { rightSection: <IconChevronRight size={14} /> })}
    </Group>
  )
}

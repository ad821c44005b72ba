import {
  ActionIcon,
  Button,
  Checkbox,
  Group,
  Popover,
  ScrollArea,
  Stack,
  Text,
  TextInput,
  Tooltip,
} from '@mantine/core'
import { useDebouncedCallback, useDebouncedValue } from '@mantine/hooks'
import { IconColumns, IconDownload, IconPlus, IconSearch, IconX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { useChosenColumns } from './chosen-columns.tsx'
import { type Column, columnsShown } from './columns.ts'
import { valuesOf, withParams } from './state.ts'
import classes from './table.module.css'
import { useTable } from './use-table.ts'

type Option = { value: string; label: string }

/** A filter of a table: a parameter of the address with one value of these, or with several. */
export type TableFilter = {
  name: string
  label: string
  options: Option[]
  isSingle?: boolean
  /** Where there are too many to list: looks for some. `options` are then those already known, such as the one chosen. */
  find?: (text: string) => Promise<Option[]>
}

type Props = {
  /** What can be looked for: "Name or e-mail". */
  search?: string
  filters?: TableFilter[]
  /** The address that answers what is shown as a CSV file; takes the table's own parameters. */
  exportTo?: string
  // biome-ignore lint/suspicious/noExplicitAny: only names of columns are read, whatever their rows are
  table?: { id: string; columns: readonly Column<any>[] }
  children?: ReactNode
}

/** What stands above a table: the search, a chip for each filter, at the right what is shown and its export. */
export function TableToolbar({ search, filters = [], exportTo, table, children }: Props) {
  return (
    <Group gap={8} mb="sm" role="search" aria-label="Filters">
      {search !== undefined && <SearchField label={search} />}
      {filters.map((filter) =>
        filter.options.length === 0 && filter.find === undefined ? null : <FilterChip key={filter.name} {...filter} />,
      )}
      <Group gap={4} ml="auto">
        {children}
        {exportTo !== undefined && <ExportButton to={exportTo} table={table} />}
        {table !== undefined && <ColumnChooser {...table} />}
      </Group>
    </Group>
  )
}

function SearchField({ label }: { label: string }) {
  const { params, set } = useTable()
  const input = useRef<HTMLInputElement>(null)
  const submit = useDebouncedCallback((value: string) => set({ q: value.trim() }), 250)
  const given = params.get('q') ?? ''
  // Cleared or changed by something else, such as the browser's way back.
  useEffect(() => {
    if (input.current !== null && document.activeElement !== input.current) input.current.value = given
  }, [given])
  return (
    <TextInput
      ref={input}
      type="search"
      aria-label={label}
      placeholder={label}
      defaultValue={given}
      onChange={(event) => submit(event.currentTarget.value)}
      leftSection={<IconSearch size={16} stroke={1.5} />}
      size="xs"
      fz="sm"
      w={{ base: '100%', xs: 240 }}
    />
  )
}

const isOf = (options: readonly Option[], one: Option) => options.some((option) => option.value === one.value)

/** A filter as a chip: dashed while it filters nothing; with its values, and a cross, once it does. */
function FilterChip({ name, label, options: known, isSingle = false, find }: TableFilter) {
  const { params, set, pathname } = useTable()
  const [isOpen, setOpen] = useState(false)
  const [text, setText] = useState('')
  const [sought] = useDebouncedValue(text, 250)
  const found = useQuery({
    queryKey: ['filter', pathname, name, sought],
    queryFn: () => find?.(sought) ?? [],
    enabled: isOpen && find !== undefined,
    placeholderData: (before) => before,
  })
  const chosen = valuesOf(params, name)
  const options = find === undefined ? known : [...known, ...(found.data ?? []).filter((one) => !isOf(known, one))]
  const labels = chosen.map((value) => options.find((option) => option.value === value)?.label ?? value)
  const shown = options.filter((option) => option.label.toLowerCase().includes(text.toLowerCase()))
  const toggle = (value: string) => {
    const others = chosen.filter((one) => one !== value)
    const isOn = others.length < chosen.length
    set({ [name]: isOn ? others : isSingle ? [value] : [...others, value] })
    if (isSingle) setOpen(false)
  }
  return (
    <Popover opened={isOpen} onChange={setOpen} position="bottom-start" shadow="md" trapFocus returnFocus width={260}>
      <Button.Group>
        <Popover.Target>
          <Button
            variant="default"
            size="compact-sm"
            className={classes.chip}
            data-active={chosen.length > 0 || undefined}
            leftSection={chosen.length === 0 ? <IconPlus size={13} /> : undefined}
            onClick={() => setOpen(!isOpen)}
          >
            {label}
            {labels.length > 0 && (
              <Text span inherit fw={600} ml={6} truncate maw={180}>
                {labels.length > 2 ? `${labels.length} chosen` : labels.join(', ')}
              </Text>
            )}
          </Button>
        </Popover.Target>
        {chosen.length > 0 && (
          <Button
            variant="default"
            size="compact-sm"
            px={5}
            className={classes.chip}
            data-active
            aria-label={`Clear ${label}`}
            onClick={() => set({ [name]: null })}
          >
            <IconX size={13} />
          </Button>
        )}
      </Button.Group>
      <Popover.Dropdown p="xs" aria-label={label}>
        {(options.length > 8 || find !== undefined) && (
          <TextInput
            size="xs"
            mb="xs"
            aria-label={`Find in ${label}`}
            placeholder="Find"
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            data-autofocus
          />
        )}
        <ScrollArea.Autosize mah={280} type="auto">
          <Stack gap={2} role="group" aria-label={label}>
            {shown.map((option) => (
              <Checkbox
                key={option.value}
                size="xs"
                radius={isSingle ? 'xl' : 'sm'}
                label={option.label}
                checked={chosen.includes(option.value)}
                onChange={() => toggle(option.value)}
                classNames={{ root: classes.option }}
              />
            ))}
            {shown.length === 0 && (
              <Text size="sm" c="dimmed" p={6}>
                {found.isFetching ? 'Searching' : 'Nothing of this name'}
              </Text>
            )}
          </Stack>
        </ScrollArea.Autosize>
      </Popover.Dropdown>
    </Popover>
  )
}

function ExportButton({ to, table }: { to: string; table: Props['table'] }) {
  const { params } = useTable()
  const { chosen } = useChosenColumns()
  const asked = withParams(params, {
    columns: table === undefined ? null : columnsShown(table.columns, chosen[table.id]).map((column) => column.id),
  })
  return (
    <Tooltip label="Export what is shown (CSV)">
      <ActionIcon
        component="a"
        href={`${to}?${asked}`}
        download
        variant="subtle"
        color="gray"
        size="md"
        aria-label="Export what is shown as CSV"
      >
        <IconDownload size={17} stroke={1.6} />
      </ActionIcon>
    </Tooltip>
  )
}

function ColumnChooser({ id, columns }: NonNullable<Props['table']>) {
  const { chosen, choose } = useChosenColumns()
  const shown = columnsShown(columns, chosen[id]).map((column) => column.id)
  return (
    <Popover position="bottom-end" shadow="md" trapFocus returnFocus width={220}>
      <Popover.Target>
        <Tooltip label="Columns">
          <ActionIcon variant="subtle" color="gray" size="md" aria-label="Choose columns" visibleFrom="sm">
            <IconColumns size={17} stroke={1.6} />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown p="xs" aria-label="Columns">
        <Stack gap={2} role="group" aria-label="Columns">
          {columns
            .filter((column, index) => index > 0 && column.isHeaderHidden !== true)
            .map((column) => (
              <Checkbox
                key={column.id}
                size="xs"
                label={column.header}
                checked={shown.includes(column.id)}
                onChange={() =>
                  choose(
                    id,
                    columns
                      .map((one) => one.id)
                      .filter((one) => (one === column.id ? !shown.includes(one) : shown.includes(one))),
                  )
                }
                classNames={{ root: classes.option }}
              />
            ))}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  )
}

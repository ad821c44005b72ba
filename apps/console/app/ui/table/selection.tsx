import { Anchor, Button, Group, Paper, Text } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { type ReactNode, useEffect, useState } from 'react'
import { counted } from '../../words.ts'
import { withParams } from './state.ts'
import classes from './table.module.css'
import { useTable } from './use-table.ts'

/** What is selected in a table: these rows, or (`ids` null) every row that matches its filters, on every page. */
export type Selected = { ids: string[] | null; count: number; clear: () => void }

const NOBODY: ReadonlySet<string> = new Set()

/** The selection stays from page to page, and is gone with other filters: what can't be seen is not to be acted on. */
export function useSelection(rows: { id: string }[]) {
  const { params } = useTable()
  const filter = withParams(params, { sort: null }).toString()
  const [ids, setIds] = useState(NOBODY)
  const [isAll, setAll] = useState(false)
  const [of, setOf] = useState(filter)
  const clear = () => {
    setIds(NOBODY)
    setAll(false)
  }
  if (of !== filter) {
    setOf(filter)
    clear()
  }
  const has = (id: string) => isAll || ids.has(id)
  const isWholePage = rows.length > 0 && rows.every((row) => has(row.id))
  return {
    ids,
    isAll,
    isSome: isAll || ids.size > 0,
    isWholePage,
    has,
    clear,
    selectAll: () => setAll(true),
    toggle: (id: string) => {
      const begun = new Set(isAll ? rows.map((row) => row.id) : ids)
      if (!begun.delete(id)) begun.add(id)
      setAll(false)
      setIds(begun)
    },
    togglePage: () => {
      const begun = new Set(isAll ? [] : ids)
      for (const { id } of rows) {
        if (isWholePage) begun.delete(id)
        else begun.add(id)
      }
      setAll(false)
      setIds(begun)
    },
  }
}

type Props = {
  selected: ReturnType<typeof useSelection>
  nouns: readonly [string, string]
  total: () => Promise<number>
  acts: (selected: Selected) => ReactNode
}

/** How much is selected, how much could be, and what can be done with it; at the bottom while anything is selected. */
export function SelectionBar({ selected, nouns, total, acts }: Props) {
  const [matching, setMatching] = useState<number | null>(null)
  const isCounting = selected.isSome
  // Counted once something is selected: most who read a table select nothing.
  useEffect(() => {
    if (!isCounting) return
    let isCurrent = true
    total().then(
      (count) => isCurrent && setMatching(count),
      () => undefined,
    )
    return () => {
      isCurrent = false
    }
  }, [isCounting])
  if (!selected.isSome) return null
  const count = selected.isAll ? (matching ?? 0) : selected.ids.size
  const couldBeMore = !selected.isAll && matching !== null && matching > selected.ids.size
  return (
    <Paper className={classes.bar} shadow="md" role="region" aria-label="Selection">
      <Group gap="sm" wrap="nowrap" miw={0}>
        <Text size="sm" fw={600} aria-live="polite" style={{ whiteSpace: 'nowrap' }}>
          {selected.isAll ? `All ${counted(count, ...nouns)} that match` : `${counted(count, ...nouns)} selected`}
        </Text>
        {couldBeMore && (
          <Anchor component="button" type="button" size="sm" onClick={selected.selectAll}>
            Select all {matching.toLocaleString('en-US')} that match
          </Anchor>
        )}
      </Group>
      <Group gap="xs">
        {acts({ ids: selected.isAll ? null : [...selected.ids], count, clear: selected.clear })}
        <Button
          variant="subtle"
          color="gray"
          size="xs"
          px={8}
          onClick={selected.clear}
          aria-label="Clear the selection"
        >
          <IconX size={15} />
        </Button>
      </Group>
    </Paper>
  )
}

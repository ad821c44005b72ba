import type { ReactNode } from 'react'

/** A column of a table. The first one names the row: it is always there, and its content is the link that opens the row. */
export type Column<Row> = {
  id: string
  header: string
  /** The header is for those who hear it: what stands below says enough to those who see. */
  isHeaderHidden?: boolean
  cell: (row: Row) => ReactNode
  /** Of the first column: a second line on a phone, where most columns have no room. */
  under?: (row: Row) => ReactNode
  /** In pixels. A column without one shares what is left. */
  width?: number
  align?: 'end'
  /** Its name in the address's `sort`, and which way is wanted first: amounts and times begin with the most. */
  sort?: { sort: string; begins: 'up' | 'down' }
  /** From which width of the window on there is room for it. */
  from?: 'sm' | 'md' | 'lg' | 'xl'
  /** Not there at first: only once somebody has chosen it. */
  isExtra?: boolean
}

/** The columns that are there: those chosen, or those a table begins with. */
export function columnsShown<Row>(columns: readonly Column<Row>[], chosen: string[] | undefined): Column<Row>[] {
  return columns.filter(
    (column, index) => index === 0 || (chosen === undefined ? column.isExtra !== true : chosen.includes(column.id)),
  )
}

/** How a cell of a column is placed. */
export function placeOf<Row>(column: Column<Row>) {
  return {
    ...(column.align === undefined ? {} : { ta: column.align }),
    ...(column.from === undefined ? {} : { visibleFrom: column.from }),
  }
}

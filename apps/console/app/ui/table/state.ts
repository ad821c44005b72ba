/**
 * What the address says about a table: `q` what is looked for, one parameter per filter (several values with commas), `sort` (a
 * leading minus: downwards), `after` the cursors of the pages before this one. Loaders read it with `readTable`, components
 * with `useTable`.
 */
export type TableState<Sort extends string, Filter extends string> = {
  search: string | null
  sort: Sort
  filters: Partial<Record<Filter, string[]>>
  cursor: string | null
  isFiltered: boolean
}

/** How many pages one can step back; from further on the way back is the first page, or the browser's own button. */
const TRAIL_MAX = 12

/** The state of a table in an address. What the address says of no filter and no order of this table is left aside. */
export function readTable<const Sort extends string, const Filter extends string = never>(
  params: URLSearchParams,
  table: { sorts: readonly [Sort, ...Sort[]]; filters?: readonly Filter[] },
): TableState<Sort, Filter> {
  const search = params.get('q')?.trim() || null
  const filters: Partial<Record<Filter, string[]>> = {}
  for (const name of table.filters ?? []) {
    const values = valuesOf(params, name)
    if (values.length > 0) filters[name] = values
  }
  const sort = table.sorts.find((one) => one === params.get('sort')) ?? table.sorts[0]
  const isFiltered = search !== null || Object.keys(filters).length > 0
  return { search, sort, filters, cursor: trailOf(params).at(-1) ?? null, isFiltered }
}

export function valuesOf(params: URLSearchParams, name: string): string[] {
  return (params.get(name) ?? '').split(',').filter((value) => value !== '')
}

/** The cursors of the pages before this one: the last is this page's own. */
export function trailOf(params: URLSearchParams): string[] {
  return (params.get('after') ?? '').split('.').filter((cursor) => cursor !== '')
}

/** The same address with some parameters changed. Whatever changes but the page begins at the first page again. */
export function withParams(
  params: URLSearchParams,
  changes: Record<string, string | string[] | null>,
): URLSearchParams {
  const changed = new URLSearchParams(params)
  changed.delete('after')
  for (const [name, value] of Object.entries(changes)) {
    const written = Array.isArray(value) ? value.join(',') : value
    if (written === null || written === '') changed.delete(name)
    else changed.set(name, written)
  }
  return changed
}

export function withTrail(params: URLSearchParams, trail: string[]): URLSearchParams {
  return withParams(params, { after: trail.slice(-TRAIL_MAX).join('.') })
}

/** What a click on a column's head asks for: upwards, then downwards. A column of amounts or times begins with the most. */
export function nextSort(current: string, column: { sort: string; begins: 'up' | 'down' }): string {
  const up = column.sort
  const down = `-${column.sort}`
  const [first, second] = column.begins === 'up' ? [up, down] : [down, up]
  return current === first ? second : first
}

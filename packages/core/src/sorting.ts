import { type Column, type SQL, sql } from 'drizzle-orm'
import { invalidField } from './errors.ts'
import { decodeCursor } from './page.ts'

/** What a list can be sorted by. Never null, or rows would fall between pages. */
export type Sortings<Name extends string> = Record<Name, { by: SQL; type: 'text' | 'timestamptz' | 'bigint' }>

/** Every way to ask for them: `name` upwards, `-name` downwards. */
export function sortNames<const Name extends string>(...names: Name[]): (Name | `-${Name}`)[] {
  return names.flatMap((name): (Name | `-${Name}`)[] => [name, `-${name}`])
}

/**
 * Order and keyset of a sorted list. `key` is to be selected as `sort_key`, which `cursorOf` reads; the id decides between equals. A cursor
 * belongs to the order it was given with.
 */
export function sorted<Name extends string>(
  sortings: Sortings<Name>,
  sort: Name | `-${Name}`,
  id: Column | SQL,
  cursor: string | undefined,
) {
  const isDown = sort.startsWith('-')
  const { by, type } = sortings[sort.replace(/^-/, '') as Name]
  const direction = sql.raw(isDown ? 'desc' : 'asc')
  let after: SQL | undefined
  if (cursor !== undefined) {
    const [of, key, last] = decodeCursor(cursor, 3)
    if (of !== sort) throw invalidField('cursor', 'This cursor is of another order. Begin with the first page.')
    after = sql`(${by}, ${id}) ${sql.raw(isDown ? '<' : '>')} (${key}::${sql.raw(type)}, ${last})`
  }
  return {
    key: sql<string>`(${by})::text`,
    order: [sql`${by} ${direction}`, sql`${id} ${direction}`],
    after,
    cursorOf: (row: { sort_key: string; id: string }) => [sort, row.sort_key, row.id],
  }
}

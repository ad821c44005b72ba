import { z } from 'zod'
import { invalidField } from './errors.ts'

/** Keyset paging: what a list takes. */
export const PageInput = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50).describe('How many rows at most.'),
  cursor: z.string().max(500).optional().describe('`next_cursor` of the page before.'),
})

/** What a list answers: rows, and the cursor of the next page, null on the last. */
export function pageOf<T extends z.ZodType>(row: T) {
  return z.strictObject({ data: z.array(row), next_cursor: z.string().nullable() })
}

/** The sort key of the last row of a page, opaque to callers. */
export function encodeCursor(values: readonly string[]): string {
  return Buffer.from(JSON.stringify(values)).toString('base64url')
}

export function decodeCursor(cursor: string, length: number): string[] {
  try {
    const values: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (Array.isArray(values) && values.length === length && values.every((value) => typeof value === 'string')) {
      return values
    }
  } catch {
    // falls through: any unreadable cursor gets the same answer
  }
  throw invalidField('cursor', 'This cursor is not one of ours. Pass next_cursor of the page before, unchanged.')
}

/** Cuts `limit + 1` fetched rows to a page. `keyOf` gives the sort key that `decodeCursor` returns. */
export function toPage<Row, Out>(
  rows: Row[],
  limit: number,
  view: (row: Row) => Out,
  keyOf: (row: Row) => readonly string[],
): { data: Out[]; next_cursor: string | null } {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const next_cursor = rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null
  return { data: shown.map(view), next_cursor }
}

import { displayable } from './csv.ts'

/** A column of an export. `id` is the column's in the table: what is not shown is not exported. */
export type CsvColumn<Row> = { id: string; header: string; value: (row: Row) => string | number | null }

const PAGE = 200

/**
 * Answers every page of a query as one CSV file, a page at a time, so that a hundred thousand rows need no memory. The address's
 * `columns` says which columns are shown; without it all are written.
 */
export async function csvResponse<Row>(file: {
  name: string
  url: URL
  columns: readonly CsvColumn<Row>[]
  page: (paging: { cursor?: string; limit: number }) => Promise<{ data: Row[]; next_cursor: string | null }>
}): Promise<Response> {
  const shown = file.url.searchParams.get('columns')?.split(',')
  const columns = shown === undefined ? file.columns : file.columns.filter((column) => shown.includes(column.id))
  const line = (values: readonly (string | number | null)[]) => `${values.map(displayable).join(',')}\r\n`
  const encoder = new TextEncoder()
  // The first page before the answer begins: what is refused is refused with its own status.
  let next: Promise<{ data: Row[]; next_cursor: string | null }> | null = file.page({ limit: PAGE })
  await next
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      // The mark tells spreadsheet programs that this is UTF-8.
      controller.enqueue(encoder.encode(`\uFEFF${line(columns.map((column) => column.header))}`))
    },
    async pull(controller) {
      if (next === null) return controller.close()
      const page = await next
      next = page.next_cursor === null ? null : file.page({ limit: PAGE, cursor: page.next_cursor })
      // A failure is for the pull that waits for it.
      next?.catch(() => undefined)
      const lines = page.data.map((row) => line(columns.map((column) => column.value(row))))
      if (lines.length > 0) controller.enqueue(encoder.encode(lines.join('')))
      else controller.close()
    },
  })
  return new Response(body, {
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="${file.name}.csv"`,
    },
  })
}

import { fileName, statementPdf, statementRows } from '../features/billing/statement-pdf.server.ts'
import { tenantLoader } from '../session.server.ts'
import { displayable } from '../ui/table/csv.ts'

/** A month's statement, as a PDF or, with `?format=csv`, as a table for a spreadsheet. */
export const loader = tenantLoader(async ({ api, param, url }) => {
  const statement = await api.statements.get({ month: param('month') })
  const isCsv = url.searchParams.get('format') === 'csv'
  const body = isCsv
    ? `\uFEFF${statementRows(statement)
        .map((row) => `${row.map(displayable).join(',')}\r\n`)
        .join('')}`
    : new Uint8Array(await statementPdf(statement))
  const extension = isCsv ? 'csv' : 'pdf'
  return new Response(body, {
    headers: {
      'content-type': isCsv ? 'text/csv; charset=utf-8' : 'application/pdf',
      'content-disposition': `attachment; filename="${fileName(statement)}.${extension}"`,
      'cache-control': 'no-store',
    },
  })
})

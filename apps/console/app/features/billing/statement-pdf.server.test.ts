import { PDFDocument } from '@cantoo/pdf-lib'
import { expect, it } from 'vitest'
import { type Statement, statementPdf, statementRows } from './statement-pdf.server.ts'

const line = (n: number): Statement['lines'][number] => ({
  day: '2026-11-03',
  kind: 'usage',
  cause:
    n % 2 === 0 ? 'Usage' : `Схема ${n} of a very long cause that does not fit on a line however small it is written`,
  amount_usd: '-0.123456789',
  balance_after_usd: '10.00',
})
const statement = (lines: number): Statement => ({
  month: '2026-11',
  organisation: 'Lindenhof – Zürich 学校',
  time_zone: 'Europe/Zurich',
  is_final: true,
  opening_usd: '12.00',
  closing_usd: '-3.50',
  totals: [{ kind: 'usage', count: lines, amount_usd: '-15.50' }],
  lines: Array.from({ length: lines }, (_, n) => line(n)),
})

it('is a document of as many pages as it needs, whatever letters are in it', async () => {
  for (const [lines, pages] of [
    [0, 1],
    [200, 6],
  ] as const) {
    const bytes = await statementPdf(statement(lines))
    expect(Buffer.from(bytes.slice(0, 5)).toString()).toBe('%PDF-')
    const read = await PDFDocument.load(bytes)
    expect([read.getPageCount(), read.getTitle()]).toEqual([pages, 'Statement November 2026'])
  }
})

it('as a table it has every digit', () => {
  const rows = statementRows(statement(2))
  expect(rows).toHaveLength(4)
  expect(rows[1]).toEqual(['2026-11-01', 'Opening balance', '', '', '12.00'])
  expect(rows[2]).toEqual(['2026-11-03', 'usage', 'Usage', '-0.123456789', '10.00'])
})

import { PDFDocument, type PDFFont, type PDFPage, rgb, StandardFonts } from '@cantoo/pdf-lib'
import type { Caller } from '../../../backend.ts'
import { shortUsd } from '../../money.ts'
import { KIND_WORDS, monthWords } from './words.ts'

export type Statement = Awaited<ReturnType<Caller['statements']['get']>>

const WIDTH = 595
const HEIGHT = 842
const MARGIN = 48
const LINE = 17
const GREY = rgb(0.42, 0.42, 0.45)
const BLACK = rgb(0.1, 0.1, 0.12)

/** A month as a document for the books: A4, with a page number on each page. */
export async function statementPdf(statement: Statement): Promise<Uint8Array> {
  const pdf = await PDFDocument.create()
  const regular = await pdf.embedFont(StandardFonts.Helvetica)
  const bold = await pdf.embedFont(StandardFonts.HelveticaBold)
  pdf.setTitle(`Statement ${monthWords(statement.month)}`)
  pdf.setAuthor('Stipend')
  let page = pdf.addPage([WIDTH, HEIGHT])
  let y = HEIGHT - MARGIN

  const put = (text: string, x: number, font: PDFFont = regular, size = 10, color = BLACK) =>
    page.drawText(readable(font, text), { x, y, size, font, color })
  const putRight = (text: string, right: number, font: PDFFont = regular, size = 10, color = BLACK) => {
    const shown = readable(font, text)
    page.drawText(shown, { x: right - font.widthOfTextAtSize(shown, size), y, size, font, color })
  }
  const rule = () => {
    page.drawLine({
      start: { x: MARGIN, y: y + 11 },
      end: { x: WIDTH - MARGIN, y: y + 11 },
      thickness: 0.5,
      color: GREY,
    })
  }
  const right = WIDTH - MARGIN
  const middle = right - 95
  const heads = () => {
    put('Day', MARGIN, bold, 9, GREY)
    put('What', MARGIN + 70, bold, 9, GREY)
    putRight('Amount', middle, bold, 9, GREY)
    putRight('Balance', right, bold, 9, GREY)
    y -= LINE
  }
  const next = () => {
    y -= LINE
    if (y > MARGIN + LINE * 2) return
    page = pdf.addPage([WIDTH, HEIGHT])
    y = HEIGHT - MARGIN
    heads()
  }

  put('Statement', MARGIN, bold, 20)
  y -= 26
  put(statement.organisation, MARGIN, regular, 12)
  y -= LINE
  const running = statement.is_final ? '' : ', running'
  put(
    `${monthWords(statement.month)}${running} (${statement.time_zone}). Amounts in US dollars.`,
    MARGIN,
    regular,
    10,
    GREY,
  )
  y -= LINE * 2

  const summary: [string, string][] = [
    ['At the beginning', statement.opening_usd],
    ...statement.totals.map(({ kind, amount_usd }): [string, string] => [KIND_WORDS[kind], amount_usd]),
    [statement.is_final ? 'At the end' : 'So far', statement.closing_usd],
  ]
  for (const [index, [name, amount]] of summary.entries()) {
    const isEdge = index === 0 || index === summary.length - 1
    put(name, MARGIN, isEdge ? bold : regular)
    putRight(shortUsd(amount), right, isEdge ? bold : regular)
    y -= LINE
  }
  y -= LINE
  heads()
  rule()
  for (const line of statement.lines) {
    put(line.day, MARGIN)
    const words = line.cause === KIND_WORDS[line.kind] ? line.cause : `${KIND_WORDS[line.kind]}: ${line.cause}`
    put(shortened(regular, words, middle - MARGIN - 150), MARGIN + 70)
    putRight(shortUsd(line.amount_usd), middle)
    putRight(shortUsd(line.balance_after_usd), right)
    next()
  }
  number(pdf.getPages(), regular)
  return pdf.save()
}

function number(pages: readonly PDFPage[], font: PDFFont): void {
  for (const [index, page] of pages.entries()) {
    page.drawText(`Page ${index + 1} of ${pages.length}`, { x: MARGIN, y: 24, size: 8, font, color: GREY })
  }
}

/** Without what the standard fonts have no letters for. */
function readable(font: PDFFont, text: string): string {
  const known = new Set(font.getCharacterSet())
  return [...text.normalize('NFC')].map((letter) => (known.has(letter.codePointAt(0) ?? 0) ? letter : '?')).join('')
}

function shortened(font: PDFFont, text: string, width: number): string {
  let shown = text
  while (shown.length > 1 && font.widthOfTextAtSize(readable(font, shown), 10) > width) shown = shown.slice(0, -1)
  return shown === text ? text : `${shown.slice(0, -1)}...`
}

/** The same lines, exact to the last digit. */
export function statementRows(statement: Statement): (string | number | null)[][] {
  return [
    ['Day', 'Kind', 'Cause', 'Amount (USD)', 'Balance (USD)'],
    [`${statement.month}-01`, 'Opening balance', '', '', statement.opening_usd],
    ...statement.lines.map((line) => [line.day, line.kind, line.cause, line.amount_usd, line.balance_after_usd]),
  ]
}

export const fileName = (statement: Statement): string => `statement-${statement.month}`

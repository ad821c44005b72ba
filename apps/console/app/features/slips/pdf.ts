import {
  concatTransformationMatrix,
  drawObject,
  grayscale,
  LineCapStyle,
  PDFDocument,
  type PDFPage,
  popGraphicsState,
  pushGraphicsState,
} from '@cantoo/pdf-lib'
import encodeQr from 'qr'
import { isRightToLeft, type LoadFont } from './faces.ts'
import { budgetWords, howToStart, KEEP_IT, paperWindow, qrText, type Slip, type SlipSheet } from './slip.ts'
import { type Style, Typesetter } from './typesetter.ts'

/** Points: 1/72 of an inch. */
const MM = 72 / 25.4
export const PAPERS = { a4: [210 * MM, 297 * MM], letter: [8.5 * 72, 11 * 72] } as const
export type Paper = keyof typeof PAPERS

const COLUMNS = 2
const ROWS = 4
const PER_PAGE = COLUMNS * ROWS
const MARGIN = 8 * MM
const PADDING = 5 * MM
const QR_SIZE = 27 * MM
const MARK = 2 * MM

const NAME: Style = { weight: 600, size: 14 }
const LONG_NAME: Style = { weight: 600, size: 11 }
const PLACE: Style = { weight: 400, size: 8, gray: 0.35 }
const LABEL: Style = { weight: 400, size: 7, gray: 0.35 }
const FACT: Style = { weight: 600, size: 9 }
const KEY: Style = { weight: 'mono', size: 9.6 }
const STEP: Style = { weight: 400, size: 7.5 }
const BASE: Style = { weight: 'mono', size: 7.5 }

type Making = { paper: Paper; loadFont: LoadFont; onProgress?: (made: number, of: number) => void }

/** The slips as a PDF, eight to a page with marks to cut along. Leaves the page room to breathe after each page. */
export async function makePdf(sheet: SlipSheet, { paper, loadFont, onProgress }: Making): Promise<Uint8Array> {
  const document = await PDFDocument.create()
  document.setTitle(`Keys of ${sheet.place}`)
  document.setProducer('Stipend')
  document.setCreationDate(sheet.made_at)
  const setter = new Typesetter(document, loadFont)
  await prepare(setter, sheet)

  for (let first = 0; first < sheet.slips.length; first += PER_PAGE) {
    const page = document.addPage([...PAPERS[paper]])
    drawMarks(page)
    for (const [place, slip] of sheet.slips.slice(first, first + PER_PAGE).entries()) {
      drawSlip(page, setter, sheet, slip, place)
    }
    onProgress?.(Math.min(first + PER_PAGE, sheet.slips.length), sheet.slips.length)
    await new Promise((resolve) => setTimeout(resolve))
  }
  return document.save()
}

async function prepare(setter: Typesetter, sheet: SlipSheet): Promise<void> {
  const plain = [...howToStart(sheet), KEEP_IT, placeWords(sheet), LABELS, '…']
  for (const text of plain) for (const weight of [400, 600] as const) await setter.prepare(text, weight)
  await setter.prepare('', 'mono')
  for (const slip of sheet.slips) {
    await setter.prepare(slip.name, 600)
    await setter.prepare(budgetWords(slip) + paperWindow(slip, sheet.time_zone, sheet.made_at), 600)
  }
}

const LABELS = 'Budget Works Times are in Your key 1 2'

function placeWords({ place, tenant_name }: SlipSheet): string {
  return place === tenant_name ? place : `${place} · ${tenant_name}`
}

function sizesOf(page: PDFPage) {
  const { width, height } = page.getSize()
  return { width, height, w: (width - 2 * MARGIN) / COLUMNS, h: (height - 2 * MARGIN) / ROWS }
}

/** Short crosses where cuts meet: in the middle of the page they point the way, at its edge they stay outside of the slips. */
function drawMarks(page: PDFPage): void {
  const { height, w, h } = sizesOf(page)
  const line = (x1: number, y1: number, x2: number, y2: number) =>
    page.drawLine({
      start: { x: x1, y: y1 },
      end: { x: x2, y: y2 },
      thickness: 0.4,
      color: grayscale(0.55),
      lineCap: LineCapStyle.Butt,
    })
  for (let column = 0; column <= COLUMNS; column++) {
    for (let row = 0; row <= ROWS; row++) {
      const x = MARGIN + column * w
      const y = height - MARGIN - row * h
      line(x - MARK, y, x + MARK, y)
      line(x, y - MARK, x, y + MARK)
    }
  }
}

function drawSlip(page: PDFPage, setter: Typesetter, sheet: SlipSheet, slip: Slip, place: number): void {
  const { height, w, h } = sizesOf(page)
  const left = MARGIN + (place % COLUMNS) * w + PADDING
  const right = left + w - 2 * PADDING
  const top = height - MARGIN - Math.floor(place / COLUMNS) * h - PADDING
  const bottom = top - h + 2 * PADDING
  drawQr(page, qrText(sheet, slip), right - QR_SIZE, top - QR_SIZE)

  const room = right - left - QR_SIZE - 3 * MM
  const isShort = setter.width(slip.name, NAME) <= room
  const style = isShort ? NAME : LONG_NAME
  let y = top - style.size
  for (const line of setter.wrap(slip.name, style, room, isShort ? 1 : 3)) {
    const indent = isRightToLeft(slip.name) ? room - setter.width(line, style) : 0
    setter.draw(page, line, left + indent, y, style)
    y -= style.size * 1.25
  }
  // Arabic reaches further below its line.
  y += style.size * 1.25 - (isRightToLeft(slip.name) ? 16 : 12)
  for (const line of setter.wrap(placeWords(sheet), PLACE, room, 1)) setter.draw(page, line, left, y, PLACE)

  y -= 16
  const fact = (label: string, words: string) => {
    setter.draw(page, label, left, y, LABEL)
    for (const line of setter.wrap(words, FACT, room - 30, 2)) {
      setter.draw(page, line, left + 30, y, FACT)
      y -= 11
    }
    y -= 1
  }
  fact('Budget', budgetWords(slip))
  fact('Works', paperWindow(slip, sheet.time_zone, sheet.made_at))
  if (slip.valid_from !== null || slip.valid_until !== null) {
    setter.draw(page, `Times are in ${sheet.time_zone}`, left + 30, y + 2, LABEL)
  }

  // From the bottom up, so that the key stands at the same height on every slip.
  let base = bottom
  setter.draw(page, KEEP_IT, left, base, LABEL)
  const [scan = '', choose = '', base_url = ''] = howToStart(sheet)
  const steps = [
    ...setter.wrap(`1  ${scan}`, STEP, right - left, 2),
    ...setter.wrap(`2  ${choose}`, STEP, right - left, 1),
  ]
  base += 11
  for (const line of setter.wrap(base_url, BASE, right - left - 10, 1)) setter.draw(page, line, left + 10, base, BASE)
  for (const line of steps.toReversed()) {
    base += 10
    setter.draw(page, line, left, base, STEP)
  }
  base += 15
  page.drawRectangle({
    x: left - 4,
    y: base - 5,
    width: right - left + 8,
    height: KEY.size + 9,
    color: grayscale(0.94),
  })
  setter.draw(page, slip.secret, left, base, { ...KEY, size: sizeFor(setter, slip.secret, right - left) })
}

function sizeFor(setter: Typesetter, text: string, room: number): number {
  return Math.min(KEY.size, (KEY.size * room) / setter.width(text, KEY))
}

/** As a picture of one bit per square: a hundredth of what drawing its squares would take. */
function drawQr(page: PDFPage, text: string, x: number, y: number): void {
  const squares = encodeQr(text, 'raw', { ecc: 'medium', border: 2 })
  const size = squares.length
  const rowBytes = Math.ceil(size / 8)
  const bits = new Uint8Array(rowBytes * size)
  for (const [row, line] of squares.entries()) {
    for (const [column, isDark] of line.entries()) {
      const index = row * rowBytes + (column >> 3)
      if (!isDark) bits[index] = (bits[index] ?? 0) | (0x80 >> (column & 7))
    }
  }
  const { context } = page.doc
  const image = context.flateStream(bits, {
    Type: 'XObject',
    Subtype: 'Image',
    Width: size,
    Height: size,
    BitsPerComponent: 1,
    ColorSpace: 'DeviceGray',
  })
  const name = page.node.newXObject('Qr', context.register(image))
  page.pushOperators(
    pushGraphicsState(),
    concatTransformationMatrix(QR_SIZE, 0, 0, QR_SIZE, x, y),
    drawObject(name),
    popGraphicsState(),
  )
}

import {
  beginText,
  endText,
  type PDFDocument,
  type PDFFont,
  PDFHexString,
  type PDFName,
  type PDFOperator,
  type PDFPage,
  setFillingGrayscaleColor,
  setFontAndSize,
  setTextMatrix,
  showText,
} from '@cantoo/pdf-lib'
import * as fontkit from 'fontkit'
import { type Face, fileOf, type LoadFont, MONO_FILE, type Run, runsOf, type Weight } from './faces.ts'

/** How a line looks. `gray` is 0 for black, 1 for white; `size` is in points. */
export type Style = { weight: Weight | 'mono'; size: number; gray?: number }

type Loaded = { pdf: PDFFont; shape: fontkit.Font; isShaped: boolean }
/** Glyphs of a run as the PDF names them; shaped ones with places of their own, in thousandths of the size. */
type Set = { loaded: Loaded; hex: string; width: number; places: { x: number; y: number }[] | null }

/** Sets lines of any script into a PDF, with the parts of the fonts that are used and no more. */
export class Typesetter {
  readonly #document: PDFDocument
  readonly #load: LoadFont
  readonly #fonts = new Map<string, Loaded>()
  readonly #lines = new Map<string, Set[]>()
  readonly #names = new WeakMap<PDFPage, Map<PDFFont, PDFName>>()

  constructor(document: PDFDocument, load: LoadFont) {
    this.#document = document
    this.#load = load
    // Its own type of what it needs is narrower than what a font library of today is.
    document.registerFontkit(fontkit as unknown as Parameters<PDFDocument['registerFontkit']>[0])
  }

  /** Fetches the fonts a text needs. Has to be done before the text is measured or drawn. */
  async prepare(text: string, weight: Style['weight']): Promise<void> {
    if (weight === 'mono') return this.#prepare(MONO_FILE, false)
    for (const { face } of runsOf(text)) await this.#prepare(fileOf(face, weight), face.isShaped)
  }

  async #prepare(file: string, isShaped: boolean): Promise<void> {
    if (this.#fonts.has(file)) return
    const bytes = await this.#load(file)
    // Without kerning a line of plain letters is one piece of the PDF; joined letters need all their font knows.
    const features = isShaped ? undefined : { kern: false, liga: false }
    const pdf = await this.#document.embedFont(bytes, { subset: true, ...(features && { features }) })
    const shape = fontkit.create(bytes as Parameters<typeof fontkit.create>[0]) as fontkit.Font
    this.#fonts.set(file, { pdf, shape, isShaped })
  }

  width(text: string, { weight, size }: Style): number {
    return (this.#set(text, weight).reduce((sum, one) => sum + one.width, 0) * size) / 1000
  }

  /** Draws a line whose baseline begins at (x, y). */
  draw(page: PDFPage, text: string, x: number, y: number, { weight, size, gray = 0 }: Style): void {
    const operators: PDFOperator[] = [beginText(), setFillingGrayscaleColor(gray)]
    let left = x
    for (const { loaded, hex, width, places } of this.#set(text, weight)) {
      operators.push(setFontAndSize(this.#nameOn(page, loaded.pdf), size))
      if (places === null) {
        operators.push(setTextMatrix(1, 0, 0, 1, left, y), showText(PDFHexString.of(hex)))
      } else {
        for (const [index, place] of places.entries()) {
          const at = setTextMatrix(1, 0, 0, 1, left + (place.x * size) / 1000, y + (place.y * size) / 1000)
          operators.push(at, showText(PDFHexString.of(hex.slice(index * 4, index * 4 + 4))))
        }
      }
      left += (width * size) / 1000
    }
    page.pushOperators(...operators, endText())
  }

  /** Breaks a text into at most `linesMax` lines no wider than `widthMax`; what is too much ends in an ellipsis. */
  wrap(text: string, style: Style, widthMax: number, linesMax: number): string[] {
    const lines: string[] = []
    let line = ''
    for (const word of piecesOf(text)) {
      if (line === '' || this.width((line + word).trimEnd(), style) <= widthMax) {
        line += word
        continue
      }
      lines.push(line.trimEnd())
      line = word
    }
    if (line.trim() !== '') lines.push(line.trimEnd())
    const shown = lines.slice(0, linesMax)
    if (lines.length > linesMax) shown[linesMax - 1] = `${shown.at(-1)} …`
    return shown.map((one) => this.#fit(one, style, widthMax))
  }

  /** What doesn't fit even alone loses its end. */
  #fit(line: string, style: Style, widthMax: number): string {
    if (this.width(line, style) <= widthMax) return line
    const letters = [...new Intl.Segmenter().segment(line)].map((one) => one.segment)
    while (letters.length > 1 && this.width(`${letters.join('')}…`, style) > widthMax) letters.pop()
    return `${letters.join('').trimEnd()}…`
  }

  #set(text: string, weight: Style['weight']): Set[] {
    const key = `${weight} ${text}`
    let set = this.#lines.get(key)
    if (set === undefined) {
      set = weight === 'mono' ? [this.#setRun(text, MONO_FILE)] : runsOf(text).map((run) => this.#setFaced(run, weight))
      this.#lines.set(key, set)
    }
    return set
  }

  #setFaced({ text, face }: Run, weight: Weight): Set {
    return this.#setRun(text, fileOf(face as Face, weight))
  }

  #setRun(text: string, file: string): Set {
    const loaded = this.#fonts.get(file)
    if (loaded === undefined) throw new Error(`${file} was not prepared`)
    const hex = loaded.pdf.encodeText(text).asString()
    if (!loaded.isShaped) return { loaded, hex, width: loaded.pdf.widthOfTextAtSize(text, 1000), places: null }
    const { positions } = loaded.shape.layout(text)
    const scale = 1000 / loaded.shape.unitsPerEm
    let width = 0
    const places = positions.map(({ xAdvance, xOffset, yOffset }) => {
      const place = { x: width + xOffset * scale, y: yOffset * scale }
      width += xAdvance * scale
      return place
    })
    return { loaded, hex, width, places }
  }

  #nameOn(page: PDFPage, font: PDFFont): PDFName {
    let names = this.#names.get(page)
    if (names === undefined) {
      names = new Map()
      this.#names.set(page, names)
    }
    let name = names.get(font)
    if (name === undefined) {
      name = page.node.newFontDictionary(font.name, font.ref)
      names.set(font, name)
    }
    return name
  }
}

/** Where a line may break: after spaces, and between the characters of scripts that have none. */
function piecesOf(text: string): string[] {
  return text.match(/[\p{Script=Han}]\s*|[^\s\p{Script=Han}]+\s*/gu) ?? []
}

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { PDFiumLibrary } from '@hyzyla/pdfium'
import jsQr from 'jsqr'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeCsv } from './csv.ts'
import { isRightToLeft, runsOf } from './faces.ts'
import { makePdf, PAPERS, type Paper } from './pdf.ts'
import { makePrintPage } from './print.ts'
import { fileName, paperWindow, type Slip, type SlipSheet } from './slip.ts'

const NAMES = [
  'Sanne de Vries',
  'محمد العمراني',
  '王小明',
  'Nguyễn Minh Anh',
  'Łukasz Žižek-Öztürk',
  'Ольга Іванівна',
  'דוד לוי',
  'Ελένη Παπαδοπούλου',
  'Maximiliana Alexandra Konstantinopolskaya van den Heuvel-Rietdijk tot Nijenrode',
]
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789'

const slipOf = (name: string, index: number): Slip => ({
  name,
  secret: `sk-stp-${Array.from({ length: 34 }, (_, place) => LETTERS.charAt((index * 31 + place * 7) % LETTERS.length)).join('')}`,
  budget_usd: '5.00',
  renewal: 'weekly',
  valid_from: '2026-11-25T09:00:00.000Z',
  valid_until: '2026-11-25T09:50:00.000Z',
})
const sheetOf = (names: readonly string[]): SlipSheet => ({
  tenant_name: 'Lindenhof Schools',
  place: 'Klas 3A',
  time_zone: 'Europe/Amsterdam',
  made_at: new Date('2026-11-24T10:00:00Z'),
  base_url: 'https://gateway.example/v1',
  slip_url: 'https://console.example/c',
  slips: names.map(slipOf),
})

const { resolve } = createRequire(import.meta.url)
const loaded: string[] = []
async function loadFont(file: string): Promise<Uint8Array> {
  loaded.push(file)
  return new Uint8Array(await readFile(resolve(`@fontsource/${file.replace('/', '/files/')}`)))
}

let pdfium: PDFiumLibrary
beforeAll(async () => {
  pdfium = await PDFiumLibrary.init()
})
afterAll(() => pdfium.destroy())

/** The pages of a PDF as another program reads them: their texts, and pictures of them. */
async function read(bytes: Uint8Array) {
  const document = await pdfium.loadDocument(bytes)
  const pages = []
  for (const page of document.pages()) {
    // A page is closed once it is rendered.
    const [text, size] = [page.getText(), page.getOriginalSize()]
    pages.push({ text, size, picture: await page.render({ scale: 3, render: 'bitmap' }) })
  }
  document.destroy()
  return pages
}

type Picture = Awaited<ReturnType<typeof read>>[number]['picture']

/** What a phone would read from the slip at a place of the page, the first row's left one being 0. */
function codeAt({ data, width, height }: Picture, place: number): string | undefined {
  const [w, h] = [Math.floor(width / 2), Math.floor(height / 4)]
  const [x, y] = [(place % 2) * w, Math.floor(place / 2) * h]
  const part = new Uint8ClampedArray(w * h * 4)
  for (let row = 0; row < h; row++) {
    const start = ((y + row) * width + x) * 4
    part.set(data.subarray(start, start + w * 4), row * w * 4)
  }
  return jsQr(part, w, h)?.data
}

describe('the PDF', () => {
  test.each(['a4', 'letter'] as Paper[])(
    'on %s has eight slips to a page, each with its own key and code',
    async (paper) => {
      const sheet = sheetOf(NAMES)
      const pages = await read(await makePdf(sheet, { paper, loadFont }))
      expect(pages).toHaveLength(2)
      for (const { size } of pages) {
        expect(size.originalWidth).toBeCloseTo(PAPERS[paper][0], 0)
        expect(size.originalHeight).toBeCloseTo(PAPERS[paper][1], 0)
      }
      for (const [index, slip] of sheet.slips.entries()) {
        const page = pages[Math.floor(index / 8)]
        expect(page?.text).toContain(slip.secret)
        expect(page && codeAt(page.picture, index % 8)).toBe(`https://console.example/c#${slip.secret}`)
      }
      expect(pages[1]?.text).not.toContain(sheet.slips[0]?.secret)
      const words = [
        'Klas 3A · Lindenhof Schools',
        '$5.00 every week',
        '25 Nov 2026, 10:00–10:50',
        'Europe/Amsterdam',
        'https://gateway.example/v1',
      ]
      for (const one of words) expect(pages[0]?.text).toContain(one)
    },
  )

  test('has names of every script as text, in the order of their letters', async () => {
    const [page] = await read(await makePdf(sheetOf(NAMES.slice(0, 8)), { paper: 'a4', loadFont }))
    const text = page?.text.normalize('NFKC') ?? ''
    for (const name of NAMES.slice(0, 8)) {
      for (const word of name.split(' ')) {
        // The dots of its last letter are a glyph of their own, which a reader may put elsewhere.
        if (word === 'العمراني') continue
        // What is read from the right may be given in the order it stands on the page.
        const isThere = [text, [...text].toReversed().join('')].some((one) => one.includes(word))
        expect(isThere, word).toBe(true)
      }
    }
  })

  test('joins Arabic letters', async () => {
    const [one] = await read(await makePdf(sheetOf(['محمد']), { paper: 'a4', loadFont }))
    const [apart] = await read(await makePdf(sheetOf(['م ح م د']), { paper: 'a4', loadFont }))
    expect(inkOf(one?.picture)).not.toBe(inkOf(apart?.picture))
    expect(widthOfInk(one?.picture)).toBeLessThan(widthOfInk(apart?.picture) * 0.8)
  })

  test('fetches no font that its names don’t need', async () => {
    loaded.length = 0
    await makePdf(sheetOf(['Sanne de Vries']), { paper: 'a4', loadFont })
    expect(loaded.toSorted()).toEqual([
      'noto-sans-mono/noto-sans-mono-latin-400-normal.woff',
      'noto-sans/noto-sans-latin-400-normal.woff',
      'noto-sans/noto-sans-latin-600-normal.woff',
    ])
  })

  test('survives what nobody can set', async () => {
    const [page] = await read(
      await makePdf(sheetOf(['ᚠᚢᚦ Rune', '😀', 'a'.repeat(200)]), { paper: 'letter', loadFont }),
    )
    expect(page?.text).toContain('??? Rune')
    expect(page?.text).toContain('…')
  })

  test('says how far it is', async () => {
    const progress: number[] = []
    await makePdf(sheetOf(NAMES), { paper: 'a4', loadFont, onProgress: (made) => progress.push(made) })
    expect(progress).toEqual([8, 9])
  })
})

/** Dark pixels where the first slip's name stands. */
function* nameInk(picture: Picture | undefined) {
  if (picture === undefined) throw new Error('no page')
  const { data, width } = picture
  const scale = 3 * (72 / 25.4)
  for (let y = Math.round(13 * scale); y < Math.round(18.5 * scale); y++) {
    for (let x = Math.round(13 * scale); x < Math.round(68 * scale); x++) {
      if ((data[(y * width + x) * 4] ?? 255) < 128) yield { x, y }
    }
  }
}
const inkOf = (picture: Picture | undefined) => [...nameInk(picture)].length
function widthOfInk(picture: Picture | undefined): number {
  const columns = [...nameInk(picture)].map(({ x }) => x)
  return Math.max(...columns) - Math.min(...columns)
}

test('lines are cut by what a font covers, right to left where it is read so', () => {
  const parts = (text: string) => runsOf(text).map((run) => [run.text, run.face.family])
  expect(parts('Sanne 王')).toEqual([
    ['Sanne ', 'noto-sans'],
    ['王', 'noto-sans-sc'],
  ])
  expect(parts('محمد Lee')).toEqual([
    ['Lee ', 'noto-sans'],
    ['محمد', 'noto-sans-arabic'],
  ])
  expect(isRightToLeft('3 محمد')).toBe(true)
  expect(isRightToLeft('Lee محمد')).toBe(false)
})

test('on paper a window has its date', () => {
  const at = (valid_from: string | null, valid_until: string | null) =>
    paperWindow({ ...slipOf('', 0), valid_from, valid_until }, 'Europe/Amsterdam', new Date('2026-11-24T10:00:00Z'))
  expect(at(null, null)).toBe('Always')
  expect(at(null, '2026-11-24T10:50:00Z')).toBe('Until 24 Nov 2026 11:50')
  // It has begun: only its end matters.
  expect(at('2026-11-24T09:00:00.000Z', '2026-11-24T10:50:00Z')).toBe('Until 24 Nov 2026 11:50')
  expect(at('2026-11-25T09:00:00.000Z', '2026-11-25T09:50:00Z')).toBe('25 Nov 2026, 10:00–10:50')
  expect(at('2026-11-25T09:00:00.000Z', '2026-11-26T09:50:00Z')).toBe('25 Nov 2026 10:00 – 26 Nov 2026 10:50')
  expect(at('2026-11-25T09:00:00.000Z', null)).toBe('From 25 Nov 2026 10:00')
})

test('as CSV no name becomes a formula, and Excel reads it as UTF-8', () => {
  const csv = makeCsv(sheetOf(['=HYPERLINK("http://evil.example")', 'De Vries, Zoë', '@SUM(A1)']))
  const [header, ...rows] = csv.split('\r\n')
  expect(header).toBe('\uFEFFName,Key,Budget,Budget in USD,Renewal,Valid from,Valid until,Base URL')
  expect(rows[0]).toMatch(/^"'=HYPERLINK\(""http:\/\/evil\.example""\)",sk-stp-/)
  expect(rows[1]).toMatch(/^"De Vries, Zoë",sk-stp-\w{34},\$5\.00 every week,5\.00,weekly,2026-11-25T09:00:00\.000Z,/)
  expect(rows[2]).toMatch(/^'@SUM\(A1\),/)
  expect(rows).toHaveLength(4)
})

test('the page to print holds no script and no mark-up of a name', () => {
  const page = makePrintPage(sheetOf(['<script>alert(1)</script>', 'محمد']))
  expect(page).not.toContain('<script')
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
  expect(page).toContain('<h2 dir="auto">محمد</h2>')
  expect(page.match(/<svg/g)).toHaveLength(2)
  expect(page).toContain('@page')
})

test('a file is named by place and day, without what a disk refuses', () => {
  expect(fileName({ ...sheetOf([]), place: 'Klas 3A/B: "talen"' }, 'pdf')).toBe(
    'Keys of Klas 3A B talen, 2026-11-24.pdf',
  )
})

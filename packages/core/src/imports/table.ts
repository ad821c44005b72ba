import { CsvError, parse } from 'csv-parse/sync'
import { invalidField } from '../errors.ts'
import type { Encoding, TextFile } from './decode.ts'

export const DELIMITERS = [',', ';', '\t', '|'] as const
export type Delimiter = (typeof DELIMITERS)[number]

/** Cells of a file, the first row included; `lines` are where each row begins in the file. Kept as JSON. */
export type Table = {
  name: string
  encoding: Encoding
  delimiter: Delimiter
  rows: string[][]
  lines: number[]
}

export const ROWS_MAX = 50_000

/** Reads the rows of a text. Rows may have cells too few or too many; blank ones are left out. */
export function readTable({ name, encoding, text }: TextFile): Table {
  // Excel's own hint, as the first line.
  const lines = text.replaceAll(/\r\n?/g, '\n')
  const hint = /^\uFEFF?sep=(.)\n/.exec(lines)
  const body = hint === null ? lines : lines.slice(hint[0].length)
  const hinted = DELIMITERS.find((one) => one === hint?.[1])
  const delimiter = hinted ?? delimiterOf(body)
  const records = parsed(name, body, delimiter)
  if (records.length > ROWS_MAX) {
    throw invalidField('files', `${name} has more than ${ROWS_MAX.toLocaleString('en')} rows. Import it in parts.`)
  }
  const offset = hint === null ? 0 : 1
  const table = {
    name,
    encoding,
    delimiter,
    rows: records.map(({ record }) => record),
    lines: records.map(({ line }) => line + offset),
  }
  if (table.rows.length === 0) throw invalidField('files', `${name} is empty.`)
  return withoutPasswords(table)
}

type Record = { record: string[]; line: number }

function parsed(name: string, text: string, delimiter: Delimiter, to?: number): Record[] {
  try {
    const found = parse(text, {
      bom: true,
      delimiter,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      trim: true,
      info: true,
      ...(to === undefined ? {} : { to }),
    }) as unknown as { record: string[]; info: { lines: number } }[]
    // `lines` is where a record ends; one that spans several began earlier.
    return found.map(({ record, info }) => ({
      record: record.map((cell) => cell.replaceAll(/\s+/g, ' ').trim()),
      line: info.lines - record.reduce((sum, cell) => sum + (cell.match(/\n/g)?.length ?? 0), 0),
    }))
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const where = typeof error.lines === 'number' ? ` near line ${error.lines}` : ''
    throw invalidField(
      'files',
      `${name} can’t be read as CSV${where}: a quotation mark is opened there and not closed.`,
    )
  }
}

/** The one that cuts most of the first rows into the same number of cells. */
function delimiterOf(text: string): Delimiter {
  const start = text.slice(0, 20_000)
  let best: { delimiter: Delimiter; score: number } = { delimiter: ',', score: 0 }
  for (const delimiter of DELIMITERS) {
    const score = scoreOf(start, delimiter)
    if (score > best.score) best = { delimiter, score }
  }
  return best.delimiter
}

function scoreOf(text: string, delimiter: Delimiter): number {
  let rows: Record[]
  try {
    rows = parsed('', text, delimiter, 20)
  } catch {
    // The sample may end inside of a quoted cell.
    rows = text.split(/\r?\n/, 20).map((line) => ({ record: line.split(delimiter), line: 0 }))
  }
  const width = rows[0]?.record.length ?? 1
  if (width < 2) return 0
  const alike = rows.filter(({ record }) => record.length === width).length
  return (alike / rows.length) * 100 + width
}

const PASSWORD =
  /^(?:.*[ _-])?(?:password|passwort|passwd|pwd|wachtwoord|kennwort|mot de passe|contrase\u00f1a)(?:[ _-].*)?$/i

/** Files from school systems carry passwords. They are nobody's business here and aren't kept. */
function withoutPasswords(table: Table): Table {
  const secret = new Set((table.rows[0] ?? []).flatMap((cell, at) => (isPasswordHeader(cell) ? [at] : [])))
  if (secret.size === 0) return table
  const rows = table.rows.map((row, index) => (index === 0 ? row : row.map((cell, at) => (secret.has(at) ? '' : cell))))
  return { ...table, rows }
}

function isPasswordHeader(cell: string): boolean {
  return PASSWORD.test(cell.trim())
}

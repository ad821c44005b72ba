import { expect, test } from 'vitest'
import { type CsvColumn, csvResponse } from './csv.server.ts'
import { displayable } from './csv.ts'

test.each([
  ['Sanne', 'Sanne'],
  ['de Vries, Sanne', '"de Vries, Sanne"'],
  ['the "best"', '"the ""best"""'],
  ['two\nlines', '"two\nlines"'],
  ['=HYPERLINK("x")', '"\'=HYPERLINK(""x"")"'],
  ['+31 6', "'+31 6"],
  ['@me', "'@me"],
  ['-1.50', '-1.50'],
  [null, ''],
  [0, '0'],
])('%j is written %s', (value, written) => {
  expect(displayable(value)).toBe(written)
})

const columns: CsvColumn<number>[] = [
  { id: 'n', header: 'Number', value: (row) => row },
  { id: 'square', header: 'Square', value: (row) => row * row },
]
const of = (query: string, rows: number, pages: (cursor?: string) => void = () => undefined) =>
  csvResponse({
    name: 'numbers',
    url: new URL(`http://console.invalid/numbers.csv${query}`),
    columns,
    page: async ({ cursor, limit }) => {
      pages(cursor)
      const from = Number(cursor ?? 0)
      const data = Array.from({ length: Math.min(limit, rows - from) }, (_, index) => from + index)
      return { data, next_cursor: from + limit < rows ? String(from + limit) : null }
    },
  })

test('a file has every page, with the columns that are shown', async () => {
  const cursors: (string | undefined)[] = []
  const response = await of('', 450, (cursor) => cursors.push(cursor))
  expect(response.headers.get('content-disposition')).toBe('attachment; filename="numbers.csv"')
  // Read as bytes: `text()` takes the mark away.
  const text = Buffer.from(await response.arrayBuffer()).toString('utf8')
  const lines = text.split('\r\n')
  expect(lines[0]).toBe('\uFEFFNumber,Square')
  expect(lines.slice(1, -1)).toEqual(Array.from({ length: 450 }, (_, n) => `${n},${n * n}`))
  expect(lines.at(-1)).toBe('')
  expect(cursors).toEqual([undefined, '200', '400'])
  expect(await (await of('?columns=square', 2)).text()).toBe('Square\r\n0\r\n1\r\n')
  expect(await (await of('', 0)).text()).toBe('Number,Square\r\n')
})

test('a file that may not be had is refused before it begins', async () => {
  const refused = csvResponse({
    name: 'numbers',
    url: new URL('http://console.invalid/'),
    columns,
    page: () => Promise.reject(new Error('forbidden')),
  })
  await expect(refused).rejects.toThrow('forbidden')
})

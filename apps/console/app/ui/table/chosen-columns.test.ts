import { expect, test } from 'vitest'
import { columnsOf, parseColumns, writeColumns } from './chosen-columns.tsx'

test('columns come back from the cookie as they were written', () => {
  const chosen = { keys: ['name', 'last_used_at'], people: ['name'] }
  const cookie = `a=b; columns_mem_1=${writeColumns(chosen)}; columns_mem_2=keys=cost`
  expect(columnsOf(cookie, 'mem_1')).toEqual(chosen)
  expect(columnsOf(cookie, 'mem_2')).toEqual({ keys: ['cost'] })
  expect(columnsOf(cookie, 'mem_3')).toEqual({})
  expect(columnsOf(null, 'mem_1')).toEqual({})
})

test.each(['keys=', '=name', '<b>=name', 'keys=<script>', '%', 'keys'])('%j is no choice', (written) => {
  expect(parseColumns(written)).toEqual({})
})

import { describe, expect, test } from 'vitest'
import { nextSort, readTable, withParams, withTrail } from './state.ts'

const of = (query: string) =>
  readTable(new URLSearchParams(query), { sorts: ['name', '-name', '-spent'], filters: ['status', 'group'] })

describe('the state of a table', () => {
  test('is what its address says', () => {
    expect(of('q=+Zoë+&status=active,expired&sort=-spent&after=a.b&tab=staff')).toEqual({
      search: 'Zoë',
      sort: '-spent',
      filters: { status: ['active', 'expired'] },
      cursor: 'b',
      isFiltered: true,
    })
  })

  test('is the first page in the first order where it says nothing', () => {
    expect(of('')).toEqual({ search: null, sort: 'name', filters: {}, cursor: null, isFiltered: false })
  })

  test.each(['sort=made-up', 'q=', 'status=', 'status=,', 'colour=red', 'after='])('is undisturbed by %s', (query) => {
    expect(of(query)).toEqual(of(''))
  })
})

describe('an address', () => {
  test('begins at the first page when anything but the page changes', () => {
    const changed = withParams(new URLSearchParams('after=a.b&tab=staff'), { status: ['active', 'expired'] })
    expect(changed.toString()).toBe('tab=staff&status=active%2Cexpired')
    expect(withParams(changed, { status: [] }).toString()).toBe('tab=staff')
    expect(withParams(changed, { tab: null, status: null }).toString()).toBe('')
  })

  test('remembers a dozen pages back and no more', () => {
    const trail = Array.from({ length: 40 }, (_, page) => `p${page}`)
    const kept = withTrail(new URLSearchParams('q=a'), trail)
    expect(kept.get('after')?.split('.')).toEqual(trail.slice(28))
    expect(withTrail(kept, []).toString()).toBe('q=a')
  })
})

test('a column sorts the way that is most wanted first, then the other way, then again', () => {
  const amount = { sort: 'spent', begins: 'down' } as const
  expect(nextSort('name', amount)).toBe('-spent')
  expect(nextSort('-spent', amount)).toBe('spent')
  expect(nextSort('spent', amount)).toBe('-spent')
  expect(nextSort('-spent', { sort: 'name', begins: 'up' })).toBe('name')
})

import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import * as core from '../index.ts'
import { createScene, refusalOf, type Scene } from '../testing.ts'

let test: TestDatabase
let place: Scene
let group: { id: string }
let people: { id: string; name: string }[]
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  place = await createScene(test.database)
  group = await place.run(core.groups.create, { name: 'Klas 3A', location_id: place.location.id })
  const add = (name: string, fields: object = {}) => place.member({ name, ...fields })
  people = [
    await add('Anna', { group_ids: [group.id] }),
    await add('Bram', { group_ids: [group.id] }),
    await add('Cem', { account: false, group_ids: [group.id] }),
    await add('Daan'),
  ]
  const [anna, bram] = people
  await place.key({ member_id: anna?.id ?? '', name: 'Old' })
  await place.key({ member_id: anna?.id ?? '', name: 'New', budget_usd: '7' })
  const paused = await place.key({ member_id: bram?.id ?? '', budget_usd: null })
  await place.run(core.keys.disable, { id: paused.id })
})
afterAll(() => test.drop())

const names = async (input: object) =>
  (await place.run(core.coding.listPeople, { kind: 'student', ...input })).data.map((one) => one.name)

describe('people of the Coding page', () => {
  it('have the newest of their keys, and how many there are', async () => {
    const [anna] = (await place.run(core.coding.listPeople, { kind: 'student' })).data
    expect(anna).toMatchObject({ name: 'Anna', keys_count: 2, key: { name: 'New' }, requests: 0, account: 'linked' })
  })

  it.each([
    [{}, ['Anna', 'Bram', 'Cem', 'Daan']],
    [{ key: 'none' }, ['Cem', 'Daan']],
    [{ key: 'any' }, ['Anna', 'Bram']],
    [{ key: 'disabled' }, ['Bram']],
    [{ key: 'active' }, ['Anna']],
    [{ account: 'none' }, ['Cem']],
    [{ is_ungrouped: true }, ['Daan']],
    [{ used_min: 1 }, []],
    [{ used_min: 0 }, ['Anna']],
    [{ search: 'a' }, ['Anna', 'Bram', 'Daan']],
    [{ sort: '-name' }, ['Daan', 'Cem', 'Bram', 'Anna']],
  ])('that match %j are %j', async (input, expected) => {
    const found = await names(input)
    // An address holds letters of chance: what is looked for may stand in it too.
    if ('search' in input) expect(found).toEqual(expect.arrayContaining(expected))
    else expect(found).toEqual(expected)
    if (!('sort' in input)) {
      const { count } = await place.run(core.coding.countPeople, { kind: 'student', ...input } as object)
      expect(count).toBe(found.length)
    }
  })

  it.each(['name', '-spent', 'last_used_at'] as const)('are paged by %s without gaps or doubles', async (sort) => {
    const whole = await names({ sort })
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await place.run(core.coding.listPeople, { kind: 'student', sort, limit: 1, cursor })
      seen.push(...page.data.map((one) => one.name))
      cursor = page.next_cursor ?? undefined
    } while (cursor !== undefined)
    expect(seen).toEqual(whole)
    expect(seen).toHaveLength(4)
  })

  it('are summed by class, and last who is in none', async () => {
    expect((await place.run(core.coding.listGroups, { kind: 'student' })).data).toEqual([
      {
        id: group.id,
        name: 'Klas 3A',
        location_name: 'Main',
        members_count: 3,
        keys_count: 3,
        spent_usd: '0.00',
        limit_usd: null,
      },
      {
        id: null,
        name: null,
        location_name: null,
        members_count: 1,
        keys_count: 0,
        spent_usd: '0.00',
        limit_usd: '0.00',
      },
    ])
  })

  it('are found by name, as their keys by the last four, their class by name', async () => {
    const found = await place.run(core.search.all, { text: 'Anna' })
    expect(found.members.map((one) => one.name)).toContain('Anna')
    const [anna] = (await place.run(core.coding.listPeople, { kind: 'student' })).data
    const four = anna?.key?.masked.slice(-4) ?? ''
    expect((await place.run(core.search.all, { text: four })).keys.map((one) => one.masked)).toContain(
      anna?.key?.masked,
    )
    expect((await place.run(core.search.all, { text: 'klas' })).groups).toHaveLength(1)
    expect((await refusalOf(place.run(core.search.all, { text: 'a' }))).code).toBe('invalid_request')
    const other = await createScene(test.database)
    expect(await other.run(core.search.all, { text: 'Anna' })).toEqual({
      members: [],
      keys: [],
      groups: [],
      requests: [],
    })
  })
})

import { withTenant } from '@stipend/db'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import type { z } from 'zod'
import * as core from '../index.ts'
import { createScene, type Scene } from '../testing.ts'
import { ListMembers } from './member.ts'
import { selectPage } from './operations.ts'

const PEOPLE = 100_000

let test: TestDatabase
let scene: Scene
let south: string
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  scene = await createScene(test.database)
  south = (await scene.run(core.locations.create, { name: 'South' })).id
  await test.admin`insert into members (tenant_id, id, kind, role, name, email, location_id, created_at)
    select ${scene.tenant_id}, 'mem_' || n, case when n % 10 = 0 then 'staff' else 'student' end, 'member', md5(n::text), n || '@x.example',
           case when n % 50 = 0 then ${south} else ${scene.location.id} end, now() - n * interval '1 minute'
      from generate_series(1, ${PEOPLE}) n`
  await test.admin`vacuum analyze members`
}, 60_000)
afterAll(() => test.drop())

type Node = {
  'Node Type': string
  'Parent Relationship'?: string
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  Plans?: Node[]
}

/** How a page of the list is read, as the database tells it: the kinds of its steps, and how many rows of people it looked at. */
async function readingOf(input: z.input<typeof ListMembers>) {
  const plan = await withTenant(test.database, scene.tenant_id, async (tx) => {
    const page = selectPage(tx, await scene.owner(), ListMembers.parse(input))
    const [row] = await tx.execute<{ 'QUERY PLAN': { Plan: Node }[] }>(
      sql`explain (analyze, format json) ${page.query.getSQL()}`,
    )
    return row?.['QUERY PLAN'][0]?.Plan
  })
  const nodes: Node[] = []
  const walk = (node: Node) => {
    nodes.push(node)
    // What each row of the page has beside it (names of groups, and so on) is read for those rows alone.
    for (const one of node.Plans ?? []) if (one['Parent Relationship'] === 'Outer') walk(one)
  }
  if (plan !== undefined) walk(plan)
  const rows = nodes
    .filter((node) => node['Relation Name'] === 'members')
    .reduce((sum, node) => sum + node['Actual Rows'] * node['Actual Loops'], 0)
  return { kinds: new Set(nodes.map((node) => node['Node Type'])), rows }
}

it.each(['name', '-name', 'email', '-email', 'created_at', '-created_at'] as const)(
  'of a hundred thousand, a page by %s is read from an index, also far down the list',
  async (sort) => {
    const [middle] = await test.admin<{ cursor: string[] }[]>`
      select array[${sort}, case ${sort.replace('-', '')} when 'name' then name_key when 'email' then email else created_at::text end, id] as cursor
        from members where tenant_id = ${scene.tenant_id} and id = 'mem_50000'`
    const cursor = Buffer.from(JSON.stringify(middle?.cursor)).toString('base64url')
    for (const page of [{ sort }, { sort, cursor }]) {
      const { kinds, rows } = await readingOf(page)
      expect([...kinds]).not.toContain('Sort')
      expect([...kinds]).not.toContain('Seq Scan')
      expect(rows).toBeGreaterThan(50)
      expect(rows).toBeLessThan(60)
    }
  },
)

it.each([
  ['a location', () => ({ location_id: south })],
  ['a kind', () => ({ kind: 'staff' as const })],
])('filtered by %s it is read from an index', async (_, filter) => {
  const { kinds, rows } = await readingOf(filter())
  expect([...kinds]).not.toContain('Seq Scan')
  expect([...kinds]).not.toContain('Sort')
  expect(rows).toBeLessThan(60)
})

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { is } from 'drizzle-orm'
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { dumpSchema } from './dump.ts'
import * as schema from './schema/index.ts'
import { createTestDatabase, type TestDatabase } from './testing.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
})
afterAll(() => test.drop())

const exported: readonly unknown[] = Object.values(schema)
const tables = exported.filter((one): one is PgTable => is(one, PgTable))

type Live = {
  columns: { name: string; type: string; isRequired: boolean; hasDefault: boolean }[]
  primary_key: string[]
  indexes: string[]
  policies: string[]
  references: string[]
  checks: string[]
}

async function live(table: string): Promise<Live> {
  const [found] = await test.admin<Live[]>`
    select
      array(select attname::text from unnest(k.conkey) with ordinality u (num, n) join pg_attribute on attrelid = c.oid and attnum = num order by n) as primary_key,
      coalesce((select json_agg(json_build_object('name', attname, 'type', format_type(atttypid, atttypmod), 'isRequired', attnotnull, 'hasDefault', atthasdef and attgenerated = '') order by attname)
         from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped), '[]') as columns,
      array(select i.indexrelid::regclass::text || case when i.indisunique then ' unique' else '' end from pg_index i
             where i.indrelid = c.oid and not exists (select from pg_constraint p where p.conindid = i.indexrelid and p.contype in ('p', 'u')) order by 1) as indexes,
      array(select polname::text from pg_policy where polrelid = c.oid order by 1) as policies,
      array(select f.confrelid::regclass || ' (' || array_to_string(array(
              select a.attname from unnest(f.conkey) with ordinality u (num, n) join pg_attribute a on a.attrelid = c.oid and a.attnum = num order by n), ', ') || ')'
              from pg_constraint f where f.conrelid = c.oid and f.contype = 'f' order by 1) as references,
      array(select conname::text from pg_constraint where conrelid = c.oid and contype = 'c' order by 1) as checks
    from pg_class c left join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
    where c.oid = to_regclass(${table})`
  if (found === undefined) throw new Error(`there is no table ${table}`)
  return found
}

function described(table: PgTable): Live {
  const config = getTableConfig(table)
  const own = config.columns.filter((column) => column.primary).map((column) => column.name)
  return {
    columns: config.columns
      .map((column) => ({
        name: column.name,
        type: column.getSQLType(),
        isRequired: column.notNull,
        hasDefault: column.hasDefault,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    primary_key: own.length > 0 ? own : (config.primaryKeys[0]?.columns.map((column) => column.name) ?? []),
    indexes: config.indexes.map((one) => `${one.config.name}${one.config.unique ? ' unique' : ''}`).sort(),
    policies: config.policies.map((one) => one.name).sort(),
    references: config.foreignKeys
      .map((one) => one.reference())
      .map((one) => `${getTableConfig(one.foreignTable).name} (${one.columns.map((column) => column.name).join(', ')})`)
      .sort(),
    checks: config.checks.map((one) => one.name).sort(),
  }
}

describe('the description of the tables in TypeScript', () => {
  it('is of every table there is', async () => {
    const rows = await test.admin<{ relname: string }[]>`
      select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`
    expect(tables.map((one) => getTableConfig(one).name).sort()).toEqual(rows.map((row) => row.relname).sort())
  })

  it.each(tables.map((table) => [getTableConfig(table).name, table] as const))(
    'agrees with %s',
    async (name, table) => {
      const there = await live(name)
      const here = described(table)
      if (name === 'usage_events') {
        // Its migration is written by hand: the description is for queries, and needs its columns and key only.
        expect(here.columns).toEqual(there.columns)
        expect(here.primary_key).toEqual(there.primary_key)
      } else {
        expect(here).toEqual(there)
      }
    },
  )

  it('would not agree with another', async () => {
    await test.admin`alter table usage_events add column surplus text`
    await test.admin`alter table keys alter column name drop not null`
    expect(described(schema.usage_events).columns).not.toEqual((await live('usage_events')).columns)
    expect(described(schema.keys).columns).not.toEqual((await live('keys')).columns)
    await test.admin`alter table usage_events drop column surplus`
    await test.admin`alter table keys alter column name set not null`
    expect(described(schema.keys)).toEqual(await live('keys'))
  })
})

it('schema.sql is the schema as it is', async () => {
  const written = readFileSync(path.join(import.meta.dirname, '../schema.sql'), 'utf8')
  expect(await dumpSchema(test.admin), 'run: node packages/db/src/write-schema.ts').toBe(written)
})

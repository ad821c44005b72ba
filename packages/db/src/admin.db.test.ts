import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { prepareDatabase } from './admin.ts'
import { close, connect, ping } from './connect.ts'
import { dumpSchema } from './dump.ts'
import { createTestDatabase, type TestDatabase } from './testing.ts'

const { adminUrl, appPassword } = inject('testCluster')
let test: TestDatabase
let fresh: string
beforeAll(async () => {
  test = await createTestDatabase({ adminUrl, appPassword })
  const name = `test_fresh_${randomBytes(4).toString('hex')}`
  await test.admin.unsafe(`create database ${name}`)
  fresh = Object.assign(new URL(adminUrl), { pathname: `/${name}` }).href
})
afterAll(async () => {
  await test.admin.unsafe(`drop database ${new URL(fresh).pathname.slice(1)} with (force)`)
  await test.drop()
})

async function dumpOf(url: string): Promise<string> {
  const client = postgres(url, { max: 1, onnotice: () => {} })
  try {
    return await dumpSchema(client)
  } finally {
    await client.end()
  }
}

it('prepares an empty database, for several programs at once', async () => {
  const answers = await Promise.all(Array.from({ length: 3 }, () => prepareDatabase(fresh, { appPassword })))
  expect(await dumpOf(fresh)).toBe(await dumpOf(test.adminUrl))
  for (const { appUrl } of answers) {
    expect(new URL(appUrl)).toMatchObject({ username: 'stipend_app', pathname: new URL(fresh).pathname })
    const database = connect(appUrl)
    await ping(database)
    await close(database)
  }
})

it('changes nothing of one that is prepared, and keeps its data', async () => {
  await test.admin`insert into gateways (id, last_seen_at) values ('gtw_kept', now())`
  const before = await dumpOf(test.adminUrl)
  const said: string[] = []
  await prepareDatabase(test.adminUrl, { appPassword, log: (line) => said.push(line) })
  expect(await dumpOf(test.adminUrl)).toBe(before)
  expect(await test.admin`select id from gateways`).toMatchObject([{ id: 'gtw_kept' }])
  expect(said).toEqual(
    ['1-grants', '2-lookups', '3-spend', '4-catalogue', '5-ledger'].map((name) => `applying ${name}.sql`),
  )
})

it('takes back what somebody granted by hand', async () => {
  const before = await dumpOf(test.adminUrl)
  await test.admin`grant all on usage_events, keys to stipend_app`
  await test.admin`alter table keys no force row level security`
  await test.admin`grant select on usage_events_other to stipend_app`
  expect(await dumpOf(test.adminUrl)).not.toBe(before)
  await prepareDatabase(test.adminUrl, { appPassword })
  expect(await dumpOf(test.adminUrl)).toBe(before)
  const [partition] = await test.admin`select has_table_privilege('stipend_app', 'usage_events_other', 'select') as may`
  expect(partition?.may).toBe(false)
})

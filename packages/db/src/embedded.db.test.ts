import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isEmbeddedRunning, killEmbedded, removeEmbedded, startEmbedded, stopEmbedded } from './embedded.ts'

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'stipend-embedded-'))
const dataDir = path.join(folder, 'postgres')
const start = (port = 0) => startEmbedded({ dataDir, port, settings: { max_connections: '20' } })

beforeAll(() => fs.chmodSync(folder, 0o755))

afterAll(async () => {
  await removeEmbedded({ dataDir })
  fs.rmSync(folder, { recursive: true, force: true })
})

async function query<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    return await work(sql)
  } finally {
    await sql.end({ timeout: 1 })
  }
}

test('starts, is found running, keeps committed rows through kill -9, stops', async () => {
  const first = await start()
  expect(first.alreadyRunning).toBe(false)
  const versions = await query(first.url, (sql) => sql`select current_setting('server_version_num')::int as version`)
  expect(versions[0]?.version).toBeGreaterThanOrEqual(180000)
  await query(first.url, (sql) => sql`create table kept as select n from generate_series(1, 1000) n`)

  const second = await start()
  expect(second).toEqual({ ...first, alreadyRunning: true })

  const open = postgres(first.url, { max: 2, onnotice: () => {} })
  await open`select 1`
  // Work in flight when the power goes: it is rolled back, what was committed stays.
  const interrupted = open
    .begin(async (tx) => {
      await tx`insert into kept values (1001)`
      await tx`select pg_sleep(30)`
    })
    .catch((error: Error) => error)
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(isEmbeddedRunning({ dataDir })).toBe(true)
  await killEmbedded({ dataDir })
  expect(isEmbeddedRunning({ dataDir })).toBe(false)
  expect(await interrupted).toBeInstanceOf(Error)
  await expect(query(first.url, (sql) => sql`select 1`)).rejects.toThrow()

  const third = await start(first.port)
  expect(third.alreadyRunning).toBe(false)
  // The pool that lost its connections finds the way back by itself.
  expect((await open`select 1 as one`)[0]?.one).toBe(1)
  expect(await open.begin((tx) => tx`select 2 as two`)).toEqual([{ two: 2 }])
  await open.end({ timeout: 1 })
  const rows = await query(third.url, (sql) => sql`select count(*)::int as count from kept`)
  expect(rows[0]?.count).toBe(1000)

  await stopEmbedded({ dataDir })
  await expect(query(third.url, (sql) => sql`select 1`)).rejects.toThrow()
  await stopEmbedded({ dataDir })
})

test('a lock file whose process number now belongs to another program does not stop it', async () => {
  await start()
  await stopEmbedded({ dataDir })
  const { elsewhere } = JSON.parse(fs.readFileSync(`${dataDir}.json`, 'utf8')) as { elsewhere: string | null }
  fs.writeFileSync(
    path.join(elsewhere ?? dataDir, 'postmaster.pid'),
    `${process.pid}\n${dataDir}\n1\n5432\n\n\n\nready   \n`,
  )
  expect((await start()).alreadyRunning).toBe(false)
  await stopEmbedded({ dataDir })
})

test('a port that is taken is named', async () => {
  const holder = net.createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => holder.once('listening', resolve))
  const { port } = holder.address() as net.AddressInfo
  await expect(start(port)).rejects.toMatchObject({
    code: 'port_taken',
    message: expect.stringContaining(`Port ${port} on 127.0.0.1 is taken`),
  })
  holder.close()
})

test('the password is random, kept for its owner only, and asked for', async () => {
  const { url } = await start()
  const file = `${dataDir}.json`
  expect(fs.statSync(file).mode & 0o777).toBe(0o600)
  const { password } = JSON.parse(fs.readFileSync(file, 'utf8')) as { password: string }
  expect(password.length).toBeGreaterThanOrEqual(32)
  expect(new URL(url).password).toBe(password)
  const wrong = new URL(url)
  wrong.password = 'wrong'
  await expect(query(wrong.href, (sql) => sql`select 1`)).rejects.toThrow(/password authentication failed/)
})

test('an initialisation that was cut off is begun again', async () => {
  const other = path.join(folder, 'cut')
  const draft = `${other}.unfinished`
  fs.mkdirSync(draft)
  fs.writeFileSync(path.join(draft, 'PG_VERSION'), '18\n')
  const { url } = await startEmbedded({ dataDir: other, port: 0, settings: { max_connections: '20' } })
  expect((await query(url, (sql) => sql`select 1 as one`))[0]?.one).toBe(1)
  expect(fs.existsSync(draft)).toBe(false)
  await removeEmbedded({ dataDir: other })
  expect(fs.readdirSync(folder).filter((name) => name.startsWith('cut'))).toEqual([])
})

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { close, connect, withLock } from '@stipend/db'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { createLog } from '@stipend/runtime'
import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest'
import { jobsOf } from '../src/job-list.ts'
import { startJobs } from '../src/jobs.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
})
afterAll(() => test.drop())

function logged() {
  const lines: Record<string, unknown>[] = []
  const log = createLog({ app: 'test', level: 'info', destination: { write: (line) => lines.push(JSON.parse(line)) } })
  return { log, lines }
}

it('a job is run by one worker at a time, again and again', async () => {
  const other = connect(test.url)
  const { log } = logged()
  let atOnce = 0
  let most = 0
  let runs = 0
  const enough = Promise.withResolvers<void>()
  const job = {
    name: 'count',
    every_ms: 0,
    run: async () => {
      atOnce += 1
      most = Math.max(most, atOnce)
      await new Promise(setImmediate)
      atOnce -= 1
      runs += 1
      if (runs >= 20) enough.resolve()
    },
  }
  const workers = [startJobs(test.database, log, [job]), startJobs(other, log, [job])]
  await enough.promise
  await Promise.all(workers.map((worker) => worker.stop()))
  await close(other)
  expect(most).toBe(1)
  expect(workers.map((worker) => worker.states()[0]?.runs ?? 0).reduce((a, b) => a + b)).toBe(runs)
})

it('an error of one job is logged, and neither it nor another job ends by it', async () => {
  const { log, lines } = logged()
  let tries = 0
  const works = Promise.withResolvers<void>()
  const jobs = startJobs(test.database, log, [
    {
      name: 'stumbles',
      every_ms: 0,
      run: async () => {
        tries += 1
        if (tries <= 2) throw new Error(`fall ${tries}`)
        works.resolve()
      },
    },
  ])
  await works.promise
  await jobs.stop()
  const failures = lines.filter((line) => line.msg === 'the job failed')
  expect(failures.map((line) => [line.job, (line.err as Error).message])).toEqual([
    ['stumbles', 'fall 1'],
    ['stumbles', 'fall 2'],
  ])
  expect(jobs.states()).toMatchObject([{ name: 'stumbles', is_failing: false }])
})

it('stopping waits for what runs and tells it', async () => {
  const { log } = logged()
  const begun = Promise.withResolvers<void>()
  let isDone = false
  const jobs = startJobs(test.database, log, [
    {
      name: 'long',
      every_ms: 0,
      run: async ({ signal }) => {
        begun.resolve()
        await once(signal, 'abort')
        await new Promise(setImmediate)
        isDone = true
      },
    },
  ])
  await begun.promise
  await jobs.stop()
  expect(isDone).toBe(true)
  // And the lock is free again.
  expect(await withLock(test.database, 'job long', async () => {})).toBe(true)
})

it('the worker starts, says how its jobs stand, and ends with 0 when asked to', async () => {
  const script = new URL('../src/worker.ts', import.meta.url).pathname
  const worker: ChildProcess = spawn(process.execPath, [script], {
    env: { DATABASE_URL: test.url, WORKER_PORT: '0', PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  worker.stdout?.on('data', (chunk) => (said += chunk))
  const ended = once(worker, 'exit')
  const line = await vi.waitUntil(() => said.split('\n').find((one) => one.includes('"working"')), { timeout: 20_000 })
  const { port, jobs } = JSON.parse(line)
  expect(jobs).toEqual(
    jobsOf({ database: test.database, master_keys: null, console_url: 'http://console.invalid', transport: null }).map(
      (job) => job.name,
    ),
  )
  const health = await fetch(`http://127.0.0.1:${port}/healthz`)
  expect([health.status, await health.json()]).toMatchObject([200, { status: 'ok' }])
  worker.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
})

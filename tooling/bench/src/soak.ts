import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { auditLedger } from '@stipend/core/spend'
import { createProvider, createScene } from '@stipend/core/testing'
import { close, connect } from '@stipend/db'
import { prepareDatabase } from '@stipend/db/admin'
import { removeEmbedded, startEmbedded } from '@stipend/db/embedded'
import { modelPrice } from '@stipend/money'

const GATEWAY_PORT = 18_130
const UPSTREAM_PORT = 18_131
const MODEL = 'gpt-4o-mini'
const ROOT = path.join(import.meta.dirname, '../../..')
const CLIENTS = 40
const KEYS = 60
/** Each client begins a request about so often. */
const PAUSE_MS = 100
const REPORT_MS = 10_000
/** What is loaded and compiled in the first minutes is no leak. */
const WARM_UP_SHARE = 0.3

type Sample = { seconds: number; rss: number; heap: number; requests: number }

/** Tells what the process it is loaded into needs of memory, in a file, after a collection of garbage. */
const PROBE = (file: string) =>
  `data:text/javascript,import fs from 'node:fs';setInterval(()=>{globalThis.gc?.();const{rss,heapUsed,external}=process.memoryUsage();fs.writeFileSync(${JSON.stringify(file)},JSON.stringify({rss,heap:heapUsed+external}))},2000).unref()`

/**
 * A gateway under a mixed load for so many minutes: whole answers, streams, clients that hang up, providers that fail, keys that are
 * spent, keys that don't exist. Prints its memory as it goes. 0 where it stayed flat and the ledger is sound.
 */
export async function runSoak(options: { benchDir: string; minutes: number }): Promise<number> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'stipend-soak-'))
  const dataDir = path.join(dir, 'postgres')
  const memory = path.join(dir, 'memory.json')
  const store = await startEmbedded({ dataDir, port: 0 })
  const children: ChildProcess[] = []
  try {
    const { appUrl } = await prepareDatabase(store.url, { appPassword: 'only-for-the-soak' })
    const masterKey = Buffer.alloc(32, 1)
    const keys = await seed(appUrl, masterKey)
    const upstreamEnv = {
      PORT: String(UPSTREAM_PORT),
      UPSTREAM_CHUNKS: '60',
      UPSTREAM_CHUNK_DELAY: '4',
      UPSTREAM_LATENCY: '20',
    }
    const upstream = [path.join(options.benchDir, 'mock-upstream.mjs')]
    children.push(spawn(process.execPath, upstream, { env: upstreamEnv, stdio: 'ignore' }))
    const gatewayEnv = {
      DATABASE_URL: appUrl,
      STIPEND_MASTER_KEY: masterKey.toString('base64'),
      GATEWAY_PORT: String(GATEWAY_PORT),
      GATEWAY_DATA_DIR: path.join(dir, 'gateway'),
      LOG_LEVEL: 'info',
      NODE_ENV: 'production',
    }
    const gateway = ['--expose-gc', '--import', PROBE(memory), path.join(ROOT, 'apps/gateway/src/main.ts')]
    children.push(spawn(process.execPath, gateway, { env: gatewayEnv, stdio: ['ignore', 'ignore', 'inherit'] }))
    await sleep(5_000)

    const seconds = options.minutes * 60
    const load = new Load(keys)
    const ends = performance.now() + seconds * 1_000
    const clients = Array.from({ length: CLIENTS }, () => load.run(ends))
    const failures = failNowAndThen(ends)
    const samples = await watch(memory, load, ends)
    await Promise.all([...clients, failures])
    console.log(`answers by status: ${JSON.stringify(load.statuses)}`)
    await stop(children)
    const isSound = await audit(appUrl)
    const isFlat = judge(samples)
    return isFlat && isSound ? 0 : 1
  } finally {
    await stop(children)
    await removeEmbedded({ dataDir })
    rmSync(dir, { recursive: true, force: true })
  }
}

async function seed(appUrl: string, masterKey: Buffer): Promise<string[]> {
  const database = connect(appUrl)
  try {
    const price = modelPrice({ input: '0.15', cached_input: '0.075', output: '0.60' })
    const base_url = `http://127.0.0.1:${UPSTREAM_PORT}/v1`
    await createProvider(database, { base_url, masterKey, models: [MODEL], price, credential: 'mock' })
    const scene = await createScene(database, { balance_usd: '100000' })
    // Some are spent soon, and are asked for all the same.
    const budgets = Array.from({ length: KEYS }, (_, i) => (i % 6 === 0 ? '0.002' : '1000'))
    return await Promise.all(budgets.map(async (budget_usd) => (await scene.key({ budget_usd })).secret))
  } finally {
    await close(database)
  }
}

/** Makes the provider fail for some seconds of each minute, each time in another way. */
async function failNowAndThen(ends: number): Promise<void> {
  const ways = ['500', '429', 'cut', 'reset', 'malformed', 'bad-sse', 'sse-error']
  const configure = (settings: object) =>
    fetch(`http://127.0.0.1:${UPSTREAM_PORT}/__config`, { method: 'POST', body: JSON.stringify(settings) })
  for (let i = 0; performance.now() < ends - 30_000; i++) {
    await sleep(20_000)
    await configure({ error: ways[i % ways.length], error_rate: 0.3 })
    await sleep(5_000)
    await configure({ error: '' })
  }
}

class Load {
  requests = 0
  readonly statuses: Record<string, number> = {}
  readonly #keys: readonly string[]
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS * 2 })

  constructor(keys: readonly string[]) {
    this.#keys = keys
  }

  async run(ends: number): Promise<void> {
    while (performance.now() < ends) {
      const status = await this.#one(Math.random())
      this.requests++
      this.statuses[status] = (this.statuses[status] ?? 0) + 1
      await sleep(PAUSE_MS * Math.random() * 2)
    }
  }

  #one(chance: number): Promise<number | 'hung up' | 'broken'> {
    const known = this.#keys[Math.floor(Math.random() * this.#keys.length)] ?? ''
    const key = chance < 0.01 ? `${known.slice(0, -1)}x` : known
    const isStream = chance > 0.5
    const content = 'Say something. '.repeat(1 + Math.floor(Math.random() * 400))
    const body =
      chance < 0.02 ? '{' : JSON.stringify({ model: MODEL, stream: isStream, messages: [{ role: 'user', content }] })
    const hangsUp = chance > 0.95
    return new Promise((resolve) => {
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
      const options = {
        host: '127.0.0.1',
        port: GATEWAY_PORT,
        path: '/v1/chat/completions',
        method: 'POST',
        headers,
        agent: this.#agent,
      }
      const request = http.request(options, (response) => {
        response.on('data', () => {
          if (!hangsUp) return
          request.destroy()
          resolve('hung up')
        })
        response.on('end', () => resolve(response.statusCode ?? 0))
        response.on('error', () => resolve('broken'))
      })
      request.on('error', () => resolve('broken'))
      request.end(body)
    })
  }
}

async function watch(memory: string, load: Load, ends: number): Promise<Sample[]> {
  const samples: Sample[] = []
  const begun = performance.now()
  console.log('seconds  RSS MB  heap MB  requests')
  while (performance.now() < ends) {
    await sleep(REPORT_MS)
    const { rss, heap } = JSON.parse(readFileSync(memory, 'utf8')) as { rss: number; heap: number }
    const sample = { seconds: Math.round((performance.now() - begun) / 1_000), rss, heap, requests: load.requests }
    samples.push(sample)
    const columns = [sample.seconds, megabytes(rss), megabytes(heap), load.requests]
    console.log(columns.map((column, i) => String(column).padStart([7, 8, 9, 10][i] ?? 0)).join(''))
  }
  return samples
}

const megabytes = (bytes: number) => (bytes / 1024 / 1024).toFixed(1)

/** Flat: what is in use at the end is within a tenth of what it was when all was warm. */
function judge(samples: readonly Sample[]): boolean {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP_SHARE))
  const third = Math.ceil(warm.length / 3)
  const mean = (part: readonly Sample[], of: (sample: Sample) => number) =>
    part.reduce((sum, sample) => sum + of(sample), 0) / part.length
  const verdicts = (['rss', 'heap'] as const).map((name) => {
    const early = mean(warm.slice(0, third), (sample) => sample[name])
    const late = mean(warm.slice(-third), (sample) => sample[name])
    console.log(
      `${name}: ${megabytes(early)} MB when warm, ${megabytes(late)} MB at the end (${(late / early).toFixed(3)} x)`,
    )
    return late <= early * 1.1
  })
  return verdicts.every(Boolean)
}

async function audit(appUrl: string): Promise<boolean> {
  const database = connect(appUrl)
  try {
    const { usage_events, violations } = await auditLedger(database)
    console.log(`ledger: ${usage_events} events, ${violations.length} violations`)
    return violations.length === 0
  } finally {
    await close(database)
  }
}

async function stop(children: ChildProcess[]): Promise<void> {
  for (const child of children.splice(0).reverse()) {
    if (child.exitCode !== null) continue
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await Promise.race([gone, sleep(40_000).then(() => child.kill('SIGKILL'))])
  }
}

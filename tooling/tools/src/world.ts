import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { auditLedger } from '@stipend/core/spend'
import { createProvider, createScene } from '@stipend/core/testing'
import { close, connect } from '@stipend/db'
import { prepareDatabase } from '@stipend/db/admin'
import { removeEmbedded, startEmbedded } from '@stipend/db/embedded'
import { startSandboxProvider } from '@stipend/sandbox-provider'

/** What clients talk to, and what is known of what they asked. */
export type World = {
  /** Ends in `/v1`. */
  baseUrl: string
  keys: { good: string; wrong?: string; empty?: string }
  /** The next request is answered that it comes too fast, and may come again in a second. */
  hesitate?(): void
  /** A key that may make so many requests a minute, and how many of its requests were answered so far. */
  limited?(requests_per_minute: number): Promise<{ key: string; requests(): Promise<number> }>
  /** Requests for an answer so far. */
  requests(): Promise<number>
  /** What is not as it should be with the books, in sentences. */
  audit(): Promise<string[]>
  close(): Promise<void>
}

const CREDENTIAL = 'sandbox-credential-for-tools'
/** Every name is a model's, which thinks first; thoughts come back or are refused. Answers come in pieces of a few bytes. */
const HARD = { any_model: true, reasoning_tokens: 16, split: 7 }
/** Names of both families, since tools send other parameters for those they know. */
const MODELS = ['sandbox-small', 'gpt-5.5', 'gpt-6-sol', 'claude-sonnet-5']

/** The provider by itself, to tell what is wrong with a client or with the provider from what is wrong with the gateway. */
export async function providerOnly(): Promise<World> {
  const sandbox = await startSandboxProvider({ credential: CREDENTIAL })
  sandbox.configure(HARD)
  return {
    baseUrl: `${sandbox.url}/v1`,
    keys: { good: CREDENTIAL },
    requests: async () => sandbox.stats().requests + sandbox.stats().failed,
    audit: async () => [],
    close: () => sandbox.close(),
  }
}

/** A database, the sandbox provider, a gateway in front of it and keys, all of their own. */
export async function wholeHouse(root: string, surroundings: Record<string, string>): Promise<World> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stipend-tools-'))
  const dataDir = path.join(folder, 'postgres')
  const { url } = await startEmbedded({ dataDir, port: 0, settings: { fsync: 'off', full_page_writes: 'off' } })
  const { appUrl } = await prepareDatabase(url, { appPassword: 'only-for-tools' })
  const database = connect(appUrl, { applicationName: 'stipend tools', max: 2 })
  const sandbox = await startSandboxProvider({ credential: CREDENTIAL })
  sandbox.configure(HARD)
  const masterKey = randomBytes(32)
  const where = { base_url: `${sandbox.url}/v1`, masterKey, credential: CREDENTIAL }
  const dialects = ['chat', 'responses', 'messages'] as const
  await createProvider(database, { ...where, models: MODELS, dialects: [...dialects], output_tokens_max: 64_000 })
  const embedder = { name: 'embedder', models: ['sandbox-embedding'], dialects: ['embeddings' as const] }
  await createProvider(database, { ...where, ...embedder })
  const scene = await createScene(database, { balance_usd: '100' })
  const gateway = await startGateway(root, {
    ...surroundings,
    DATABASE_URL: appUrl,
    STIPEND_MASTER_KEY: masterKey.toString('base64'),
    GATEWAY_PORT: '0',
    GATEWAY_DATA_DIR: path.join(folder, 'gateway'),
    LOG_LEVEL: 'info',
  })
  const good = (await scene.key({ budget_usd: '50' })).secret
  return {
    baseUrl: gateway.url,
    keys: {
      good,
      wrong: mistyped(good),
      empty: (await scene.key({ budget_usd: '0.000001' })).secret,
    },
    hesitate: () => sandbox.configure({ next: 1, status: 429, retry_after: 1 }),
    limited: async (requests_per_minute) => {
      const { id, secret } = await scene.key({ budget_usd: '5', requests_per_minute })
      return { key: secret, requests: () => gateway.answered(id) }
    },
    requests: gateway.requests,
    audit: async () => (await auditLedger(database)).violations.map((violation) => JSON.stringify(violation)),
    async close() {
      await gateway.end()
      await sandbox.close()
      await close(database, 1)
      await removeEmbedded({ dataDir })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function mistyped(key: string): string {
  return key.slice(0, -1) + (key.endsWith('a') ? 'b' : 'a')
}

const ASKS = /\/(chat\/completions|completions|responses|messages|embeddings)$/

/** Started as its own program; it says in its log where it listens and what it was asked. */
async function startGateway(root: string, env: Record<string, string>) {
  mkdirSync(env.GATEWAY_DATA_DIR ?? '', { recursive: true })
  const script = path.join(root, 'apps', 'gateway', 'src', 'main.ts')
  const child: ChildProcess = spawn(process.execPath, [script], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let requests = 0
  const answered = new Map<string, number>()
  const read = new Set<string>()
  const seen = new EventEmitter()
  const listening = Promise.withResolvers<string>()
  child.once('exit', (code) => listening.reject(new Error(`The gateway ended with ${code}.`)))
  if (child.stdout === null) throw new Error('The gateway has no output.')
  createInterface(child.stdout).on('line', (line) => {
    const said = JSON.parse(line) as {
      msg: string
      url?: string
      method?: string
      path?: string
      request_id?: string
      key_id?: string
      status?: number
    }
    if (said.msg === 'listening' && said.url !== undefined) listening.resolve(said.url)
    if (said.msg === 'request' && said.method === 'POST' && ASKS.test(said.path ?? '')) {
      requests += 1
      if (said.status === 200) answered.set(said.key_id ?? '', (answered.get(said.key_id ?? '') ?? 0) + 1)
    }
    if (said.request_id !== undefined) read.add(said.request_id)
    seen.emit('line')
  })
  const url = await listening.promise
  /** Whatever was logged before this is read when it is over. */
  async function allRead() {
    const { headers } = await fetch(`${new URL(url).origin}/healthz`)
    const id = headers.get('x-request-id') ?? ''
    while (!read.has(id)) await once(seen, 'line')
  }
  return {
    url,
    async requests() {
      await allRead()
      return requests
    },
    async answered(keyId: string) {
      await allRead()
      return answered.get(keyId) ?? 0
    },
    async end() {
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
    },
  }
}

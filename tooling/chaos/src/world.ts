import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import net, { type AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as core from '@stipend/core'
import { createProvider, createScene, type Scene } from '@stipend/core/testing'
import { close, connect, type Database } from '@stipend/db'
import { prepareDatabase } from '@stipend/db/admin'
import { killEmbedded, removeEmbedded, startEmbedded } from '@stipend/db/embedded'
import { modelPrice } from '@stipend/money'
import { type SandboxProvider, startSandboxProvider } from '@stipend/sandbox-provider'

const CREDENTIAL = 'sandbox-credential-for-chaos'
/** What is written is what counts, not whether it survives a power cut: the processes are killed, the machine isn't. */
const POSTGRES = { fsync: 'off', full_page_writes: 'off' }
export const PRICE = modelPrice({ input: '2.50', cached_input: '1.25', output: '15' })

export type Key = { id: string; secret: string; name: string; scene: Scene; allocation_id: string | null }

/** A gateway process that can be killed and started again, always with the same folder and port. */
export class GatewayProcess {
  readonly url: string
  readonly name: string
  #child: ChildProcess | null = null
  readonly #start: () => ChildProcess

  constructor(name: string, url: string, start: () => ChildProcess) {
    this.name = name
    this.url = url
    this.#start = start
  }

  get isRunning(): boolean {
    return this.#child !== null
  }

  start(): void {
    const child = this.#start()
    this.#child = child
    child.once('exit', () => {
      if (this.#child === child) this.#child = null
    })
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.#child
    if (child === null) return null
    const gone = once(child, 'exit')
    child.kill(signal)
    const [code] = (await gone) as [number | null]
    return code
  }

  /** Resolves once it answers; false if it doesn't within the time. */
  async isHealthy(seconds: number): Promise<boolean> {
    for (const until = performance.now() + seconds * 1_000; performance.now() < until; await sleep(100)) {
      try {
        const { status } = await fetch(`${this.url}/healthz`, { signal: AbortSignal.timeout(2_000) })
        if (status === 200) return true
      } catch {
        // Not yet.
      }
    }
    return false
  }
}

export type World = {
  /** Folder of what the gateways logged. */
  logs: string
  database: Database
  /** The tenants. */
  scenes: Scene[]
  sandbox: SandboxProvider
  gateways: GatewayProcess[]
  keys: Key[]
  /** One more tenant, with money and no keys. */
  addScene(): Promise<Scene>
  /** Kills the database server as a power cut would, and starts it again after a while. */
  crashDatabase(pauseMs: number): Promise<void>
  remove(options: { keepLogs: boolean }): Promise<void>
}

/** A database server, a provider, three gateways, tenants and keys, all of their own and all on this machine. */
export async function buildWorld(root: string, surroundings: Record<string, string>): Promise<World> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stipend-chaos-'))
  const logs = mkdtempSync(path.join(os.tmpdir(), 'stipend-chaos-logs-'))
  const dataDir = path.join(folder, 'postgres')
  const { url, port } = await startEmbedded({ dataDir, port: 0, settings: POSTGRES })
  const { appUrl } = await prepareDatabase(url, { appPassword: 'only-for-chaos' })
  const database = connect(appUrl, { applicationName: 'stipend chaos', max: 4 })
  const sandbox = await startSandboxProvider({ credential: CREDENTIAL })
  const masterKey = randomBytes(32)
  const provider = { base_url: `${sandbox.url}/v1`, masterKey, credential: CREDENTIAL, output_tokens_max: 8_192 }
  await createProvider(database, { ...provider, price: PRICE })

  const gateways: GatewayProcess[] = []
  for (const name of ['a', 'b', 'c']) {
    const gatewayPort = await freePort()
    const folderOfIt = path.join(folder, `gateway-${name}`)
    mkdirSync(folderOfIt)
    const env = {
      ...surroundings,
      DATABASE_URL: appUrl,
      STIPEND_MASTER_KEY: masterKey.toString('base64'),
      GATEWAY_PORT: String(gatewayPort),
      GATEWAY_DATA_DIR: folderOfIt,
      LOG_LEVEL: 'warn',
    }
    const log = openSync(path.join(logs, `gateway-${name}.log`), 'a')
    const script = path.join(root, 'apps', 'gateway', 'src', 'main.ts')
    const start = () => spawn(process.execPath, [script], { cwd: root, env, stdio: ['ignore', log, log] })
    gateways.push(new GatewayProcess(name, `http://127.0.0.1:${gatewayPort}`, start))
  }
  for (const gateway of gateways) gateway.start()
  for (const gateway of gateways) {
    if (!(await gateway.isHealthy(30))) throw new Error(`gateway ${gateway.name} doesn't start; see ${logs}`)
  }
  const rich = await createScene(database, { balance_usd: '40' })
  const poor = await createScene(database, { balance_usd: '0.4' })
  const scenes = [rich, poor]
  return {
    logs,
    database,
    scenes,
    addScene: async () => {
      const scene = await createScene(database, { balance_usd: '40' })
      scenes.push(scene)
      return scene
    },
    sandbox,
    gateways,
    keys: [...(await keysOf(rich)), ...(await keysOf(poor))],
    crashDatabase: async (pauseMs) => {
      await killEmbedded({ dataDir })
      await sleep(pauseMs)
      await startEmbedded({ dataDir, port, settings: POSTGRES })
    },
    remove: async ({ keepLogs }) => {
      await Promise.all(gateways.map((gateway) => gateway.end('SIGKILL')))
      await sandbox.close()
      await close(database, 1)
      await removeEmbedded({ dataDir })
      rmSync(folder, { recursive: true, force: true })
      if (!keepLogs) rmSync(logs, { recursive: true, force: true })
    },
  }
}

/** Small budgets, shared ones, ones that renew, and none at all. */
async function keysOf(scene: Scene): Promise<Key[]> {
  const member_id = (await scene.member()).id
  const pot = await scene.run(core.allocations.create, { name: 'Pot', budget_usd: '0.5' })
  const wishes = [
    { name: 'small', budget_usd: '0.05' },
    { name: 'medium', budget_usd: '0.5' },
    { name: 'large', budget_usd: '8' },
    { name: 'unlimited', budget_usd: null },
    { name: 'pot 1', budget_usd: null, allocation_id: pot.id },
    { name: 'pot 2', budget_usd: '0.3', allocation_id: pot.id },
    { name: 'daily', budget_usd: '0.4', renewal: 'daily' as const },
    { name: 'when used up', budget_usd: '0.05', renewal: 'when_used_up' as const },
  ]
  const keys: Key[] = []
  for (const wish of wishes) {
    const { id, secret, allocation_id } = await scene.key({ member_id, ...wish })
    keys.push({ id, secret, name: wish.name, scene, allocation_id })
  }
  return keys
}

async function freePort(): Promise<number> {
  const server = net.createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createProvider, createScene, type Scene } from '@stipend/core/testing'
import { close, connect } from '@stipend/db'
import { prepareDatabase } from '@stipend/db/admin'
import { killEmbedded, removeEmbedded, startEmbedded } from '@stipend/db/embedded'
import type { ModelPrice } from '@stipend/money'
import { startSandboxProvider } from '@stipend/sandbox-provider'
import postgres from 'postgres'
import { CREDENTIAL, type House, MASTER_KEY } from './harness.ts'

const MAIN = path.join(import.meta.dirname, '../src/main.ts')

/** A gateway as a process of its own. */
export type Child = {
  url: string
  /** One object for each line it logged. */
  logged(): { level: string; msg: string; [field: string]: unknown }[]
  kill(signal: 'SIGKILL' | 'SIGTERM'): void
  /** Its exit code, or the signal that ended it. */
  ended: Promise<number | string>
}

export type CrashHouse = {
  /** As the helpers that look at the ledger want it. */
  books: Pick<House, 'test'>
  scene: Scene
  sandbox: House['sandbox']
  /** Starts a gateway with this folder for its journal; rejects with what it said where it doesn't come up. */
  gateway(name: string): Promise<Child>
  /** The folder of that name. */
  dataDir(name: string): string
  killDatabase(): Promise<void>
  startDatabase(): Promise<void>
  close(): Promise<void>
}

/** A PostgreSQL server of its own, to be killed, and gateways as processes, to be killed as well. */
export async function buildCrashHouse(price: ModelPrice): Promise<CrashHouse> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'stipend-crash-'))
  chmodSync(dir, 0o755)
  // What a killed server had committed it has written, if not forced to disk: the machine goes on.
  const server = { dataDir: path.join(dir, 'postgres'), settings: { fsync: 'off', full_page_writes: 'off' } }
  const { url: adminUrl, port } = await startEmbedded({ ...server, port: 0 })
  const { appUrl } = await prepareDatabase(adminUrl, { appPassword: 'only-for-tests' })
  const database = connect(appUrl, { applicationName: 'stipend test' })
  const admin = postgres(adminUrl, { max: 2, onnotice: () => {} })

  const scene = await createScene(database, { balance_usd: '1000' })
  const sandbox = await startSandboxProvider({ credential: CREDENTIAL })
  await createProvider(database, {
    base_url: `${sandbox.url}/v1`,
    masterKey: MASTER_KEY,
    credential: CREDENTIAL,
    price,
    output_tokens_max: 1_000,
  })

  const children = new Set<ChildProcess>()
  const dataDir = (name: string) => path.join(dir, name)
  const gateway = async (name: string): Promise<Child> => {
    mkdirSync(dataDir(name), { recursive: true })
    const child = spawn(process.execPath, [MAIN], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        DATABASE_URL: appUrl,
        STIPEND_MASTER_KEY: MASTER_KEY.toString('base64'),
        GATEWAY_PORT: '0',
        GATEWAY_DATA_DIR: dataDir(name),
      },
    })
    children.add(child)
    let output = ''
    const collect = (part: Buffer) => {
      output += part.toString()
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string)
    const logged = () => output.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout.on('data', () => {
        const line = output.split('\n').find((one) => one.includes('"msg":"listening"') && one.endsWith('}'))
        if (line !== undefined) resolve(JSON.parse(line).url)
      })
      void ended.then((how) => reject(new Error(`the gateway ended with ${how}: ${output}`)))
    })
    return { url, logged, ended, kill: (signal) => void child.kill(signal) }
  }

  return {
    books: { test: { database, url: appUrl, adminUrl, admin, drop: async () => {} } },
    scene,
    sandbox,
    gateway,
    dataDir,
    killDatabase: () => killEmbedded(server),
    startDatabase: async () => void (await startEmbedded({ ...server, port })),
    close: async () => {
      for (const child of children) if (child.exitCode === null) child.kill('SIGKILL')
      await sandbox.close()
      await Promise.all([close(database, 1), admin.end({ timeout: 1 })])
      await removeEmbedded(server)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

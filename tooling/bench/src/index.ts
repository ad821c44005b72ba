import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createProvider, createScene } from '@stipend/core/testing'
import { close, connect } from '@stipend/db'
import { prepareDatabase } from '@stipend/db/admin'
import { removeEmbedded, startEmbedded } from '@stipend/db/embedded'
import { modelPrice } from '@stipend/money'
import { readTable } from './table.ts'

export { runPages } from './pages.ts'
export { runSoak } from './soak.ts'

const GATEWAY_PORT = 18_120
const UPSTREAM = 'http://127.0.0.1:18080/v1'
/** Names the mock answers to. */
const MODEL = 'gpt-4o-mini'
const ROOT = path.join(import.meta.dirname, '../../..')

/**
 * Measures the gateway, with budgets, leases and journal on, against a bare proxy in alternating rounds. `benchDir` holds the
 * programs that do the measuring (`compare.mjs`); `args` are passed on to it: `--scenarios i,iii --rounds 5`. Prints the figures, and then
 * the ratios beside what they should be at least and what is aimed for. Answers the exit code.
 */
export async function runBench(options: { benchDir: string; args: string[]; logLevel: string }): Promise<number> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'stipend-bench-'))
  const dataDir = path.join(dir, 'postgres')
  const store = await startEmbedded({ dataDir, port: 0 })
  try {
    const { appUrl } = await prepareDatabase(store.url, { appPassword: 'only-for-the-benchmark' })
    const masterKey = Buffer.alloc(32, 1)
    const secret = await seed(appUrl, masterKey)
    const targets = [
      {
        name: 'stipend',
        label: 'Stipend gateway',
        baseUrl: `http://127.0.0.1:${GATEWAY_PORT}`,
        model: MODEL,
        headers: { authorization: `Bearer ${secret}` },
        stores: [{ port: store.port }],
        start: {
          cmd: ['{node}', path.join(ROOT, 'apps/gateway/src/main.ts')],
          env: {
            DATABASE_URL: appUrl,
            STIPEND_MASTER_KEY: masterKey.toString('base64'),
            GATEWAY_PORT: String(GATEWAY_PORT),
            GATEWAY_DATA_DIR: path.join(dir, 'gateway'),
            LOG_LEVEL: options.logLevel,
            NODE_ENV: 'production',
          },
        },
      },
    ]
    const extra = path.join(dir, 'targets.json')
    writeFileSync(extra, JSON.stringify(targets), { mode: 0o600 })
    const compare = path.join(options.benchDir, 'compare.mjs')
    const kept = options.args.indexOf('--json')
    const figures = (kept === -1 ? undefined : options.args[kept + 1]) ?? path.join(dir, 'figures.json')
    const command = [compare, '--targets', 'baseline,stipend', '--extra', extra, '--json', figures, ...options.args]
    const child = spawn(process.execPath, command, { stdio: 'inherit' })
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code === 0) console.log(readTable(figures))
    return code ?? 1
  } finally {
    await removeEmbedded({ dataDir })
    rmSync(dir, { recursive: true, force: true })
  }
}

/** A tenant with a balance and a key that last for all requests of a run. Answers the key. */
async function seed(appUrl: string, masterKey: Buffer): Promise<string> {
  const database = connect(appUrl)
  try {
    const price = modelPrice({ input: '0.15', cached_input: '0.075', output: '0.60' })
    await createProvider(database, { base_url: UPSTREAM, masterKey, models: [MODEL], price, credential: 'mock' })
    const scene = await createScene(database, { balance_usd: '1000000' })
    return (await scene.key({ budget_usd: '500000' })).secret
  } finally {
    await close(database)
  }
}

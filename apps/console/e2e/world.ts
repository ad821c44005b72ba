import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { close, connect } from '@stipend/db'
import { prepareDatabase } from '@stipend/db/admin'
import { removeEmbedded, startEmbedded } from '@stipend/db/embedded'
import { startSandboxProvider } from '@stipend/sandbox-provider'
import { startSandboxStripe } from '@stipend/sandbox-stripe'
import { type Seeded, seedCompany, seedProvider, seedSchool } from './scenario.ts'

/** The whole product, started for a run of browser tests and for nothing else: its own database, free ports. */
export type World = {
  console_url: string
  /** Ends in `/v1`. */
  gateway_url: string
  database_url: string
  sandbox_url: string
  school: Seeded
  company: Seeded
  /** Another school, whose keys are limited, ended and deleted: the pages of the first stay as they are. */
  keeper: Seeded
  /** Another company, which pays: what is spent there shows nowhere else. */
  payer: Seeded
}

const APPS = path.join(import.meta.dirname, '../..')
const READY_MS_MAX = 60_000

/** Starts it. `stop` ends all of it and leaves nothing behind. */
export async function startWorld(): Promise<{ world: World; stop: () => Promise<void> }> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stipend-e2e-'))
  const dataDir = path.join(folder, 'postgres')
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  const stop = async () => {
    for (const end of ends.toReversed()) await end()
  }
  try {
    const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }
    const { url } = await startEmbedded({ dataDir, port: 0, settings })
    ends.push(() => removeEmbedded({ dataDir }))
    const { appUrl } = await prepareDatabase(url, { appPassword: randomBytes(16).toString('hex') })

    const sandbox = await startSandboxProvider()
    ends.push(() => sandbox.close())
    const masterKey = randomBytes(32)
    const database = connect(appUrl)
    await seedProvider(database, masterKey, sandbox.url)
    const school = await seedSchool(database, { slug: 'lindenhof', name: 'Lindenhof Schools' })
    const keeper = await seedSchool(database, { slug: 'waterlelie', name: 'De Waterlelie' })
    const company = await seedCompany(database, { slug: 'brightwater', name: 'Brightwater Engineering' })
    const payer = await seedCompany(database, { slug: 'quayside', name: 'Quayside Design' })
    await close(database)

    const [gatewayPort, consolePort, apiPort] = [await freePort(), await freePort(), await freePort()]
    const gateway = `http://127.0.0.1:${gatewayPort}`
    const console_url = `http://127.0.0.1:${consolePort}`
    const secret = `whsec_${randomBytes(16).toString('hex')}`
    const webhook = { url: `http://127.0.0.1:${apiPort}/webhooks/stripe`, secret }
    const stripe = await startSandboxStripe({ webhook })
    ends.push(() => stripe.close())
    const payments = { STRIPE_SECRET_KEY: 'sk_test_e2e', STRIPE_API_URL: stripe.url }
    const env = {
      DATABASE_URL: appUrl,
      LOG_LEVEL: 'warn',
      CONSOLE_URL: console_url,
      STIPEND_MASTER_KEY: masterKey.toString('base64'),
      // The sandbox, as a provider of the school's own.
      PROVIDER_ALLOWED_HOSTS: '127.0.0.1',
    }
    ends.push(
      await startApp('gateway/src/main.ts', `${gateway}/healthz`, {
        ...env,
        GATEWAY_PORT: String(gatewayPort),
        GATEWAY_DATA_DIR: path.join(folder, 'gateway'),
      }),
      await startApp('api/src/main.ts', `http://127.0.0.1:${apiPort}/healthz`, {
        ...env,
        ...payments,
        STRIPE_WEBHOOK_SECRET: secret,
        API_PORT: String(apiPort),
      }),
      await startApp('console/server.ts', `${console_url}/healthz`, {
        ...env,
        ...payments,
        CONSOLE_PORT: String(consolePort),
        GATEWAY_URL: `${gateway}/v1`,
        API_URL: `http://127.0.0.1:${apiPort}`,
        KEEP_MAILS: 'true',
      }),
    )
    const urls = { console_url, gateway_url: `${gateway}/v1`, database_url: appUrl, sandbox_url: sandbox.url }
    return { world: { ...urls, school, keeper, company, payer }, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Starts a program of ours and answers what ends it, once it is healthy. */
async function startApp(script: string, healthz: string, env: Record<string, string>): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, [path.join(APPS, script)], { env, stdio: ['ignore', 'inherit', 'inherit'] })
  const deadline = Date.now() + READY_MS_MAX
  while (!(await isHealthy(healthz))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await endOf(child)
      throw new Error(`${script} did not become healthy`)
    }
    await sleep(50)
  }
  return () => endOf(child)
}

async function isHealthy(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  )
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const force = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await gone
  clearTimeout(force)
}

/** A port nobody has at this moment. The console must know the gateway's before it starts. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

// `node e2e/world.ts` keeps one running, to look at.
if (import.meta.main) {
  const { world, stop } = await startWorld()
  console.log(JSON.stringify(world))
  const end = () => void stop().then(() => process.exit(0))
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
}

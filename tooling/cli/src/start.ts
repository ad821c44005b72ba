import { spawn } from 'node:child_process'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { allTenants, close, connect } from '@stipend/db'
import {
  claim,
  type DataDir,
  dataDir,
  loadSecrets,
  prepareDataDir,
  type RunningFile,
  type Secrets,
  sandboxWebhookSecret,
} from './data-dir.ts'
import { migrateDatabase, openDatabase, type RunningDatabase, removeData, requireDeletable } from './database.ts'
import { seedDemo } from './demo.ts'
import { DEMO_MODELS } from './demo-data.ts'
import { beginDraft, type DemoFile, type DemoTenant, findDemo, keepDraft, wasCutOff, writeDemo } from './demo-file.ts'
import { keepLessonGoing } from './demo-lesson.ts'
import { type Env, ROOT, surroundings } from './env.ts'
import { Failure } from './failure.ts'
import { chosenPort, requireFreePorts } from './ports.ts'
import { createProgress, type Progress } from './progress.ts'
import { type Service, type ServiceSpec, startService, stopServices, untilHealthy } from './services.ts'
import { createStopping, Stopped, type Stopping, unlessAborted } from './stopping.ts'

const STOP_SECONDS = 20
const HOST = '127.0.0.1'

/** `npm start`: the whole product with a demo in it, until it is asked to stop. Answers the exit code. */
export async function start(env: Env, { fresh }: { fresh: boolean }): Promise<number> {
  const stopping = createStopping()
  const dir = dataDir(env.data_dir)
  const running: Running = { dir, stopping, services: [], database: null, file: null }
  const lessons = new AbortController()
  try {
    const demo = await bringUp(env, running, fresh)
    console.log(farewell(demo, env))
    for (const lesson of lessonsOf(demo))
      void keepLessonGoing({ gateway_url: demo.gateway_url, lesson }, lessons.signal)
    const failed = await untilStoppedOrBroken(running)
    lessons.abort()
    console.log(failed ?? '\nStopping …')
    return failed === null ? 0 : 1
  } catch (error) {
    if (error instanceof Stopped) return 0
    throw error
  } finally {
    lessons.abort()
    await takeDown(running)
  }
}

/** Those that aren't over. */
function lessonsOf({ tenants }: DemoFile): NonNullable<DemoTenant['lesson']>[] {
  const now = Date.now()
  return tenants.flatMap(({ lesson }) => (lesson !== undefined && Date.parse(lesson.ends_at) > now ? [lesson] : []))
}

type Running = {
  dir: DataDir
  stopping: Stopping
  services: Service[]
  database: RunningDatabase | null
  file: RunningFile | null
}

async function bringUp(env: Env, running: Running, fresh: boolean): Promise<DemoFile> {
  const { dir, stopping } = running
  const progress = createProgress(stopping.asked)
  progress.say('\nStipend\n')
  if (fresh) requireDeletable(env)
  prepareDataDir(dir)
  running.file = await claim(dir)
  const ports = await portsOf(env)
  const urls = urlsOf(ports)

  if (fresh || (wasCutOff(dir) && env.database_url === null)) {
    const why = fresh ? '' : 'an earlier start was cut off: '
    await progress.step('Data', `${why}deleting`, async () => {
      await removeData(dir)
      prepareDataDir(dir)
      return `${why}deleted what was in ${shownPath(dir.root)}`
    })
  }
  const secrets = loadSecrets(dir, env.master_key)

  // The build takes the processor, the database mostly the disk: they run side by side and are told one after the other.
  const build = buildConsole(stopping.asked)
  // Whether it worked is asked below; until then its failure is nobody's.
  build.catch(() => {})
  const { appUrl, adminUrl } = await prepareStore(env, running, secrets, progress)
  const tenants = await ensureDemo({ appUrl, dir, secrets, urls, progress })
  await progress.step('Console', 'building', () => build)

  const specs = serviceSpecs({ env, hasDemo: tenants.length > 0, dir, secrets, appUrl, ports, urls })
  const names = specs.map((spec) => spec.name).join(', ')
  await progress.step('Programs', `starting ${names}`, async () => {
    for (const spec of specs) {
      const service = startService(spec, dir.logs)
      running.services.push(service)
      running.file?.note({ pid: service.pid, script: service.script })
    }
    await Promise.all(specs.map((spec, at) => untilHealthy(running.services[at] as Service, spec.url, stopping.asked)))
    return names
  })
  const demo: DemoFile = { ...urls, database_url: adminUrl, tenants }
  writeDemo(dir, demo)
  return demo
}

async function prepareStore(env: Env, running: Running, secrets: Secrets, progress: Progress) {
  const database = await progress.step('Database', 'starting', async () => {
    running.database = await openDatabase(env, running.dir)
    return running.database
  })
  let appUrl = ''
  await progress.step('Schema', 'migrating', async () => {
    appUrl = (await migrateDatabase(database.adminUrl, secrets.app_password)).appUrl
    return 'up to date'
  })
  return { appUrl, adminUrl: database.adminUrl }
}

// --- the demo ---------------------------------------------------------------------------------------------------------

type Store = { appUrl: string; dir: DataDir; secrets: Secrets; urls: Urls; progress: Progress }

async function ensureDemo({ appUrl, dir, secrets, urls, progress }: Store): Promise<DemoTenant[]> {
  const database = connect(appUrl, { applicationName: 'stipend demo' })
  try {
    const there = await allTenants(database)
    const demo = findDemo(
      dir,
      there.map((tenant) => tenant.id),
    )
    if (demo !== null && demo.sandbox_provider_url !== urls.sandbox_provider_url) {
      const { port } = new URL(demo.sandbox_provider_url)
      throw new Failure(
        `The demo's provider is connected at ${demo.sandbox_provider_url}: set SANDBOX_PROVIDER_PORT=${port}, or begin anew with npm start -- --fresh.`,
      )
    }
    if (there.length > 0) {
      await progress.step('Demo', 'looking', async () =>
        demo === null ? 'the database has organisations of its own: no demo made' : `kept: ${slugs(demo.tenants)}`,
      )
      return demo?.tenants ?? []
    }
    let tenants: DemoTenant[] = []
    await progress.step('Demo', 'creating a school and a company', async () => {
      beginDraft(dir)
      const masterKey = Buffer.from(secrets.master_key, 'base64')
      const sandboxProviderUrl = urls.sandbox_provider_url
      tenants = await seedDemo({ database, masterKey, sandboxProviderUrl, now: new Date() })
      keepDraft(dir, { ...urls, database_url: appUrl, tenants })
      return `created: ${slugs(tenants)}`
    })
    return tenants
  } finally {
    await close(database)
  }
}

const slugs = (tenants: readonly DemoTenant[]) =>
  tenants.map((tenant) => `${tenant.slug} (${tenant.members.length} people)`).join(', ')

// --- the programs -----------------------------------------------------------------------------------------------------

type Ports = Env['ports']
type Urls = Pick<DemoFile, 'console_url' | 'gateway_url' | 'api_url' | 'sandbox_provider_url'>

async function portsOf(env: Env): Promise<Ports> {
  // The database's is looked at when it starts: a server that outlived an earlier start holds it rightly.
  const { console, gateway, api, sandbox_provider, sandbox_stripe, worker, database } = env.ports
  await requireFreePorts([
    { port: console, what: 'console', variable: 'CONSOLE_PORT' },
    { port: gateway, what: 'gateway', variable: 'GATEWAY_PORT' },
    { port: api, what: 'API', variable: 'API_PORT' },
    { port: sandbox_provider, what: 'sandbox provider', variable: 'SANDBOX_PROVIDER_PORT' },
    { port: worker, what: 'worker', variable: 'WORKER_PORT' },
    ...(env.stripe === null ? [{ port: sandbox_stripe, what: 'sandbox Stripe', variable: 'SANDBOX_STRIPE_PORT' }] : []),
  ])
  return {
    console: await chosenPort(console),
    gateway: await chosenPort(gateway),
    api: await chosenPort(api),
    sandbox_provider: await chosenPort(sandbox_provider),
    worker: await chosenPort(worker),
    sandbox_stripe: await chosenPort(sandbox_stripe),
    database,
  }
}

function urlsOf(ports: Ports): Urls {
  return {
    console_url: `http://${HOST}:${ports.console}`,
    gateway_url: `http://${HOST}:${ports.gateway}/v1`,
    api_url: `http://${HOST}:${ports.api}`,
    sandbox_provider_url: `http://${HOST}:${ports.sandbox_provider}`,
  }
}

type Wiring = { env: Env; hasDemo: boolean; dir: DataDir; secrets: Secrets; appUrl: string; ports: Ports; urls: Urls }

function serviceSpecs({ env, hasDemo, dir, secrets, appUrl, ports, urls }: Wiring): ServiceSpec[] {
  const common = { ...surroundings(), HOST, LOG_LEVEL: env.log_level, NODE_ENV: 'production' }
  // A demo's organisation has the sandbox as a provider of its own, and that is on this machine.
  const allowed = [...env.allowed_hosts, ...(hasDemo ? [HOST] : [])]
  const app = {
    ...common,
    DATABASE_URL: appUrl,
    STIPEND_MASTER_KEY: secrets.master_key,
    STIPEND_OLD_MASTER_KEYS: env.old_master_keys,
    PROVIDER_ALLOWED_HOSTS: allowed.join(','),
  }
  const { console_url, gateway_url, api_url } = urls
  const sandbox = sandboxStripe({ env, dir, secrets, ports, urls, common })
  const stripe =
    env.stripe === null
      ? {
          STRIPE_SECRET_KEY: 'sk_test_sandbox',
          STRIPE_WEBHOOK_SECRET: sandboxWebhookSecret(secrets),
          STRIPE_API_URL: sandbox.url,
        }
      : { STRIPE_SECRET_KEY: env.stripe.secret_key, STRIPE_WEBHOOK_SECRET: env.stripe.webhook_secret }
  return [
    ...(env.stripe === null ? [sandbox] : []),
    {
      name: 'sandbox provider',
      script: 'tooling/sandbox-provider/src/main.ts',
      env: { ...common, SANDBOX_PROVIDER_PORT: String(ports.sandbox_provider) },
      url: urls.sandbox_provider_url,
    },
    {
      name: 'gateway',
      script: 'apps/gateway/src/main.ts',
      env: {
        ...app,
        GATEWAY_PORT: String(ports.gateway),
        GATEWAY_DATA_DIR: dir.gateway,
      },
      url: new URL(gateway_url).origin,
    },
    {
      name: 'api',
      script: 'apps/api/src/main.ts',
      env: { ...app, ...stripe, API_PORT: String(ports.api), GATEWAY_URL: gateway_url, CONSOLE_URL: console_url },
      url: api_url,
    },
    {
      name: 'worker',
      script: 'apps/api/src/worker.ts',
      env: { ...app, ...stripe, ...env.mail, WORKER_PORT: String(ports.worker), CONSOLE_URL: console_url },
      url: `http://${HOST}:${ports.worker}`,
    },
    {
      name: 'console',
      script: 'apps/console/server.ts',
      env: {
        ...app,
        STRIPE_SECRET_KEY: stripe.STRIPE_SECRET_KEY,
        ...('STRIPE_API_URL' in stripe ? { STRIPE_API_URL: stripe.STRIPE_API_URL } : {}),
        CONSOLE_URL: console_url,
        ...env.mail,
        CONSOLE_PORT: String(ports.console),
        GATEWAY_URL: gateway_url,
        API_URL: api_url,
      },
      url: console_url,
    },
  ]
}

type SandboxWiring = Omit<Wiring, 'appUrl' | 'hasDemo'> & { common: Record<string, string> }

/** A Stripe that moves no money, unless the environment names a real one. */
function sandboxStripe({ dir, secrets, ports, urls, common }: SandboxWiring): ServiceSpec {
  return {
    name: 'sandbox stripe',
    script: 'tooling/sandbox-stripe/src/main.ts',
    env: {
      ...common,
      SANDBOX_STRIPE_PORT: String(ports.sandbox_stripe),
      SANDBOX_STRIPE_FILE: dir.sandbox_stripe_file,
      SANDBOX_STRIPE_WEBHOOK_URL: `${urls.api_url}/webhooks/stripe`,
      STRIPE_WEBHOOK_SECRET: sandboxWebhookSecret(secrets),
    },
    url: `http://${HOST}:${ports.sandbox_stripe}`,
  }
}

/** Through turbo: taken from its cache when nothing it is made of has changed. */
export function buildConsole(stop?: AbortSignal): Promise<string> {
  const turbo = path.join(ROOT, 'node_modules', '.bin', 'turbo')
  const env = { ...surroundings(), TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1', DO_NOT_TRACK: '1' }
  return new Promise((resolve, reject) => {
    const child = spawn(turbo, ['run', 'build', '--filter=@stipend/console', '--ui=stream', '--output-logs=new-only'], {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    child.stdout.on('data', (chunk) => (said += chunk))
    child.stderr.on('data', (chunk) => (said += chunk))
    stop?.addEventListener('abort', () => child.kill('SIGTERM'), { once: true })
    child.once('error', (error) => reject(new Failure(`turbo could not be run: ${error.message}`)))
    child.once('close', (code) => {
      if (code === 0) resolve(/FULL TURBO|1 cached/.test(said) ? 'built before (cached)' : 'built')
      else reject(new Failure(`${shortened(said)}\n\nThe console could not be built.`))
    })
  })
}

/** A bundler that fails tells every file it has seen: its beginning and its end say what is wrong. */
function shortened(text: string): string {
  const lines = text.trim().split('\n')
  return lines.length <= 60 ? lines.join('\n') : [...lines.slice(0, 30), '...', ...lines.slice(-15)].join('\n')
}

// --- running, and the end of it ---------------------------------------------------------------------------------------

/** Null when asked to stop; what to say when a program ended by itself. */
async function untilStoppedOrBroken(running: Running): Promise<string | null> {
  const ends = running.services.map(async (service) => ({ service, how: await service.ended }))
  const watch = new AbortController()
  try {
    const watching = watchDatabase(running.database, watch.signal)
    const { service, how } = await unlessAborted(Promise.race([...ends, watching]), running.stopping.asked)
    return `\n${service.tail()}\n\nThe ${service.name} ${how}, so everything stops. Its log: ${shownPath(service.logFile)}`
  } catch (error) {
    if (error instanceof Stopped) return null
    throw error
  } finally {
    watch.abort()
  }
}

/** A database that was killed is started again: the programs wait for it. Never resolves. */
async function watchDatabase(database: RunningDatabase | null, stop: AbortSignal): Promise<never> {
  for (;;) {
    await sleep(500)
    if (stop.aborted) return new Promise<never>(() => {})
    if (await database?.revive()) console.log('\nPostgreSQL had ended by itself; it was started again.')
  }
}

/** Doors first, so that nothing new comes in; then what they call; the database last. */
async function takeDown({ services, database, stopping, file }: Running): Promise<void> {
  const provider = services.filter((service) => service.name === 'sandbox provider')
  const doors = services.filter((service) => !provider.includes(service))
  await stopServices(doors, STOP_SECONDS, stopping.hurry)
  await stopServices(provider, STOP_SECONDS, stopping.hurry)
  await database?.stop()
  file?.release()
}

function farewell(demo: DemoFile, env: Env): string {
  const [tenant] = demo.tenants
  const [key] = tenant?.keys ?? []
  const lessons = demo.tenants.flatMap(({ slug, lesson }) =>
    lesson === undefined || Date.parse(lesson.ends_at) <= Date.now()
      ? []
      : [`  Lesson      ${demo.console_url}/t/${slug}/coding/groups/${lesson.group_id}/lesson`],
  )
  const [model] = DEMO_MODELS
  const signIn = demo.tenants.flatMap(({ slug, owner }) => [
    `  ${slug.padEnd(14)}${owner.email}`,
    `${' '.repeat(16)}${owner.password}`,
  ])
  const body = JSON.stringify({ model: model.name, messages: [{ role: 'user', content: 'Say hello.' }] })
  const curl = [
    `  curl ${demo.gateway_url}/chat/completions \\`,
    `    -H "Authorization: Bearer ${key?.secret ?? '<a key>'}" \\`,
    `    -H "Content-Type: application/json" \\`,
    `    -d '${body}'`,
  ]
  return [
    '',
    `  Console     ${demo.console_url}`,
    ...(!('KEEP_MAILS' in env.mail) ? [] : [`  Mails       ${demo.console_url}/mails, instead of being sent`]),
    `  Gateway     ${demo.gateway_url}`,
    `  API         ${demo.api_url}`,
    '',
    ...(signIn.length > 0 ? ['Sign in to the console with', ...signIn, ''] : []),
    ...(lessons.length > 0 ? ['A class is at work', ...lessons, ''] : []),
    'Ask the gateway something',
    ...curl,
    '',
    'Ctrl-C stops everything; the data stays.',
  ].join('\n')
}

function shownPath(file: string): string {
  const relative = path.relative(ROOT, file)
  return relative.startsWith('..') ? file : relative
}

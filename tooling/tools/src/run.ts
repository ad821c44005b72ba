import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Connection, ToolDialect } from '@stipend/setups'
import { type Client, HOME, setupOf } from './clients.ts'

export type Ran = {
  /** Null where it had to be ended. */
  code: number | null
  output: string
  seconds: number
  /** What it wrote into `hello.txt`. */
  file: string | undefined
}

const PATIENCE_MS = 120_000
const PROMPT = 'Create the file hello.txt with a greeting in it.'

/** Runs a client headless in a home and a project of its own, configured as its users are told to. */
export async function run(
  client: Client,
  folder: string,
  { dialect, connection, env }: { dialect: ToolDialect; connection: Connection; env: Record<string, string> },
): Promise<Ran> {
  const home = mkdtempSync(path.join(os.tmpdir(), `stipend-tool-${client.id}-`))
  const project = path.join(home, 'project')
  mkdirSync(project)
  const setup = setupOf(client, connection, dialect)
  const { quietly = {} } = client
  const write = (name: string, content: string) => {
    mkdirSync(path.dirname(path.join(home, name)), { recursive: true })
    writeFileSync(path.join(home, name), content)
  }
  for (const [name, content] of Object.entries(quietly.files ?? {})) write(name, content)
  if (setup?.file !== undefined) write(setup.file.path, `${setup.file.content}\n\n${quietly.append ?? ''}`.trimEnd())

  const surroundings = {
    ...env,
    HOME: home,
    DO_NOT_TRACK: '1',
    NO_COLOR: '1',
    TERM: 'dumb',
    ...quietly.env,
    ...setup?.env,
  }
  const program = path.join(folder, client.program)
  const start = (args: string[]) => execute(program, args, { cwd: project, env: surroundings })
  try {
    if (setup?.command !== undefined) await start(setup.command.split(' ').slice(1))
    const args = client.args({ prompt: PROMPT, dialect, connection }).map((arg) => arg.replace(HOME, home))
    const ran = await start(args)
    const file = path.join(project, 'hello.txt')
    return { ...ran, file: existsSync(file) ? readFileSync(file, 'utf8') : undefined }
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}

function execute(
  program: string,
  args: string[],
  options: { cwd: string; env: Record<string, string> },
): Promise<Omit<Ran, 'file'>> {
  const isScript = /\.(mjs|cjs|js)$/.test(program)
  const [command, ...given] = isScript ? [process.execPath, program, ...args] : [program, ...args]
  const startedAt = performance.now()
  return new Promise((resolve) => {
    // A group of its own, so that nothing it left behind stays.
    const child = spawn(command as string, given, { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    let output = ''
    const endAll = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // All gone.
      }
    }
    const patience = setTimeout(endAll, PATIENCE_MS)
    const finish = (code: number | null) => {
      clearTimeout(patience)
      endAll()
      resolve({ code, output, seconds: (performance.now() - startedAt) / 1_000 })
    }
    child.stdout.on('data', (part) => (output += part))
    child.stderr.on('data', (part) => (output += part))
    child.on('error', (error) => {
      output += error.message
      finish(null)
    })
    child.on('exit', (code) => setTimeout(() => finish(code), 50))
  })
}

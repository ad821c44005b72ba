import { createHmac, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { Failure } from './failure.ts'
import { commandLine } from './processes.ts'

/** The folder all that is kept between two starts lives in. Nothing in it is for other users of the machine. */
export function dataDir(root: string) {
  const inside = (...names: string[]) => path.join(root, ...names)
  return {
    root,
    postgres: inside('postgres'),
    gateway: inside('gateway'),
    logs: inside('logs'),
    demo_file: inside('demo.json'),
    secrets_file: inside('secrets.json'),
    running_file: inside('running.json'),
    sandbox_stripe_file: inside('sandbox-stripe.json'),
  }
}

export type DataDir = ReturnType<typeof dataDir>

export function prepareDataDir(dir: DataDir): void {
  try {
    if (!fs.existsSync(dir.root)) {
      fs.mkdirSync(dir.root, { recursive: true })
      // Started as root, the database runs as a user who must be able to pass through.
      fs.chmodSync(dir.root, process.getuid?.() === 0 ? 0o711 : 0o700)
    }
    for (const folder of [dir.gateway, dir.logs]) fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new Failure(
      `The data folder ${dir.root} can't be used: ${(error as Error).message}. STIPEND_DATA_DIR names another.`,
    )
  }
}

/** Written whole or not at all, readable by its owner only. */
export function writePrivately(file: string, text: string): void {
  const draft = `${file}.${process.pid}.tmp`
  fs.rmSync(draft, { force: true })
  fs.writeFileSync(draft, text, { mode: 0o600, flush: true })
  fs.renameSync(draft, file)
}

const Secrets = z.strictObject({
  /** Base64 of the 32 bytes that provider credentials are encrypted with. */
  master_key: z.string(),
  /** The password of the database role the programs sign in as. */
  app_password: z.string(),
})
export type Secrets = z.infer<typeof Secrets>

/** What must be the same at the next start; made at the first. A master key from the environment is used and not kept. */
export function loadSecrets(dir: DataDir, masterKey: Buffer | null): Secrets {
  let kept: Secrets
  if (fs.existsSync(dir.secrets_file)) {
    const parsed = Secrets.safeParse(parseJson(fs.readFileSync(dir.secrets_file, 'utf8')))
    if (!parsed.success) throw new Failure(`${dir.secrets_file} can't be read. npm start -- --fresh begins anew.`)
    kept = parsed.data
  } else {
    kept = { master_key: randomBytes(32).toString('base64'), app_password: randomBytes(24).toString('base64url') }
    writePrivately(dir.secrets_file, `${JSON.stringify(kept, null, 2)}\n`)
  }
  return masterKey === null ? kept : { ...kept, master_key: masterKey.toString('base64') }
}

/** With what events of the sandbox Stripe are signed: the same at every start. */
export function sandboxWebhookSecret({ master_key }: Secrets): string {
  return `whsec_${createHmac('sha256', master_key).update('sandbox stripe').digest('base64url')}`
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const Running = z.object({ pid: z.int(), children: z.array(z.object({ pid: z.int(), script: z.string() })) })

export type RunningFile = { note(child: { pid: number; script: string }): void; release(): void }

/**
 * Makes sure this is the only start of this data folder, and ends what an earlier one left running that was killed. `note` writes
 * down a child process for the next start to find.
 */
export async function claim(dir: DataDir): Promise<RunningFile> {
  const file = dir.running_file
  const mine = { pid: process.pid, children: [] as { pid: number; script: string }[] }
  for (;;) {
    try {
      fs.writeFileSync(file, JSON.stringify(mine), { flag: 'wx', mode: 0o600 })
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const found = Running.safeParse(parseJson(readIfThere(file)))
    if (found.success) {
      const { pid, children } = found.data
      if (pid !== process.pid && commandLine(pid).includes(path.join('cli', 'src', 'main.ts'))) {
        throw new Failure(
          `Stipend already runs with the data in ${dir.root} (process ${pid}).\nStop it with Ctrl-C where it runs, or set STIPEND_DATA_DIR and the ports for a second one.`,
        )
      }
      await endLeftOvers(children)
    }
    fs.rmSync(file, { force: true })
  }
  return {
    note(child) {
      mine.children.push(child)
      writePrivately(file, JSON.stringify(mine))
    },
    release: () => fs.rmSync(file, { force: true }),
  }
}

async function endLeftOvers(children: readonly { pid: number; script: string }[]): Promise<void> {
  // A number may belong to another program by now: only one that runs our script is ended.
  const alive = () => children.filter(({ pid, script }) => commandLine(pid).includes(script))
  for (const { pid } of alive()) process.kill(pid, 'SIGTERM')
  for (let tries = 0; tries < 100 && alive().length > 0; tries++) await sleep(100)
  for (const { pid } of alive()) process.kill(pid, 'SIGKILL')
}

function readIfThere(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

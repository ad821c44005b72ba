import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ROOT } from './env.ts'
import { Failure } from './failure.ts'

const START_SECONDS = 60
const LOG_BYTES_MAX = 20_000_000

export type ServiceSpec = {
  name: string
  /** Relative to the project's root. */
  script: string
  /** All it gets; nothing is inherited. */
  env: Record<string, string>
  /** Answers `/healthz`. */
  url: string
}

export type Service = {
  name: string
  pid: number
  logFile: string
  script: string
  /** Resolves when the process is gone, however that came about. */
  ended: Promise<string>
  hasEnded: () => boolean
  /** The end of its log, each line marked with its name. */
  tail: (lines?: number) => string
  kill: (signal: NodeJS.Signals) => void
}

/** Starts a program with its output in `<logs>/<name>.log`. */
export function startService(spec: ServiceSpec, logs: string): Service {
  const logFile = path.join(logs, `${spec.name.replaceAll(' ', '-')}.log`)
  if (fs.existsSync(logFile) && fs.statSync(logFile).size > LOG_BYTES_MAX) fs.renameSync(logFile, `${logFile}.1`)
  const log = fs.openSync(logFile, 'a', 0o600)
  const from = fs.fstatSync(log).size
  const script = path.join(ROOT, spec.script)
  // The file is the program's own output, not a pipe through us: it is written whatever becomes of this process.
  const child = spawn(process.execPath, [script], { cwd: ROOT, env: spec.env, stdio: ['ignore', log, log] })
  fs.closeSync(log)

  let gone = false
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`))
    child.once('exit', (code, signal) => resolve(signal ? `was ended by ${signal}` : `ended with exit code ${code}`))
  }).then((how) => {
    gone = true
    return how
  })
  return {
    name: spec.name,
    pid: child.pid ?? 0,
    logFile,
    script,
    ended,
    hasEnded: () => gone,
    tail: (lines = 25) =>
      lastLines(logFile, from, lines)
        .map((line) => `${spec.name} | ${line}`)
        .join('\n'),
    kill: (signal) => void (child as ChildProcess).kill(signal),
  }
}

/** Resolves when the program answers 200 on `/healthz`; throws with the end of its log if it ends or takes too long. */
export async function untilHealthy(service: Service, url: string, stop: AbortSignal): Promise<void> {
  let how: string | null = null
  void service.ended.then((said) => (how = said))
  const deadline = performance.now() + START_SECONDS * 1000
  let last = 'no answer'
  while (how === null && !stop.aborted && performance.now() < deadline) {
    try {
      const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2000) })
      await response.body?.cancel()
      if (response.status === 200) return
      last = `status ${response.status}`
    } catch {
      // Not listening yet.
    }
    await sleep(100)
  }
  throw new Failure(
    `${service.tail()}\n\nThe ${service.name} ${how ?? `is not ready after ${START_SECONDS} seconds (${last} at ${url}/healthz)`}.`,
  )
}

/** Asks all to end, and ends those that don't within the time. */
export async function stopServices(services: readonly Service[], seconds: number, hurry: AbortSignal): Promise<void> {
  const running = services.filter((service) => !service.hasEnded())
  if (running.length === 0) return
  for (const service of running) service.kill(hurry.aborted ? 'SIGKILL' : 'SIGTERM')
  const force = () => {
    for (const service of running) if (!service.hasEnded()) service.kill('SIGKILL')
  }
  const timer = setTimeout(force, seconds * 1000)
  hurry.addEventListener('abort', force, { once: true })
  await Promise.all(running.map((service) => service.ended))
  clearTimeout(timer)
  hurry.removeEventListener('abort', force)
}

function lastLines(file: string, from: number, count: number): string[] {
  const size = fs.statSync(file).size
  const start = Math.max(from > size ? 0 : from, size - 64_000)
  const buffer = Buffer.alloc(size - start)
  const handle = fs.openSync(file, 'r')
  fs.readSync(handle, buffer, 0, buffer.length, start)
  fs.closeSync(handle)
  return buffer.toString('utf8').trimEnd().split('\n').slice(-count)
}

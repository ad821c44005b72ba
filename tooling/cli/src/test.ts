import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { findChromium } from './chromium.ts'
import { type Env, ROOT, surroundings } from './env.ts'
import { Failure } from './failure.ts'
import { createProgress } from './progress.ts'
import { createStopping, Stopped } from './stopping.ts'
import { type Counts, countPlaywright, countVitest, sumLine } from './test-counts.ts'

type Step = {
  name: string
  says: string
  command: string[]
  cwd?: string
  env?: Record<string, string>
  /** For steps that run tests: reads the counts out of the report it wrote. A step without it counts only when it fails. */
  count?: (report: unknown) => Counts
}

type Result = { step: string; counts: Counts; said: string; hasFailed: boolean }

const NOTHING: Counts = { passed: 0, failed: 0, skipped: 0 }

/** `npm test`: every check and every test, to the end even when some fail. The last line says how many passed and failed. */
export async function test(env: Env, { only }: { only: readonly string[] }): Promise<number> {
  const stopping = createStopping()
  const reports = fs.mkdtempSync(path.join(os.tmpdir(), 'stipend-reports-'))
  try {
    const results = await runAll(chosen(await allSteps(env, reports), only), reports, stopping.asked)
    for (const { step, said } of results.filter((result) => result.hasFailed)) {
      console.log(`\n--- ${step} ${'-'.repeat(Math.max(0, 100 - step.length))}\n${said.trim()}`)
    }
    const total = results.map((result) => result.counts).reduce(add, NOTHING)
    console.log(`\n${sumLine(total)}`)
    return total.failed === 0 ? 0 : 1
  } catch (error) {
    if (error instanceof Stopped) return 130
    throw error
  } finally {
    fs.rmSync(reports, { recursive: true, force: true })
  }
}

async function allSteps(env: Env, reports: string): Promise<Step[]> {
  const bin = (name: string) => path.join(ROOT, 'node_modules', '.bin', name)
  const turbo = (task: string, ...flags: string[]) => [
    bin('turbo'),
    'run',
    task,
    '--ui=stream',
    '--output-logs=errors-only',
    ...flags,
  ]
  const console_ = path.join(ROOT, 'apps', 'console')
  const report = (name: string) => path.join(reports, `${name}.json`)
  const steps: Step[] = [
    {
      name: 'lockfile',
      says: 'has the binaries of every platform',
      command: [process.execPath, 'tooling/lockcheck/src/main.ts'],
    },
    { name: 'format', says: 'format and lint (biome)', command: [bin('biome'), 'check', '--max-diagnostics=200', '.'] },
    {
      name: 'lint',
      says: 'type-aware lint (oxlint)',
      command: [bin('oxlint'), '--type-aware', '--deny-warnings', '.'],
    },
    { name: 'types', says: 'type check (turbo, cached)', command: turbo('typecheck', '--continue') },
    { name: 'unused', says: 'unused code and dependencies (knip)', command: [bin('knip'), '--no-progress'] },
    {
      name: 'tests',
      says: 'architecture, unit, property, database and contract tests',
      command: [bin('vitest'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report('tests')}`],
      count: countVitest,
    },
    { name: 'build', says: 'the console (turbo, cached)', command: turbo('build', '--filter=@stipend/console') },
  ]
  if (fs.existsSync(path.join(console_, 'playwright.config.ts'))) {
    steps.push({
      name: 'browser',
      says: 'browser tests (playwright)',
      command: [path.join(console_, 'node_modules', '.bin', 'playwright'), 'test', '--reporter=list,json'],
      cwd: console_,
      env: {
        PLAYWRIGHT_JSON_OUTPUT_FILE: report('browser'),
        ...(env.chromium_path ? { CHROMIUM_PATH: env.chromium_path } : {}),
      },
      count: countPlaywright,
    })
  }
  return steps
}

function chosen(steps: Step[], only: readonly string[]): Step[] {
  const unknown = only.find((name) => !steps.some((step) => step.name === name))
  if (unknown !== undefined) {
    throw new Failure(`There is no step ${unknown}. Steps: ${steps.map((step) => step.name).join(', ')}.`)
  }
  return only.length === 0 ? steps : steps.filter((step) => only.includes(step.name))
}

async function runAll(steps: readonly Step[], reports: string, stop: AbortSignal): Promise<Result[]> {
  const progress = createProgress(stop)
  const results: Result[] = []
  for (const step of steps) {
    await progress.step(step.name, step.says, async () => {
      const result = await runStep(step, reports, stop)
      results.push(result)
      const { passed, failed } = result.counts
      const sums = step.count ? `${passed} passed, ${failed} failed` : result.hasFailed ? 'FAILED' : 'ok'
      return `${step.says}: ${sums}`
    })
  }
  return results
}

async function runStep(step: Step, reports: string, stop: AbortSignal): Promise<Result> {
  const extra: Record<string, string> = {}
  if (step.name === 'browser') {
    const chromium = await findChromium(step.env?.CHROMIUM_PATH ?? null)
    if (chromium.path === null) return failedStep(step, chromium.message)
    extra.CHROMIUM_PATH = chromium.path
  }
  const { code, said } = await run(step, extra, stop)
  if (step.count === undefined) {
    return { step: step.name, said, hasFailed: code !== 0, counts: { ...NOTHING, failed: code === 0 ? 0 : 1 } }
  }
  const file = path.join(reports, `${step.name}.json`)
  if (!fs.existsSync(file)) return failedStep(step, `${said}\nIt wrote no report.`)
  const counts = step.count(JSON.parse(fs.readFileSync(file, 'utf8')))
  // An error outside of any test (a set-up that fails, an unhandled rejection) shows only in the exit code.
  const failed = code !== 0 && counts.failed === 0 ? 1 : counts.failed
  return { step: step.name, said, hasFailed: failed > 0, counts: { ...counts, failed } }
}

function failedStep(step: Step, said: string): Result {
  return { step: step.name, said, hasFailed: true, counts: { ...NOTHING, failed: 1 } }
}

function run(
  { command, cwd, env }: Step,
  extra: Record<string, string>,
  stop: AbortSignal,
): Promise<{ code: number; said: string }> {
  const [program = '', ...args] = command
  return new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(program, args, {
      cwd: cwd ?? ROOT,
      env: {
        ...surroundings(),
        TURBO_TELEMETRY_DISABLED: '1',
        TURBO_NO_UPDATE_NOTIFIER: '1',
        DO_NOT_TRACK: '1',
        ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }),
        ...env,
        ...extra,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    child.stdout?.on('data', (chunk) => (said += chunk))
    child.stderr?.on('data', (chunk) => (said += chunk))
    const end = () => void child.kill('SIGINT')
    stop.addEventListener('abort', end, { once: true })
    child.once('error', (error) => resolve({ code: 1, said: `${program} could not be run: ${error.message}` }))
    child.once('close', (code) => {
      stop.removeEventListener('abort', end)
      if (stop.aborted) reject(new Stopped())
      else resolve({ code: code ?? 1, said })
    })
  })
}

function add(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }
}

import type { Log } from './log.ts'

/** Something to finish before the process ends: stop listening, give leases back, close the database. */
export interface ShutdownStep {
  name: string
  /** `deadline` aborts when the step's time is up. From then on nobody waits for it. */
  run: (deadline: AbortSignal) => unknown
  /** 10 seconds unless told. */
  timeoutMs?: number
}

const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const

/**
 * Ends the process in order. On SIGTERM or SIGINT the steps run one after the other, once; one that fails or takes too long is
 * logged and the next one runs. The process exits with 0 when all went well, with 1 when a step didn't. The list is read when the
 * signal comes, so steps may be added while the program starts.
 *
 * The same signal again exits at once with 128 + its number, unless it comes within `repeatMs` of the first: then it is an echo. On
 * Ctrl-C the terminal signals the whole process group and npm passes the signal on as well. The other signal is no
 * reason to hurry either: a parent stopped by Ctrl-C sends SIGTERM to children that have had their SIGINT.
 *
 * An uncaught exception or unhandled rejection is logged and exits with 1 at once: what state the program is in is unknown, and
 * what must survive is in the journal and the database.
 */
export function onShutdown(
  log: Pick<Log, 'info' | 'error' | 'fatal'>,
  steps: readonly ShutdownStep[],
  { repeatMs = 1_000 }: { repeatMs?: number } = {},
): void {
  const firstAt = new Map<string, number>()

  const onSignal = (signal: keyof typeof SIGNALS) => {
    const isFirst = firstAt.size === 0
    const sameAt = firstAt.get(signal)
    if (sameAt === undefined) firstAt.set(signal, performance.now())

    if (isFirst) {
      log.info({ signal }, 'shutting down')
      void runSteps(log, steps).then((allWell) => process.exit(allWell ? 0 : 1))
    } else if (sameAt !== undefined && performance.now() - sameAt >= repeatMs) {
      log.error({ signal }, 'signalled again: leaving without finishing')
      process.exit(128 + SIGNALS[signal])
    }
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)

  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught exception')
    process.exit(1)
  })
  process.on('unhandledRejection', (reason) => {
    log.fatal({ err: reason }, 'unhandled rejection')
    process.exit(1)
  })
}

async function runSteps(log: Pick<Log, 'info' | 'error'>, steps: readonly ShutdownStep[]): Promise<boolean> {
  let allWell = true
  for (const step of steps) {
    try {
      await runStep(step)
      log.info({ step: step.name }, 'shutdown step done')
    } catch (error) {
      allWell = false
      log.error({ step: step.name, err: error }, 'shutdown step failed')
    }
  }
  return allWell
}

async function runStep({ run, timeoutMs = 10_000 }: ShutdownStep): Promise<void> {
  const deadline = new AbortController()
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    deadline.abort()
    late.reject(new Error(`not finished within ${timeoutMs} ms`))
  }, timeoutMs)
  try {
    await Promise.race([run(deadline.signal), late.promise])
  } finally {
    clearTimeout(timer)
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import { type Database, withLock } from '@stipend/db'
import type { Log } from '@stipend/runtime'

export type JobCall = {
  log: Log /** Aborts when the worker is asked to stop: finish what is begun, begin nothing new. */
  signal: AbortSignal
}

/** Something to be done again and again, by one worker at a time. It must be safe to cut off anywhere and to be run twice. */
export type Job = {
  /** Also the name of its lock. */
  name: string
  /** How long after the end of a run the next one begins. */
  every_ms: number
  run(call: JobCall): Promise<void>
}

export type JobState = { name: string; runs: number; last_ended_at: string | null; is_failing: boolean }

export type Jobs = {
  /** How each stands, for `/healthz`. */
  states(): JobState[]
  /** Resolves when what runs has ended. */
  stop(): Promise<void>
}

/**
 * Runs each job on its own beat until stopped, under an advisory lock: of several workers one runs it, and the others look again when
 * its time comes. An error is logged and the job is tried again at its next beat.
 */
export function startJobs(database: Database, log: Log, jobs: readonly Job[]): Jobs {
  const stopping = new AbortController()
  const states = jobs.map(({ name }): JobState => ({ name, runs: 0, last_ended_at: null, is_failing: false }))
  const running = jobs.map((job, at) => beat(job, states[at] as JobState))

  async function beat(job: Job, state: JobState): Promise<void> {
    const line = log.child({ job: job.name })
    const { signal } = stopping
    while (!signal.aborted) {
      try {
        const ran = await withLock(database, `job ${job.name}`, () => job.run({ log: line, signal }))
        if (ran) {
          state.runs += 1
          state.last_ended_at = new Date().toISOString()
        }
        if (ran && state.is_failing) line.info('the job works again')
        state.is_failing = false
      } catch (error) {
        state.is_failing = true
        line.error({ err: error }, 'the job failed')
      }
      await sleep(job.every_ms, undefined, { signal }).catch(() => {})
    }
  }

  return {
    states: () => states.map((state) => ({ ...state })),
    stop: async () => {
      stopping.abort()
      await Promise.all(running)
    },
  }
}

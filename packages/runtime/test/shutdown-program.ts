// A program for shutdown.test.ts to start and signal: its argument says how it behaves.
import { writeSync } from 'node:fs'
import { createLog } from '../src/log.ts'
import { onShutdown, type ShutdownStep } from '../src/shutdown.ts'

const never = () => new Promise<void>(() => {})
const say = (what: string) => writeSync(1, `${what}\n`)

const scenarios: Record<string, { steps: ShutdownStep[]; repeatMs?: number; afterwards?: () => unknown }> = {
  orderly: {
    steps: [
      {
        name: 'first',
        timeoutMs: 5,
        run: async (deadline) => {
          say('first begins')
          deadline.addEventListener('abort', () => say('told to stop'))
        },
      },
      {
        name: 'second',
        run: async () => {
          await new Promise((resolve) => setTimeout(resolve, 20))
          say('second ends')
        },
      },
      { name: 'third', run: () => say('third runs') },
    ],
  },
  failing: {
    steps: [
      {
        name: 'throws',
        run: () => {
          throw new Error('cannot close')
        },
      },
      { name: 'rejects', run: () => Promise.reject(new Error('cannot flush')) },
      { name: 'last', run: () => say('last runs') },
    ],
  },
  stuck: {
    steps: [
      {
        name: 'stuck',
        timeoutMs: 30,
        run: (deadline) => {
          deadline.addEventListener('abort', () => say('told to stop'))
          return never()
        },
      },
      { name: 'last', run: () => say('last runs') },
    ],
  },
  impatient: {
    steps: [
      {
        name: 'slow',
        run: () => {
          say('slow begins')
          return never()
        },
      },
    ],
    repeatMs: 0,
  },
  echo: {
    steps: [
      {
        name: 'slow',
        run: async () => {
          for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => say(`got ${signal}`))
          say('slow begins')
          await new Promise((resolve) => process.stdin.once('data', resolve))
          say('slow ends')
        },
      },
    ],
    repeatMs: 60_000,
  },
  added: { steps: [], afterwards: () => scenarios.added?.steps.push({ name: 'late', run: () => say('late runs') }) },
  exception: {
    steps: [{ name: 'never', run: () => say('step ran') }],
    afterwards: () => {
      setTimeout(() => {
        throw new Error('boom sk-stp-abcdefghijkl')
      }, 1)
    },
  },
  rejection: {
    steps: [{ name: 'never', run: () => say('step ran') }],
    afterwards: () => void Promise.reject('not even an error'),
  },
}

const scenario = scenarios[process.argv[2] ?? '']
if (!scenario) throw new Error('no such scenario')
const { steps, repeatMs, afterwards } = scenario
onShutdown(createLog({ app: 'test', level: 'info' }), steps, repeatMs === undefined ? {} : { repeatMs })
setInterval(() => {}, 60_000)
afterwards?.()
say('ready')

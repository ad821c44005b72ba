import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'

const program = fileURLToPath(new URL('../test/shutdown-program.ts', import.meta.url))
const running = new Set<ChildProcessWithoutNullStreams>()

afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts the program as a process of its own and lets a test wait for what it prints and how it ends. */
function start(scenario: string) {
  const child = spawn(process.execPath, [program, scenario])
  running.add(child)
  const ended = once(child, 'close').then(([code, signal]) => {
    running.delete(child)
    return { code, signal }
  })
  let output = ''
  child.stdout.on('data', (data) => {
    output += data
    child.emit('printed')
  })
  return {
    child,
    ended,
    output: () => output,
    /** The log lines among what it printed. */
    logged: () =>
      output
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line)),
    prints: async (text: string) => {
      while (!output.includes(text)) {
        await Promise.race([
          once(child, 'printed'),
          ended.then(() => {
            if (!output.includes(text)) throw new Error(`ended without printing ${text}: ${output}`)
          }),
        ])
      }
    },
  }
}

describe('on a signal', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s runs the steps in order and exits with 0', async (signal) => {
    const { child, ended, prints, output, logged } = start('orderly')
    await prints('ready')
    child.kill(signal)
    expect(await ended).toEqual({ code: 0, signal: null })
    expect(output().match(/first begins|second ends|third runs/g)).toEqual([
      'first begins',
      'second ends',
      'third runs',
    ])
    expect(output()).not.toContain('told to stop')
    expect(logged()[0]).toMatchObject({ msg: 'shutting down', signal })
  })

  test('steps that fail are logged, the others run, the exit code is 1', async () => {
    const { child, ended, prints, output, logged } = start('failing')
    await prints('ready')
    child.kill('SIGTERM')
    expect(await ended).toEqual({ code: 1, signal: null })
    expect(output()).toContain('last runs')
    expect(logged().filter(({ level }) => level === 'error')).toMatchObject([
      { step: 'throws', err: { message: 'cannot close' } },
      { step: 'rejects', err: { message: 'cannot flush' } },
    ])
  })

  test('a step that takes too long is told so and left behind', async () => {
    const { child, ended, prints, output, logged } = start('stuck')
    await prints('ready')
    child.kill('SIGTERM')
    expect(await ended).toEqual({ code: 1, signal: null })
    expect(output()).toMatch(/told to stop[\s\S]*last runs/)
    expect(logged()).toContainEqual(expect.objectContaining({ step: 'stuck', msg: 'shutdown step failed' }))
  })

  test('a step added after the start runs too', async () => {
    const { child, ended, prints, output } = start('added')
    await prints('ready')
    child.kill('SIGTERM')
    expect(await ended).toEqual({ code: 0, signal: null })
    expect(output()).toContain('late runs')
  })
})

describe('on a further signal', () => {
  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('%s again leaves at once with %i', async (signal, code) => {
    const { child, ended, prints } = start('impatient')
    await prints('ready')
    child.kill(signal)
    await prints('slow begins')
    child.kill(signal)
    expect(await ended).toEqual({ code, signal: null })
  })

  test('the echo of the first, and the other signal, change nothing', async () => {
    const { child, ended, prints, output, logged } = start('echo')
    await prints('ready')
    child.kill('SIGINT')
    await prints('slow begins')
    child.kill('SIGINT')
    await prints('got SIGINT')
    child.kill('SIGTERM')
    await prints('got SIGTERM')
    child.stdin.write('go on\n')
    expect(await ended).toEqual({ code: 0, signal: null })
    expect(output().match(/slow (begins|ends)/g)).toEqual(['slow begins', 'slow ends'])
    expect(logged().filter(({ msg }) => msg === 'shutting down')).toHaveLength(1)
  })
})

describe('on a crash', () => {
  test('an uncaught exception is logged, redacted, and exits with 1 without running steps', async () => {
    const { ended, output, logged } = start('exception')
    expect(await ended).toEqual({ code: 1, signal: null })
    expect(logged()).toMatchObject([{ level: 'fatal', msg: 'uncaught exception', err: { message: 'boom [redacted]' } }])
    expect(output()).not.toContain('step ran')
  })

  test('so is a rejection nobody handled', async () => {
    const { ended, logged } = start('rejection')
    expect(await ended).toEqual({ code: 1, signal: null })
    expect(logged()).toMatchObject([{ level: 'fatal', msg: 'unhandled rejection', err: 'not even an error' }])
  })
})

/**
 * When to stop: Ctrl-C, SIGTERM, or the end of the start-up script that runs us. The first is a request, a second one hurries.
 */
export function createStopping() {
  const asked = new AbortController()
  const hurry = new AbortController()
  let firstAt = 0
  const onSignal = () => {
    if (asked.signal.aborted) {
      // Ctrl-C reaches a whole process group, and whoever started us may pass it on as well: one press is one signal.
      if (performance.now() - firstAt > 400) hurry.abort()
      return
    }
    firstAt = performance.now()
    asked.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  if (process.connected) {
    process.on('disconnect', onSignal)
    process.channel?.unref()
  }
  return { asked: asked.signal, hurry: hurry.signal }
}

export type Stopping = ReturnType<typeof createStopping>

/** Rejects when `signal` is aborted, so that waiting for anything can be given up. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(new Stopped())
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(new Stopped())
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

/** Not an error: someone asked us to stop while we started. */
export class Stopped extends Error {
  constructor() {
    super('stopped')
    this.name = 'Stopped'
  }
}

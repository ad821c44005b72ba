import { setTimeout as sleep } from 'node:timers/promises'
import { type Database, inner } from './connect.ts'

/**
 * The channel by which gateways hear of changes. PostgreSQL delivers to whoever listens at the moment; what was said while a
 * connection was down is lost, so a listener must know when it was.
 */
const CHANNEL = 'stipend'
const CHECK_MS = 2_000
const CHECK_TIMEOUT_MS = 2_000
const RETRY_MS = 250

export type Subscription = { close(): Promise<void> }

export type ChannelHandlers = {
  onMessage: (message: string) => void
  /** The channel is up (again). */
  onReady: () => void
  /** The channel is down: from now on nothing is heard. */
  onLost: () => void
}

/** Listens until closed, connecting again as often as it takes. A connection that no longer answers counts as lost. */
export function subscribe(database: Database, handlers: ChannelHandlers): Subscription {
  const closing = new AbortController()
  const run = (async () => {
    while (!closing.signal.aborted) {
      await listenOnce(database, handlers, closing.signal)
      await sleep(RETRY_MS, undefined, { signal: closing.signal }).catch(() => {})
    }
  })()
  return {
    close: () => {
      closing.abort()
      return run
    },
  }
}

async function listenOnce(database: Database, handlers: ChannelHandlers, closing: AbortSignal): Promise<void> {
  const broken = Promise.withResolvers<void>()
  const connection = inner(database).openOne({
    onnotify: (_, message) => handlers.onMessage(message),
    onclose: () => broken.resolve(),
  })
  closing.addEventListener('abort', () => broken.resolve())
  let isUp = false
  try {
    await connection.unsafe(`listen ${CHANNEL}`)
    isUp = true
    handlers.onReady()
    while (!closing.aborted) {
      const pause = sleep(CHECK_MS, 'check' as const)
      if ((await Promise.race([broken.promise, pause])) !== 'check') break
      const late = sleep(CHECK_TIMEOUT_MS, 'late' as const)
      if ((await Promise.race([connection`select 1`, broken.promise, late])) === 'late') break
    }
  } catch {
    // Whatever it was: the connection is no good, and the next one is tried.
  }
  if (isUp && !closing.aborted) handlers.onLost()
  await connection.end({ timeout: 0 }).catch(() => {})
}

/** Says something to all gateways, this one included. */
export async function tellGateways(database: Database, message: string): Promise<void> {
  await inner(database).client`select pg_notify(${CHANNEL}, ${message})`
}

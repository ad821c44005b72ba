import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createApi } from './api.ts'
import type { Controls } from './controls.ts'
import { createPayments, type Payments, type PaysWith } from './payments.ts'
import { type ApiFault, createSandboxServer, type SeenCall } from './server.ts'
import { createStore, type Event, findObject } from './store.ts'
import { createWebhooks, type Webhooks } from './webhooks.ts'

export type { SeenCall } from './server.ts'
export type { Event } from './store.ts'
export { sign } from './webhooks.ts'

export type SandboxStripe = {
  /** Without a path, such as `http://127.0.0.1:3006`. */
  url: string
  port: number
  /** Every event there was, in order. */
  events(): Event[]
  /** Every call of the API, in order. */
  calls(): SeenCall[]
  /** Refunds, disputes and all that else happens without a caller. */
  payments: Payments
  webhooks: Webhooks
  /** Pays in a checkout session as its page does, and answers where the payer is sent. Throws where the card refuses. */
  pay(session: string, pays: PaysWith): string
  /** The next so many calls go wrong. */
  fail(fault: ApiFault, next?: number): void
  /** No call goes wrong any more. */
  heal(): void
  close(): Promise<void>
}

export type SandboxOptions = {
  port?: number
  host?: string
  /** The key that calls must come with; null: any. */
  secret_key?: string | null
  /** Where events are sent; null: nowhere, they are only kept. */
  webhook?: { url: string; secret: string } | null
  /** Pauses before an event that was not taken is sent again. */
  retry_ms?: readonly number[]
  /** Keeps everything there, across starts. */
  file?: string | null
}

const RETRY_MS = [1_000, 5_000, 15_000, 60_000, 300_000, 3_600_000]

/**
 * Starts a Stripe that is not one: customers, checkout with its page, payments with and without their owner, refunds, disputes,
 * signed webhooks. It keeps state, behaves as Stripe's test mode does, and misbehaves on request. README.md says what it can do.
 */
export async function startSandboxStripe(options: SandboxOptions = {}): Promise<SandboxStripe> {
  const { port = 0, host = '127.0.0.1', secret_key = null, webhook = null, file = null } = options
  const store = createStore(file)
  const webhooks = createWebhooks(webhook, options.retry_ms ?? RETRY_MS)
  let url = ''
  const payments = createPayments(
    store,
    () => url,
    (event) => webhooks.send(event),
  )
  const calls: SeenCall[] = []
  let faults: ApiFault[] = []
  const fail = (fault: ApiFault, next = 1) => {
    faults.push(...Array.from({ length: next }, () => fault))
  }
  const events = () => [...store.events.values()]
  const controls: Controls = { payments, webhooks, events, calls: () => [...calls], fail }
  const server = createSandboxServer({
    store,
    payments,
    api: createApi(store, payments, () => url),
    secret_key,
    saw: (call) => void calls.push(call),
    takeFault(path) {
      const at = faults.findIndex((fault) => fault.path === undefined || path.startsWith(fault.path))
      const fault = faults[at]
      faults = faults.filter((_, index) => index !== at)
      return fault
    },
    controls,
  })
  server.listen({ port, host, backlog: 1_024 })
  await once(server, 'listening')
  const address = server.address() as AddressInfo
  url = `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`

  return {
    url,
    port: address.port,
    events,
    calls: () => [...calls],
    payments,
    webhooks,
    pay(id, pays) {
      const session = findObject(store, 'checkout.session', id)
      if (session === undefined) throw new Error(`there is no session ${id}`)
      return payments.payInSession(session, pays)
    },
    fail,
    heal() {
      faults = []
    },
    async close() {
      webhooks.stop()
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Event } from './store.ts'

/** What goes wrong on the way of an event. */
export type Mishaps = {
  /** Sent so much later. */
  delay_ms?: number
  /** Sent so many times. */
  repeat?: number
  /** Never sent by itself. */
  drop?: boolean
  /** Sent in groups of so many, each backwards. */
  reorder?: number
}

export type Signed = { body: string; signature: string }

/** The body of an event and the header `stripe-signature` that goes with it. */
export function sign(event: Event, secret: string, at = Math.floor(Date.now() / 1000)): Signed {
  const body = JSON.stringify(event, null, 2)
  const hmac = createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')
  return { body, signature: `t=${at},v1=${hmac}` }
}

export type Delivery = { event_id: string; status: number | null; at: number }

export type Webhooks = {
  send(event: Event): void
  /** Delivers an event now, once. Answers the status, null where nobody answered. */
  deliver(event: Event): Promise<number | null>
  configure(mishaps: Mishaps): void
  deliveries(): Delivery[]
  /** Resolves when nothing is on its way. */
  settled(): Promise<void>
  stop(): void
}

/** Sends events to an endpoint, each again after a pause as long as it doesn't answer 2xx. */
export function createWebhooks(
  endpoint: { url: string; secret: string } | null,
  retry_ms: readonly number[],
): Webhooks {
  const stopping = new AbortController()
  const underway = new Set<Promise<void>>()
  const deliveries: Delivery[] = []
  let mishaps: Mishaps = {}
  let group: Event[] = []

  async function deliver(event: Event): Promise<number | null> {
    if (endpoint === null) return null
    const { body, signature } = sign(event, endpoint.secret)
    let status: number | null = null
    try {
      const response = await fetch(endpoint.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': signature },
        body,
        signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(20_000)]),
      })
      await response.arrayBuffer()
      status = response.status
    } catch {
      // Nobody there, or too slow: sent again.
    }
    deliveries.push({ event_id: event.id, status, at: Date.now() })
    return status
  }

  async function sendUntilTaken(event: Event, delay: number): Promise<void> {
    for (const pause of [delay, ...retry_ms]) {
      if (pause > 0) await sleep(pause, undefined, { signal: stopping.signal })
      const status = await deliver(event)
      if (status !== null && status >= 200 && status < 300) return
    }
  }

  function start(event: Event): void {
    const { delay_ms = 0, repeat = 1, drop = false } = mishaps
    if (drop || endpoint === null) return
    for (let n = 0; n < repeat; n += 1) {
      const sending = sendUntilTaken(event, delay_ms)
        .catch(() => {})
        .finally(() => underway.delete(sending))
      underway.add(sending)
    }
  }

  return {
    send(event) {
      const { reorder = 1 } = mishaps
      group.push(event)
      if (group.length < reorder) return
      for (const one of group.reverse()) start(one)
      group = []
    },
    deliver,
    configure(wanted) {
      mishaps = wanted
      if ((wanted.reorder ?? 1) > 1) return
      for (const one of group.reverse()) start(one)
      group = []
    },
    deliveries: () => [...deliveries],
    async settled() {
      while (underway.size > 0) await Promise.all(underway)
    },
    stop: () => stopping.abort(),
  }
}

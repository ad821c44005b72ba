import type { IncomingHttpHeaders } from 'node:http'
import type { PricedModel } from '@stipend/core'
import { type Dialect, endpointOf, headersFor } from '@stipend/core'
import type { Outbound } from '@stipend/runtime'
import { type AnswerHandler, Call } from './client/connection.ts'
import { Origin } from './client/origin.ts'

export type ProviderPatience = {
  /** Until a connection is there. */
  connectMs: number
  /** Until the head of an answer. Answers of ten minutes happen; the official clients wait as long. */
  headMs: number
  /** Until the next byte of it. */
  silenceMs: number
  /** Before a provider that failed is asked once more, where there is no other. */
  backoffMs: number
}
export const PATIENCE: ProviderPatience = { connectMs: 10_000, headMs: 600_000, silenceMs: 300_000, backoffMs: 250 }

const CONNECTIONS_MAX = 1024
/** How long a connection without a request is kept, where the provider doesn't say, and where it says for long. */
const IDLE_MS = 4_000
const IDLE_MS_MAX = 600_000
const TICK_MS_MAX = 1_000
const TICK_MS_MIN = 10
/** Timeouts are off by up to a tick: this part of the shortest. */
const TICKS_IN_SHORTEST = 8

/** Headers of a client that its provider needs. Whatever else it says of itself is not the provider's business. */
const PASSED_ON: Record<Dialect, readonly string[]> = {
  chat: ['openai-beta'],
  completions: ['openai-beta'],
  embeddings: ['openai-beta'],
  responses: ['openai-beta', 'x-openai-internal-codex-responses-lite'],
  messages: ['anthropic-version', 'anthropic-beta'],
}
const PASSED_LENGTH_MAX = 2_000

/** `head`: the lines of a request to it but for those that differ each time. `usual`: those a client may have another value for. */
type Route = {
  origin: Origin
  target: string
  host: string
  fixed: string
  usual: Readonly<Record<string, string>>
  head: string
  streamHead: string
}

/** Connections to providers. */
export class Upstreams {
  readonly #origins = new Map<string, Origin>()
  /** A catalogue that is read again brings new models, and so new routes. */
  readonly #routes = new WeakMap<PricedModel, Partial<Record<Dialect, Route>>>()
  readonly #outbound: Outbound
  readonly #patience: ProviderPatience
  readonly #tickMs: number
  readonly #clock: NodeJS.Timeout

  constructor(outbound: Outbound, patience: ProviderPatience) {
    this.#outbound = outbound
    this.#patience = patience
    const shortest = Math.min(patience.headMs, patience.silenceMs)
    this.#tickMs = Math.max(TICK_MS_MIN, Math.min(TICK_MS_MAX, Math.floor(shortest / TICKS_IN_SHORTEST)))
    this.#clock = setInterval(() => {
      for (const origin of this.#origins.values()) origin.tick()
    }, this.#tickMs)
    this.#clock.unref()
  }

  /** Sends a request on; `handler` gets the answer as it comes, and nothing before this has returned. */
  dispatch(
    model: PricedModel,
    args: { dialect: Dialect; body: Buffer; isStream: boolean; client: IncomingHttpHeaders },
    handler: AnswerHandler,
  ): Call {
    try {
      const { origin, usual, head, streamHead } = this.#routeOf(model, args.dialect)
      const passed = passedOn(args.dialect, usual, args.client)
      const lines = `${args.isStream ? streamHead : head}${passed}content-length: ${args.body.length}\r\n\r\n`
      return origin.dispatch({ head: lines, body: args.body }, handler)
    } catch (error) {
      return failed(handler, error as Error)
    }
  }

  /** The same for something beneath an endpoint that is no request for tokens. */
  dispatchPlain(
    model: PricedModel,
    args: {
      method: 'GET' | 'POST' | 'DELETE'
      dialect: Dialect
      beneath: string
      body: Buffer | null
      client: IncomingHttpHeaders
    },
    handler: AnswerHandler,
  ): Call {
    try {
      const { origin, target, host, fixed, usual } = this.#routeOf(model, args.dialect)
      const [folder = '', query] = target.split('?')
      const place = `${folder}${args.beneath}${query === undefined ? '' : `${args.beneath.includes('?') ? '&' : '?'}${query}`}`
      const length = args.body === null ? '' : `content-length: ${args.body.length}\r\n`
      const head = `${openingOf(args.method, place, host)}${fixed}accept: application/json\r\n`
      const passed = passedOn(args.dialect, usual, args.client)
      return origin.dispatch({ head: `${head}${passed}${length}\r\n`, body: args.body }, handler)
    } catch (error) {
      return failed(handler, error as Error)
    }
  }

  #routeOf(model: PricedModel, dialect: Dialect): Route {
    const routes = this.#routes.get(model) ?? {}
    const known = routes[dialect]
    if (known !== undefined) return known
    const { provider, upstream_name } = model
    const endpoint = endpointOf(provider, dialect, upstream_name)
    const ours = Object.entries({
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'stipend',
      ...headersFor(provider.kind, provider.credential),
    })
    const isUsual = (name: string) => PASSED_ON[dialect].includes(name)
    const fixed = ours.map(([name, value]) => (isUsual(name) ? '' : lineOf(name, value))).join('')
    const { host } = endpoint
    const target = endpoint.pathname + endpoint.search
    const opening = openingOf('POST', target, host)
    const route = {
      // The platform may have providers in its own network, such as the sandbox; others may not reach into it.
      origin: this.#originOf(endpoint, provider.tenant_id === null),
      target,
      host,
      fixed,
      usual: Object.fromEntries(ours.filter(([name]) => isUsual(name))),
      head: `${opening}${fixed}accept: application/json\r\n`,
      streamHead: `${opening}${fixed}accept: text/event-stream\r\n`,
    }
    routes[dialect] = route
    this.#routes.set(model, routes)
    return route
  }

  #originOf(endpoint: URL, isTrusted: boolean): Origin {
    const name = `${endpoint.origin} ${isTrusted}`
    let origin = this.#origins.get(name)
    if (origin === undefined) {
      const ticks = (ms: number) => Math.ceil(ms / this.#tickMs)
      const { headMs, silenceMs } = this.#patience
      origin = new Origin(endpoint, {
        outbound: this.#outbound,
        isTrusted,
        connectionsMax: CONNECTIONS_MAX,
        patience: {
          head: ticks(headMs),
          silence: ticks(silenceMs),
          idle: ticks(IDLE_MS),
          idleMax: ticks(IDLE_MS_MAX),
          perSecond: 1_000 / this.#tickMs,
        },
      })
      this.#origins.set(name, origin)
    }
    return origin
  }

  close(): void {
    clearInterval(this.#clock)
    for (const origin of this.#origins.values()) origin.close()
  }
}

const openingOf = (method: string, target: string, host: string) =>
  `${method} ${targetOf(target)} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n`

/** What a line of a head may hold: nothing that would end it, and only characters of one byte. */
const PLAIN_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const PLAIN_TARGET = /^\/[\x21-\x7e]*$/

function targetOf(target: string): string {
  if (!PLAIN_TARGET.test(target)) throw new Error('an address of a provider that can’t be asked for')
  return target
}

function lineOf(name: string, value: string): string {
  if (!PLAIN_VALUE.test(value)) throw new Error(`a value of ${name} that no header can have`)
  return `${name}: ${value}\r\n`
}

/** Headers of the client that the provider needs, as lines; our own where it has none. */
function passedOn(dialect: Dialect, usual: Route['usual'], client: IncomingHttpHeaders): string {
  let lines = ''
  for (const name of PASSED_ON[dialect]) {
    const said = client[name]
    const value = typeof said === 'string' && said.length <= PASSED_LENGTH_MAX ? said : usual[name]
    if (value !== undefined) lines += lineOf(name, value)
  }
  return lines
}

/** A request that can't be sent at all. */
function failed(handler: AnswerHandler, error: Error): Call {
  const call = new Call({ head: '', body: null }, handler)
  setImmediate(() => call.abort(error))
  return call
}

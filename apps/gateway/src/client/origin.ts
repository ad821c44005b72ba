import type { Outbound } from '@stipend/runtime'
import { type AnswerHandler, Call, Connection, type Keeper, type Outgoing, type Patience } from './connection.ts'

/** One piece of memory that all connections read into: it is never read later than it was written. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024)

/** The connections to one address. */
export class Origin {
  readonly #url: URL
  readonly #outbound: Outbound
  readonly #isTrusted: boolean
  readonly #connectionsMax: number
  readonly #keeper: Keeper
  readonly #all = new Set<Connection>()
  /** Those without a request, the one used last at the end. */
  readonly #idle: Connection[] = []
  readonly #waiting: Call[] = []
  #now = 0

  /** `isTrusted`: the platform itself named the address, so it may be in its own network. */
  constructor(url: URL, how: { outbound: Outbound; isTrusted: boolean; connectionsMax: number; patience: Patience }) {
    this.#url = url
    this.#outbound = how.outbound
    this.#isTrusted = how.isTrusted
    this.#connectionsMax = how.connectionsMax
    this.#keeper = {
      patience: how.patience,
      now: () => this.#now,
      isFree: (connection) => this.#onFree(connection),
      isGone: (connection) => this.#onGone(connection),
    }
  }

  /** Sends a request, on a connection that is free or a new one. The handler hears nothing before this has returned. */
  dispatch(request: Outgoing, handler: AnswerHandler): Call {
    const call = new Call(request, handler)
    let free = this.#idle.pop()
    // Broken, and about to say so.
    while (free?.isOpen === false) free = this.#idle.pop()
    if (free !== undefined) free.send(call)
    else if (this.#all.size < this.#connectionsMax) this.#open(call)
    else this.#waiting.push(call)
    return call
  }

  /** The clock of all timeouts. */
  tick(): void {
    this.#now++
    for (const connection of this.#all) connection.check(this.#now)
  }

  close(): void {
    for (const connection of this.#all) connection.fail(new Error('the gateway is going away'))
  }

  #open(call: Call): void {
    const connection = new Connection(this.#keeper)
    connection.take(call)
    this.#all.add(connection)
    const onread = {
      buffer: scratch,
      callback: (length: number) => {
        connection.read(scratch.subarray(0, length))
        return true
      },
    }
    this.#outbound.dial(this.#url, this.#isTrusted, onread, (error, socket) => {
      if (error !== null) {
        connection.fail(error)
        return
      }
      connection.attach(socket)
      if (!call.isOver) connection.send(call)
    })
  }

  #onFree(connection: Connection): void {
    let next = this.#waiting.shift()
    while (next?.isOver) next = this.#waiting.shift()
    if (next === undefined) this.#idle.push(connection)
    else connection.send(next)
  }

  #onGone(connection: Connection): void {
    this.#all.delete(connection)
    const at = this.#idle.lastIndexOf(connection)
    if (at !== -1) this.#idle.splice(at, 1)
    let next = this.#waiting.shift()
    while (next?.isOver) next = this.#waiting.shift()
    if (next !== undefined) this.#open(next)
  }
}

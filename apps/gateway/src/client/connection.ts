import type { Socket } from 'node:net'
import { type AnswerHead, AnswerParser } from './answer.ts'

/** A request as its bytes: `head` ends with the empty line; every character of it is one byte. */
export type Outgoing = { head: string; body: Buffer | null }

/** What a call brings. After `onEnd` or `onFailure`, of which one comes, nothing more. */
export type AnswerHandler = {
  onHead(call: Call, head: AnswerHead): void
  onData(call: Call, bytes: Buffer): void
  onEnd(call: Call): void
  onFailure(call: Call, error: Error): void
}

/** The other side closed the connection, or the connection broke, before the answer was complete. */
export class BrokenConnectionError extends Error {
  constructor(cause?: unknown) {
    super('the connection closed before the answer was complete', { cause })
    this.name = 'BrokenConnectionError'
  }
}

/** Nothing came for too long. */
export class SilenceError extends Error {
  constructor(what: 'head' | 'body') {
    super(what === 'head' ? 'no answer came in time' : 'nothing more of the answer came in time')
    this.name = 'SilenceError'
  }
}

/** In ticks of a clock that all connections share: none of them reads the time or has a timer of its own. */
export type Patience = { head: number; silence: number; idle: number; idleMax: number; perSecond: number }

/** A request under way, on whatever connection. */
export class Call {
  readonly request: Outgoing
  readonly handler: AnswerHandler
  connection: Connection | null = null
  isOver = false

  constructor(request: Outgoing, handler: AnswerHandler) {
    this.request = request
    this.handler = handler
  }

  /** Reads no more from the connection; what was read already still comes. */
  pause(): void {
    this.connection?.pause()
  }

  resume(): void {
    this.connection?.resume()
  }

  /** Ends it, and the connection with it: `onFailure` gets the reason, at once. */
  abort(reason: Error): void {
    if (this.isOver) return
    const { connection } = this
    if (connection === null) this.fail(reason)
    else connection.fail(reason)
  }

  fail(error: Error): void {
    if (this.isOver) return
    this.isOver = true
    this.connection = null
    this.handler.onFailure(this, error)
  }
}

/** What a connection tells whoever keeps it. */
export type Keeper = {
  now(): number
  patience: Patience
  isFree(connection: Connection): void
  isGone(connection: Connection): void
}

/** A body up to this size leaves in one piece with its head. */
const ONE_PIECE_BYTES_MAX = 8_192
/** What is taken off the time that the other side keeps a connection: it must not close it while we send. */
const MARGIN_SECONDS = 2

/** One connection, with at most one request on it at a time. */
export class Connection {
  readonly #keeper: Keeper
  readonly #parser: AnswerParser
  #socket: Socket | null = null
  #call: Call | null = null
  /** The tick from which on it is late, with an answer or as idle. */
  #lateAt = Number.POSITIVE_INFINITY
  #hasHead = false
  #isPaused = false
  #isGone = false

  constructor(keeper: Keeper) {
    this.#keeper = keeper
    this.#parser = new AnswerParser({
      onHead: (head) => {
        this.#hasHead = true
        if (this.#call !== null) this.#call.handler.onHead(this.#call, head)
      },
      onData: (bytes) => {
        if (this.#call !== null) this.#call.handler.onData(this.#call, bytes)
      },
      onEnd: () => this.#complete(),
    })
  }

  get isOpen(): boolean {
    return !this.#isGone && this.#socket?.destroyed === false
  }

  /** Its socket, which is connected. */
  attach(socket: Socket): void {
    this.#socket = socket
    socket.on('end', () => this.#onEnd())
    socket.on('error', (error) => this.fail(error))
    socket.on('close', () => this.fail(new BrokenConnectionError()))
    if (this.#isGone) socket.destroy()
  }

  /** Sends the request of a call, once connected. */
  send(call: Call): void {
    this.take(call)
    this.#hasHead = false
    this.#lateAt = this.#keeper.now() + this.#keeper.patience.head
    this.#parser.expect()
    const socket = this.#socket
    if (socket === null) throw new Error('a request on no connection')
    const { head, body } = call.request
    if (body === null) socket.write(head, 'latin1')
    else if (body.length <= ONE_PIECE_BYTES_MAX) socket.write(head + body.toString('latin1'), 'latin1')
    else {
      socket.cork()
      socket.write(head, 'latin1')
      socket.write(body)
      socket.uncork()
    }
  }

  /** Whose connection it is from now on. */
  take(call: Call): void {
    this.#call = call
    call.connection = this
  }

  /** Bytes that came. They may be overwritten afterwards. */
  read(bytes: Buffer): void {
    const { now, patience } = this.#keeper
    if (this.#call !== null) this.#lateAt = now() + patience.silence
    try {
      this.#parser.feed(bytes)
    } catch (error) {
      this.fail(error as Error)
    }
  }

  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#socket?.pause()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#lateAt = this.#keeper.now() + this.#keeper.patience.silence
    this.#socket?.resume()
  }

  /** Looks whether it is late. Whoever doesn't read can't complain of silence. */
  check(now: number): void {
    if (now < this.#lateAt || this.#isPaused) return
    this.fail(new SilenceError(this.#hasHead ? 'body' : 'head'))
  }

  /** Ends it, and what is under way on it. */
  fail(error: Error): void {
    const call = this.#call
    this.#call = null
    this.#drop()
    call?.fail(error)
  }

  #drop(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#socket?.destroy()
    this.#keeper.isGone(this)
  }

  #onEnd(): void {
    try {
      this.#parser.close()
      this.#drop()
    } catch (error) {
      this.fail(new BrokenConnectionError(error))
    }
  }

  #complete(): void {
    const call = this.#call
    this.#call = null
    const { keepsAlive, keptSeconds } = this.#parser
    const { patience, now } = this.#keeper
    const kept =
      keptSeconds === undefined
        ? patience.idle
        : Math.min((keptSeconds - MARGIN_SECONDS) * patience.perSecond, patience.idleMax)
    // An answer may come before the whole request was sent: what is left of that would stand before the next one.
    const isClean = this.#socket?.writableLength === 0
    if (keepsAlive && isClean && kept > 0 && !this.#isGone) {
      this.resume()
      this.#lateAt = now() + kept
      this.#keeper.isFree(this)
    } else this.#drop()
    if (call === null || call.isOver) return
    call.isOver = true
    call.connection = null
    call.handler.onEnd(call)
  }
}

import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'

/** The bytes PostgreSQL ends a successful `select` with: what was asked is committed when they are sent. */
const DONE = Buffer.from('SELECT 1\0')

/**
 * The network between a program and its database, to be pulled out at will. All connections of `url` go through it. Reality's own
 * kinds of trouble: nothing connects, a connection dies at once, or it dies after the database has done what it was asked.
 */
export class Cable {
  readonly url: string
  /** Statements sent through it so far, whoever sent them. */
  statements = 0
  readonly #server: net.Server
  readonly #connections = new Set<net.Socket>()
  #isOut = false
  #losing: ((request: Buffer) => boolean) | null = null

  private constructor(server: net.Server, url: string) {
    this.#server = server
    this.url = url
  }

  static async to(databaseUrl: string): Promise<Cable> {
    const target = new URL(databaseUrl)
    const server = net.createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = new URL(databaseUrl)
    url.hostname = '127.0.0.1'
    url.port = String((server.address() as AddressInfo).port)
    const cable = new Cable(server, url.href)
    server.on('connection', (socket) => cable.#connect(socket, target))
    return cable
  }

  pullOut(): void {
    this.#isOut = true
    for (const socket of this.#connections) socket.destroy()
  }

  plugIn(): void {
    this.#isOut = false
  }

  /** The next request that contains `words` is carried out, and its answer never arrives. */
  loseAnswerTo(words: string): void {
    this.#losing = (request) => request.includes(words)
  }

  /** As it was, for requests to come. */
  loseNothing(): void {
    this.#losing = null
  }

  async close(): Promise<void> {
    this.pullOut()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #connect(client: net.Socket, target: URL): void {
    if (this.#isOut) return void client.destroy()
    const server = net.connect(Number(target.port), target.hostname)
    let isDoomed = false
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.setNoDelay(true)
      this.#connections.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        this.#connections.delete(one)
        other.destroy()
      })
    }
    const count = statementCounter(() => this.statements++)
    client.on('data', (chunk) => {
      count(chunk)
      if (this.#losing?.(chunk)) {
        this.#losing = null
        isDoomed = true
      }
      server.write(chunk)
    })
    server.on('data', (chunk) => {
      if (isDoomed && chunk.includes(DONE)) return void client.destroy()
      if (!isDoomed || !client.destroyed) client.write(chunk)
    })
  }
}

const QUERY = 0x51
const EXECUTE = 0x45

/** Watches what a client sends: after its first packet each has a letter and a length. */
function statementCounter(onStatement: () => void): (chunk: Buffer) => void {
  let left = Buffer.alloc(0)
  let isFirst = true
  return (chunk) => {
    left = Buffer.concat([left, chunk])
    for (;;) {
      const letters = isFirst ? 0 : 1
      if (left.length < letters + 4) return
      const size = letters + left.readUInt32BE(letters)
      if (left.length < size) return
      if (!isFirst && (left[0] === QUERY || left[0] === EXECUTE)) onStatement()
      isFirst = false
      left = left.subarray(size)
    }
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Entry } from './stats.ts'

/** One request and its answer on the wire, as it is put there and until its client is gone. */
export type Exchange = {
  /** Waits, but not for a client that has left; then it is false. */
  wait(milliseconds: number): Promise<boolean>
  /** As `wait`, for one turn of the event loop: what was written so far goes out by itself. */
  turn(): Promise<boolean>
  begin(status: number, headers: readonly string[]): void
  /** Sends the headers without waiting for a body. */
  flush(): void
  /** From now on everything is written in pieces of at most so many bytes, each by itself, no character whole that has several. */
  splitAt(bytes: number): void
  /** False when the client is gone. */
  write(data: string | Buffer): Promise<boolean>
  end(data?: string | Buffer): Promise<void>
  /** Closes the connection once everything written is with the system: the client sees an answer without an end. */
  cut(): void
  /** Closes it with a TCP reset. */
  reset(): void
}

export function createExchange(request: IncomingMessage, response: ServerResponse, entry: Entry): Exchange {
  let isOver = false
  let split: number | undefined
  let wake: (() => void) | undefined
  response.on('finish', () => entry.end('completed'))
  // A write that the client's leaving has overtaken; `close` follows.
  response.on('error', () => {})
  response.on('close', () => {
    isOver = true
    entry.close()
    wake?.()
  })

  const sleep = (start: (done: () => void) => () => void) =>
    new Promise<boolean>((resolve) => {
      if (isOver) return resolve(false)
      const stop = start(() => {
        wake = undefined
        resolve(!isOver)
      })
      wake = () => {
        stop()
        resolve(false)
      }
    })

  const turn = () =>
    sleep((done) => {
      const timer = setImmediate(done)
      return () => clearImmediate(timer)
    })

  const drained = () =>
    sleep((done) => {
      response.once('drain', done)
      return () => response.off('drain', done)
    })

  const write = async (data: string | Buffer) => {
    if (isOver) return false
    return response.write(data) || (await drained())
  }

  const writeSplit = async (data: string | Buffer, size: number) => {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    for (let at = 0; at < bytes.length; ) {
      const end = splitEnd(bytes, at, size)
      if (!(await write(bytes.subarray(at, end))) || !(await turn())) return false
      at = end
    }
    return true
  }

  return {
    wait: (milliseconds) =>
      sleep((done) => {
        const timer = setTimeout(done, milliseconds)
        return () => clearTimeout(timer)
      }),
    turn,
    begin(status, headers) {
      response.writeHead(status, headers as string[])
    },
    flush: () => response.flushHeaders(),
    splitAt(bytes) {
      split = bytes
    },
    write: (data) => (split === undefined ? write(data) : writeSplit(data, split)),
    async end(data) {
      if (isOver) return
      if (data === undefined) response.end()
      else if (split === undefined) response.end(data)
      else if (await writeSplit(data, split)) response.end()
    },
    cut() {
      entry.end('cut')
      // An empty write is done when all before it are.
      response.write('', () => request.socket.destroy())
    },
    reset() {
      request.socket.resetAndDestroy()
    },
  }
}

/** After `size` bytes, or after the first byte of a character that has several. */
function splitEnd(bytes: Buffer, start: number, size: number): number {
  const end = Math.min(start + size, bytes.length)
  for (let at = start; at < end; at += 1) if ((bytes[at] as number) >= 0xc0) return at + 1
  return end
}

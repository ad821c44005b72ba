import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readBody } from './body.ts'

const LIMITS = { bytesMax: 1_000, silenceMs: 150 }
/** What became of each body, in the order in which their heads came. */
const outcomes: Promise<Buffer | { code: string; message: string }>[] = []
let waiting: (() => void) | undefined
const server = createServer((request: IncomingMessage, response) => {
  outcomes.push(
    readBody(request, LIMITS)
      .finally(() => {
        request.resume()
        response.end()
      })
      .catch((error: unknown) => error as { code: string; message: string }),
  )
  waiting?.()
})
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const HEAD = 'POST / HTTP/1.1\r\nHost: x\r\n'
const chunk = (bytes: Uint8Array) =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])

/** Sends pieces one after the other on a connection of its own; the last one may be a pause in milliseconds, or 'leave'. */
async function send(...pieces: (string | Buffer | number)[]) {
  const arrived = new Promise<void>((resolve) => {
    waiting = resolve
  })
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => {}).resume()
  await once(socket, 'connect')
  socket.setNoDelay(true)
  for (const piece of pieces) {
    if (piece === 'leave') socket.destroy()
    else if (typeof piece === 'number') await sleep(piece)
    else socket.write(piece)
  }
  await arrived
  const outcome = await outcomes.at(-1)
  socket.destroy()
  if (outcome === undefined) throw new Error('no request')
  return outcome
}

describe('a body', () => {
  it('arrives whole, in whatever pieces it comes', async () => {
    const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 90 }), { maxLength: 10 })
    await fc.assert(
      fc.asyncProperty(pieces, fc.boolean(), async (parts, isChunked) => {
        const whole = Buffer.concat(parts)
        const sent = isChunked
          ? [`${HEAD}Transfer-Encoding: chunked\r\n\r\n`, ...parts.map(chunk), '0\r\n\r\n']
          : [`${HEAD}Content-Length: ${whole.length}\r\n\r\n`, ...parts.map((part) => Buffer.from(part))]
        const outcome = await send(...sent)
        expect(Buffer.isBuffer(outcome) && outcome.equals(whole)).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  it('may be as large as the limit, and a byte more is too large', async () => {
    const most = Buffer.alloc(1_000, 'x')
    expect(await send(`${HEAD}Content-Length: 1000\r\n\r\n`, most)).toEqual(most)
    expect(await send(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`, chunk(most), '0\r\n\r\n')).toEqual(most)
    const tooLarge = { code: 'request_too_large' }
    expect(await send(`${HEAD}Content-Length: 1001\r\n\r\n`)).toMatchObject(tooLarge)
    expect(await send(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`, chunk(most), chunk(Buffer.from('x')))).toMatchObject(
      tooLarge,
    )
  })

  it('may be slow, but not silent', async () => {
    const head = `${HEAD}Content-Length: 5\r\n\r\n`
    expect(String(await send(head, 'a', 50, 'b', 50, 'c', 50, 'd', 50, 'e'))).toBe('abcde')
    expect(await send(head, 'abcd')).toMatchObject({
      code: 'request_timeout',
      message: expect.stringMatching(/in time/),
    })
    expect(await send(head)).toMatchObject({ code: 'request_timeout' })
  })

  it('that breaks off is over at once', async () => {
    const broken = { code: 'request_timeout', message: expect.stringMatching(/closed before/) }
    expect(await send(`${HEAD}Content-Length: 5\r\n\r\n`, 'ab', 20, 'leave')).toMatchObject(broken)
    expect(await send(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`, '2\r\nab\r\n', 20, 'leave')).toMatchObject(broken)
  })
})

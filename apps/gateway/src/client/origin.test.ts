import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createServer as createSecureServer,
  getCACertificates,
  Server as SecureServer,
  setDefaultCACertificates,
} from 'node:tls'
import { Outbound } from '@stipend/runtime'
import { afterEach, describe, expect, it } from 'vitest'
import { selfSigned } from '../../test/self-signed.ts'
import type { AnswerHead } from './answer.ts'
import { type AnswerHandler, BrokenConnectionError, type Call, SilenceError } from './connection.ts'
import { Origin } from './origin.ts'

const servers: Server[] = []
const origins: Origin[] = []
afterEach(() => {
  for (const origin of origins.splice(0)) origin.close()
  for (const server of servers.splice(0)) server.close()
})

type Exchange = { socket: Socket; connection: number; request: string }

/** A server that says what it is told to each time a request is complete. Answers its URL and how many connections it had. */
async function serve(
  answer: (exchange: Exchange) => void,
  server = createServer(),
): Promise<{ url: URL; opened: () => number }> {
  let opened = 0
  server.on(server instanceof SecureServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    const connection = ++opened
    let text = ''
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      for (;;) {
        const end = text.indexOf('\r\n\r\n')
        if (end === -1) return
        const length = Number(/content-length: (\d+)/.exec(text.slice(0, end))?.[1] ?? 0)
        if (text.length < end + 4 + length) return
        const request = text.slice(0, end + 4 + length)
        text = text.slice(request.length)
        answer({ socket, connection, request })
      }
    })
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { url: new URL(`http://127.0.0.1:${address.port}`), opened: () => opened }
}

const PATIENCE = { head: 3, silence: 3, idle: 10, idleMax: 100, perSecond: 1 }

function originOf(url: URL, { connectionsMax = 100, patience = PATIENCE } = {}): Origin {
  const outbound = new Outbound({ allow: [], connectMs: 500 })
  const origin = new Origin(url, { outbound, isTrusted: true, connectionsMax, patience })
  origins.push(origin)
  return origin
}

type Heard = { status: number; body: string; error: Error | null; call: Call }

/** One request, until it is over. */
function ask(
  origin: Origin,
  { body = 'body', onData }: { body?: string | Buffer; onData?: (call: Call) => void } = {},
) {
  const bytes = Buffer.from(body)
  const head = `POST / HTTP/1.1\r\nhost: test\r\ncontent-length: ${bytes.length}\r\n\r\n`
  return new Promise<Heard>((resolve, reject) => {
    let status = 0
    const parts: Buffer[] = []
    let ends = 0
    const finish = (call: Call, error: Error | null) => {
      if (++ends > 1) reject(new Error('ended twice'))
      else resolve({ status, body: Buffer.concat(parts).toString(), error, call })
    }
    const handler: AnswerHandler = {
      onHead: (_, { status: said }: AnswerHead) => (status = said),
      onData: (call, part) => {
        parts.push(part)
        onData?.(call)
      },
      onEnd: (call) => finish(call, null),
      onFailure: finish,
    }
    origin.dispatch({ head, body: bytes }, handler)
  })
}

const OK = 'HTTP/1.1 200 OK\r\n'
const reply = (text: string) => `${OK}content-length: ${text.length}\r\n\r\n${text}`

describe('an origin', () => {
  it('uses a connection again, and a second one only beside it', async () => {
    const { url, opened } = await serve(({ socket, request }) => socket.write(reply(request.slice(-4))))
    const origin = originOf(url)
    for (const body of ['1111', '2222', '3333'])
      expect(await ask(origin, { body })).toMatchObject({ status: 200, body })
    expect(opened()).toBe(1)
    const both = await Promise.all([ask(origin, { body: '4444' }), ask(origin, { body: '5555' })])
    expect(both.map(({ body }) => body)).toEqual(['4444', '5555'])
    expect(opened()).toBe(2)
  })

  it('lets requests wait where it may open no more, but for those given up meanwhile', async () => {
    const { url, opened } = await serve(({ socket, request }) => void socket.write(reply(request.slice(-4))))
    const origin = originOf(url, { connectionsMax: 2 })
    const asked = Array.from({ length: 9 }, (_, i) => ask(origin, { body: `n=${i}.` }))
    const unwanted = new Promise<Error>((resolve) => {
      const call = origin.dispatch(
        { head: 'GET / HTTP/1.1\r\n\r\n', body: null },
        {
          onHead() {},
          onData() {},
          onEnd: () => resolve(new Error('answered')),
          onFailure: (_, error) => resolve(error),
        },
      )
      call.abort(new Error('given up'))
    })
    expect((await unwanted).message).toBe('given up')
    expect((await Promise.all(asked)).map(({ body }) => body)).toEqual(asked.map((_, i) => `n=${i}.`))
    expect(opened()).toBe(2)
  })

  it('sends large bodies whole, whatever is in them', async () => {
    const seen: string[] = []
    const { url } = await serve(({ socket, request }) => {
      seen.push(request.slice(request.indexOf('\r\n\r\n') + 4))
      socket.write(reply('x'))
    })
    const origin = originOf(url)
    for (const size of [0, 1, 8_192, 8_193, 3_000_000]) {
      const body = Buffer.alloc(size, 'añb')
      await ask(origin, { body })
      expect(seen.pop()).toBe(body.toString('latin1'))
    }
  })

  it('never takes for an answer what came before the question', async () => {
    const { url, opened } = await serve(({ socket, request }) => {
      socket.write(`${reply(request.slice(-4))}${reply('forged')}`)
    })
    const origin = originOf(url)
    for (const body of ['1111', '2222']) expect(await ask(origin, { body })).toMatchObject({ body, error: null })
    expect(opened()).toBe(2)
  })

  it('nor what comes later, while nothing is asked', async () => {
    let last: Socket | undefined
    const { url, opened } = await serve(({ socket, request }) => {
      last = socket
      socket.write(reply(request.slice(-4)))
    })
    const origin = originOf(url)
    await ask(origin, { body: '1111' })
    const gone = once(last as Socket, 'close')
    last?.write(reply('forged'))
    await gone
    expect(await ask(origin, { body: '2222' })).toMatchObject({ body: '2222' })
    expect(opened()).toBe(2)
  })

  it('nor to the next of those that wait', async () => {
    const { url } = await serve(({ socket, request }) => socket.write(`${reply(request.slice(-4))}${reply('oops')}`))
    const origin = originOf(url, { connectionsMax: 1 })
    const asked = ['1111', '2222', '3333'].map((body) => ask(origin, { body }))
    expect((await Promise.all(asked)).map(({ body }) => body)).toEqual(['1111', '2222', '3333'])
  })

  it.each([
    ['before its head', ''],
    ['in its head', OK],
    ['in its body', `${OK}content-length: 9\r\n\r\nhello`],
    ['between chunks', `${OK}transfer-encoding: chunked\r\n\r\n1\r\nx\r\n`],
  ])('tells of an answer that breaks off %s, by a close or a reset', async (_, said) => {
    for (const how of ['end', 'reset'] as const) {
      const { url } = await serve(({ socket }) => {
        socket.write(said, () => (how === 'end' ? socket.end() : setTimeout(() => socket.resetAndDestroy(), 20)))
      })
      const { error } = await ask(originOf(url))
      if (how === 'end') expect(error).toBeInstanceOf(BrokenConnectionError)
      else expect(error).toBeInstanceOf(Error)
    }
  })

  it('reads to the close where an answer has no other end', async () => {
    const { url, opened } = await serve(({ socket }) => {
      socket.write(`${OK}\r\nall `)
      setImmediate(() => socket.end('of it'))
    })
    const origin = originOf(url)
    for (let i = 0; i < 2; i++) expect(await ask(origin)).toMatchObject({ body: 'all of it', error: null })
    expect(opened()).toBe(2)
  })

  it('doesn’t use a connection again that the other side is about to close', async () => {
    for (const line of ['connection: close', 'keep-alive: timeout=1']) {
      const { url, opened } = await serve(({ socket }) => socket.write(`${OK}${line}\r\ncontent-length: 1\r\n\r\nx`))
      const origin = originOf(url)
      for (let i = 0; i < 3; i++) expect(await ask(origin)).toMatchObject({ body: 'x' })
      expect(opened()).toBe(3)
    }
  })

  it('nor one that it has closed', async () => {
    let last: Socket | undefined
    const { url, opened } = await serve(({ socket }) => {
      last = socket
      socket.write(reply('x'))
    })
    const origin = originOf(url)
    await ask(origin)
    const gone = once(last as Socket, 'close')
    last?.end()
    await gone
    expect(await ask(origin)).toMatchObject({ body: 'x', error: null })
    expect(opened()).toBe(2)
  })

  it('nor one on which an answer came before the request was sent', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.pause()
      socket.write(reply('no'))
    })
    const { url } = await serve(() => {}, server)
    const origin = originOf(url)
    expect(await ask(origin, { body: Buffer.alloc(30_000_000) })).toMatchObject({ body: 'no', error: null })
    expect(await ask(origin, { body: 'small' })).toMatchObject({ body: 'no', error: null })
  })

  it('gives up where nothing comes: no head, nothing more of a body', async () => {
    for (const said of ['', `${OK}content-length: 9\r\n\r\nhello`]) {
      const { url } = await serve(({ socket }) => void socket.write(said))
      const origin = originOf(url)
      const asked = ask(origin)
      while (!(await Promise.race([asked, sleep(5)]))) origin.tick()
      expect((await asked).error).toBeInstanceOf(SilenceError)
    }
  })

  it('closes what is idle for long', async () => {
    let last: Socket | undefined
    const { url } = await serve(({ socket }) => {
      last = socket
      socket.write(reply('x'))
    })
    const origin = originOf(url)
    await ask(origin)
    const gone = once(last as Socket, 'close')
    for (let i = 0; i <= PATIENCE.idle; i++) origin.tick()
    await gone
  })

  it('reads no further for whoever is behind, and doesn’t call that silence', async () => {
    const total = 20_000_000
    let written = 0
    const { url } = await serve(({ socket }) => {
      socket.write(`${OK}content-length: ${total}\r\n\r\n`)
      const piece = Buffer.alloc(100_000, 'x')
      const more = () => {
        while (written < total) {
          written += piece.length
          if (!socket.write(piece)) {
            socket.once('drain', more)
            return
          }
        }
      }
      more()
    })
    const origin = originOf(url)
    let paused: Call | undefined
    const asked = ask(origin, {
      onData: (call) => {
        if (paused !== undefined) return
        paused = call
        call.pause()
      },
    })
    while (paused === undefined) await sleep(1)
    // Until nothing more moves.
    for (let before = -1; before !== written; await sleep(50)) before = written
    expect(written).toBeLessThan(total)
    for (let i = 0; i < PATIENCE.silence * 3; i++) origin.tick()
    paused.resume()
    expect((await asked).body).toHaveLength(total)
  })

  it('ends a call and its connection when told to, and is told why, once', async () => {
    const { url, opened } = await serve(({ socket }) => void socket.write(`${OK}content-length: 9\r\n\r\nhello`))
    const origin = originOf(url)
    const why = new Error('enough')
    const { error, call } = await ask(origin, { onData: (running) => running.abort(why) })
    expect(error).toBe(why)
    call.abort(new Error('again'))
    await ask(origin, { onData: (running) => running.abort(why) })
    expect(opened()).toBe(2)
  })

  it('outlives a handler that fails', async () => {
    const { url } = await serve(({ socket }) => void socket.write(reply('x')))
    const origin = originOf(url)
    const failure = new Error('of the handler')
    const { error } = await ask(origin, {
      onData: () => {
        throw failure
      },
    })
    expect(error).toBe(failure)
    expect(await ask(origin)).toMatchObject({ body: 'x', error: null })
  })

  it('says where nobody listens', async () => {
    const { url } = await serve(() => {})
    const [server] = servers.splice(0)
    server?.close()
    expect((await ask(originOf(url))).error).toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('speaks encrypted, to whom it can believe', async () => {
    const { key, cert } = selfSigned('localhost')
    const server = createSecureServer({ key, cert })
    const { url, opened } = await serve(({ socket, request }) => void socket.write(reply(request.slice(-4))), server)
    url.protocol = 'https:'
    url.hostname = 'localhost'
    expect((await ask(originOf(url))).error).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    const usual = getCACertificates()
    setDefaultCACertificates([...usual, cert])
    try {
      const origin = originOf(url)
      for (const body of ['1111', '2222', '3333'])
        expect(await ask(origin, { body })).toMatchObject({ body, error: null })
      const large = Buffer.alloc(1_000_000, 'abcd')
      expect(await ask(origin, { body: large })).toMatchObject({ body: large.subarray(-4).toString(), error: null })
      expect(opened()).toBe(1)
      // The name has to be the one that was asked for.
      url.hostname = '127.0.0.1'
      expect((await ask(originOf(url))).error).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
    } finally {
      setDefaultCACertificates(usual)
    }
  })
})

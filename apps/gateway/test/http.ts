import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import net from 'node:net'
import { expect } from 'vitest'

/** All that a client can see of an answer. */
export type Answer = {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  text: string
  /** `clean`, `cut` in the middle, `left` by us, or the error's code when no answer came. */
  end: string
  /** Whether the connection had carried a request before. */
  isReused: boolean
}

export type Call = {
  method?: string
  /** Beneath the base URL, such as `/chat/completions`. */
  path?: string
  key?: string
  headers?: Record<string, string | string[]>
  /** An object is sent as JSON; a list of pieces as chunks, and never ended if its last piece is null. */
  body?: string | Buffer | object | (Buffer | null)[]
  agent?: Agent | false
  signal?: AbortSignal
  /** Sees the body so far after each piece; the client hangs up when it answers true. */
  leaveWhen?: (text: string) => boolean
}

/** One request over HTTP, on a connection of its own unless an agent is given. */
export function call(base: string, given: Call = {}): Promise<Answer> {
  const {
    method = 'POST',
    path = '/chat/completions',
    key,
    headers = {},
    body,
    agent = false,
    leaveWhen,
    signal,
  } = given
  return new Promise((resolve) => {
    const parts: Buffer[] = []
    let head: Pick<Answer, 'status' | 'headers'> = { status: 0, headers: {} }
    let isOver = false
    const finish = (end: string) => {
      if (isOver) return
      isOver = true
      const all = Buffer.concat(parts)
      resolve({ ...head, body: all, text: all.toString(), end, isReused: sent.reusedSocket })
    }
    // The path as it is: a URL would tidy it up.
    const { hostname, port, pathname } = new URL(base)
    const sent = request({
      hostname,
      port,
      path: pathname.replace(/\/$/, '') + path,
      method,
      agent,
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
    })
    const leave = () => {
      finish('left')
      sent.destroy()
    }
    signal?.addEventListener('abort', leave)
    sent.on('response', (response) => {
      head = { status: response.statusCode ?? 0, headers: response.headers }
      response.on('data', (part: Buffer) => {
        parts.push(part)
        if (leaveWhen?.(Buffer.concat(parts).toString())) leave()
      })
      response.on('error', () => finish('cut'))
      response.on('close', () => finish(response.complete ? 'clean' : 'cut'))
    })
    sent.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? 'error'))
    if (Array.isArray(body)) {
      for (const piece of body) if (piece !== null) sent.write(piece)
      if (body.at(-1) !== null) sent.end()
    } else if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) sent.end(body)
    else sent.end(JSON.stringify(body))
  })
}

/** One connection, used again and again. */
export const keepAlive = () => new Agent({ keepAlive: true, maxSockets: 1 })

/**
 * Says these bytes on a connection of its own and listens until the other side closes it, or for `patienceMs`. Ends its own half at
 * once with `isHalfClosed`.
 */
export function speak(
  url: string,
  bytes: string | Buffer,
  { isHalfClosed = false, patienceMs = 5_000 }: { isHalfClosed?: boolean; patienceMs?: number } = {},
): Promise<{ text: string; isClosed: boolean }> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const parts: Buffer[] = []
    const socket = net.connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    const finish = (isClosed: boolean) => {
      clearTimeout(patience)
      socket.destroy()
      resolve({ text: Buffer.concat(parts).toString('latin1'), isClosed })
    }
    const patience = setTimeout(() => finish(false), patienceMs)
    socket.on('data', (part) => parts.push(part))
    socket.on('end', () => finish(true))
    socket.on('error', () => finish(true))
    socket.on('close', () => finish(true))
    socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    if (isHalfClosed) socket.end()
  })
}

/** Status, headers and body of an answer as it is on the wire. */
export function readAnswer(text: string): Pick<Answer, 'status' | 'headers' | 'text'> {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  return { status: Number(statusLine.split(' ')[1]), headers, text: rest.join('\r\n\r\n') }
}

type OpenAiError = { message: string; type: string; param: string | null; code: string }

/** OpenAI's shape, all of it: clients read these four fields, and what the sentence says is what a student sees. */
export function errorOf(answer: Pick<Answer, 'headers' | 'text'>): OpenAiError {
  expect(answer.headers['content-type']).toMatch(/^application\/json/)
  const body = JSON.parse(answer.text) as { error: OpenAiError }
  expect(Object.keys(body)).toEqual(['error'])
  expect(Object.keys(body.error).sort()).toEqual(['code', 'message', 'param', 'type'])
  expect(body.error.message).toMatch(/^[A-Z“"a-z_.]+.{8,}\.$/s)
  expect(['string', 'object']).toContain(typeof body.error.param)
  return body.error
}

/** The data of a stream's events. */
export function eventData(text: string): string[] {
  return text
    .replaceAll('\r\n', '\n')
    .split('\n\n')
    .flatMap((event) => event.split('\n').filter((line) => line.startsWith('data:')))
    .map((line) => line.slice(5).trimStart())
}

/** How many pieces of text a stream of the sandbox has brought, a token each. */
export function pieces(text: string): number {
  return eventData(text).filter((data) => /"delta":\{"content":"./.test(data)).length
}

/** Whether an answer came to its end, streamed or whole. */
export function isWhole({ status, end, text }: Answer): boolean {
  return status === 200 && end === 'clean' && (text.startsWith('{') || text.trimEnd().endsWith('data: [DONE]'))
}

export const idOf = (answer: Answer) => String(answer.headers['x-request-id'])

/** A question that tells the sandbox provider how to answer. */
export const prompt = (marker: string, more: object = {}) => ({
  model: 'sandbox-small',
  messages: [{ role: 'user' as const, content: `Say hello. [[sandbox: ${marker}]]` }],
  ...more,
})

import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Http } from './gateway.ts'

/** How long the rest of a refused body is read and thrown away at most, and how long nothing may come of it. */
const DISCARD_MS = 5_000
const DISCARD_SILENCE_MS = 1_000

/** Begins an answer, whatever it is. As one list: headers that are set one by one are looked at twice. */
export function writeHead({ response, id, family }: Http, status: number, headers: OutgoingHttpHeaders): void {
  const list: OutgoingHttpHeader[] = ['x-request-id', id]
  // Where Anthropic's clients look for it.
  if (family === 'anthropic') list.push('request-id', id)
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) list.push(name, value)
  }
  response.writeHead(status, list)
}

export function sendJson(http: Http, status: number, body: unknown): void {
  writeHead(http, status, { 'content-type': 'application/json; charset=utf-8' })
  http.response.end(JSON.stringify(body))
}

/**
 * Answers a client that is still sending. The connection is closed when it has sent everything, which nobody reads, or some time
 * has passed: closed under its hands, many a client would never read the answer.
 */
export function endAfterBody(request: IncomingMessage, response: ServerResponse, body: string): void {
  response.write(body)
  const end = () => {
    clearTimeout(patience)
    clearTimeout(silence)
    response.end()
  }
  const patience = setTimeout(end, DISCARD_MS)
  const silence = setTimeout(end, DISCARD_SILENCE_MS)
  request
    .on('data', () => silence.refresh())
    .once('end', end)
    .once('close', end)
}

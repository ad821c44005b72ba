import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http } from './gateway.ts'

/** How long the rest of a refused body is read and thrown away at most, and how long nothing may come of it. */
const DISCARD_MS = 5_000
const DISCARD_SILENCE_MS = 1_000

export function sendJson({ response }: Http, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
  response.end(JSON.stringify(body))
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

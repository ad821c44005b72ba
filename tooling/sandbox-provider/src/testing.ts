import { request } from 'node:http'

export type RawAnswer = {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
  /** The pieces in which the body was sent. */
  parts: Buffer[]
  /** `clean`, `cut` in the middle, or the error's code when no answer came. */
  end: string
}

/** A request over a connection of its own, and all that can be seen of the answer. */
export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<RawAnswer> {
  const answer: RawAnswer = { status: 0, headers: {}, body: Buffer.alloc(0), parts: [], end: '' }
  return new Promise((resolve) => {
    const finish = (end: string) => {
      if (answer.end === '') resolve(Object.assign(answer, { end, body: Buffer.concat(answer.parts) }))
    }
    const sent = request(url, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', ...headers },
    })
    sent.on('response', (response) => {
      answer.status = response.statusCode ?? 0
      answer.headers = response.headers
      response.on('data', (part: Buffer) => answer.parts.push(part))
      response.on('error', () => finish('cut'))
      response.on('close', () => finish(response.complete ? 'clean' : 'cut'))
    })
    sent.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? 'error'))
    sent.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
}

/** The data of a stream's events, as the standard says they are read. */
export function eventData(body: Buffer | string): string[] {
  const events = body.toString().replaceAll('\r\n', '\n').split('\n\n')
  return events
    .map((event) =>
      event
        .split('\n')
        .filter((line) => line.startsWith('data:'))
        .map((line) => line.slice(5).replace(/^ /, ''))
        .join('\n'),
    )
    .filter((data) => data !== '')
}

import type { DomainError } from '@stipend/core/errors'
import type { Http } from './gateway.ts'
import type { StreamMeter } from './meter/meter.ts'
import { refusalOf, streamErrorOf } from './refusal.ts'
import { writeHead } from './send.ts'

/** A larger body is better left where it is than copied behind the head. */
const IN_ONE_PIECE_BYTES_MAX = 8_192

/** What a client gets for its request: an answer as it comes, or in one piece, or an error in its dialect. */
export class Reply {
  /** The most tokens each answer may have, told to the client where it is less than it asked for. */
  outputMax: number | undefined
  readonly #http: Http

  constructor(http: Http) {
    this.#http = http
  }

  /** Whether the client has heard anything yet. */
  get hasBegun(): boolean {
    return this.#http.response.headersSent
  }

  get isGone(): boolean {
    return this.#http.response.destroyed
  }

  /** Something of a stream, after the head if it is the first. False where the client doesn't keep up. */
  write(bytes: Buffer): boolean {
    this.#beginStream()
    return this.#http.response.write(bytes)
  }

  /** A stream may have come to its end with nothing in it for the client. */
  end(): void {
    this.#beginStream()
    this.#http.response.end()
  }

  #beginStream(): void {
    if (this.hasBegun) return
    this.#writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  }

  /** `text`: the same, where each of its characters is one byte. */
  whole(body: Buffer, text: string | null): void {
    this.#writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
    // As text of one byte a character it leaves in one piece with the head.
    if (body.length < IN_ONE_PIECE_BYTES_MAX) this.#http.response.end(text ?? body.toString('latin1'), 'latin1')
    else this.#http.response.end(body)
  }

  /** What the provider says of the request itself, or the same in our shape. Final: the same request would meet the same. */
  refuse(status: number, body: Buffer | object): void {
    this.#writeHead(status, { 'content-type': 'application/json', 'x-should-retry': 'false' })
    this.#http.response.end(Buffer.isBuffer(body) ? body : JSON.stringify(body))
  }

  fail(error: DomainError, meter: StreamMeter | null): void {
    const { response, family, id } = this.#http
    if (response.destroyed) return
    if (response.headersSent) {
      // After the first byte an error can only be an event.
      response.end(meter?.failing(streamErrorOf(error, id)))
      return
    }
    const { status, headers, body } = refusalOf(error, family, id)
    this.#writeHead(status, headers)
    response.end(JSON.stringify(body))
  }

  #writeHead(status: number, headers: Record<string, string | number>): void {
    if (this.outputMax === undefined) writeHead(this.#http, status, headers)
    else writeHead(this.#http, status, { ...headers, 'x-stipend-output-tokens-max': this.outputMax })
  }
}

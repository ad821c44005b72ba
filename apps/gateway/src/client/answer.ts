/** A head may have this many bytes, and so may what follows the last chunk, and the words beside a chunk's size. */
export const HEAD_BYTES_MAX = 16_384
/** So many heads of the kind "more is to come" may stand before the one that counts. */
const INTERIM_MAX = 16
const SIZE_DIGITS_MAX = 12

/** What of an answer's head matters to a gateway. Values as they came. */
export type AnswerHead = { status: number; contentType: string; contentEncoding: string; retryAfter: string }

/** Whether a body is as it is, not compressed. */
export const isIdentity = (contentEncoding: string): boolean => contentEncoding === '' || contentEncoding === 'identity'

/** Told by a parser as it reads. */
export type AnswerEvents = {
  onHead(head: AnswerHead): void
  /** Some of the body: bytes of its own, that stay as they are. */
  onData(bytes: Buffer): void
  onEnd(): void
}

/** An answer that can't be taken in one way only, or isn't HTTP. Nothing after it on its connection can be believed. */
export class UnreadableAnswerError extends Error {
  constructor(what: string) {
    super(`the answer ${what}`)
    this.name = 'UnreadableAnswerError'
  }
}

type State = 'head' | 'counted' | 'until close' | 'size' | 'beside size' | 'size end' | 'chunk' | 'chunk end' | Tail
type Tail = 'trailer start' | 'trailer' | 'trailer line end' | 'trailer end' | 'last' | 'over'

const CR = 0x0d
const LF = 0x0a
const SEMICOLON = 0x3b
const SPACE = 0x20
const TAB = 0x09
const END_OF_HEAD = Buffer.from('\r\n\r\n')

/** Lines that end in CR LF, without anything in them that isn't text. */
const PLAIN_LINES = /^(?:[\t\x20-\x7e\x80-\xff]*\r\n)*[\t\x20-\x7e\x80-\xff]*$/
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
const LENGTH = /^\d{1,15}$/

/**
 * Reads one answer of HTTP/1.1 after the other, strictly: where two readers might understand an answer differently, it is refused.
 * `feed` throws `UnreadableAnswerError`, and what the events throw.
 */
export class AnswerParser {
  /** Whether the connection may be used again once the answer is over. */
  keepsAlive = false
  /** For how long the other side says it keeps a connection; undefined if it doesn't say. */
  keptSeconds: number | undefined
  readonly #events: AnswerEvents
  #state: State = 'over'
  #interims = 0
  /** What came of a head so far. */
  #begun: Buffer | null = null
  /** Bytes that are still to come of the body or the chunk. */
  #left = 0
  #digits = 0
  /** Bytes read of something that is only skipped. */
  #skipped = 0
  /** Pieces of the body within what is being read, beside each other. */
  #out: Buffer | null = null
  #outLength = 0

  constructor(events: AnswerEvents) {
    this.#events = events
  }

  /** Whether an answer is neither awaited nor half read. */
  get isOver(): boolean {
    return this.#state === 'over'
  }

  /** An answer is to come. */
  expect(): void {
    this.#state = 'head'
    this.#interims = 0
    this.#begun = null
    this.keepsAlive = false
    this.keptSeconds = undefined
  }

  /** Bytes as they come. They may be overwritten afterwards. */
  feed(bytes: Buffer): void {
    if (bytes.length === 0) return
    if (this.#state === 'over') throw new UnreadableAnswerError('came without being asked for')
    let at = 0
    while (at < bytes.length && this.#state !== 'last') {
      at = this.#state === 'head' ? this.#readHead(bytes, at) : this.#readBody(bytes, at)
    }
    if (this.#state === 'last') {
      // What follows an answer is not the answer to the next request, whatever it looks like.
      if (at < bytes.length) this.keepsAlive = false
      this.#end()
    } else this.#tell()
  }

  /** The other side has closed the connection. Throws where that is in the middle of an answer. */
  close(): void {
    if (this.#state === 'over') return
    if (this.#state !== 'until close') throw new UnreadableAnswerError('was cut off')
    this.#end()
  }

  #end(): void {
    this.#state = 'over'
    this.#tell()
    this.#events.onEnd()
  }

  #tell(): void {
    const out = this.#out
    if (out === null) return
    this.#out = null
    this.#events.onData(this.#outLength === out.length ? out : out.subarray(0, this.#outLength))
  }

  /** All that one reading brought of the body leaves in one piece. */
  #take(bytes: Buffer, from: number, to: number): void {
    if (this.#out === null) {
      this.#out = Buffer.allocUnsafe(bytes.length - from)
      this.#outLength = 0
    }
    bytes.copy(this.#out, this.#outLength, from, to)
    this.#outLength += to - from
  }

  #readHead(bytes: Buffer, at: number): number {
    const begun = this.#begun
    const all = begun === null ? bytes : Buffer.concat([begun, bytes.subarray(at)])
    const start = begun === null ? at : 0
    const end = all.indexOf(END_OF_HEAD, start)
    if ((end === -1 ? all.length : end) - start > HEAD_BYTES_MAX)
      throw new UnreadableAnswerError('has too large a head')
    if (end === -1) {
      this.#begun = Buffer.from(all.subarray(start))
      return bytes.length
    }
    this.#begun = null
    this.#takeHead(all.toString('latin1', start, end))
    const next = end + END_OF_HEAD.length
    return begun === null ? next : next - begun.length + at
  }

  #takeHead(text: string): void {
    if (!PLAIN_LINES.test(text)) throw new UnreadableAnswerError('has lines in its head that are none')
    const statusEnd = text.indexOf('\r\n')
    const [, minor, digits] = STATUS_LINE.exec(statusEnd === -1 ? text : text.slice(0, statusEnd)) ?? []
    if (digits === undefined) throw new UnreadableAnswerError('isn’t one of HTTP/1.1')
    const head: AnswerHead = { status: Number(digits), contentType: '', contentEncoding: '', retryAfter: '' }
    let length: string | undefined
    let coding: string | undefined
    let connection = ''
    for (let at = statusEnd; at !== -1; ) {
      const start = at + 2
      at = text.indexOf('\r\n', start)
      const end = at === -1 ? text.length : at
      const colon = text.indexOf(':', start)
      const name = text.slice(start, colon === -1 ? end : colon).toLowerCase()
      if (colon === -1 || colon > end || !TOKEN.test(name))
        throw new UnreadableAnswerError('has a header without a name')
      switch (name) {
        case 'content-length':
          if (length !== undefined) throw new UnreadableAnswerError('tells its length twice')
          length = text.slice(colon + 1, end).trim()
          break
        case 'transfer-encoding':
          if (coding !== undefined) throw new UnreadableAnswerError('tells its coding twice')
          coding = text
            .slice(colon + 1, end)
            .trim()
            .toLowerCase()
          break
        case 'connection':
          connection += `${text.slice(colon + 1, end).toLowerCase()},`
          break
        case 'keep-alive':
          this.keptSeconds = secondsOf(text.slice(colon + 1, end))
          break
        case 'content-type':
          head.contentType ||= text.slice(colon + 1, end).trim()
          break
        case 'content-encoding':
          head.contentEncoding += `${head.contentEncoding === '' ? '' : ', '}${text.slice(colon + 1, end).trim()}`
          break
        case 'retry-after':
          head.retryAfter ||= text.slice(colon + 1, end).trim()
          break
      }
    }
    if (head.status < 200) {
      this.#passInterim(head.status, length !== undefined || coding !== undefined)
      return
    }
    const options = connection === '' ? [] : connection.split(',').map((option) => option.trim())
    this.keepsAlive = minor === '1' ? !options.includes('close') : options.includes('keep-alive')
    this.#state = this.#bodyAfter(head.status, minor === '1', length, coding)
    this.#events.onHead(head)
  }

  #passInterim(status: number, hasBody: boolean): void {
    this.#interims++
    if (status === 101 || hasBody || this.#interims > INTERIM_MAX) {
      throw new UnreadableAnswerError(`has a head of status ${status} that nobody asked for`)
    }
  }

  #bodyAfter(status: number, is11: boolean, length: string | undefined, coding: string | undefined): State {
    if (length !== undefined && coding !== undefined)
      throw new UnreadableAnswerError('tells both a length and a coding')
    if (length !== undefined && !LENGTH.test(length)) throw new UnreadableAnswerError('has a length that is no number')
    if (coding !== undefined && (coding !== 'chunked' || !is11))
      throw new UnreadableAnswerError('is in an unknown coding')
    if (status === 204 || status === 304) {
      if (coding !== undefined || (length !== undefined && Number(length) > 0)) this.keepsAlive = false
      return 'last'
    }
    if (coding !== undefined) {
      this.#expectSize()
      return 'size'
    }
    if (length === undefined) {
      this.keepsAlive = false
      return 'until close'
    }
    this.#left = Number(length)
    return this.#left === 0 ? 'last' : 'counted'
  }

  #expectSize(): void {
    this.#left = 0
    this.#digits = 0
    this.#skipped = 0
  }

  /** Reads on from `at`, and answers from where there is more to read. */
  #readBody(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'until close':
        this.#take(bytes, at, bytes.length)
        return bytes.length
      case 'counted':
      case 'chunk': {
        const end = Math.min(bytes.length, at + this.#left)
        this.#take(bytes, at, end)
        this.#left -= end - at
        if (this.#left === 0) this.#state = this.#state === 'counted' ? 'last' : 'chunk end'
        return end
      }
      case 'chunk end':
        return this.#readChunkEnd(bytes, at)
      default:
        this.#step(bytes[at] ?? 0)
        return at + 1
    }
  }

  #readChunkEnd(bytes: Buffer, at: number): number {
    const byte = bytes[at]
    if (byte === CR && this.#skipped === 0) this.#skipped = 1
    else if (byte === LF && this.#skipped === 1) {
      this.#expectSize()
      this.#state = 'size'
    } else throw new UnreadableAnswerError('has a chunk of another size than it says')
    return at + 1
  }

  /** One byte of what stands around chunks. */
  #step(byte: number): void {
    switch (this.#state) {
      case 'size': {
        const digit = hexOf(byte)
        if (digit !== -1) {
          this.#left = this.#left * 16 + digit
          if (++this.#digits > SIZE_DIGITS_MAX) throw new UnreadableAnswerError('has a chunk without a sensible size')
        } else if (this.#digits === 0) throw new UnreadableAnswerError('has a chunk without a size')
        else if (byte === CR) this.#state = 'size end'
        else if (byte === SEMICOLON || byte === SPACE || byte === TAB) this.#state = 'beside size'
        else throw new UnreadableAnswerError('has a chunk whose size is no number')
        return
      }
      case 'beside size':
        if (byte === CR) this.#state = 'size end'
        else this.#skip(byte)
        return
      case 'size end':
        if (byte !== LF) throw new UnreadableAnswerError('has a chunk whose size doesn’t end')
        this.#skipped = 0
        this.#state = this.#left === 0 ? 'trailer start' : 'chunk'
        return
      case 'trailer start':
        if (byte === CR) this.#state = 'trailer end'
        else {
          this.#skip(byte)
          this.#state = 'trailer'
        }
        return
      case 'trailer':
        this.#skip(byte)
        if (byte === CR) this.#state = 'trailer line end'
        return
      case 'trailer line end':
        if (byte !== LF) throw new UnreadableAnswerError('has a line that is none')
        this.#state = 'trailer start'
        return
      default:
        // The last line is an empty one.
        if (byte !== LF) throw new UnreadableAnswerError('doesn’t end where it should')
        this.#state = 'last'
    }
  }

  #skip(byte: number): void {
    if (byte === LF || byte === 0) throw new UnreadableAnswerError('has a line that is none')
    if (++this.#skipped > HEAD_BYTES_MAX) throw new UnreadableAnswerError('has too much beside its body')
  }
}

function hexOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const small = byte | 0x20
  return small >= 0x61 && small <= 0x66 ? small - 0x57 : -1
}

function secondsOf(keepAlive: string): number | undefined {
  const seconds = /(?:^|,)\s*timeout=(\d{1,6})\s*(?:,|$)/i.exec(keepAlive)?.[1]
  return seconds === undefined ? undefined : Number(seconds)
}

/** One event of a stream: its bytes as they came, and its `data` joined, or null for a comment. */
export type SseEvent = { raw: Buffer; data: string | null }

const LF = 0x0a
const CR = 0x0d

/** More than this without the end of an event is no event stream. */
const EVENT_BYTES_MAX = 16 * 1024 * 1024

/**
 * Cuts a byte stream into events without changing a byte of it: the `raw` of all events, and what `rest` gives at the end, are
 * what was fed. Ends of lines may be LF or CR LF.
 */
export class SseSplitter {
  #carry: Buffer = Buffer.alloc(0)
  /** How far into `#carry` we have looked for the end of a line, and where the line there begins. */
  #seen = 0
  #line = 0

  feed(chunk: Buffer): SseEvent[] {
    const bytes = this.#carry.length === 0 ? chunk : Buffer.concat([this.#carry, chunk])
    const events: SseEvent[] = []
    let start = 0
    for (;;) {
      const end = bytes.indexOf(LF, this.#seen)
      if (end === -1) break
      const length = end - this.#line - (end > this.#line && bytes[end - 1] === CR ? 1 : 0)
      this.#seen = end + 1
      this.#line = end + 1
      if (length === 0) {
        const raw = bytes.subarray(start, end + 1)
        events.push({ raw, data: dataOf(raw) })
        start = end + 1
      }
    }
    this.#carry = bytes.subarray(start)
    this.#seen = bytes.length - start
    this.#line -= start
    if (this.#carry.length > EVENT_BYTES_MAX) throw new Error('an event without end')
    return events
  }

  /** What came after the last whole event. */
  rest(): Buffer {
    return this.#carry
  }
}

function dataOf(raw: Buffer): string | null {
  const lines = raw.toString('utf8').split(/\r?\n/)
  const data = lines.flatMap((line) => {
    if (line === 'data') return ['']
    if (!line.startsWith('data:')) return []
    return [line.charAt(5) === ' ' ? line.slice(6) : line.slice(5)]
  })
  return data.length === 0 ? null : data.join('\n')
}

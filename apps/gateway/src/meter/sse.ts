import type { Loose } from './json.ts'

const LF = 0x0a
const CR = 0x0d
const LF_LF = Buffer.from('\n\n')
const LF_CR_LF = Buffer.from('\n\r\n')
const CR_CR = Buffer.from('\r\r')

/** Where the last whole event ends, looked for from `from` on; 0 if none ends there. Lines may end in LF, CR LF or CR. */
export function endOfEvents(bytes: Buffer, from = 0): number {
  const { length } = bytes
  if (length - from >= 2 && bytes[length - 1] === LF && bytes[length - 2] === LF) return length
  const searched = from === 0 ? bytes : bytes.subarray(from)
  const end = Math.max(after(searched, LF_LF), after(searched, LF_CR_LF), after(searched, CR_CR))
  return end === 0 ? 0 : from + end
}

function after(bytes: Buffer, blank: Buffer): number {
  const at = bytes.lastIndexOf(blank)
  return at === -1 ? 0 : at + blank.length
}

/** Cuts bytes into events without losing any: what comes after the last blank line is an event too, though unfinished. */
export function eventsOf(bytes: Buffer): Buffer[] {
  const endOf = bytes.includes(CR) ? endOfEventWithCr : endOfEvent
  const events: Buffer[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = endOf(bytes, start)
    events.push(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end))
    start = end
  }
  return events
}

function endOfEvent(bytes: Buffer, start: number): number {
  const blank = bytes.indexOf(LF_LF, start)
  return blank === -1 ? bytes.length : blank + LF_LF.length
}

function endOfEventWithCr(bytes: Buffer, start: number): number {
  let line = start
  for (let at = start; at < bytes.length; at++) {
    if (bytes[at] !== LF && bytes[at] !== CR) continue
    const end = bytes[at] === CR && bytes[at + 1] === LF ? at + 2 : at + 1
    if (at === line && at > start) return end
    line = end
    at = end - 1
  }
  return bytes.length
}

/** The data of an event, its lines joined; null for a comment. */
export function dataOf(event: Buffer): string | null {
  let text = event.toString('utf8')
  if (text.includes('\r')) text = text.replace(/\r\n?/g, '\n')
  let data: string | null = null
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start)
    const stop = end === -1 ? text.length : end
    if (text.startsWith('data', start)) {
      const value = fieldValue(text, start + 4, stop)
      if (value !== null) data = data === null ? value : `${data}\n${value}`
    }
    start = stop + 1
  }
  return data
}

/** The value of a field whose name ends at `colon`; null if the name is longer than that. */
function fieldValue(text: string, colon: number, stop: number): string | null {
  if (colon === stop) return ''
  if (text[colon] !== ':') return null
  return text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1, stop)
}

/** Events whose name is in their data too, as OpenAI's Responses and Anthropic's Messages have them. */
export function asEvents(events: ReadonlyArray<Loose & { type: string }>): string {
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('')
}

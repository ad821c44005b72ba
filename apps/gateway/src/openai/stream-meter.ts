import type { TokenUsage } from '@stipend/money'
import { SseSplitter } from '../sse.ts'
import { estimate, type Metered } from './chat-meter.ts'
import { isUsageOnly, producedText, readUsage } from './usage.ts'

const NOTHING = Buffer.alloc(0)
/** Passed bytes are kept for counting in case no usage comes; beyond this much only their text is. */
const KEPT_BYTES_MAX = 32 * 1024
const UNFINISHED_BYTES_MAX = 16 * 1024 * 1024

/**
 * Watches a streamed chat answer go by. Bytes are passed on event by whole event as they came; events are looked into only where
 * they may carry usage.
 */
export class StreamMeter {
  readonly #hidesUsage: boolean
  #unfinished: Buffer = NOTHING
  #kept: Buffer[] = []
  #keptBytes = 0
  #text = ''
  #usage: TokenUsage | undefined
  #events = 0
  #bytes = 0
  #first: Record<string, unknown> | undefined
  #isDone = false

  /** `hidesUsage`: the client didn't ask for the chunk that carries usage, so it doesn't get it. */
  constructor(options: { hidesUsage: boolean }) {
    this.#hidesUsage = options.hidesUsage
  }

  /** What of the stream the client is to get now. */
  feed(chunk: Buffer): Buffer {
    const bytes = this.#unfinished.length === 0 ? chunk : Buffer.concat([this.#unfinished, chunk])
    const end = lastBoundary(bytes)
    if (end === 0) {
      if (bytes.length > UNFINISHED_BYTES_MAX) throw new Error('an event without end')
      this.#unfinished = bytes
      return NOTHING
    }
    this.#unfinished = end === bytes.length ? NOTHING : bytes.subarray(end)
    const whole = end === bytes.length ? bytes : bytes.subarray(0, end)
    this.#bytes += whole.length
    this.#events += countEvents(whole)
    this.#isDone ||= whole.includes(DONE, Math.max(0, whole.length - 64))
    this.#keep(whole)
    return mayCarryUsage(whole) ? this.#readUsage(whole) : whole
  }

  /** Bytes after the last whole event, to be passed on at the end. */
  rest(): Buffer {
    return this.#unfinished
  }

  /** Whether the provider has said that the answer is complete. */
  get isDone(): boolean {
    return this.#isDone
  }

  /**
   * About how many tokens were produced so far, rather more than less: without looking into the events, by their number and by
   * what they have beyond the size of the first.
   */
  roughTokens(): number {
    this.#first ??= this.#firstEvent()
    return Math.max(this.#events, Math.ceil((this.#bytes - this.#events * this.#envelope) / 2))
  }

  /** Tokens counted exactly so far. */
  countedTokens(count: (text: string) => number): number {
    return count(this.#produced())
  }

  metered(inputTokens: () => number): Metered {
    if (this.#usage !== undefined) return { usage: this.#usage, is_estimated: false }
    return { usage: estimate(inputTokens(), this.#produced()), is_estimated: true }
  }

  /** A proper end for a stream that is cut off for want of money: every client knows the reason `length`. */
  ending(usage: TokenUsage | null): Buffer {
    const { id = 'chatcmpl-stipend', created = 0, model = '' } = this.#first ?? this.#firstEvent() ?? {}
    const common = { id, object: 'chat.completion.chunk', created, model }
    const parts: object[] = [{ ...common, choices: [{ index: 0, delta: {}, finish_reason: 'length' }] }]
    if (usage !== null) {
      const { input_tokens, output_tokens } = usage
      const total_tokens = input_tokens + output_tokens
      const reported = { prompt_tokens: input_tokens, completion_tokens: output_tokens, total_tokens }
      parts.push({ ...common, choices: [], usage: reported })
    }
    return Buffer.from(`${parts.map((part) => `data: ${JSON.stringify(part)}\n\n`).join('')}data: [DONE]\n\n`)
  }

  // The size of an event that says little: what others have beyond it is text.
  #envelope = 0

  #firstEvent(): Record<string, unknown> | undefined {
    const bytes = this.#kept[0]
    if (bytes === undefined) return undefined
    const [event] = new SseSplitter().feed(bytes)
    const parsed = event === undefined ? undefined : parse(event.data)
    this.#envelope = event === undefined ? 0 : Math.max(0, event.raw.length - producedText(parsed).length - 32)
    return parsed as Record<string, unknown> | undefined
  }

  #keep(whole: Buffer): void {
    this.#kept.push(whole)
    this.#keptBytes += whole.length
    if (this.#keptBytes > KEPT_BYTES_MAX) this.#produced()
  }

  /** All text so far. What was kept is read and let go. */
  #produced(): string {
    this.#first ??= this.#firstEvent()
    const splitter = new SseSplitter()
    for (const bytes of this.#kept) {
      for (const { data } of splitter.feed(bytes)) this.#text += producedText(parse(data))
    }
    this.#kept = []
    this.#keptBytes = 0
    return this.#text
  }

  #readUsage(whole: Buffer): Buffer {
    const events = new SseSplitter().feed(whole)
    const shown = events.filter(({ data }) => {
      if (data === null || !data.includes('"usage"')) return true
      const chunk = parse(data)
      const usage = readUsage(chunk)
      // Some providers send usage with every chunk: the last one counts.
      if (usage !== undefined) this.#usage = usage
      return !(this.#hidesUsage && isUsageOnly(chunk))
    })
    return shown.length === events.length ? whole : Buffer.concat(shown.map((event) => event.raw))
  }
}

const DONE = Buffer.from('[DONE]')
const USAGE = Buffer.from('"usage"')
const LF_LF = Buffer.from('\n\n')
const LF_CR_LF = Buffer.from('\n\r\n')

/** Where the last whole event ends; 0 if none does. */
function lastBoundary(bytes: Buffer): number {
  if (bytes.length >= 2 && bytes[bytes.length - 1] === 0x0a && bytes[bytes.length - 2] === 0x0a) return bytes.length
  const plain = bytes.lastIndexOf(LF_LF)
  const carriage = bytes.lastIndexOf(LF_CR_LF)
  return Math.max(plain === -1 ? 0 : plain + 2, carriage === -1 ? 0 : carriage + 3)
}

function countEvents(whole: Buffer): number {
  let events = 0
  for (let at = whole.indexOf(LF_LF); at !== -1; at = whole.indexOf(LF_LF, at + 2)) events++
  return Math.max(events, 1)
}

/** Whether there is a usage that isn't null: OpenAI puts `"usage":null` into every chunk but the last. */
function mayCarryUsage(whole: Buffer): boolean {
  for (let at = whole.indexOf(USAGE); at !== -1; at = whole.indexOf(USAGE, at + 1)) {
    let next = at + USAGE.length
    while (next < whole.length && (whole[next] === 0x20 || whole[next] === 0x3a || whole[next] === 0x09)) next++
    if (whole[next] !== 0x6e) return true
  }
  return false
}

function parse(data: string | null): unknown {
  if (data === null || data === '[DONE]') return undefined
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}

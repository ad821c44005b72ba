import type { TokenUsage } from '@stipend/money'
import { type SseEvent, SseSplitter } from '../sse.ts'
import { countText } from '../tokens.ts'
import { isUsageOnly, producedText, readUsage } from './usage.ts'

/** What a request used: what the provider reported, or else our own count. */
export type Metered = { usage: TokenUsage; is_estimated: boolean }

/**
 * Watches a chat answer go by and knows in the end what it used. Events are parsed only where they may carry usage; the text of
 * the others is kept for counting in case none comes.
 */
export class StreamMeter {
  readonly #splitter = new SseSplitter()
  readonly #hidesUsage: boolean
  #usage: TokenUsage | undefined
  #unparsed: string[] = []
  #isDone = false

  /** `hidesUsage`: the client didn't ask for the chunk that carries usage, so it doesn't get it. */
  constructor(options: { hidesUsage: boolean }) {
    this.#hidesUsage = options.hidesUsage
  }

  /** The events of a chunk that are for the client. */
  feed(chunk: Buffer): SseEvent[] {
    return this.#splitter.feed(chunk).filter((event) => this.#read(event))
  }

  /** Bytes after the last whole event, to be passed on at the end. */
  rest(): Buffer {
    return this.#splitter.rest()
  }

  /** Whether the provider has said that the answer is complete. */
  get isDone(): boolean {
    return this.#isDone
  }

  metered(inputTokens: () => number): Metered {
    if (this.#usage !== undefined) return { usage: this.#usage, is_estimated: false }
    const text = this.#unparsed.map((data) => producedText(parse(data))).join('')
    return { usage: estimate(inputTokens(), text), is_estimated: true }
  }

  #read({ data }: SseEvent): boolean {
    if (data === null) return true
    if (data === '[DONE]') {
      this.#isDone = true
      return true
    }
    this.#unparsed.push(data)
    if (!data.includes('"usage"')) return true
    const chunk = parse(data)
    const usage = readUsage(chunk)
    // Some providers send usage with every chunk: the last one counts.
    if (usage !== undefined) this.#usage = usage
    return !(this.#hidesUsage && isUsageOnly(chunk))
  }
}

/** What a whole answer used. */
export function meterAnswer(answer: unknown, inputTokens: () => number): Metered {
  const usage = readUsage(answer)
  if (usage !== undefined) return { usage, is_estimated: false }
  return { usage: estimate(inputTokens(), producedText(answer)), is_estimated: true }
}

/** Our own count, for a provider that sends none. */
export function estimate(input_tokens: number, produced: string): TokenUsage {
  return {
    input_tokens,
    cached_input_tokens: 0,
    cache_write_tokens: 0,
    cache_write_1h_tokens: 0,
    output_tokens: countText(produced),
    reasoning_tokens: null,
  }
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}

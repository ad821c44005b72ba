import type { TokenUsage } from '@stipend/money'
import { type SseEvent, SseSplitter } from '../sse.ts'
import { countText } from '../tokens.ts'
import { collectText, endsAnswer, isErrorEvent, isUsageOnly, readUsage } from './usage.ts'

/** What a request used: what the provider reported, or else our own count. */
export type Metered = { usage: TokenUsage; is_estimated: boolean }

/** Only such events are parsed as they pass; `"usage":null` is in every chunk. */
const MAY_MATTER = /"usage"\s*:\s*\{|"error"\s*:\s*\{/

/**
 * Watches a chat answer go by and knows in the end what it used. Events are parsed only where they may carry usage; the text of
 * the others is kept for counting in case none comes.
 */
export class StreamMeter {
  readonly #splitter = new SseSplitter()
  readonly #hidesUsage: boolean
  #usage: TokenUsage | undefined
  #unparsed: string[] = []
  /** Whether `#usage` is of the whole answer. */
  #isFinal = false
  #isDone = false
  #failure: string | undefined

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

  /** What the provider said when it failed in the middle. It is ours to know: the client gets an error of our own. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** Whether nothing has come that could be part of an answer. */
  get isEmpty(): boolean {
    return this.#unparsed.length === 0
  }

  /** What a stream used that has come to its end. */
  metered(inputTokens: () => number): Metered {
    if (this.#usage !== undefined) return { usage: this.#usage, is_estimated: false }
    return { usage: estimate(inputTokens(), this.#produced()), is_estimated: true }
  }

  /** What a stream used that was broken off. Usage that came early may leave out what was produced since. */
  meteredSoFar(inputTokens: () => number): Metered {
    const metered = this.metered(inputTokens)
    if (metered.is_estimated || this.#isFinal) return metered
    const { output_tokens } = estimate(0, this.#produced())
    if (output_tokens <= metered.usage.output_tokens) return metered
    return { usage: { ...metered.usage, output_tokens }, is_estimated: true }
  }

  #produced(): Iterable<string> {
    const texts = new Map<string, string>()
    for (const data of this.#unparsed) collectText(parse(data), texts)
    return texts.values()
  }

  #read({ data }: SseEvent): boolean {
    if (data === null) return true
    if (data === '[DONE]') {
      this.#isDone = true
      return true
    }
    const chunk = MAY_MATTER.test(data) ? parse(data) : undefined
    if (isErrorEvent(chunk)) {
      this.#failure ??= data
      return false
    }
    this.#unparsed.push(data)
    if (chunk === undefined) return true
    const usage = readUsage(chunk)
    // Some providers send usage with every chunk: the last one counts.
    if (usage !== undefined) {
      this.#usage = usage
      this.#isFinal = endsAnswer(chunk)
    }
    return !(this.#hidesUsage && isUsageOnly(chunk))
  }
}

/** What a whole answer used. */
export function meterAnswer(answer: unknown, inputTokens: () => number): Metered {
  const usage = readUsage(answer)
  if (usage !== undefined) return { usage, is_estimated: false }
  const texts = new Map<string, string>()
  collectText(answer, texts)
  return { usage: estimate(inputTokens(), texts.values()), is_estimated: true }
}

/** Our own count, for a provider that sends none. */
export function estimate(input_tokens: number, produced: Iterable<string>): TokenUsage {
  let output_tokens = 0
  for (const text of produced) output_tokens += countText(text)
  return {
    input_tokens,
    cached_input_tokens: 0,
    cache_write_tokens: 0,
    cache_write_1h_tokens: 0,
    output_tokens,
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

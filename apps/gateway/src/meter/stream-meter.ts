import type { TokenUsage } from '@stipend/money'
import type { DialectRules, Reported, StreamError, Transcript } from './dialect.ts'
import { parseObject } from './json.ts'
import { type Metered, weigh } from './metered.ts'
import { dataOf, endOfEvents, eventsOf } from './sse.ts'
import { Tally } from './tally.ts'

const NOTHING = Buffer.alloc(0)
/** Passed bytes are kept for counting in case no usage comes; beyond this much only their text is. */
const KEPT_BYTES_MAX = 32 * 1024
const UNFINISHED_BYTES_MAX = 16 * 1024 * 1024
/** So far may a guess of what was produced go before the events are looked into. */
const GUESSED_TOKENS_MAX = 512

/**
 * Watches a streamed answer go by. Bytes are passed on event by whole event as they came; events are looked into only where
 * they may tell of usage.
 */
export class StreamMeter {
  readonly #rules: DialectRules
  readonly #hidesUsage: boolean
  readonly #hidesFailure: boolean
  readonly #answers: number
  readonly #transcript: Transcript
  #reported: Reported | undefined
  #isDone = false
  #isEmpty = true
  #failure: string | undefined
  #keptAs: string | undefined
  // The beginning of an event whose end hasn't come: `#unfinished` grows ahead of what is in it.
  #unfinished: Buffer = NOTHING
  #unfinishedBytes = 0
  /** The text of the events that were looked into, for each of the answers beside each other, and about how long it is. */
  readonly #tallies: Tally[] = []
  #textBytes = 0
  // Passed, but not looked into yet.
  #kept: Buffer[] = []
  #keptBytes = 0
  /** The size of an event that says little: what others have beyond it is text. */
  #envelope = Number.POSITIVE_INFINITY
  #events = 0

  constructor(rules: DialectRules, options: { hidesUsage: boolean; hidesFailure: boolean; answers: number }) {
    this.#rules = rules
    this.#hidesUsage = options.hidesUsage
    this.#hidesFailure = options.hidesFailure
    this.#answers = options.answers
    this.#transcript = rules.transcript()
  }

  /** What of the stream the client is to get now. Throws for an event without end. */
  feed(chunk: Buffer): Buffer {
    if (chunk.length === 0) return NOTHING
    if (this.#unfinishedBytes > 0) return this.#feedUnfinished(chunk)
    const end = endOfEvents(chunk)
    if (end === chunk.length) return this.#pass(chunk)
    this.#hold(chunk.subarray(end))
    return end === 0 ? NOTHING : this.#pass(chunk.subarray(0, end))
  }

  /** What is left for the client when the provider has ended: an event it didn't finish. */
  end(): Buffer {
    const bytes = this.#unfinished.subarray(0, this.#unfinishedBytes)
    this.#unfinished = NOTHING
    this.#unfinishedBytes = 0
    return bytes.length === 0 ? NOTHING : this.#pass(bytes)
  }

  /** Whether the provider has said that the answer is complete. */
  get isDone(): boolean {
    return this.#isDone
  }

  /** What kind of failure the provider told of in the middle, for the log. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** Whether nothing has come that could be part of an answer. */
  get isEmpty(): boolean {
    return this.#isEmpty
  }

  /**
   * About how many tokens were produced so far, rather more than less: by the number of events and by what they have beyond the
   * size of one that says little.
   */
  roughTokens(): number {
    if (this.#envelope === Number.POSITIVE_INFINITY || this.#guess() > GUESSED_TOKENS_MAX) this.#look()
    return Math.max(this.#events, Math.ceil(this.#textBytes / 2)) + this.#guess()
  }

  /** Tokens counted exactly so far. */
  countedTokens(): number {
    this.#look()
    return this.#tallies.reduce((tokens, tally) => tokens + tally.tokens(), 0)
  }

  /** What was used up to now. `inputTokens` is asked only where our own count is needed. */
  metered(inputTokens: () => number): Metered {
    const reported = this.#reported
    return weigh(reported && this.#rules.read(reported.figures), {
      isWhole: this.#isDone || reported?.isFinal === true,
      inputTokens,
      outputTokens: () => this.countedTokens(),
      hasFailed: this.#failure !== undefined,
      keptAs: this.#keptAs,
    })
  }

  /** A proper end for a stream that is cut off for want of money: as if the limit of tokens had been reached. */
  ending(usage: TokenUsage): Buffer {
    this.#look()
    const text = this.#tallies[0]?.text ?? ''
    const options = { text, showsUsage: !this.#hidesUsage, answers: this.#answers }
    return Buffer.from(this.#transcript.ending(usage, options))
  }

  /** The same for one that ends with an error of ours. */
  failing(error: StreamError): Buffer {
    this.#look()
    return Buffer.from(this.#transcript.failing(error))
  }

  #feedUnfinished(chunk: Buffer): Buffer {
    // The end of an event may lie across the seam.
    const seam = Math.max(0, this.#unfinishedBytes - 2)
    this.#hold(chunk)
    const bytes = this.#unfinished.subarray(0, this.#unfinishedBytes)
    const end = endOfEvents(bytes, seam)
    if (end === 0) return NOTHING
    this.#unfinished = NOTHING
    this.#unfinishedBytes = 0
    this.#hold(bytes.subarray(end))
    return this.#pass(bytes.subarray(0, end))
  }

  #hold(bytes: Buffer): void {
    const length = this.#unfinishedBytes + bytes.length
    if (length > UNFINISHED_BYTES_MAX) throw new Error('an event without end')
    if (length > this.#unfinished.length) {
      // Twice what is needed, so that an event in many pieces isn't copied as many times.
      const grown = Buffer.allocUnsafe(Math.min(2 * length, UNFINISHED_BYTES_MAX))
      this.#unfinished.copy(grown, 0, 0, this.#unfinishedBytes)
      this.#unfinished = grown
    }
    bytes.copy(this.#unfinished, this.#unfinishedBytes)
    this.#unfinishedBytes = length
  }

  /** Whole events on their way to the client. */
  #pass(whole: Buffer): Buffer {
    this.#isEmpty &&= !eventsOf(whole).some((event) => this.#isOfAnswer(event))
    this.#kept.push(whole)
    this.#keptBytes += whole.length
    if (this.#keptBytes > KEPT_BYTES_MAX) this.#look()
    if (!this.#rules.mayMatter(whole)) return whole
    const events = eventsOf(whole)
    const shown = events.filter((event) => !this.#note(event))
    return shown.length === events.length ? whole : Buffer.concat(shown)
  }

  #isOfAnswer(event: Buffer): boolean {
    const data = dataOf(event)
    if (data === null || data.startsWith('[DONE]')) return false
    const parsed = parseObject(data)
    return parsed === undefined || this.#rules.failureIn(parsed) === undefined
  }

  /** Takes down what an event reports. Whether the client isn't to see it. */
  #note(event: Buffer): boolean {
    if (!this.#rules.mayMatter(event)) return false
    const data = dataOf(event)
    if (data === null) return false
    if (data.startsWith('[DONE]')) {
      this.#isDone = true
      return false
    }
    const parsed = parseObject(data)
    if (parsed === undefined) return false
    this.#reported = this.#rules.reportIn(parsed, this.#reported)
    this.#isDone ||= this.#rules.isEnd(parsed)
    this.#keptAs ??= this.#rules.keptAs(parsed)
    const failure = this.#rules.failureIn(parsed)
    if (failure !== undefined) {
      this.#failure ??= failure
      return this.#hidesFailure
    }
    return this.#hidesUsage && this.#rules.isUsageOnly(parsed)
  }

  /** Tokens in what wasn't looked into yet, by its size, as if every chunk were an event. */
  #guess(): number {
    const events = this.#kept.length
    const text = this.#keptBytes - events * Math.min(this.#envelope, this.#keptBytes)
    return Math.max(events, Math.ceil(text / 2))
  }

  /** Reads what was kept, and lets it go. */
  #look(): void {
    // Joined at once: a string put together delta by delta would take many times its size.
    const said: string[][] = []
    for (const bytes of this.#kept) {
      for (const event of eventsOf(bytes)) {
        this.#events += 1
        this.#absorb(event, said)
      }
    }
    for (const [answer, pieces] of said.entries()) {
      const text = pieces?.join('') ?? ''
      this.#textBytes += Buffer.byteLength(text)
      while (this.#tallies.length <= answer) this.#tallies.push(new Tally())
      this.#tallies[answer]?.add(text)
    }
    this.#kept = []
    this.#keptBytes = 0
  }

  #absorb(event: Buffer, said: string[][]): void {
    const skimmed = this.#answers === 1 ? this.#transcript.skim(event) : undefined
    let length = 0
    if (skimmed !== undefined) {
      push(said, 0, skimmed)
      length = Buffer.byteLength(skimmed)
    } else {
      const data = dataOf(event)
      const parsed = data === null ? undefined : parseObject(data)
      if (parsed === undefined) return
      this.#transcript.absorb(parsed).forEach((text, answer) => {
        push(said, answer, text)
        length += Buffer.byteLength(text)
      })
    }
    if (length > 0) this.#envelope = Math.min(this.#envelope, Math.max(0, event.length - length))
  }
}

function push(said: string[][], answer: number, text: string): void {
  const pieces = said[answer]
  if (pieces === undefined) said[answer] = [text]
  else pieces.push(text)
}

import type { TokenUsage } from '@stipend/money'
import type { DialectRules, EndingOptions, StreamError, Transcript } from './dialect.ts'
import { readOpenAI } from './figures.ts'
import { isObject, kindOfError, type Loose, objectIn, objectsIn, textIn } from './json.ts'
import { ERROR, mayHold } from './skim.ts'
import { asEvents } from './sse.ts'

const ENDS = ['response.completed', 'response.incomplete', 'response.failed', 'response.cancelled', 'response.done']

export const responses: DialectRules = {
  // Few events carry the response itself; only of those it is worth asking which they are.
  mayMatter: (bytes) =>
    (bytes.includes(RESPONSE) && END_NAMES.some((name) => bytes.includes(name))) || mayHold(bytes, ERROR),
  reportIn: (event, before) => {
    const { usage } = isObject(event.response) ? event.response : event
    return isObject(usage) ? { figures: usage, isFinal: true } : before
  },
  isEnd: (event) => ENDS.includes(textIn(event.type)),
  isUsageOnly: () => false,
  keptAs: (event) => {
    const { id, store, object } = isObject(event.response) ? event.response : event
    return object === 'response' && store !== false && typeof id === 'string' && id !== '' ? id : undefined
  },
  read: (figures) => readOpenAI(figures, { hasOutput: true }),
  failureIn,
  transcript: () => new ResponsesTranscript(),
}

const RESPONSE = Buffer.from('response"')
const END_NAMES = ENDS.map((name) => Buffer.from(name))

function failureIn(event: Loose): string | undefined {
  if (event.type === 'error') return kindOfError(event)
  const { status, error } = isObject(event.response) ? event.response : event
  return status === 'failed' || isObject(error) ? kindOfError(error) : undefined
}

/** A message the provider is writing, and where in all its text the open part of it begins, if one is open. */
type OpenMessage = { output_index: unknown; item: Loose; part: { content_index: unknown; from: number } | undefined }

class ResponsesTranscript implements Transcript {
  #length = 0
  #response: Loose = {}
  #output: Loose[] = []
  #open: OpenMessage | undefined
  #sequence = -1

  absorb(event: Loose): readonly string[] {
    if (typeof event.sequence_number === 'number') this.#sequence = event.sequence_number
    const text = this.#textIn(event, textIn(event.type))
    this.#length += text.length
    return [text]
  }

  /** Every event has a number here, and what is said besides the text may be longer than the text: nothing to skim. */
  skim(): undefined {}

  #textIn(event: Loose, type: string): string {
    // The bytes of audio are no words; its transcript has events of its own.
    if (typeof event.delta === 'string') return type.endsWith('audio.delta') ? '' : event.delta
    switch (type) {
      case 'response.created':
        this.#response = scalarsOf(objectIn(event.response))
        return ''
      case 'response.output_item.added':
        return this.#openItem(event.output_index, objectIn(event.item))
      case 'response.content_part.added':
        if (this.#open !== undefined) this.#open.part = { content_index: event.content_index, from: this.#length }
        return ''
      case 'response.output_item.done':
        this.#closeItem(objectIn(event.item))
        return ''
      default:
        return this.#textOfWhole(isObject(event.response) ? event.response : event)
    }
  }

  #openItem(output_index: unknown, item: Loose): string {
    this.#open = item.type === 'message' ? { output_index, item, part: undefined } : undefined
    return textIn(item.name)
  }

  #closeItem(item: Loose): void {
    this.#open = undefined
    // An image weighs megabytes, and the client has it.
    this.#output.push(item.type === 'image_generation_call' ? { ...item, result: null } : item)
  }

  /** An answer that came in one piece, or a stream that has its text in the last event only. */
  #textOfWhole(response: Loose): string {
    return this.#length === 0 ? objectsIn(response.output).map(textOfItem).join('') : ''
  }

  ending(usage: TokenUsage, { text }: EndingOptions): string {
    const closing = this.#open === undefined ? [] : this.#close(this.#open, text)
    const response = {
      ...this.#asFarAsKnown(),
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      usage: asReported(usage),
    }
    return this.#numbered([...closing, { type: 'response.incomplete', response }])
  }

  /** As OpenAI does it: some clients read the one event, some the other. */
  failing({ message, code, openai }: StreamError): string {
    // Of this one's codes there is a list; ours is in the other.
    const response = { ...this.#asFarAsKnown(), status: 'failed', error: { code: 'server_error', message } }
    return this.#numbered([
      { type: 'error', code, message, param: null, error: { type: openai, code, message, param: null } },
      { type: 'response.failed', response },
    ])
  }

  #asFarAsKnown(): Loose {
    return {
      object: 'response',
      error: null,
      incomplete_details: null,
      instructions: null,
      metadata: {},
      parallel_tool_calls: true,
      temperature: null,
      tool_choice: 'auto',
      tools: [],
      top_p: null,
      ...this.#response,
      output: this.#output,
    }
  }

  #numbered(events: Array<Loose & { type: string }>): string {
    return asEvents(
      events.map((event) => {
        this.#sequence += 1
        return { ...event, sequence_number: this.#sequence }
      }),
    )
  }

  /** A message is closed with what it has; half a call of a tool never is, lest a client should run it. */
  #close({ output_index, item, part }: OpenMessage, produced: string): Array<Loose & { type: string }> {
    const events: Array<Loose & { type: string }> = []
    const content: Loose[] = []
    const item_id = item.id
    if (part !== undefined) {
      const { content_index } = part
      const text = produced.slice(part.from)
      const at = { item_id, output_index, content_index }
      content.push({ type: 'output_text', text, annotations: [], logprobs: [] })
      events.push({ type: 'response.output_text.done', ...at, text, logprobs: [] })
      events.push({ type: 'response.content_part.done', ...at, part: content[0] })
    }
    const done = { ...item, status: 'incomplete', content }
    this.#output.push(done)
    events.push({ type: 'response.output_item.done', output_index, item: done })
    return events
  }
}

/** What identifies a response. Its echo of the request (tools, instructions) can be large, and the client knows it. */
function scalarsOf(response: Loose): Loose {
  const short = (value: unknown) => typeof value !== 'object' && (typeof value !== 'string' || value.length <= 256)
  return Object.fromEntries(Object.entries(response).filter(([, value]) => short(value)))
}

function asReported(usage: TokenUsage): Loose {
  return {
    input_tokens: usage.input_tokens,
    input_tokens_details: { cached_tokens: usage.cached_input_tokens, cache_write_tokens: usage.cache_write_tokens },
    output_tokens: usage.output_tokens,
    output_tokens_details: { reasoning_tokens: usage.reasoning_tokens ?? 0 },
    total_tokens: usage.input_tokens + usage.output_tokens,
  }
}

function textOfItem(item: Loose): string {
  const parts = [...objectsIn(item.content), ...objectsIn(item.summary)]
  const words = parts.map((part) => textIn(part.text) + textIn(part.refusal)).join('')
  return textIn(item.name) + textIn(item.arguments) + textIn(item.input) + textIn(item.code) + words
}

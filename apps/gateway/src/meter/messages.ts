import type { TokenUsage } from '@stipend/money'
import type { DialectRules, ModelUsage, Reading, StreamError, Transcript } from './dialect.ts'
import { checked, figure, required } from './figures.ts'
import { isObject, kindOfError, type Loose, objectIn, objectsIn, textIn } from './json.ts'
import { ERROR, mayHold, skimDelta } from './skim.ts'
import { asEvents } from './sse.ts'

export const messages: DialectRules = {
  // message_start, message_delta and message_stop; events of content have no such word but in their text.
  mayMatter: (bytes) => bytes.includes(MESSAGE) || mayHold(bytes, ERROR),
  reportIn: (event, before) => {
    const usage = event.usage ?? objectIn(event.message).usage
    if (!isObject(usage)) return before
    const said = Object.entries(usage).filter(([, value]) => value !== null)
    const figures = { ...before?.figures, ...Object.fromEntries(said) }
    return { figures, isFinal: event.type !== 'message_start' }
  },
  isEnd: (event) => event.type === 'message_stop',
  isUsageOnly: () => false,
  keptAs: () => undefined,
  read,
  failureIn: (event) => (event.type === 'error' ? kindOfError(event.error) : undefined),
  transcript: () => new MessagesTranscript(),
}

const OPENINGS = ['"type":"text_delta","text":"', '"type":"thinking_delta","thinking":"']
const MESSAGE = Buffer.from('message_')

/**
 * Anthropic's way of counting: what is read from the cache or written to it is beside `input_tokens`. Where the provider made
 * several passes (`iterations`), the top level may tell of the last only, and another model's passes are never in it.
 */
function read(figures: Loose): Reading {
  const top = usageOf(figures)
  const thinking = figure(objectIn(figures.output_tokens_details).thinking_tokens) ?? null
  const passes = Array.isArray(figures.iterations) ? figures.iterations.map(objectIn) : []
  const other_models = passes.flatMap((pass): ModelUsage[] =>
    typeof pass.model === 'string' ? [{ model: pass.model, usage: usageOf(pass) }] : [],
  )
  const sum = passes
    .filter((pass) => typeof pass.model !== 'string')
    .map(usageOf)
    .reduce(plus, NONE)
  // Never less than the top level says.
  const isMore = sum.input_tokens >= top.input_tokens && sum.output_tokens >= top.output_tokens
  return checked({ ...(isMore ? sum : top), reasoning_tokens: thinking }, other_models)
}

const NONE: TokenUsage = {
  input_tokens: 0,
  cached_input_tokens: 0,
  cache_write_tokens: 0,
  cache_write_1h_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: null,
}

function usageOf(figures: Loose): TokenUsage {
  const kept = objectIn(figures.cache_creation)
  const cache_write_1h_tokens = figure(kept.ephemeral_1h_input_tokens) ?? 0
  const written = (figure(kept.ephemeral_5m_input_tokens) ?? 0) + cache_write_1h_tokens
  const cached_input_tokens = figure(figures.cache_read_input_tokens) ?? 0
  const cache_write_tokens = figure(figures.cache_creation_input_tokens) ?? written
  return {
    input_tokens: required(figure(figures.input_tokens)) + cached_input_tokens + cache_write_tokens,
    cached_input_tokens,
    cache_write_tokens,
    cache_write_1h_tokens,
    output_tokens: required(figure(figures.output_tokens)),
    reasoning_tokens: null,
  }
}

function plus(a: TokenUsage, b: TokenUsage): TokenUsage {
  return {
    input_tokens: a.input_tokens + b.input_tokens,
    cached_input_tokens: a.cached_input_tokens + b.cached_input_tokens,
    cache_write_tokens: a.cache_write_tokens + b.cache_write_tokens,
    cache_write_1h_tokens: a.cache_write_1h_tokens + b.cache_write_1h_tokens,
    output_tokens: a.output_tokens + b.output_tokens,
    reasoning_tokens: null,
  }
}

class MessagesTranscript implements Transcript {
  /** The index of the block that is being written. */
  #open: unknown

  absorb(event: Loose): readonly string[] {
    return [this.#textIn(event)]
  }

  #textIn(event: Loose): string {
    switch (event.type) {
      case 'message_start':
        return textOfContent(objectIn(event.message).content)
      case 'content_block_start':
        this.#open = event.index
        return textOfBlock(objectIn(event.content_block))
      case 'content_block_delta': {
        const { text, thinking, partial_json, content } = objectIn(event.delta)
        return textIn(text) + textIn(thinking) + textIn(partial_json) + textIn(content)
      }
      case 'content_block_stop':
        this.#open = undefined
        return ''
      default:
        return textOfContent(event.content)
    }
  }

  skim(event: Buffer): string | undefined {
    return skimDelta(event, OPENINGS)
  }

  ending(usage: TokenUsage): string {
    const { input_tokens, cached_input_tokens, cache_write_tokens, output_tokens } = usage
    return asEvents([
      ...(this.#open === undefined ? [] : [{ type: 'content_block_stop', index: this.#open }]),
      {
        type: 'message_delta',
        delta: { stop_reason: 'max_tokens', stop_sequence: null },
        usage: {
          input_tokens: input_tokens - cached_input_tokens - cache_write_tokens,
          cache_creation_input_tokens: cache_write_tokens,
          cache_read_input_tokens: cached_input_tokens,
          output_tokens,
        },
      },
      { type: 'message_stop' },
    ])
  }

  failing({ message, anthropic, request_id }: StreamError): string {
    return asEvents([{ type: 'error', error: { type: anthropic, message }, request_id }])
  }
}

const textOfContent = (content: unknown): string => objectsIn(content).map(textOfBlock).join('')

/** Words, thoughts, the call of a tool, a compacted history; not what a tool of the provider brought back. */
function textOfBlock(block: Loose): string {
  const input = isObject(block.input) && Object.keys(block.input).length > 0 ? JSON.stringify(block.input) : ''
  return textIn(block.text) + textIn(block.thinking) + textIn(block.name) + input + textIn(block.content)
}

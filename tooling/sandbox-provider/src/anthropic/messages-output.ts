import { type Choice, type ToolCall, tokensOfChoice } from '../answer.ts'
import { type Frame, namedEvent, type Reply, silent } from '../dialect.ts'
import type { ApiError } from '../errors.ts'
import { sealOf } from '../seal.ts'
import { type Piece, textOf } from '../tokens.ts'
import type { ReportedUsage } from '../usage.ts'
import { errorFields } from './api.ts'

export function whole(reply: Reply): string {
  const choice = choiceOf(reply)
  const { output, reasoning } = tokensOfChoice(choice)
  const usage = reply.usage(output, reasoning)
  const content = blocksOf(choice, reply).map((block) => block.done)
  return JSON.stringify({ ...head(reply), content, ...ending(choice), usage: usage && usageFields(usage, reply) })
}

function choiceOf({ choices }: Reply): Choice {
  const [choice] = choices
  if (choice === undefined) throw new Error('a message without content')
  return choice
}

function head({ id, prompt }: Reply) {
  return { id: `msg_${id}`, type: 'message', role: 'assistant', model: prompt.model }
}

function ending({ finish, stoppedAt }: Choice) {
  const stopped = stoppedAt === undefined ? 'end_turn' : 'stop_sequence'
  const stop_reason = finish === 'length' ? 'max_tokens' : finish === 'tool_calls' ? 'tool_use' : stopped
  return { stop_reason, stop_sequence: stoppedAt ?? null }
}

/** What was read from the cache or written to it stands beside `input_tokens` here, not in it. JSON leaves out what is undefined. */
function usageFields({ input = 0, cached = 0, written = 0, output, reasoning }: ReportedUsage, { prompt }: Reply) {
  const isLong = prompt.request.kept === '1h'
  return {
    input_tokens: input - cached - written,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: cached,
    cache_creation: {
      ephemeral_5m_input_tokens: isLong ? 0 : written,
      ephemeral_1h_input_tokens: isLong ? written : 0,
    },
    output_tokens: output,
    output_tokens_details: reasoning ? { thinking_tokens: reasoning } : undefined,
    service_tier: 'standard',
  }
}

/** A block of the content: what it is in the end, what it begins as, and the deltas in between. */
type Block = { done: object; begun: object; output: number; deltas(): Iterable<Delta> }
type Delta = { json: string; tokens: number; reasoning?: number }

function blocksOf({ reasoning, content, calls, finish }: Choice, { behaviour }: Reply): Block[] {
  const isHidden = behaviour.hidden_reasoning === true || reasoning.length === 0
  const thoughts = isHidden ? [] : [thinking(reasoning)]
  // A text without a word isn't begun where tools are called or the limit left none.
  const says = content.length > 0 || (calls.length === 0 && finish !== 'length')
  return [...thoughts, ...(says ? [words(content)] : []), ...calls.map(calling)]
}

function thinking(reasoning: readonly Piece[]): Block {
  const text = textOf(reasoning)
  const signature = sealOf(text)
  return {
    done: { type: 'thinking', thinking: text, signature },
    begun: { type: 'thinking', thinking: '', signature: '' },
    output: 0,
    *deltas() {
      for (const { json, tokens } of reasoning) {
        yield { json: `{"type":"thinking_delta","thinking":${json}}`, tokens, reasoning: tokens }
      }
      yield { json: `{"type":"signature_delta","signature":"${signature}"}`, tokens: 0 }
    },
  }
}

function words(content: readonly Piece[]): Block {
  return {
    done: { type: 'text', text: textOf(content) },
    begun: { type: 'text', text: '' },
    output: 0,
    *deltas() {
      for (const { json, tokens } of content) yield { json: `{"type":"text_delta","text":${json}}`, tokens }
    },
  }
}

function calling({ id, name, nameTokens, input }: ToolCall): Block {
  const block = { type: 'tool_use', id: `toolu_${id}`, name }
  return {
    done: { ...block, input: parsed(textOf(input)) },
    begun: { ...block, input: {} },
    output: nameTokens,
    *deltas() {
      for (const { json, tokens } of input) yield { json: `{"type":"input_json_delta","partial_json":${json}}`, tokens }
    },
  }
}

/** An input that the limit cut short is told as an empty one. */
function parsed(input: string): unknown {
  try {
    return JSON.parse(input)
  } catch {
    return {}
  }
}

export function* frames(reply: Reply): Iterable<Frame> {
  const choice = choiceOf(reply)
  const total = tokensOfChoice(choice)
  const isHidden = reply.behaviour.hidden_reasoning === true
  // The first event can't know more of the output than that it has begun.
  const atFirst = reply.usage(1, 0)
  const message = { ...head(reply), content: [], stop_reason: null, stop_sequence: null }
  const hidden = isHidden ? total.reasoning : 0
  yield {
    ...silent(
      namedEvent({ type: 'message_start', message: { ...message, usage: atFirst && usageFields(atFirst, reply) } }),
    ),
    output: hidden,
    reasoning: hidden,
    usage: atFirst,
  }
  for (const [index, block] of blocksOf(choice, reply).entries()) {
    const begun = namedEvent({ type: 'content_block_start', index, content_block: block.begun })
    yield { ...silent(begun), output: block.output }
    if (index === 0) yield silent(namedEvent({ type: 'ping' }))
    const start = `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":`
    for (const { json, tokens, reasoning = 0 } of block.deltas()) {
      yield { data: `${start}${json}}\n\n`, output: tokens, reasoning, carriesOutput: tokens > 0 }
    }
    yield silent(namedEvent({ type: 'content_block_stop', index }))
  }
  const usage = reply.usage(total.output, total.reasoning)
  const delta = namedEvent({ type: 'message_delta', delta: ending(choice), usage: usage && usageFields(usage, reply) })
  yield { ...silent(delta), usage }
  yield silent(namedEvent({ type: 'message_stop' }))
}

export function failureFrame(error: ApiError): string {
  return namedEvent(errorFields(error))
}

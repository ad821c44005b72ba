import { type Choice, type ToolCall, tokensOfChoice } from '../answer.ts'
import { type Frame, namedEvent, type Reply, silent } from '../dialect.ts'
import type { ApiError } from '../errors.ts'
import type { Fields } from '../schema-sample.ts'
import { sealed } from '../seal.ts'
import { type Piece, textOf } from '../tokens.ts'
import { addUp, type ReportedUsage } from '../usage.ts'
import { type StoredResponse, type StoredResponses, unready } from './stored-responses.ts'

type Response = StoredResponse['response']

/** The response as a whole; one that is made in the background is only promised. */
export function whole(reply: Reply, stored: StoredResponses): string {
  const { output, reasoning } = tokensOfChoice(choiceOf(reply))
  const response = finished(reply, reply.usage(output, reasoning))
  if (reply.prompt.request.background !== true) {
    keep(reply, response, stored)
    return JSON.stringify(response)
  }
  // As long as a stream would take.
  keep(reply, response, stored, (reply.behaviour.chunk_delay_ms ?? 0) * output)
  return JSON.stringify(unready(response, 'queued'))
}

function keep({ prompt }: Reply, response: Response, stored: StoredResponses, afterMs = 0): void {
  if (prompt.request.store === false) return
  const given = prompt.request.input as readonly Fields[]
  const input = given.map((item, index) => ({ id: `in_${index}_${response.id}`, ...inFull(item) }))
  stored.add({ response, input, readyAt: Date.now() + afterMs })
}

/** A message as it is told later, however short it was said. */
function inFull(item: Fields): Fields {
  const { type = 'message', role, content } = item
  if (type !== 'message' || typeof content !== 'string') return item
  const part = role === 'assistant' ? { type: 'output_text', annotations: [], logprobs: [] } : { type: 'input_text' }
  return { ...item, type, status: 'completed', content: [{ ...part, text: content }] }
}

function choiceOf({ choices }: Reply): Choice {
  const [choice] = choices
  if (choice === undefined) throw new Error('a response without an answer')
  return choice
}

/** What the real API repeats of a request, and its own values where the request has none. */
function unfinished({ id, created, prompt }: Reply): Response {
  const asked = (name: string, usual: unknown = null) => prompt.request[name] ?? usual
  return {
    id: `resp_${id}`,
    object: 'response',
    created_at: created,
    status: 'in_progress',
    background: asked('background', false),
    completed_at: null,
    error: null,
    frequency_penalty: 0,
    incomplete_details: null,
    instructions: asked('instructions'),
    max_output_tokens: asked('max_output_tokens'),
    max_tool_calls: asked('max_tool_calls'),
    model: prompt.model,
    output: [],
    parallel_tool_calls: asked('parallel_tool_calls', true),
    presence_penalty: 0,
    previous_response_id: asked('previous_response_id'),
    prompt_cache_key: asked('prompt_cache_key'),
    reasoning: { effort: null, summary: null, ...(asked('reasoning', {}) as Fields) },
    safety_identifier: asked('safety_identifier'),
    service_tier: 'default',
    store: asked('store', true),
    temperature: asked('temperature', 1),
    text: { format: { type: 'text' }, verbosity: 'medium', ...(asked('text', {}) as Fields) },
    tool_choice: asked('tool_choice', 'auto'),
    tools: asked('tools', []),
    top_logprobs: asked('top_logprobs', 0),
    top_p: asked('top_p', 1),
    truncation: asked('truncation', 'disabled'),
    // Not told where it isn't known: null would be against the API's own document.
    usage: undefined,
    user: prompt.request.user,
    metadata: asked('metadata', {}),
  }
}

function finished(reply: Reply, usage: ReportedUsage | undefined): Response {
  const isWhole = choiceOf(reply).finish !== 'length'
  return {
    ...unfinished(reply),
    status: isWhole ? 'completed' : 'incomplete',
    completed_at: isWhole ? reply.created : null,
    incomplete_details: isWhole ? null : { reason: 'max_output_tokens' },
    output: itemsOf(reply).map((item) => item.done),
    usage: usage && usageFields(usage),
  }
}

function usageFields({ input, cached, output, reasoning }: ReportedUsage) {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached, cache_write_tokens: 0 },
    output_tokens: output,
    output_tokens_details: reasoning === undefined ? undefined : { reasoning_tokens: reasoning },
    total_tokens: addUp(input, output),
  }
}

/** Events without their place in the stream, and what was produced for them. */
type Step = { event: { type: string } & Fields; output?: number; reasoning?: number; isDelta?: boolean }

/** One item of the output: what it is in the end, what it begins as, and what is told in between. */
type Item = {
  done: Fields & { id: string }
  begun: Fields
  /** Produced before its first word: a name, or thoughts that nobody sees. */
  output: number
  reasoning: number
  steps(at: { item_id: string; output_index: number }): Iterable<Step>
}

function itemsOf(reply: Reply): Item[] {
  const { reasoning, content, calls, finish } = choiceOf(reply)
  const items: Item[] = []
  if (reasoning.length > 0) items.push(thoughts(reply, reasoning))
  for (const call of calls) items.push(calling(call))
  // Nothing is begun that the limit leaves no word for.
  if (calls.length === 0 && (content.length > 0 || finish !== 'length')) items.push(message(reply, content))
  const last = items.at(-1)
  if (finish === 'length' && last !== undefined && 'status' in last.done)
    last.done = { ...last.done, status: 'incomplete' }
  return items
}

function thoughts({ id, prompt, behaviour }: Reply, reasoning: readonly Piece[]): Item {
  const { include, reasoning: asked } = prompt.request as { include?: unknown[]; reasoning?: Fields }
  const isShown = behaviour.hidden_reasoning !== true && (asked?.summary ?? undefined) !== undefined
  const isEncrypted = Array.isArray(include) && include.includes('reasoning.encrypted_content')
  const words = textOf(reasoning)
  const part = { type: 'summary_text', text: words }
  const hidden = isShown ? 0 : reasoning.reduce((sum, piece) => sum + piece.tokens, 0)
  const item = { id: `rs_${id}`, type: 'reasoning', ...(isEncrypted ? { encrypted_content: sealed(words) } : {}) }
  return {
    done: { ...item, summary: isShown ? [part] : [] },
    begun: { ...item, summary: [] },
    output: hidden,
    reasoning: hidden,
    *steps(at) {
      if (!isShown) return
      const here = { ...at, summary_index: 0 }
      const kind = 'response.reasoning_summary'
      yield { event: { type: `${kind}_part.added`, ...here, part: { ...part, text: '' } } }
      for (const { text: delta, tokens } of reasoning) {
        const event = { type: `${kind}_text.delta`, ...here, delta }
        yield { event, output: tokens, reasoning: tokens, isDelta: true }
      }
      yield { event: { type: `${kind}_text.done`, ...here, text: words } }
      yield { event: { type: `${kind}_part.done`, ...here, part } }
    },
  }
}

function message({ id }: Reply, content: readonly Piece[]): Item {
  const words = textOf(content)
  const part = (text: string) => ({ type: 'output_text', annotations: [], logprobs: [], text })
  const item = { id: `msg_${id}`, type: 'message', role: 'assistant' }
  return {
    done: { ...item, status: 'completed', content: [part(words)] },
    begun: { ...item, status: 'in_progress', content: [] },
    output: 0,
    reasoning: 0,
    *steps(at) {
      const here = { ...at, content_index: 0 }
      yield { event: { type: 'response.content_part.added', ...here, part: part('') } }
      for (const { text: delta, tokens } of content) {
        yield {
          event: { type: 'response.output_text.delta', ...here, delta, logprobs: [] },
          output: tokens,
          isDelta: true,
        }
      }
      yield { event: { type: 'response.output_text.done', ...here, text: words, logprobs: [] } }
      yield { event: { type: 'response.content_part.done', ...here, part: part(words) } }
    },
  }
}

function calling({ id, kind, name, namespace, nameTokens, input }: ToolCall): Item {
  const isFunction = kind === 'function'
  const field = isFunction ? 'arguments' : 'input'
  const words = textOf(input)
  const item = {
    id: `${isFunction ? 'fc' : 'ctc'}_${id}`,
    type: isFunction ? 'function_call' : 'custom_tool_call',
    call_id: `call_${id}`,
    name,
    ...(namespace === undefined ? {} : { namespace }),
  }
  return {
    done: { ...item, status: 'completed', [field]: words },
    begun: { ...item, status: 'in_progress', [field]: '' },
    output: nameTokens,
    reasoning: 0,
    *steps(at) {
      const type = isFunction ? 'response.function_call_arguments' : 'response.custom_tool_call_input'
      for (const { text: delta, tokens } of input) {
        yield { event: { type: `${type}.delta`, ...at, delta }, output: tokens, isDelta: true }
      }
      yield { event: { type: `${type}.done`, ...at, ...(isFunction ? { name } : {}), [field]: words } }
    },
  }
}

export function* frames(reply: Reply, stored: StoredResponses): Iterable<Frame> {
  let sequence = 0
  let output = 0
  let reasoning = 0
  const frame = (step: Step): Frame => {
    const produced = { output: step.output ?? 0, reasoning: step.reasoning ?? 0 }
    output += produced.output
    reasoning += produced.reasoning
    const data = namedEvent({ ...step.event, sequence_number: sequence })
    sequence += 1
    return { ...silent(data), ...produced, carriesOutput: step.isDelta === true }
  }

  const response = unfinished(reply)
  yield frame({ event: { type: 'response.created', response } })
  yield frame({ event: { type: 'response.in_progress', response } })
  for (const [output_index, item] of itemsOf(reply).entries()) {
    const begun = { type: 'response.output_item.added', output_index, item: item.begun }
    yield frame({ event: begun, output: item.output, reasoning: item.reasoning })
    for (const step of item.steps({ item_id: item.done.id, output_index })) yield frame(step)
    yield frame({ event: { type: 'response.output_item.done', output_index, item: item.done } })
  }
  const usage = reply.usage(output, reasoning)
  const ended = finished(reply, usage)
  keep(reply, ended, stored)
  yield { ...frame({ event: { type: `response.${ended.status}`, response: ended } }), usage }
}

/** The error, then the response as it came to its end. */
export function failureFrame({ message, type, code, param }: ApiError, reply: Reply, framesSent: number): string {
  const error = { type, code: code ?? type, message, param }
  const response = { ...unfinished(reply), status: 'failed', error: { code: error.code, message } }
  return (
    namedEvent({ type: 'error', sequence_number: framesSent, error }) +
    namedEvent({ type: 'response.failed', response, sequence_number: framesSent + 1 })
  )
}

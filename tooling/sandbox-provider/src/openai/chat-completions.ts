import { type Choice, type ToolCall, tokensOfChoice } from '../answer.ts'
import { type Dialect, type Frame, type Reply, silent } from '../dialect.ts'
import type { ApiError } from '../errors.ts'
import type { Prompt, Tool } from '../prompt.ts'
import { type Fields, isFields } from '../schema-sample.ts'
import { textOf } from '../tokens.ts'
import { addUp, type ReportedUsage } from '../usage.ts'
import { openai } from './api.ts'
import { readConversation } from './chat-messages.ts'
import { flag, integer, list, missing, object, oneOf, refuse, text, wrongType } from './parameters.ts'

/** `POST /v1/chat/completions`, to the letter of OpenAI's API; unknown parameters are let pass. */
export const chatCompletions: Dialect = {
  path: '/v1/chat/completions',
  api: openai,
  serves: 'text',
  read,
  whole,
  frames,
  failureFrame,
}

const TOKENS = { min: 1, max: 2_147_483_647 }

function read(body: unknown): Prompt {
  if (!isFields(body)) return wrongType('body', 'an object', body)
  const model = text(body, 'model')
  if (model === undefined || model === '') return refuse('you must provide a model parameter', null, null)
  const offered = list(body, 'tools') ?? []
  const tools = offered.map(readTool)
  const stream = flag(body, 'stream')
  const streamOptions = object(body, 'stream_options')
  if (streamOptions !== undefined && !stream) {
    refuse("The 'stream_options' parameter is only allowed when 'stream' is enabled.", 'stream_options', null)
  }
  return {
    ...readConversation(list(body, 'messages') ?? missing('messages'), offered),
    request: body,
    keeps: 'all',
    model,
    stream,
    tools,
    toolChoice: readToolChoice(body, tools),
    outputTokensMax: readLimit(body),
    choices: integer(body, 'n', { min: 1, max: 128 }) ?? 1,
    stop: readStop(body),
    format: readFormat(body),
    effort: text(body, 'reasoning_effort'),
    includeUsage: flag(streamOptions ?? {}, 'include_usage', 'stream_options.include_usage'),
  }
}

/** Without a name of its own: these dialects have but one kind of event. */
export function failureFrame(error: ApiError): string {
  return `data: ${openai.errorBody(error, '')}\n\n`
}

function readLimit(body: Fields): number | undefined {
  const old = integer(body, 'max_tokens', TOKENS)
  const current = integer(body, 'max_completion_tokens', TOKENS)
  if (old !== undefined && current !== undefined) {
    refuse(
      "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
      'max_tokens',
      'invalid_parameter_combination',
    )
  }
  return current ?? old
}

export function readStop(body: Fields): readonly string[] {
  const { stop } = body
  if (stop === undefined || stop === null) return []
  const sequences: unknown[] = Array.isArray(stop) ? stop : [stop]
  if (sequences.length > 4) {
    refuse(
      `Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length ${sequences.length} instead.`,
      'stop',
      'array_above_max_length',
    )
  }
  return sequences
    .map((sequence) => (typeof sequence === 'string' ? sequence : wrongType('stop', 'a string', sequence)))
    .filter((sequence) => sequence !== '')
}

function readFormat(body: Fields): Prompt['format'] {
  const format = object(body, 'response_format')
  if (format === undefined) return 'text'
  const type = text(format, 'type', 'response_format.type') ?? missing('response_format.type')
  oneOf(type, ['json_object', 'json_schema', 'text'], 'response_format.type')
  if (type === 'text') return 'text'
  if (type === 'json_object') return 'json'
  const described =
    object(format, 'json_schema', 'response_format.json_schema') ?? missing('response_format.json_schema')
  if (typeof described.name !== 'string') missing('response_format.json_schema.name')
  return { schema: described.schema ?? { type: 'object' } }
}

function readTool(tool: unknown, index: number): Tool {
  const at = `tools[${index}]`
  if (!isFields(tool)) return wrongType(at, 'an object', tool)
  const type = text(tool, 'type', `${at}.type`) ?? missing(`${at}.type`)
  oneOf(type, ['function', 'custom'], `${at}.type`)
  const told = object(tool, type, `${at}.${type}`) ?? missing(`${at}.${type}`)
  const name = text(told, 'name', `${at}.${type}.name`) ?? missing(`${at}.${type}.name`)
  if (!/^[\w.-]{1,128}$/.test(name)) {
    refuse(
      `Invalid '${at}.${type}.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.`,
      `${at}.${type}.name`,
      'invalid_value',
    )
  }
  return {
    kind: type === 'custom' ? 'custom' : 'function',
    name,
    description: typeof told.description === 'string' ? told.description : '',
    schema: told.parameters ?? { type: 'object', properties: {} },
  }
}

function readToolChoice(body: Fields, tools: readonly Tool[]): Prompt['toolChoice'] {
  const choice = body.tool_choice ?? undefined
  if (choice === undefined) return 'auto'
  if (tools.length === 0) {
    if (choice === 'none') return 'none'
    return refuse(
      "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
      'tool_choice',
      null,
    )
  }
  if (typeof choice === 'string') {
    oneOf(choice, ['none', 'auto', 'required'], 'tool_choice')
    return choice as 'none' | 'auto' | 'required'
  }
  if (!isFields(choice)) return wrongType('tool_choice', 'one of a string or object', choice)
  if (choice.type === 'allowed_tools') {
    return isFields(choice.allowed_tools) && choice.allowed_tools.mode === 'required' ? 'required' : 'auto'
  }
  const type = choice.type === 'custom' ? 'custom' : 'function'
  const named = object(choice, type, `tool_choice.${type}`) ?? missing(`tool_choice.${type}`)
  const name = text(named, 'name', `tool_choice.${type}.name`) ?? missing(`tool_choice.${type}.name`)
  if (!tools.some((tool) => tool.name === name)) {
    refuse(`Tool choice '${name}' not found in 'tools' parameter.`, 'tool_choice', null)
  }
  return { name }
}

/** How OpenAI's chat API writes usage down; JSON leaves out what is undefined. */
export function usageFields({ input, cached, output, reasoning }: ReportedUsage) {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: addUp(input, output),
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
    completion_tokens_details:
      reasoning === undefined
        ? undefined
        : {
            reasoning_tokens: reasoning,
            audio_tokens: 0,
            accepted_prediction_tokens: 0,
            rejected_prediction_tokens: 0,
          },
  }
}

const FINGERPRINT = 'fp_5a4d8b0c7e'

function head(object: string, { id, created, prompt }: Reply) {
  return {
    id: `chatcmpl-${id}`,
    object,
    created,
    model: prompt.model,
    service_tier: 'default',
    system_fingerprint: FINGERPRINT,
  }
}

function whole(reply: Reply): string {
  const { output, reasoning } = reply.choices.reduce(
    (sum, choice) => {
      const tokens = tokensOfChoice(choice)
      return { output: sum.output + tokens.output, reasoning: sum.reasoning + tokens.reasoning }
    },
    { output: 0, reasoning: 0 },
  )
  const usage = reply.usage(output, reasoning)
  return JSON.stringify({
    ...head('chat.completion', reply),
    choices: reply.choices.map((choice, index) => ({
      index,
      message: message(choice, reply),
      logprobs: null,
      finish_reason: choice.finish,
    })),
    usage: usage && usageFields(usage),
  })
}

function message({ reasoning, content, calls }: Choice, { behaviour }: Reply) {
  return {
    role: 'assistant',
    content: calls.length > 0 ? null : textOf(content),
    reasoning_content: reasoning.length === 0 || behaviour.hidden_reasoning ? undefined : textOf(reasoning),
    tool_calls:
      calls.length === 0
        ? undefined
        : calls.map((call) => ({
            id: `call_${call.id}`,
            type: call.kind,
            [call.kind]: callFields(call, textOf(call.input)),
          })),
    refusal: null,
    annotations: [],
  }
}

function callFields({ kind, name }: Pick<ToolCall, 'kind' | 'name'>, input: string) {
  return kind === 'custom' ? { name, input } : { name, arguments: input }
}

/** A delta as JSON, and what was produced for it. */
type Delta = { json: string; output: number; reasoning: number }

function* frames(reply: Reply): Iterable<Frame> {
  const { behaviour, prompt, choices } = reply
  const start = `data: ${JSON.stringify(head('chat.completion.chunk', reply)).slice(0, -1)},"choices":[`
  const withUsage = prompt.includeUsage && !behaviour.omit_usage
  let output = 0
  let reasoning = 0

  const chunk = (index: number, delta: Delta, finish: string | null, carriesOutput: boolean): Frame => {
    output += delta.output
    reasoning += delta.reasoning
    const usage = behaviour.usage_every_chunk ? reply.usage(output, reasoning) : undefined
    const told = usage ? `,"usage":${JSON.stringify(usageFields(usage))}` : withUsage ? ',"usage":null' : ''
    const reason = finish === null ? 'null' : `"${finish}"`
    return {
      data: `${start}{"index":${index},"delta":${delta.json},"logprobs":null,"finish_reason":${reason}}]${told}}\n\n`,
      output: delta.output,
      reasoning: delta.reasoning,
      carriesOutput,
      usage,
    }
  }

  const streams = choices.map((choice) => deltas(choice, behaviour.hidden_reasoning === true))
  for (const [index, choice] of choices.entries()) {
    yield chunk(index, opening(choice, behaviour.hidden_reasoning === true), null, false)
  }
  // Several choices come interleaved, as they are made at the same time.
  for (let open = streams.length; open > 0; ) {
    open = 0
    for (const [index, stream] of streams.entries()) {
      const { value } = stream.next()
      if (value === undefined) continue
      open += 1
      yield chunk(index, value, null, true)
    }
  }
  for (const [index, choice] of choices.entries()) yield chunk(index, NOTHING, choice.finish, false)

  const usage = withUsage ? reply.usage(output, reasoning) : undefined
  if (usage !== undefined) {
    yield { ...silent(`${start}],"usage":${JSON.stringify(usageFields(usage))}}\n\n`), usage }
  }
  yield silent('data: [DONE]\n\n')
}

const NOTHING: Delta = { json: '{}', output: 0, reasoning: 0 }

/** Hidden thoughts are over, and paid for, when the first chunk comes. */
function opening(choice: Choice, hidesReasoning: boolean): Delta {
  const content = choice.calls.length > 0 ? 'null' : '""'
  const { reasoning } = hidesReasoning ? tokensOfChoice(choice) : { reasoning: 0 }
  return { json: `{"role":"assistant","content":${content},"refusal":null}`, output: reasoning, reasoning }
}

function* deltas({ reasoning, content, calls }: Choice, hidesReasoning: boolean): Generator<Delta, undefined> {
  if (!hidesReasoning) {
    for (const { json, tokens } of reasoning) {
      yield { json: `{"reasoning_content":${json}}`, output: tokens, reasoning: tokens }
    }
  }
  for (const { json, tokens } of content) yield { json: `{"content":${json}}`, output: tokens, reasoning: 0 }
  for (const [index, call] of calls.entries()) {
    const { id, kind: type, nameTokens } = call
    const begun = { tool_calls: [{ index, id: `call_${id}`, type, [type]: callFields(call, '') }] }
    yield { json: JSON.stringify(begun), output: nameTokens, reasoning: 0 }
    const field = type === 'custom' ? 'input' : 'arguments'
    for (const { json, tokens } of call.input) {
      yield { json: `{"tool_calls":[{"index":${index},"${type}":{"${field}":${json}}}]}`, output: tokens, reasoning: 0 }
    }
  }
  return undefined
}

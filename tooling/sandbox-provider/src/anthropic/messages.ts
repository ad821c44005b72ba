import type { Dialect } from '../dialect.ts'
import type { Prompt, Tool } from '../prompt.ts'
import { type Fields, isFields } from '../schema-sample.ts'
import { anthropic } from './api.ts'
import { read, readMessages, refuse, required } from './messages-input.ts'
import { failureFrame, frames, whole } from './messages-output.ts'

/** `POST /v1/messages`; unknown parameters and beta headers are let pass. */
export const messages: Dialect = {
  path: '/v1/messages',
  api: anthropic,
  serves: 'text',
  read: readRequest,
  whole,
  frames,
  failureFrame,
}

function readRequest(body: unknown): Prompt {
  const prompt = readPrompt(body)
  const { request } = prompt
  const outputTokensMax = read(request, 'max_tokens', 'number') ?? required('max_tokens')
  if (!Number.isInteger(outputTokensMax)) refuse('max_tokens: Input should be a valid integer')
  if (outputTokensMax < 1) refuse('max_tokens: Input should be greater than or equal to 1')
  const thinking = read(request, 'thinking', 'object')
  const thoughtsMax = read(thinking ?? {}, 'budget_tokens', 'number', 'thinking.budget_tokens') ?? 0
  if (thinking?.type === 'enabled' && thoughtsMax >= outputTokensMax) {
    refuse('`max_tokens` must be greater than `thinking.budget_tokens`.')
  }
  return { ...prompt, outputTokensMax }
}

/** All of a request but how long the answer may be: what is needed to count it. */
export function readPrompt(body: unknown): Prompt {
  if (!isFields(body)) return refuse('Input should be a valid dictionary')
  const { conversation, kept } = readMessages(body)
  const tools = (read(body, 'tools', 'list') ?? []).flatMap(readTool)
  return {
    ...conversation,
    request: { ...body, kept },
    model: read(body, 'model', 'string') ?? required('model'),
    stream: read(body, 'stream', 'boolean') ?? false,
    keeps: conversation.markedSegments ?? 0,
    tools,
    toolChoice: readToolChoice(read(body, 'tool_choice', 'object'), tools),
    outputTokensMax: undefined,
    choices: 1,
    stop: (read(body, 'stop_sequences', 'list') ?? []).map(String).filter(Boolean),
    format: readFormat(body),
    effort: readEffort(body),
    includeUsage: true,
  }
}

/** A tool of the provider's own (a search of the web) has no schema, and is never called. */
function readTool(tool: unknown, index: number): Tool[] {
  const at = `tools.${index}`
  if (!isFields(tool)) return refuse(`${at}: Input should be a valid dictionary`)
  const type = read(tool, 'type', 'string', `${at}.type`) ?? 'custom'
  const name = read(tool, 'name', 'string', `${at}.name`) ?? required(`${at}.name`)
  if (type !== 'custom') return []
  const schema = read(tool, 'input_schema', 'object', `${at}.input_schema`) ?? required(`${at}.input_schema`)
  return [{ kind: 'function', name, description: String(tool.description ?? ''), schema }]
}

function readToolChoice(choice: Fields | undefined, tools: readonly Tool[]): Prompt['toolChoice'] {
  switch (choice?.type) {
    case undefined:
    case 'auto':
      return 'auto'
    case 'none':
      return 'none'
    case 'any':
      return 'required'
    case 'tool': {
      const name = read(choice, 'name', 'string', 'tool_choice.name') ?? required('tool_choice.name')
      if (tools.some((tool) => tool.name === name)) return { name }
      return refuse(`Tool '${name}' not found in provided tools`)
    }
    default:
      return refuse("tool_choice: Input tag found using 'type' does not match any of the expected tags")
  }
}

/** Where it was said at first, and where it is said now. */
function readFormat(body: Fields): Prompt['format'] {
  const format =
    read(body, 'output_format', 'object') ?? read(configOf(body), 'format', 'object', 'output_config.format')
  return format?.type === 'json_schema' ? { schema: format.schema ?? { type: 'object' } } : 'text'
}

/** Models think only when they are asked to. */
function readEffort(body: Fields): string {
  const thinking = read(body, 'thinking', 'object')
  if (thinking === undefined || thinking.type === 'disabled') return 'none'
  return read(configOf(body), 'effort', 'string', 'output_config.effort') ?? 'medium'
}

function configOf(body: Fields): Fields {
  return read(body, 'output_config', 'object') ?? {}
}

import type { Dialect } from '../dialect.ts'
import type { Prompt, Tool } from '../prompt.ts'
import { type Fields, isFields } from '../schema-sample.ts'
import { openai } from './api.ts'
import { flag, integer, list, missing, object, oneOf, refuse, text, wrongType } from './parameters.ts'
import { readItems, readItemsAs, readTools } from './responses-input.ts'
import { failureFrame, frames, whole } from './responses-output.ts'
import type { StoredResponses } from './stored-responses.ts'

/** `POST /v1/responses`. What is asked to be stored is found under its id, and continued with `previous_response_id`. */
export function responses(stored: StoredResponses): Dialect {
  return {
    path: '/v1/responses',
    api: openai,
    serves: 'text',
    read: (body) => read(body, stored),
    whole: (reply) => whole(reply, stored),
    frames: (reply) => frames(reply, stored),
    failureFrame,
  }
}

/** The real API takes no less. */
const OUTPUT_TOKENS = { min: 16, max: 2_147_483_647 }

function read(body: unknown, stored: StoredResponses): Prompt {
  if (!isFields(body)) return wrongType('body', 'an object', body)
  const model = text(body, 'model') ?? missing('model')
  const previous = text(body, 'previous_response_id')
  const said = readItems(body)
  if (said.length === 0 && previous === undefined) {
    refuse("One of 'input' or 'previous_response_id' or 'prompt' or 'conversation_id' must be provided.", null, null)
  }
  if (flag(body, 'background') && body.store === false) {
    refuse('Background mode requires `store` to be `true`.', 'background', null)
  }
  const items = [
    ...(previous === undefined ? [] : stored.continued(previous)),
    ...said.map((item) => (item.type === 'item_reference' ? stored.item(String(item.id)) : item)),
  ]
  const offered = list(body, 'tools') ?? []
  const added = items.filter((item) => item.type === 'additional_tools').flatMap((item) => list(item, 'tools') ?? [])
  const tools = readTools([...offered, ...added])
  const instructions = text(body, 'instructions')
  return {
    ...readItemsAs(items, { tools: offered, instructions }),
    request: { ...body, input: items },
    model,
    stream: flag(body, 'stream'),
    keeps: 'all',
    tools,
    toolChoice: readToolChoice(body, tools),
    outputTokensMax: integer(body, 'max_output_tokens', OUTPUT_TOKENS),
    choices: 1,
    stop: [],
    format: readFormat(object(body, 'text') ?? {}),
    effort: text(object(body, 'reasoning') ?? {}, 'effort', 'reasoning.effort'),
    includeUsage: true,
  }
}

function readToolChoice({ tool_choice: choice }: Fields, tools: readonly Tool[]): Prompt['toolChoice'] {
  if (choice === undefined || choice === null) return 'auto'
  if (typeof choice === 'string') {
    oneOf(choice, ['none', 'auto', 'required'], 'tool_choice')
    return choice as 'none' | 'auto' | 'required'
  }
  if (!isFields(choice)) return wrongType('tool_choice', 'one of a string or object', choice)
  if (choice.type === 'allowed_tools') return choice.mode === 'required' ? 'required' : 'auto'
  // A tool of the provider's own.
  if (choice.type !== 'function' && choice.type !== 'custom') return 'auto'
  const name = text(choice, 'name', 'tool_choice.name') ?? missing('tool_choice.name')
  if (tools.some((tool) => tool.name === name)) return { name }
  return refuse(`Tool choice '${choice.type}' not found in 'tools' parameter.`, 'tool_choice', null)
}

function readFormat(told: Fields): Prompt['format'] {
  const format = object(told, 'format', 'text.format')
  if (format === undefined) return 'text'
  const type = text(format, 'type', 'text.format.type') ?? missing('text.format.type')
  oneOf(type, ['json_object', 'json_schema', 'text'], 'text.format.type')
  if (type === 'text') return 'text'
  if (type === 'json_object') return 'json'
  if (typeof format.name !== 'string') missing('text.format.name')
  return { schema: object(format, 'schema', 'text.format.schema') ?? missing('text.format.schema') }
}

import { callKey } from '../prompt.ts'
import type { Segment } from '../prompt-cache.ts'
import { type Fields, isFields } from '../schema-sample.ts'
import { countTokens } from '../tokens.ts'
import { list, missing, notEmpty, object, oneOf, refuse, text, wrongType } from './parameters.ts'

const ROLES = ['system', 'assistant', 'user', 'function', 'tool', 'developer']

/** What each message costs beside its parts, and what the answer's beginning costs. */
const MESSAGE_TOKENS = 3
const ANSWER_TOKENS = 3
/** An image, audio or file part, whatever its size. */
const OTHER_PART_TOKENS = 85

export type Conversation = {
  segments: readonly Segment[]
  extraTokens: number
  question: string
  last: 'user' | 'tool' | 'other'
  toolResult: string
  called: ReadonlySet<string>
}

/**
 * Reads `messages` and counts them. The input tokens of a chat completion are, in o200k_base:
 *
 *     3                                           for the answer's beginning
 *   + tokens(JSON.stringify(tools))               if tools are offered, whatever tool_choice says
 *   + for each message:
 *         3 + tokens(role) + tokens(name)
 *       + tokens(content)                         if it is a string; else, for each part:
 *             tokens(text) or tokens(refusal), or 85 for any other kind of part (image, audio, file)
 *       + tokens(refusal)                         of an assistant's message
 *       + for each tool call: tokens(function.name) + tokens(function.arguments), or tokens(custom.name) + tokens(custom.input)
 *
 * What is absent or null counts nothing. Ids, `reasoning_content`, `response_format` and all other fields count nothing. Each string is
 * counted by itself, special tokens as the plain text they are, long runs as `countTokens` says.
 */
export function readConversation(messages: readonly unknown[], tools: readonly unknown[]): Conversation {
  const segments: Segment[] = []
  if (tools.length > 0) segments.push(segment(JSON.stringify(tools)))

  const called = new Set<string>()
  let question = ''
  let toolResult = ''
  let awaited = new Set<string>()
  let role = ''
  for (const [index, message] of notEmpty(messages, 'messages').entries()) {
    const at = `messages[${index}]`
    if (!isFields(message)) return wrongType(at, 'an object', message)
    role = text(message, 'role', `${at}.role`) ?? missing(`${at}.role`)
    oneOf(role, ROLES, `${at}.role`)
    if (role !== 'tool') unanswered(awaited, at)

    segments.push({ text: role, tokens: MESSAGE_TOKENS + countTokens(role) })
    const name = text(message, 'name', `${at}.name`)
    if (name !== undefined) segments.push(segment(name))
    const content = readContent(message, role, at)
    segments.push(...content.segments)

    if (role === 'user') question = content.text
    if (role === 'tool') {
      toolResult = content.text
      const id = text(message, 'tool_call_id', `${at}.tool_call_id`) ?? missing(`${at}.tool_call_id`)
      if (!awaited.delete(id)) {
        refuse(
          "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
          `${at}.role`,
          null,
        )
      }
    }
    if (role === 'assistant') {
      const calls = readCalls(message, at)
      awaited = new Set(calls.map((call) => call.id))
      for (const { name, input } of calls) {
        segments.push(segment(name), segment(input))
        called.add(callKey(name, input))
      }
    }
  }
  unanswered(awaited, `messages[${messages.length}]`)
  return {
    segments,
    extraTokens: ANSWER_TOKENS,
    question,
    last: role === 'user' || role === 'tool' ? role : 'other',
    toolResult,
    called,
  }
}

function segment(part: string): Segment {
  return { text: part, tokens: countTokens(part) }
}

function unanswered(awaited: ReadonlySet<string>, at: string): void {
  if (awaited.size === 0) return
  refuse(
    `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${[...awaited].join(', ')}`,
    `${at}.role`,
    null,
  )
}

function readContent(message: Fields, role: string, at: string): { text: string; segments: Segment[] } {
  const { content } = message
  const refusal = text(message, 'refusal', `${at}.refusal`)
  const extra = refusal === undefined ? [] : [segment(refusal)]
  if (content === undefined || content === null) {
    // An assistant's message may consist of tool calls or a refusal; but several clients send an empty one, and that is let pass.
    if (role === 'assistant') return { text: '', segments: extra }
    return content === undefined
      ? missing(`${at}.content`)
      : wrongType(`${at}.content`, 'one of a string or array of objects', content)
  }
  if (typeof content === 'string') return { text: content, segments: [segment(content), ...extra] }
  if (!Array.isArray(content)) return wrongType(`${at}.content`, 'one of a string or array of objects', content)

  const parts = content.map((part: unknown, index) => {
    const here = `${at}.content[${index}]`
    if (!isFields(part)) return wrongType(here, 'an object', part)
    const type = text(part, 'type', `${here}.type`) ?? missing(`${here}.type`)
    if (type !== 'text' && type !== 'refusal')
      return { text: '', segment: { text: urlOf(part), tokens: OTHER_PART_TOKENS } }
    const said = text(part, type, `${here}.${type}`) ?? missing(`${here}.${type}`)
    return { text: said, segment: segment(said) }
  })
  return {
    text: parts
      .map((part) => part.text)
      .filter(Boolean)
      .join('\n'),
    segments: [...parts.map((part) => part.segment), ...extra],
  }
}

/** Tells one image from another when prompts are compared; it isn't counted. */
function urlOf({ image_url }: Fields): string {
  return isFields(image_url) && typeof image_url.url === 'string' ? image_url.url : ''
}

function readCalls(message: Fields, at: string): { id: string; name: string; input: string }[] {
  return (list(message, 'tool_calls', `${at}.tool_calls`) ?? []).map((call, index) => {
    const here = `${at}.tool_calls[${index}]`
    if (!isFields(call)) return wrongType(here, 'an object', call)
    const [type, field] = call.type === 'custom' ? ['custom', 'input'] : ['function', 'arguments']
    const told = object(call, type, `${here}.${type}`) ?? missing(`${here}.${type}`)
    return {
      id: text(call, 'id', `${here}.id`) ?? missing(`${here}.id`),
      name: text(told, 'name', `${here}.${type}.name`) ?? missing(`${here}.${type}.name`),
      input: text(told, field, `${here}.${type}.${field}`) ?? missing(`${here}.${type}.${field}`),
    }
  })
}

import { type Conversation, Transcript } from '../conversation.ts'
import { type Fields, isFields } from '../schema-sample.ts'
import { list, missing, notEmpty, object, oneOf, refuse, text, wrongType } from './parameters.ts'

const ROLES = ['system', 'assistant', 'user', 'function', 'tool', 'developer']

/**
 * Reads `messages`. Ids, `reasoning_content`, `response_format` and all other fields that are no content count nothing, and nothing does
 * that is absent or null.
 */
export function readConversation(messages: readonly unknown[], tools: readonly unknown[]): Conversation {
  const transcript = new Transcript()
  transcript.offer(tools)

  let awaited = new Set<string>()
  for (const [index, message] of notEmpty(messages, 'messages').entries()) {
    const at = `messages[${index}]`
    if (!isFields(message)) return wrongType(at, 'an object', message)
    const role = text(message, 'role', `${at}.role`) ?? missing(`${at}.role`)
    oneOf(role, ROLES, `${at}.role`)
    if (role !== 'tool') unanswered(awaited, at)

    transcript.begin(role)
    const name = text(message, 'name', `${at}.name`)
    if (name !== undefined) transcript.say(name)
    const said = readContent(transcript, message, role, at)

    if (role === 'user') transcript.asked(said)
    if (role === 'tool') {
      transcript.resulted(said)
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
      for (const { name, input } of calls) transcript.call(name, input)
    }
  }
  unanswered(awaited, `messages[${messages.length}]`)
  return transcript.done()
}

function unanswered(awaited: ReadonlySet<string>, at: string): void {
  if (awaited.size === 0) return
  refuse(
    `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${[...awaited].join(', ')}`,
    `${at}.role`,
    null,
  )
}

/** What is said in words, all of it taken down. */
function readContent(transcript: Transcript, message: Fields, role: string, at: string): string {
  const { content } = message
  const refusal = text(message, 'refusal', `${at}.refusal`)
  const said = readParts(transcript, content, role, `${at}.content`)
  if (refusal !== undefined) transcript.say(refusal)
  return said
}

function readParts(transcript: Transcript, content: unknown, role: string, at: string): string {
  if (content === undefined || content === null) {
    // An assistant's message may consist of tool calls or a refusal; but several clients send an empty one, and that is let pass.
    if (role === 'assistant') return ''
    return content === undefined ? missing(at) : wrongType(at, 'one of a string or array of objects', content)
  }
  if (typeof content === 'string') {
    transcript.say(content)
    return content
  }
  if (!Array.isArray(content)) return wrongType(at, 'one of a string or array of objects', content)

  const parts = content.map((part: unknown, index) => {
    const here = `${at}[${index}]`
    if (!isFields(part)) return wrongType(here, 'an object', part)
    const type = text(part, 'type', `${here}.type`) ?? missing(`${here}.type`)
    if (type !== 'text' && type !== 'refusal') {
      transcript.attach(urlOf(part))
      return ''
    }
    const said = text(part, type, `${here}.${type}`) ?? missing(`${here}.${type}`)
    transcript.say(said)
    return said
  })
  return parts.filter(Boolean).join('\n')
}

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

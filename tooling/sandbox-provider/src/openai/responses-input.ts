import { type Conversation, Transcript } from '../conversation.ts'
import type { Tool } from '../prompt.ts'
import { type Fields, isFields } from '../schema-sample.ts'
import { isSealed } from '../seal.ts'
import { list, missing, oneOf, refuse, text, wrongType } from './parameters.ts'

const ROLES = ['assistant', 'system', 'developer', 'user']

/** The items of `input`: a text is a user's message. */
export function readItems({ input }: Fields): readonly Fields[] {
  if (input === undefined || input === null) return []
  if (typeof input === 'string') return [{ type: 'message', role: 'user', content: input }]
  if (!Array.isArray(input)) return wrongType('input', 'one of a string or array of input items', input)
  return input.map((item: unknown, index) => (isFields(item) ? item : wrongType(`input[${index}]`, 'an object', item)))
}

/**
 * Reads the items of a conversation, those of earlier responses included. Messages count as in chat, calls of tools as messages of the
 * assistant, what they gave as messages of a tool. Thoughts that are sent back count nothing; items of kinds that only some models know
 * count as the JSON they are.
 */
export function readItemsAs(
  items: readonly Fields[],
  { tools, instructions }: { tools: readonly unknown[]; instructions: string | undefined },
): Conversation {
  const transcript = new Transcript()
  transcript.offer(tools)
  if (instructions !== undefined) {
    transcript.begin('system')
    transcript.say(instructions)
  }
  const awaited = new Set<string>()
  for (const [index, item] of items.entries()) readItem(transcript, item, `input[${index}]`, awaited)
  for (const id of awaited) refuse(`No tool output found for function call ${id}.`, 'input', null)
  return transcript.done()
}

function readItem(transcript: Transcript, item: Fields, at: string, awaited: Set<string>): void {
  const type = text(item, 'type', `${at}.type`) ?? 'message'
  const field = (name: string) => text(item, name, `${at}.${name}`) ?? missing(`${at}.${name}`)
  switch (type) {
    case 'message': {
      const role = field('role')
      oneOf(role, ROLES, `${at}.role`)
      transcript.begin(role)
      const said = readContent(transcript, item.content, `${at}.content`)
      if (role === 'user') transcript.asked(said)
      return
    }
    case 'function_call':
    case 'custom_tool_call':
      transcript.begin('assistant')
      transcript.call(field('name'), field(type === 'function_call' ? 'arguments' : 'input'))
      awaited.add(field('call_id'))
      return
    case 'function_call_output':
    case 'custom_tool_call_output': {
      const id = field('call_id')
      if (!awaited.delete(id)) {
        const kind = type === 'function_call_output' ? 'function' : 'custom tool'
        refuse(`No tool call found for ${kind} call output with call_id ${id}.`, 'input', null)
      }
      transcript.begin('tool')
      transcript.resulted(readContent(transcript, item.output, `${at}.output`))
      return
    }
    case 'reasoning':
      checkSeal(item, at)
      return
    case 'additional_tools':
      transcript.offer(list(item, 'tools', `${at}.tools`) ?? missing(`${at}.tools`))
      return
    default:
      transcript.say(JSON.stringify(item))
  }
}

function checkSeal(item: Fields, at: string): void {
  const content = text(item, 'encrypted_content', `${at}.encrypted_content`)
  if (content === undefined || isSealed(content)) return
  refuse(
    `The encrypted content for item ${item.id} could not be verified. Reason: Encrypted content could not be decrypted or parsed.`,
    null,
    'invalid_encrypted_content',
  )
}

function readContent(transcript: Transcript, content: unknown, at: string): string {
  if (typeof content === 'string') {
    transcript.say(content)
    return content
  }
  if (content === undefined) return missing(at)
  if (!Array.isArray(content)) return wrongType(at, 'one of a string or array of objects', content)
  const parts = content.map((part: unknown, index) => {
    const here = `${at}[${index}]`
    if (!isFields(part)) return wrongType(here, 'an object', part)
    const type = text(part, 'type', `${here}.type`) ?? missing(`${here}.type`)
    const field = type === 'refusal' ? 'refusal' : 'text'
    const said = /text$|^refusal$/.test(type) ? text(part, field, `${here}.${field}`) : undefined
    if (said === undefined) transcript.attach(String(part.image_url ?? part.file_id ?? part.file_url ?? ''))
    else transcript.say(said)
    return said ?? ''
  })
  return parts.filter(Boolean).join('\n')
}

/** The tools that can be called. Those the provider would run itself (a search of the web) are let pass: they are never called. */
export function readTools(tools: readonly unknown[], at = 'tools', namespace?: string): Tool[] {
  return tools.flatMap((tool, index): Tool[] => {
    const here = `${at}[${index}]`
    if (!isFields(tool)) return wrongType(here, 'an object', tool)
    const type = text(tool, 'type', `${here}.type`) ?? missing(`${here}.type`)
    if (type !== 'function' && type !== 'custom' && type !== 'namespace') return []
    const name = text(tool, 'name', `${here}.name`) ?? missing(`${here}.name`)
    if (type === 'namespace') return readTools(list(tool, 'tools', `${here}.tools`) ?? [], `${here}.tools`, name)
    const description = typeof tool.description === 'string' ? tool.description : ''
    return [{ kind: type, name, namespace, description, schema: tool.parameters ?? { type: 'object', properties: {} } }]
  })
}

import { type Conversation, Transcript } from '../conversation.ts'
import { ApiError } from '../errors.ts'
import { type Fields, isFields } from '../schema-sample.ts'
import { sealOf } from '../seal.ts'

export function refuse(message: string): never {
  throw new ApiError(400, message)
}

/** A field of this type, or nothing where it is absent. */
export function read<Type extends keyof Types>(
  fields: Fields,
  name: string,
  type: Type,
  at = name,
): Types[Type] | undefined {
  const given = fields[name] ?? undefined
  if (given === undefined) return undefined
  const isRight = type === 'list' ? Array.isArray(given) : type === 'object' ? isFields(given) : typeof given === type
  return isRight ? (given as Types[Type]) : refuse(`${at}: Input should be a valid ${WORDS[type]}`)
}

type Types = { string: string; number: number; boolean: boolean; list: readonly unknown[]; object: Fields }
const WORDS = { string: 'string', number: 'integer', boolean: 'boolean', list: 'list', object: 'dictionary' }

export function required(at: string): never {
  return refuse(`${at}: Field required`)
}

/** For how long the client pays to have the prompt's beginning kept. */
export type Kept = '5m' | '1h'

/**
 * Reads what a model reads of a request for a message. The system prompt counts as a message, calls of tools by their name and their
 * input as JSON. Thoughts that are sent back count nothing; blocks of kinds that only some models know count as the JSON they are.
 */
export function readMessages(request: Fields): { conversation: Conversation; kept: Kept } {
  const reader = new Reader()
  reader.readTools(read(request, 'tools', 'list') ?? [])
  const { system } = request
  if (system !== undefined && system !== null) reader.readSystem(system)
  const messages = read(request, 'messages', 'list') ?? required('messages')
  if (messages.length === 0) refuse('messages: at least one message is required')
  for (const [index, message] of messages.entries()) {
    reader.readMessage(
      isFields(message) ? message : refuse(`messages.${index}: Input should be a valid dictionary`),
      index,
    )
  }
  reader.finish(messages.length)
  reader.markAfter(request)
  return { conversation: reader.transcript.done(), kept: reader.kept }
}

class Reader {
  readonly transcript = new Transcript()
  kept: Kept = '5m'
  /** Calls of the last message, which the next must answer. */
  #awaited: string[] = []

  /** `cache_control` on a part asks for everything up to it to be kept. */
  markAfter({ cache_control: control }: Fields): void {
    if (!isFields(control)) return
    this.transcript.mark()
    this.kept = control.ttl === '1h' ? '1h' : '5m'
  }

  readTools(tools: readonly unknown[]): void {
    this.transcript.offer(tools)
    for (const tool of tools) if (isFields(tool)) this.markAfter(tool)
  }

  readSystem(system: unknown): void {
    this.transcript.begin('system')
    this.#content(system, 'system')
  }

  readMessage(message: Fields, index: number): void {
    const at = `messages.${index}`
    const role = read(message, 'role', 'string', `${at}.role`) ?? required(`${at}.role`)
    if (!['user', 'assistant', 'system'].includes(role)) {
      refuse(`${at}.role: Input should be 'user' or 'assistant'`)
    }
    const expected = this.#awaited
    this.#awaited = []
    this.transcript.begin(role)
    const { said, results, resulted } = this.#content(message.content ?? required(`${at}.content`), `${at}.content`)
    const unanswered = expected.filter((id) => !results.includes(id))
    if (unanswered.length > 0) this.#unanswered(unanswered, index - 1)
    for (const id of results) {
      if (expected.includes(id)) continue
      refuse(
        `${at}.content.0: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
      )
    }
    if (role !== 'user') return
    if (results.length > 0) this.transcript.resulted(resulted)
    else this.transcript.asked(said)
  }

  finish(count: number): void {
    if (this.#awaited.length > 0) this.#unanswered(this.#awaited, count - 1)
  }

  #unanswered(ids: readonly string[], index: number): never {
    return refuse(
      `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${ids.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
    )
  }

  #content(content: unknown, at: string): { said: string; results: string[]; resulted: string } {
    if (typeof content === 'string') {
      this.transcript.say(content)
      return { said: content, results: [], resulted: '' }
    }
    if (!Array.isArray(content)) return refuse(`${at}: Input should be a valid list`)
    const said: string[] = []
    const results: string[] = []
    const resulted: string[] = []
    for (const [index, block] of content.entries()) {
      const here = `${at}.${index}`
      if (!isFields(block)) return refuse(`${here}: Input should be a valid dictionary`)
      const type = read(block, 'type', 'string', `${here}.type`) ?? required(`${here}.type`)
      if (type === 'tool_result') {
        results.push(read(block, 'tool_use_id', 'string', `${here}.tool_use_id`) ?? required(`${here}.tool_use_id`))
        resulted.push(block.content === undefined ? '' : this.#content(block.content, `${here}.content`).said)
      } else said.push(this.#block(block, type, here))
      this.markAfter(block)
    }
    return { said: said.filter(Boolean).join('\n'), results, resulted: resulted.join('\n') }
  }

  /** What it says in words. */
  #block(block: Fields, type: string, at: string): string {
    const field = (name: string) =>
      read(block, name, 'string', `${at}.${type}.${name}`) ?? required(`${at}.${type}.${name}`)
    switch (type) {
      case 'text': {
        const text = field('text')
        this.transcript.say(text)
        return text
      }
      case 'image':
      case 'document':
        this.transcript.attach(JSON.stringify(block.source ?? null))
        return ''
      case 'tool_use':
        this.transcript.call(field('name'), JSON.stringify(block.input ?? {}))
        this.#awaited.push(field('id'))
        return ''
      case 'thinking':
        if (sealOf(field('thinking')) !== field('signature'))
          refuse(`${at}: Invalid \`signature\` in \`thinking\` block`)
        return ''
      case 'redacted_thinking':
        return ''
      default:
        this.transcript.say(JSON.stringify(block))
        return ''
    }
  }
}

import type { TokenUsage } from '@stipend/money'
import type { DialectRules, EndingOptions, Transcript } from './dialect.ts'
import { readOpenAI } from './figures.ts'
import { isObject, type Loose, objectIn, objectsIn, textIn } from './json.ts'
import { skimDelta } from './skim.ts'

/** Chat completions, and what is different in the older completions of plain text. */
export const chat: DialectRules = chunked({
  object: 'chat.completion.chunk',
  prefix: 'chatcmpl',
  openings: ['"content":"', '"reasoning_content":"', '"reasoning":"'],
  textOf: (choice) => textOfMessage(isObject(choice.delta) ? choice.delta : objectIn(choice.message)),
  lastChoice: (index) => ({ index, delta: {}, finish_reason: 'length' }),
})

type Chunked = {
  object: string
  prefix: string
  openings: string[]
  textOf: (choice: Loose) => string
  lastChoice: (index: number) => Loose
}

export function chunked(kind: Chunked): DialectRules {
  return {
    mayMatter: (bytes) => endsInBracket(bytes) || mayCarryUsage(bytes) || bytes.includes(ERROR),
    reportIn: (event, before) => {
      const figures = isObject(event.usage) ? event.usage : objectIn(event.x_groq).usage
      // Some send usage with every chunk: the last one counts.
      return isObject(figures) && Object.keys(figures).length > 0 ? { figures, isFinal: isFinished(event) } : before
    },
    isEnd: () => false,
    isUsageOnly: (event) => isObject(event.usage) && Array.isArray(event.choices) && event.choices.length === 0,
    read: (figures) => {
      const reading = readOpenAI(figures, { hasOutput: true })
      const isEmpty = 'usage' in reading && reading.usage.input_tokens === 0
      return isEmpty ? { fault: 'no input_tokens, and no prompt is empty' } : reading
    },
    failureIn: (event) =>
      isObject(event.error) && !Array.isArray(event.choices) ? JSON.stringify(event.error).slice(0, 1_000) : undefined,
    transcript: () => new ChunkedTranscript(kind),
  }
}

function isFinished(event: Loose): boolean {
  const choices = objectsIn(event.choices)
  return choices.length === 0 || choices.some(({ finish_reason }) => typeof finish_reason === 'string')
}

class ChunkedTranscript implements Transcript {
  hasFailed = false
  readonly #kind: Chunked
  #head: { id: string; created: unknown; model: unknown } | undefined

  constructor(kind: Chunked) {
    this.#kind = kind
  }

  absorb(event: Loose): string {
    const { id, created, model, error } = event
    if (error !== null && error !== undefined) this.hasFailed = true
    // Azure's first chunk, about its filters, has an empty id.
    if (this.#head === undefined && typeof id === 'string' && id !== '') this.#head = { id, created, model }
    let text = ''
    for (const choice of objectsIn(event.choices)) text += this.#kind.textOf(choice)
    return text
  }

  skim(event: Buffer): string | undefined {
    return this.#head === undefined ? undefined : skimDelta(event, this.#kind.openings)
  }

  ending(usage: TokenUsage, { showsUsage, answers }: EndingOptions): string {
    const { object, prefix, lastChoice } = this.#kind
    const { id = `${prefix}-stipend`, created = 0, model = '' } = this.#head ?? {}
    const common = { id, object, created, model }
    const chunks: object[] = []
    for (let index = 0; index < answers; index++) chunks.push({ ...common, choices: [lastChoice(index)] })
    if (showsUsage) {
      const { input_tokens, output_tokens } = usage
      const total_tokens = input_tokens + output_tokens
      const reported = { prompt_tokens: input_tokens, completion_tokens: output_tokens, total_tokens }
      chunks.push({ ...common, choices: [], usage: reported })
    }
    return `${chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')}data: [DONE]\n\n`
  }
}

function textOfMessage(message: Loose): string {
  let text = textOfContent(message.content) + reasoningOf(message) + textIn(message.refusal)
  text += textIn(objectIn(message.audio).transcript)
  text += textOfCall(message.function_call)
  for (const call of objectsIn(message.tool_calls)) text += textOfCall(call.function) + textOfCall(call.custom)
  return text
}

/** Several fields may hold the same thoughts: one of them counts. */
function reasoningOf(message: Loose): string {
  const text = textIn(message.reasoning_content) || textIn(message.reasoning)
  if (text !== '') return text
  return objectsIn(message.reasoning_details)
    .map((detail) => textIn(detail.text) || textIn(detail.summary))
    .join('')
}

/** Mistral sends content as parts, thoughts among them, which have parts themselves. */
function textOfContent(content: unknown): string {
  if (!Array.isArray(content)) return textIn(content)
  return objectsIn(content)
    .map((part) => textIn(part.text) + textOfContent(part.thinking))
    .join('')
}

function textOfCall(call: unknown): string {
  const { name, arguments: input, input: free } = objectIn(call)
  return textIn(name) + textIn(input) + textIn(free)
}

const LF = 0x0a
const CR = 0x0d
const BRACKET = 0x5d

/** `[DONE]`, that is: every other event ends in a brace. */
function endsInBracket(bytes: Buffer): boolean {
  let last = bytes.length - 1
  while (last >= 0 && (bytes[last] === LF || bytes[last] === CR)) last--
  return bytes[last] === BRACKET
}

// A search that begins with a rare letter is several times faster than one that begins with a quote.
const USAGE = Buffer.from('usage"')
const ERROR = Buffer.from('error"')

/** Whether there is a usage that isn't null: OpenAI puts `"usage":null` into every chunk but the last. */
function mayCarryUsage(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(USAGE); at !== -1; at = bytes.indexOf(USAGE, at + 1)) {
    let next = at + USAGE.length
    while (next < bytes.length && (bytes[next] === 0x20 || bytes[next] === 0x3a || bytes[next] === 0x09)) next++
    if (bytes[next] !== 0x6e) return true
  }
  return false
}

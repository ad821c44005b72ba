import type { TokenUsage } from '@stipend/money'
import type { DialectRules, EndingOptions, StreamError, Transcript } from './dialect.ts'
import { readOpenAI } from './figures.ts'
import { isObject, kindOfError, type Loose, objectIn, objectsIn, textIn } from './json.ts'
import { ERROR, mayHold, skimDelta, USAGE } from './skim.ts'

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
    mayMatter: (bytes) => endsInBracket(bytes) || mayHold(bytes, USAGE) || mayHold(bytes, ERROR),
    reportIn: (event, before) => {
      const figures = isObject(event.usage) ? event.usage : objectIn(event.x_groq).usage
      // Some send usage with every chunk: the last one counts.
      return isObject(figures) && Object.keys(figures).length > 0 ? { figures, isFinal: isFinished(event) } : before
    },
    isEnd: () => false,
    keptAs: () => undefined,
    isUsageOnly: (event) => isObject(event.usage) && Array.isArray(event.choices) && event.choices.length === 0,
    read: (figures) => {
      const reading = readOpenAI(figures, { hasOutput: true })
      const isEmpty = 'usage' in reading && reading.usage.input_tokens === 0
      return isEmpty ? { fault: 'no input_tokens, and no prompt is empty' } : reading
    },
    failureIn,
    transcript: () => new ChunkedTranscript(kind),
  }
}

/** OpenRouter has choices beside its error, which say that they ended with it. */
function failureIn({ error, choices }: Loose): string | undefined {
  const isError = isObject(error) || (typeof error === 'string' && error !== '')
  const goesOn = objectsIn(choices).some(({ finish_reason }) => finish_reason !== 'error')
  return isError && !goesOn ? kindOfError(error) : undefined
}

function isFinished(event: Loose): boolean {
  const choices = objectsIn(event.choices)
  return choices.length === 0 || choices.some(({ finish_reason }) => typeof finish_reason === 'string')
}

class ChunkedTranscript implements Transcript {
  readonly #kind: Chunked
  #head: { id: string; created: unknown; model: unknown } | undefined

  constructor(kind: Chunked) {
    this.#kind = kind
  }

  absorb(event: Loose): readonly string[] {
    const { id, created, model } = event
    // Azure's first chunk, about its filters, has an empty id.
    if (this.#head === undefined && typeof id === 'string' && id !== '') this.#head = { id, created, model }
    const texts: string[] = []
    for (const choice of objectsIn(event.choices)) {
      const text = this.#kind.textOf(choice)
      if (text === '') continue
      const at = answerOf(choice)
      texts[at] = (texts[at] ?? '') + text
    }
    return texts
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

  failing({ message, code, openai }: StreamError): string {
    return `data: ${JSON.stringify({ error: { message, type: openai, param: null, code } })}\n\n`
  }
}

/** Which of the answers beside each other a choice belongs to: 128 is the most anybody can ask for. */
const answerOf = ({ index }: Loose): number =>
  typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < 128 ? index : 0

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

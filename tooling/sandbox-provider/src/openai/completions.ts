import { tokensOfChoice } from '../answer.ts'
import { type Dialect, type Frame, type Reply, silent } from '../dialect.ts'
import type { Prompt } from '../prompt.ts'
import { type Fields, isFields } from '../schema-sample.ts'
import { countTokens, textOf } from '../tokens.ts'
import { openai } from './api.ts'
import { failureFrame, readStop, usageFields } from './chat-completions.ts'
import { flag, integer, missing, object, refuse, text, wrongType } from './parameters.ts'

/** `POST /v1/completions`: a text that goes on. Thoughts, which it has no place for, are counted but not sent. */
export const completions: Dialect = {
  path: '/v1/completions',
  api: openai,
  serves: 'text',
  read,
  whole,
  frames,
  failureFrame,
}

const OUTPUT_TOKENS_USUAL = 16
const TOKENS = { min: 0, max: 2_147_483_647 }

/** Its input is the tokens of all prompts, and nothing beside them. Each is continued `n` times. */
function read(body: unknown): Prompt {
  if (!isFields(body)) return wrongType('body', 'an object', body)
  const model = text(body, 'model')
  if (model === undefined || model === '') return refuse('you must provide a model parameter', null, null)
  const prompts = readTexts(body, 'prompt')
  const streamOptions = object(body, 'stream_options')
  const each = integer(body, 'n', { min: 1, max: 128 }) ?? 1
  return {
    request: body,
    model,
    stream: flag(body, 'stream'),
    segments: prompts,
    extraTokens: 0,
    keeps: 'all',
    question: prompts.at(-1)?.text ?? '',
    last: 'user',
    toolResult: '',
    tools: [],
    toolChoice: 'none',
    called: new Set(),
    outputTokensMax: integer(body, 'max_tokens', TOKENS) ?? OUTPUT_TOKENS_USUAL,
    choices: prompts.length * each,
    stop: readStop(body),
    format: 'text',
    effort: 'none',
    includeUsage: flag(streamOptions ?? {}, 'include_usage', 'stream_options.include_usage'),
  }
}

/** One text or several, or one or several lists of tokens: every number is a token. */
export function readTexts(body: Fields, name: string): { text: string; tokens: number }[] {
  const given = body[name] ?? missing(name)
  const isTokens = (one: unknown): one is number[] =>
    Array.isArray(one) && one.length > 0 && one.every((token) => typeof token === 'number')
  const all: readonly unknown[] =
    typeof given === 'string' || isTokens(given) ? [given] : Array.isArray(given) ? given : []
  if (all.length === 0) return refuse(`'$.${name}' is invalid. Please check the API reference.`, name, null)
  return all.map((one) => {
    if (typeof one === 'string') return { text: one, tokens: countTokens(one) }
    if (isTokens(one)) return { text: one.join(' '), tokens: one.length }
    return refuse(`'$.${name}' is invalid. Please check the API reference.`, name, null)
  })
}

function head({ id, created, prompt }: Reply) {
  return { id: `cmpl-${id}`, object: 'text_completion', created, model: prompt.model }
}

function whole(reply: Reply): string {
  const spent = reply.choices.map(tokensOfChoice)
  const sum = (figure: 'output' | 'reasoning') => spent.reduce((total, tokens) => total + tokens[figure], 0)
  const usage = reply.usage(sum('output'), sum('reasoning'))
  return JSON.stringify({
    ...head(reply),
    choices: reply.choices.map(({ content, finish }, index) => ({
      text: textOf(content),
      index,
      logprobs: null,
      finish_reason: finish,
    })),
    usage: usage && usageFields(usage),
  })
}

function* frames(reply: Reply): Iterable<Frame> {
  const { behaviour, prompt, choices } = reply
  const start = `data: ${JSON.stringify(head(reply)).slice(0, -1)},"choices":[`
  const withUsage = prompt.includeUsage && !behaviour.omit_usage
  let output = 0
  let reasoning = 0

  const chunk = (
    index: number,
    json: string,
    finish: string | null,
    produced: { output: number; reasoning: number },
  ) => {
    output += produced.output
    reasoning += produced.reasoning
    const usage = behaviour.usage_every_chunk ? reply.usage(output, reasoning) : undefined
    const told = usage ? `,"usage":${JSON.stringify(usageFields(usage))}` : withUsage ? ',"usage":null' : ''
    const reason = finish === null ? 'null' : `"${finish}"`
    const data = `${start}{"text":${json},"index":${index},"logprobs":null,"finish_reason":${reason}}]${told}}\n\n`
    return { ...silent(data), ...produced, usage }
  }

  for (const [index, choice] of choices.entries()) {
    for (const { json, tokens } of choice.content) {
      yield { ...chunk(index, json, null, { output: tokens, reasoning: 0 }), carriesOutput: true }
    }
    const { reasoning: hidden } = tokensOfChoice(choice)
    yield chunk(index, '""', choice.finish, { output: hidden, reasoning: hidden })
  }
  const usage = withUsage ? reply.usage(output, reasoning) : undefined
  if (usage !== undefined) yield { ...silent(`${start}],"usage":${JSON.stringify(usageFields(usage))}}\n\n`), usage }
  yield silent('data: [DONE]\n\n')
}

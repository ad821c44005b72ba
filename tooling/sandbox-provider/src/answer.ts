import { randomBytes } from 'node:crypto'
import type { Behaviour } from './behaviour.ts'
import type { Model } from './models.ts'
import { callKey, type Prompt } from './prompt.ts'
import { firstWords, prose, reasoning, type Topic, topicOf } from './prose.ts'
import { sample } from './schema-sample.ts'
import { countTokens, cut, type Piece, pieces, textOf, tokensOf } from './tokens.ts'
import { chooseCall } from './tool-choice.ts'

export type ToolCall = {
  /** Unique; the dialect puts its own prefix before it. */
  id: string
  kind: 'function' | 'custom'
  name: string
  namespace: string | undefined
  nameTokens: number
  /** A function's arguments as JSON, a custom tool's text. */
  input: readonly Piece[]
}

/** One answer a model gives: thoughts first, then either text or tool calls. */
export type Choice = {
  reasoning: readonly Piece[]
  content: readonly Piece[]
  calls: readonly ToolCall[]
  finish: 'stop' | 'length' | 'tool_calls'
  /** The stop sequence it ended at. */
  stoppedAt: string | undefined
}

/** What the model answers. The same prompt gets the same answer, but for the ids of tool calls. */
export function answer(prompt: Prompt, model: Model, behaviour: Behaviour): Choice[] {
  const topic = topicOf(prompt.last === 'tool' ? prompt.toolResult : prompt.question)
  return Array.from({ length: prompt.choices }, (_, index) => choice(prompt, model, behaviour, topic, index))
}

export function tokensOfChoice(choice: Choice): { output: number; reasoning: number } {
  const thought = tokensOf(choice.reasoning)
  const called = choice.calls.reduce((sum, call) => sum + call.nameTokens + tokensOf(call.input), 0)
  return { output: thought + tokensOf(choice.content) + called, reasoning: thought }
}

function choice(prompt: Prompt, model: Model, behaviour: Behaviour, topic: Topic, index: number): Choice {
  const asked = prompt.outputTokensMax
  const overrun = asked === undefined ? 0 : (behaviour.overrun ?? 0)
  const limit = Math.min(asked ?? Number.POSITIVE_INFINITY, model.outputTokensMax) + overrun

  const thoughts = cutTo(limit, think(model, behaviour, prompt.effort, topic))
  const left = limit - tokensOf(thoughts.kept)
  const silence = { reasoning: thoughts.kept, content: [], calls: [], stoppedAt: undefined }
  if (thoughts.isCut || left === 0) return { ...silence, finish: 'length' }

  const calls = callTools(prompt, behaviour, left)
  if (calls !== undefined) return { ...silence, ...calls }

  // A model that overruns goes on talking until its own, wrong, limit.
  const isFree = prompt.format === 'text' || behaviour.text !== undefined
  const wanted = overrun > 0 ? left : isFree ? (behaviour.output_tokens ?? topic.tokens) : undefined
  const { words, stoppedAt } = say(prompt, behaviour, topic, wanted, index)
  const said = cutTo(left, words)
  if (said.isCut || overrun > 0) return { ...silence, content: said.kept, finish: 'length' }
  return { ...silence, content: said.kept, finish: 'stop', stoppedAt }
}

function cutTo(limit: number, all: readonly Piece[]): { kept: readonly Piece[]; isCut: boolean } {
  return tokensOf(all) <= limit ? { kept: all, isCut: false } : { kept: cut(textOf(all), limit), isCut: true }
}

const THOUGHT_TOKENS: Readonly<Record<string, number>> = {
  none: 0,
  minimal: 0,
  low: 16,
  medium: 32,
  high: 64,
  xhigh: 128,
}

function think(model: Model, behaviour: Behaviour, effort: string | undefined, topic: Topic): readonly Piece[] {
  const tokens = behaviour.reasoning_tokens ?? (model.reasons ? (THOUGHT_TOKENS[effort ?? 'medium'] ?? 32) : 0)
  return tokens === 0 ? [] : cut(reasoning(topic, tokens), tokens)
}

/** `wanted` tokens exactly, if that is asked for; but a stop sequence ends everything. */
function say(
  prompt: Prompt,
  behaviour: Behaviour,
  topic: Topic,
  wanted: number | undefined,
  index: number,
): { words: readonly Piece[]; stoppedAt: string | undefined } {
  const text = behaviour.text ?? formatted(prompt, topic)
  const whole =
    text === undefined
      ? asLongAs(prose(topic, wanted ?? topic.words ?? 0, index), topic.words, wanted)
      : repeated(text, wanted)
  const stoppedAt = firstOf(prompt.stop, whole)
  const kept = stoppedAt === undefined ? whole : whole.slice(0, whole.indexOf(stoppedAt))
  return { words: wanted === undefined ? pieces(kept) : cut(kept, wanted), stoppedAt }
}

function asLongAs(text: string, words: number | undefined, tokens: number | undefined): string {
  return tokens === undefined && words !== undefined ? firstWords(text, words) : text
}

function repeated(text: string, tokens: number | undefined): string {
  return tokens === undefined ? text : text.repeat(Math.ceil(tokens / Math.max(1, countTokens(text))) + 1)
}

function firstOf(sequences: readonly string[], text: string): string | undefined {
  return sequences
    .filter((sequence) => text.includes(sequence))
    .sort((one, other) => text.indexOf(one) - text.indexOf(other))[0]
}

function formatted({ format }: Prompt, { about }: Topic): string | undefined {
  if (format === 'text') return undefined
  const text = about === '' ? 'This is the sandbox model.' : `This is the sandbox model, answering “${about}”.`
  if (format === 'json') return JSON.stringify({ answer: text, sandbox: true })
  return JSON.stringify(
    sample(format.schema, (field) => (/answer|text|content|message|summary/i.test(field) ? text : undefined)),
  )
}

function callTools(prompt: Prompt, behaviour: Behaviour, limit: number): Pick<Choice, 'calls' | 'finish'> | undefined {
  const chosen = chooseCall(prompt, behaviour.tool)
  if (chosen === undefined) return undefined
  const { tool, input } = chosen
  if (prompt.called.has(callKey(tool.name, input)) && behaviour.tool === undefined) return undefined
  const nameTokens = countTokens(tool.name)
  const calls: ToolCall[] = []
  let left = limit
  for (let made = 0; made < (behaviour.tool_calls ?? 1); made += 1) {
    // A name can't be cut; what it leaves for the arguments can be nothing.
    if (left < nameTokens) break
    const { kept, isCut } = cutTo(left - nameTokens, pieces(input))
    calls.push({ id: newId(), kind: tool.kind, name: tool.name, namespace: tool.namespace, nameTokens, input: kept })
    left -= nameTokens + tokensOf(kept)
    if (isCut) return { calls, finish: 'length' }
  }
  return calls.length === 0 ? undefined : { calls, finish: 'tool_calls' }
}

function newId(): string {
  return randomBytes(12).toString('hex')
}

import { z } from 'zod'
import { isObject, type Loose, objectsIn } from '../meter/json.ts'
import type { Ask, AskDialect } from './ask.ts'
import { field, invalid, readFields, refuseServiceTier, unpriced } from './parse.ts'
import { beyondBytesOf, countTools, countValue, isNoText } from './prompt.ts'
import { unseenTokens } from './server-tools.ts'

const MessagesRequest = z.looseObject({
  model: field.model,
  stream: field.flag,
  max_tokens: z
    .int({ error: 'Say how long the answer may be: a whole number of tokens.' })
    .min(1, 'Must be at least 1.'),
})

export const messages: AskDialect = {
  name: 'messages',
  read(json): Ask {
    const request = readFields(MessagesRequest, json)
    readMessages(json)
    refuseUnpriced(json)
    return {
      dialect: messages,
      json,
      model: request.model,
      isStream: request.stream === true,
      outputMax: request.max_tokens,
      answers: 1,
      prompts: 1,
      beyondBytes: beyondBytes(json) + unseenTokens(json),
      extraOutput: 0,
      unsent: 0,
      follows: undefined,
      showsUsage: true,
    }
  },
  countPrompt: countMessages,
  weighty: ['model', 'max_tokens', 'stream', 'speed', 'service_tier', 'inference_geo'],
  limited(json, outputMax) {
    const max_tokens = Math.min(Number(json.max_tokens), outputMax)
    return { max_tokens, ...thinkingWithin(json.thinking, max_tokens) }
  },
}

/** What the count of tokens needs: the same without a limit of output. */
export function readCount(json: Loose): string {
  const { model } = readFields(z.looseObject({ model: field.model }), json)
  readMessages(json)
  return model
}

function readMessages({ messages: list }: Loose): void {
  if (!Array.isArray(list) || list.length === 0) throw invalid('messages', 'Send a list of messages.')
}

/** Thoughts are part of the answer: the limit must be larger than what they get, which is at least this much. */
const THINKING_TOKENS_MIN = 1_024

function thinkingWithin(thinking: unknown, max_tokens: number): Loose {
  if (!isObject(thinking) || typeof thinking.budget_tokens !== 'number') return {}
  if (thinking.budget_tokens < max_tokens) return {}
  if (max_tokens <= THINKING_TOKENS_MIN) return { thinking: { type: 'disabled' } }
  return { thinking: { ...thinking, budget_tokens: Math.max(THINKING_TOKENS_MIN, Math.floor(max_tokens / 2)) } }
}

const MESSAGE_TOKENS = 4

export function countMessages(json: Loose): number {
  const list = objectsIn(json.messages)
  const words = list.reduce((tokens, { content }) => tokens + MESSAGE_TOKENS + countValue(content), MESSAGE_TOKENS)
  return words + countValue(json.system) + countTools(json.tools) + unseenTokens(json)
}

function beyondBytes(json: Loose): number {
  let tokens = 0
  for (const { content } of objectsIn(json.messages)) {
    for (const block of objectsIn(content)) {
      if (isNoText(block)) tokens += beyondBytesOf(block)
      // What a tool brought back may have images too.
      else for (const inner of objectsIn(block.content)) if (isNoText(inner)) tokens += beyondBytesOf(inner)
    }
  }
  return tokens
}

function refuseUnpriced(json: Loose): void {
  refuseServiceTier(json)
  const { speed, inference_geo } = json
  if (speed != null && speed !== 'standard') throw unpriced('speed', speed)
  if (inference_geo != null && inference_geo !== 'global') throw unpriced('inference_geo', inference_geo)
}

import { DomainError } from '@stipend/core/errors'
import { z } from 'zod'
import { isObject, type Loose, objectsIn } from '../meter/json.ts'
import type { Ask, AskDialect } from './ask.ts'
import { field, invalid, readFields, refuseServiceTier } from './parse.ts'
import { beyondBytesOf, countTools, countValue, isNoText } from './prompt.ts'
import { unseenTokens } from './server-tools.ts'

const ResponsesRequest = z.looseObject({
  model: field.model,
  stream: field.flag,
  background: field.flag,
  max_output_tokens: field.count(),
  previous_response_id: z.string({ error: 'Must be the id of a response.' }).max(200, 'No id is this long.').nullish(),
})

export const responses: AskDialect = {
  name: 'responses',
  read(json): Ask {
    const request = readFields(ResponsesRequest, json)
    refuseServiceTier(json)
    refuseUnmetered(json)
    return {
      dialect: responses,
      json,
      model: request.model,
      isStream: request.stream === true,
      outputMax: request.max_output_tokens ?? undefined,
      answers: 1,
      prompts: 1,
      beyondBytes: beyondBytes(json.input) + unseenTokens(json),
      extraOutput: 0,
      unsent: 0,
      follows: request.previous_response_id ?? undefined,
      showsUsage: true,
    }
  },
  countPrompt: (json) =>
    countValue(json.instructions) + countItems(json.input) + countTools(json.tools) + unseenTokens(json),
  weighty: ['model', 'max_output_tokens', 'stream', 'background', 'previous_response_id', 'store'],
  limited: (json, outputMax) => ({
    max_output_tokens: Math.min(
      typeof json.max_output_tokens === 'number' ? json.max_output_tokens : outputMax,
      outputMax,
    ),
  }),
}

/** What would be produced, or read, without our seeing how much. */
function refuseUnmetered({ background, conversation, prompt }: Loose): void {
  if (background === true) {
    const words = 'A response in the background can’t be measured as it is written, so it isn’t offered. Stream it.'
    throw new DomainError('invalid_request', words, { param: 'background' })
  }
  if (conversation != null) {
    throw invalid('conversation', 'Conversations aren’t kept here. Send the history, or previous_response_id.')
  }
  if (prompt != null)
    throw invalid('prompt', 'Prompts that a provider keeps can’t be used here. Send the instructions.')
}

const ITEM_TOKENS = 4

function countItems(input: unknown): number {
  return countValue(input) + (Array.isArray(input) ? input.length * ITEM_TOKENS : ITEM_TOKENS)
}

function beyondBytes(input: unknown): number {
  let tokens = 0
  for (const item of objectsIn(input)) {
    if (isNoText(item)) tokens += beyondBytesOf(item)
    for (const parts of [item.content, item.output]) {
      for (const part of objectsIn(parts)) if (isNoText(part)) tokens += beyondBytesOf(part)
    }
    if (isObject(item.output) && isNoText(item.output)) tokens += beyondBytesOf(item.output)
  }
  return tokens
}

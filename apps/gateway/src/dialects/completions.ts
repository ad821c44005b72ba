import { z } from 'zod'
import { countText } from '../tokens.ts'
import type { Ask, AskDialect } from './ask.ts'
import { field, invalid, readFields, refuseServiceTier } from './parse.ts'

const ANSWERS_MAX = 128

const CompletionRequest = z.looseObject({
  model: field.model,
  stream: field.flag,
  stream_options: z.looseObject({ include_usage: field.flag }, { error: 'Must be an object.' }).nullish(),
  max_tokens: field.count(),
  n: field.count(ANSWERS_MAX),
  best_of: field.count(ANSWERS_MAX),
})

/** The older completions of plain text. */
export const completions: AskDialect = {
  name: 'completions',
  read(json): Ask {
    const request = readFields(CompletionRequest, json)
    refuseServiceTier(json)
    const prompts = promptsIn(json.prompt)
    // All of `best_of` are written and billed; the best `n` are shown.
    const each = Math.max(request.n ?? 1, request.best_of ?? 1)
    const answers = prompts * each
    if (answers > ANSWERS_MAX) throw invalid('prompt', `Ask for at most ${ANSWERS_MAX} completions at once.`)
    return {
      dialect: completions,
      json,
      model: request.model,
      isStream: request.stream === true,
      outputMax: request.max_tokens ?? undefined,
      answers,
      prompts,
      beyondBytes: 0,
      extraOutput: 0,
      unsent: 0,
      follows: undefined,
      showsUsage: request.stream_options?.include_usage === true,
    }
  },
  countPrompt: ({ prompt, suffix }) => countInput(prompt) + countInput(suffix),
  weighty: ['model', 'max_tokens', 'n', 'best_of', 'stream', 'prompt'],
  limited: (json, outputMax) => ({
    max_tokens: Math.min(typeof json.max_tokens === 'number' ? json.max_tokens : outputMax, outputMax),
  }),
}

/** A text, tokens, or a list of texts or of lists of tokens. */
function promptsIn(prompt: unknown): number {
  if (!Array.isArray(prompt) || typeof prompt[0] === 'number') return 1
  if (prompt.length === 0) throw invalid('prompt', 'Send at least one.')
  return prompt.length
}

/** Tokens of what an embedding or a completion is to be made of. */
export function countInput(input: unknown): number {
  if (typeof input === 'string') return countText(input)
  if (typeof input === 'number') return 1
  return Array.isArray(input) ? input.reduce<number>((tokens, one) => tokens + countInput(one), 0) : 0
}

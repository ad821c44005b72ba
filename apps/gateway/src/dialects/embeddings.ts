import { z } from 'zod'
import type { Ask, AskDialect } from './ask.ts'
import { countInput } from './completions.ts'
import { field, invalid, readFields } from './parse.ts'

const EmbeddingRequest = z.looseObject({ model: field.model })
const INPUTS_MAX = 4_096

/** Embeddings read and write nothing: they cost their input. */
export const embeddings: AskDialect = {
  name: 'embeddings',
  read(json): Ask {
    const { model } = readFields(EmbeddingRequest, json)
    const { input } = json
    const isText = typeof input === 'string' && input !== ''
    if (!isText && !(Array.isArray(input) && input.length > 0))
      throw invalid('input', 'Send a text or a list of texts.')
    const prompts = Array.isArray(input) && typeof input[0] !== 'number' ? input.length : 1
    if (prompts > INPUTS_MAX) throw invalid('input', `Send at most ${INPUTS_MAX} at once.`)
    return {
      dialect: embeddings,
      json,
      model,
      isStream: false,
      outputMax: 0,
      answers: 1,
      prompts,
      beyondBytes: 0,
      extraOutput: 0,
      unsent: 0,
      follows: undefined,
      showsUsage: false,
    }
  },
  countPrompt: ({ input }) => countInput(input),
  weighty: ['model'],
  limited: () => ({}),
}

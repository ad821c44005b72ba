import { type Dialect, noFrames, type Reply } from '../dialect.ts'
import { NO_TALK, type Prompt } from '../prompt.ts'
import { seedOf } from '../prose.ts'
import { isFields } from '../schema-sample.ts'
import { openai } from './api.ts'
import { failureFrame } from './chat-completions.ts'
import { readTexts } from './completions.ts'
import { integer, oneOf, refuse, text, wrongType } from './parameters.ts'

/** `POST /v1/embeddings`. The same text has the same vector, of length 1; others have others. It means nothing. */
export const embeddings: Dialect = {
  path: '/v1/embeddings',
  api: openai,
  serves: 'embeddings',
  read,
  whole,
  frames: noFrames,
  failureFrame,
}

const DIMENSIONS_USUAL = 1_536
const INPUTS_MAX = 2_048

/** Its input is the tokens of all texts, and nothing beside them. */
function read(body: unknown): Prompt {
  if (!isFields(body)) return wrongType('body', 'an object', body)
  const model = text(body, 'model')
  if (model === undefined || model === '') return refuse('you must provide a model parameter', null, null)
  const inputs = readTexts(body, 'input')
  if (inputs.length > INPUTS_MAX || inputs.some((input) => input.text === '')) {
    refuse(
      "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.",
      'input',
      null,
    )
  }
  oneOf(text(body, 'encoding_format') ?? 'float', ['float', 'base64'], 'encoding_format')
  integer(body, 'dimensions', { min: 1, max: DIMENSIONS_USUAL })
  const question = inputs.map((input) => input.text).join('\n')
  return { ...NO_TALK, request: body, model, stream: false, segments: inputs, extraTokens: 0, question }
}

function whole({ prompt, usage }: Reply): string {
  const { request, model, segments } = prompt
  const dimensions = Number(request.dimensions ?? DIMENSIONS_USUAL)
  const told = usage(0, 0)
  return JSON.stringify({
    object: 'list',
    data: segments.map((segment, index) => {
      const vector = vectorOf(segment.text, dimensions)
      const embedding = request.encoding_format === 'base64' ? base64(vector) : [...vector]
      return { object: 'embedding', index, embedding }
    }),
    model,
    usage: told && { prompt_tokens: told.input, total_tokens: told.input },
  })
}

function vectorOf(text: string, dimensions: number): Float32Array {
  let state = seedOf(text)
  const vector = Float32Array.from({ length: dimensions }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 0x80000000 - 1
  })
  const length = Math.hypot(...vector)
  return vector.map((figure) => figure / length)
}

function base64(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64')
}

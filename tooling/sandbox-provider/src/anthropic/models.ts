import { findModel, MODELS, type Model } from '../models.ts'
import { anthropic } from './api.ts'

const LISTED = MODELS.filter(({ serves }) => serves === 'text')

/** `GET /v1/models` of Anthropic's API, all on one page. */
export function anthropicModels() {
  return { data: LISTED.map(modelFields), has_more: false, first_id: LISTED[0]?.id, last_id: LISTED.at(-1)?.id }
}

/** `GET /v1/models/{id}`; throws an `ApiError` when there is none. */
export function anthropicModel(id: string) {
  const model = findModel(id)
  if (model === undefined || model.serves !== 'text') throw anthropic.refusals.unknownModel(id)
  return modelFields(model)
}

function modelFields({ id, contextTokensMax, outputTokensMax }: Model) {
  return {
    type: 'model',
    id,
    display_name: id,
    created_at: '2026-01-01T00:00:00Z',
    max_input_tokens: contextTokensMax,
    max_tokens: outputTokensMax,
  }
}

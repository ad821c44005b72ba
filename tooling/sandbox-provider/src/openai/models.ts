import { findModel, MODELS, type Model } from '../models.ts'
import { openai } from './api.ts'

const CREATED = 1_767_225_600

/** `GET /v1/models` */
export function openaiModels() {
  return { object: 'list', data: MODELS.map(modelFields) }
}

/** `GET /v1/models/{id}`; throws an `ApiError` when there is none. */
export function openaiModel(id: string) {
  const model = findModel(id)
  if (model === undefined) throw openai.refusals.unknownModel(id)
  return modelFields(model)
}

function modelFields({ id }: Model) {
  return { id, object: 'model', created: CREATED, owned_by: 'sandbox' }
}

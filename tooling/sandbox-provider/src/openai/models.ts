import { unknownModel } from '../errors.ts'
import { findModel, MODELS, type Model } from '../models.ts'

const CREATED = 1_767_225_600

/** `GET /v1/models` */
export const MODEL_LIST = JSON.stringify({ object: 'list', data: MODELS.map(modelFields) })

/** `GET /v1/models/{id}`; throws an `ApiError` when there is none. */
export function modelBody(id: string): string {
  const model = findModel(id)
  if (model === undefined) throw unknownModel(id)
  return JSON.stringify(modelFields(model))
}

function modelFields({ id }: Model) {
  return { id, object: 'model', created: CREATED, owned_by: 'sandbox' }
}

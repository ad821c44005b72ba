import type { IncomingMessage } from 'node:http'
import { anthropic } from './anthropic/api.ts'
import { anthropicModel, anthropicModels } from './anthropic/models.ts'
import type { Api } from './api.ts'
import { openai } from './openai/api.ts'
import { openaiModel, openaiModels } from './openai/models.ts'
import type { StoredResponses } from './openai/stored-responses.ts'

/** Whose shapes a request for neither's own path wants: Anthropic's clients say the version of their API. */
export function apiOf({ headers, url = '' }: IncomingMessage): Api {
  return headers['anthropic-version'] !== undefined || url.startsWith('/v1/messages') ? anthropic : openai
}

/** What is asked for at a path where things are looked up, or nothing. What is answered throws an `ApiError` for what isn't there. */
export function lookUp({
  method,
  path,
  api,
  stored,
}: {
  method: string
  path: string
  api: Api
  stored: StoredResponses
}): (() => unknown) | undefined {
  const isAnthropic = api === anthropic
  if (method === 'GET' && path === '/v1/models') return isAnthropic ? anthropicModels : openaiModels
  const model = /^\/v1\/models\/(.+)$/.exec(path)?.[1]
  if (method === 'GET' && model !== undefined) {
    const id = decodeURIComponent(model)
    return isAnthropic ? () => anthropicModel(id) : () => openaiModel(id)
  }

  const [, id, part] = /^\/v1\/responses\/([^/]+)(?:\/(cancel|input_items))?$/.exec(path) ?? []
  if (id === undefined) return undefined
  switch (`${method} ${part ?? ''}`) {
    case 'GET ':
      return () => stored.get(id)
    case 'DELETE ':
      return () => stored.remove(id)
    case 'POST cancel':
      return () => stored.cancel(id)
    case 'GET input_items':
      return () => stored.inputOf(id)
    default:
      return undefined
  }
}

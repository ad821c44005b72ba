import { DomainError } from '@stipend/core/errors'
import { ping } from '@stipend/db'
import { complete } from './completion.ts'
import { countTokens } from './count-tokens.ts'
import type { AskDialect } from './dialects/ask.ts'
import { ASKS } from './dialects/dialects.ts'
import type { Gateway, Handled, Http } from './gateway.ts'
import { keptResponse } from './kept.ts'
import { getModel, listModels } from './models.ts'
import type { Family } from './refusal.ts'
import { sendJson } from './send.ts'

type Handle = (gateway: Gateway, http: Http, id: string) => Promise<Handled>
export type Route = { methods: Readonly<Record<string, Handle>>; id: string }

const tokens = (dialect: AskDialect): Handle => {
  return (gateway, http) => complete(gateway, http, dialect)
}

const AT: Readonly<Record<string, Route['methods']>> = {
  '/v1/chat/completions': { POST: tokens(ASKS.chat) },
  '/v1/completions': { POST: tokens(ASKS.completions) },
  '/v1/embeddings': { POST: tokens(ASKS.embeddings) },
  '/v1/responses': { POST: tokens(ASKS.responses) },
  '/v1/messages': { POST: tokens(ASKS.messages) },
  '/v1/messages/count_tokens': { POST: countTokens },
  '/v1/models': { GET: listModels },
  '/healthz': { GET: health },
}
/** Those whose path has a name of something in it, which may have slashes of its own in the last. */
const BENEATH: readonly [path: RegExp, methods: Route['methods']][] = [
  [/^\/v1\/responses\/([^/]+)$/, { GET: keptResponse('GET', ''), DELETE: keptResponse('DELETE', '') }],
  [/^\/v1\/responses\/([^/]+)\/cancel$/, { POST: keptResponse('POST', '/cancel') }],
  [/^\/v1\/responses\/([^/]+)\/input_items$/, { GET: keptResponse('GET', '/input_items') }],
  [/^\/v1\/models\/(.+)$/, { GET: getModel }],
]

/** Other names of the same addresses. */
const PREFIX = '/api/openai'
const ALIASES: Readonly<Record<string, string>> = { '/work': '/v1/chat/completions' }

/** The path of an address of ours, without its query; as `/v1/…` whatever it is called by. */
export function pathOf(url: string | undefined): string {
  if (url === undefined) return '/'
  const query = url.indexOf('?')
  const path = query === -1 ? url : url.slice(0, query)
  return Object.hasOwn(ALIASES, path)
    ? (ALIASES[path] ?? path)
    : path.startsWith(`${PREFIX}/v1/`)
      ? path.slice(PREFIX.length)
      : path
}

export function findRoute(path: string): Route | undefined {
  if (Object.hasOwn(AT, path)) {
    const methods = AT[path]
    return methods && { methods, id: '' }
  }
  for (const [pattern, methods] of BENEATH) {
    const name = pattern.exec(path)?.[1]
    if (name !== undefined) return { methods, id: decoded(name) }
  }
  return undefined
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new DomainError('not_found', 'There is nothing at this address: it is not well-formed.')
  }
}

/** The shape of errors that a client reads: Anthropic's at Messages, and where it says which version of that API it speaks. */
export function familyOf(path: string, headers: Http['request']['headers']): Family {
  const isAnthropic = path.startsWith('/v1/messages') || headers['anthropic-version'] !== undefined
  return isAnthropic ? 'anthropic' : 'openai'
}

async function health(gateway: Gateway, http: Http): Promise<Handled> {
  try {
    await ping(gateway.database)
  } catch (error) {
    throw new DomainError('unavailable', 'The database does not answer.', { retry_after_seconds: 2 }, error)
  }
  sendJson(http, 200, { status: 'ok' })
  return { status: 200, code: null }
}

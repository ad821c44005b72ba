import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { countTokensDialect } from './anthropic/count-tokens.ts'
import { messages } from './anthropic/messages.ts'
import type { Behaviour } from './behaviour.ts'
import { parseJson, readBody } from './body.ts'
import { type Controls, control } from './controls.ts'
import type { Dialect } from './dialect.ts'
import { ApiError } from './errors.ts'
import { createExchange } from './exchange.ts'
import { apiOf, lookUp } from './look-ups.ts'
import { findModel, type Model, unlistedModel } from './models.ts'
import { chatCompletions } from './openai/chat-completions.ts'
import { completions } from './openai/completions.ts'
import { embeddings } from './openai/embeddings.ts'
import { responses } from './openai/responses.ts'
import { StoredResponses } from './openai/stored-responses.ts'
import { inputTokens, type Prompt } from './prompt.ts'
import { keep, type PromptCache } from './prompt-cache.ts'
import { refuse, serve } from './serve.ts'

export type Provider = Controls & {
  credential: string | undefined
  promptCache(): PromptCache
  saw(request: IncomingMessage, body: string): void
}

export function createProviderServer(provider: Provider): Server {
  const stored = new StoredResponses()
  // A further dialect is a file of its own and an entry here.
  const all = [chatCompletions, completions, embeddings, responses(stored), messages, countTokensDialect]
  const dialects: ReadonlyMap<string, Dialect> = new Map(all.map((dialect) => [dialect.path, dialect]))

  const server = createServer((request, response) => {
    const url = request.url ?? '/'
    const query = url.indexOf('?')
    const path = query < 0 ? url : url.slice(0, query)
    const dialect = dialects.get(path)
    if (dialect !== undefined && request.method === 'POST') void complete(provider, dialect, request, response)
    else void answerPlainly({ provider, stored, isDialect: dialect !== undefined }, request, response, path)
  })
  // Longer than gateways keep idle connections, so that it is never this side that closes one about to be used.
  server.keepAliveTimeout = 120_000
  return server
}

async function complete(
  provider: Provider,
  dialect: Dialect,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const entry = provider.ledger.open()
  const exchange = createExchange(request, response, entry)
  const served = { exchange, entry, dialect }
  const { refusals } = dialect.api
  try {
    const body = await readBody(request, refusals)
    provider.saw(request, body)
    const credential = dialect.api.credential(request.headers)
    if (!isCredential(provider, credential)) throw refusals.wrongCredential(credential)
    const prompt = dialect.read(parseJson(body, refusals))

    const behaviour = provider.behaviours.take(request.rawHeaders, prompt.question)
    if (behaviour.split !== undefined) exchange.splitAt(behaviour.split)
    const model = modelFor(prompt, dialect, behaviour)
    const tokens = inputTokens(prompt)
    if (tokens > model.contextTokensMax) throw refusals.contextExceeded(tokens, model.contextTokensMax)
    const kept = behaviour.prompt_cache === false ? { cached: 0, written: 0 } : keep(provider.promptCache(), prompt)

    await serve(served, prompt, model, behaviour, { tokens, ...kept })
  } catch (error) {
    entry.end('failed')
    if (response.headersSent) response.destroy()
    else await refuse(served, asApiError(error))
  }
}

function modelFor({ model: id }: Prompt, { serves, path, api }: Dialect, behaviour: Behaviour): Model {
  const model = findModel(id) ?? (behaviour.any_model ? unlistedModel(id, serves) : undefined)
  if (model === undefined) throw api.refusals.unknownModel(id)
  if (model.serves !== serves) throw api.refusals.notServed(id, path)
  return model
}

type Plain = { provider: Provider; stored: StoredResponses; isDialect: boolean }

/** All that asks for no answer of a model. */
async function answerPlainly(
  { provider, stored, isDialect }: Plain,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  const api = apiOf(request)
  try {
    const controlled = await control(provider, request, path)
    if (controlled !== undefined) return send(response, 200, JSON.stringify(controlled))
    const found = isDialect ? undefined : lookUp({ method: request.method ?? '', path, api, stored })
    if (found === undefined) throw isDialect ? notAllowed(request, path) : notThere(request, path)
    const credential = api.credential(request.headers)
    if (!isCredential(provider, credential)) throw api.refusals.wrongCredential(credential)
    send(response, 200, JSON.stringify(found()))
  } catch (error) {
    const known = asApiError(error)
    send(response, known.status, api.errorBody(known, 'req_sandbox'))
  }
}

function notAllowed({ method, headers }: IncomingMessage, path: string): ApiError {
  // Clients that would rather have a WebSocket go on without one.
  if (headers.upgrade !== undefined) return new ApiError(426, 'This address speaks HTTP only.')
  return new ApiError(
    405,
    `Not allowed to ${method} on ${path}. (HINT: Perhaps you meant to use a different HTTP method?)`,
  )
}

function notThere({ method }: IncomingMessage, path: string): ApiError {
  return new ApiError(404, `Invalid URL (${method} ${path})`)
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

function isCredential(provider: Provider, given: string | undefined): boolean {
  return provider.credential === undefined || given === provider.credential
}

function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  // A bug here: whoever tests against this provider has to see that it isn't a fault they asked for.
  return new ApiError(500, `The sandbox provider failed: ${error instanceof Error ? error.stack : String(error)}`, {
    type: 'sandbox_failure',
  })
}

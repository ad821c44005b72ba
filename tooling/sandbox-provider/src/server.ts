import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { parseJson, readBody } from './body.ts'
import { type Controls, control } from './controls.ts'
import type { Dialect } from './dialect.ts'
import { ApiError, unknownModel, wrongCredential } from './errors.ts'
import { createExchange } from './exchange.ts'
import { findModel, unlistedModel } from './models.ts'
import { chatCompletions } from './openai/chat-completions.ts'
import { bearer, errorBody } from './openai/conventions.ts'
import { MODEL_LIST, modelBody } from './openai/models.ts'
import { inputTokens } from './prompt.ts'
import type { PromptCache } from './prompt-cache.ts'
import { refuse, serve } from './serve.ts'

/** A further API is a file of its own and an entry here. */
const DIALECTS: ReadonlyMap<string, Dialect> = new Map([chatCompletions].map((dialect) => [dialect.path, dialect]))

export type Provider = Controls & {
  credential: string | undefined
  promptCache(): PromptCache
  saw(request: IncomingMessage, body: string): void
}

export function createProviderServer(provider: Provider): Server {
  const server = createServer((request, response) => {
    const url = request.url ?? '/'
    const query = url.indexOf('?')
    const path = query < 0 ? url : url.slice(0, query)
    const dialect = request.method === 'POST' ? DIALECTS.get(path) : undefined
    void (dialect === undefined
      ? answerPlainly(provider, request, response, path)
      : complete(provider, dialect, request, response))
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
  try {
    const body = await readBody(request)
    provider.saw(request, body)
    checkCredential(provider, dialect.credential(request.headers))
    const prompt = dialect.read(parseJson(body))

    const behaviour = provider.behaviours.take(request.rawHeaders, prompt.question)
    if (behaviour.split !== undefined) exchange.splitAt(behaviour.split)
    const model = findModel(prompt.model) ?? (behaviour.any_model ? unlistedModel(prompt.model) : undefined)
    if (model === undefined) throw unknownModel(prompt.model)
    const tokens = inputTokens(prompt)
    if (tokens > model.contextTokensMax) throw contextExceeded(tokens, model.contextTokensMax)
    const cached = behaviour.prompt_cache === false ? 0 : provider.promptCache().read(prompt.model, prompt.segments)

    await serve(served, prompt, model, behaviour, { tokens, cached })
  } catch (error) {
    entry.end('failed')
    if (response.headersSent) response.destroy()
    else await refuse(served, asApiError(error))
  }
}

async function answerPlainly(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  try {
    const controlled = await control(provider, request, path)
    send(
      response,
      200,
      controlled === undefined ? modelsOrNothing(provider, request, path) : JSON.stringify(controlled),
    )
  } catch (error) {
    const known = asApiError(error)
    send(response, known.status, errorBody(known))
  }
}

function modelsOrNothing(provider: Provider, request: IncomingMessage, path: string): string {
  const isList = path === '/v1/models'
  const isModel = path.startsWith('/v1/models/')
  if (DIALECTS.has(path) || ((isList || isModel) && request.method !== 'GET')) {
    throw new ApiError(
      405,
      `Not allowed to ${request.method} on ${path}. (HINT: Perhaps you meant to use a different HTTP method?)`,
    )
  }
  if (!isList && !isModel) throw new ApiError(404, `Invalid URL (${request.method} ${path})`)
  checkCredential(provider, bearer(request.headers) ?? keyHeader(request))
  return isList ? MODEL_LIST : modelBody(decodeURIComponent(path.slice('/v1/models/'.length)))
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

function checkCredential(provider: Provider, given: string | undefined): void {
  if (provider.credential !== undefined && given !== provider.credential) throw wrongCredential(given)
}

function keyHeader(request: IncomingMessage): string | undefined {
  const key = request.headers['x-api-key']
  return typeof key === 'string' ? key : undefined
}

function contextExceeded(tokens: number, most: number): ApiError {
  return new ApiError(
    400,
    `This model's maximum context length is ${most} tokens. However, your messages resulted in ${tokens} tokens. Please reduce the length of the messages.`,
    { param: 'messages', code: 'context_length_exceeded' },
  )
}

function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  // A bug here: whoever tests against this provider has to see that it isn't a fault they asked for.
  return new ApiError(500, `The sandbox provider failed: ${error instanceof Error ? error.stack : String(error)}`, {
    type: 'sandbox_failure',
  })
}

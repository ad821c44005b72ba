import type { IncomingMessage } from 'node:http'
import { finished } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { resolveServiceToken } from '@stipend/auth'
import { billing, statements, topUps } from '@stipend/billing'
import {
  type Actor,
  type AnyOperation,
  allocations,
  asDomainError,
  audit,
  balance,
  chats,
  coding,
  type Dependencies,
  domains,
  execute,
  groups,
  imports,
  invitations,
  keys,
  lessons,
  locations,
  members,
  models,
  providers,
  rules,
  serviceTokens,
  tenants,
  usage,
} from '@stipend/core'
import { DomainError, invalidField } from '@stipend/core/errors'
import { parseSecret } from '@stipend/core/secrets'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { toProblem } from './errors.ts'
import { parseJsonObject } from './json.ts'

export type Route = {
  method: 'GET' | 'POST' | 'PATCH'
  path: string
  operation: AnyOperation
  status: number
  /** Where more than `BODY_BYTES_MAX` is taken. */
  body_bytes_max?: number
}

/** Files in base64. */
const UPLOAD_BODY_BYTES_MAX = 33 * 1024 * 1024
/** A public list of prices as text in JSON, where each of its quotes takes two bytes. */
const PRICES_BODY_BYTES_MAX = 17 * 1024 * 1024

function route(method: Route['method'], path: string, operation: AnyOperation, status = 200): Route {
  return { method, path, operation, status }
}

/** The REST API. Names in braces are fields of the operation's input; the other fields come from the query string or the body. */
export const ROUTES: readonly Route[] = [
  route('GET', '/v1/tenant', tenants.get),
  route('PATCH', '/v1/tenant', tenants.update),

  route('GET', '/v1/locations', locations.list),
  route('POST', '/v1/locations', locations.create, 201),
  route('PATCH', '/v1/locations/{id}', locations.update),
  route('POST', '/v1/locations/{id}/delete', locations.delete),

  route('GET', '/v1/groups', groups.list),
  route('POST', '/v1/groups', groups.create, 201),
  route('GET', '/v1/groups/{id}', groups.get),
  route('PATCH', '/v1/groups/{id}', groups.update),
  route('POST', '/v1/groups/{id}/delete', groups.delete),
  route('POST', '/v1/groups/{group_id}/members', groups.addMembers),
  route('POST', '/v1/groups/{group_id}/remove_members', groups.removeMembers),
  route('POST', '/v1/groups/{group_id}/leads', groups.setLeads),

  route('GET', '/v1/members', members.list),
  route('POST', '/v1/members', members.create, 201),
  route('GET', '/v1/members/count', members.count),
  route('POST', '/v1/members/deactivate', members.deactivate),
  route('POST', '/v1/members/reactivate', members.reactivate),
  route('POST', '/v1/members/move', members.move),
  route('POST', '/v1/members/remove', members.remove),
  route('GET', '/v1/members/{id}', members.get),
  route('PATCH', '/v1/members/{id}', members.update),

  route('POST', '/v1/invitations', invitations.send),
  route('POST', '/v1/invitations/revoke', invitations.revoke),

  route('GET', '/v1/domains', domains.list),
  route('POST', '/v1/domains', domains.set),
  route('POST', '/v1/domains/{domain}/remove', domains.remove),

  { ...route('POST', '/v1/imports', imports.create, 201), body_bytes_max: UPLOAD_BODY_BYTES_MAX },
  route('GET', '/v1/imports/{id}', imports.get),
  route('PATCH', '/v1/imports/{id}', imports.update),
  route('GET', '/v1/imports/{id}/rows', imports.listRows),
  route('POST', '/v1/imports/{id}/run', imports.run),

  route('GET', '/v1/keys', keys.list),
  route('POST', '/v1/keys', keys.create, 201),
  route('GET', '/v1/keys/batch/preview', keys.previewCreateMany),
  route('POST', '/v1/keys/batch', keys.createMany, 201),
  route('GET', '/v1/keys/{id}', keys.get),
  route('PATCH', '/v1/keys/{id}', keys.update),
  route('POST', '/v1/keys/{id}/raise', keys.raise),
  route('POST', '/v1/keys/{id}/revoke', keys.revoke),
  route('POST', '/v1/keys/{id}/disable', keys.disable),
  route('POST', '/v1/keys/{id}/enable', keys.enable),
  route('POST', '/v1/keys/{id}/replace', keys.replace, 201),
  route('POST', '/v1/keys/revoke', keys.revokeMany),
  route('POST', '/v1/keys/disable', keys.disableMany),
  route('POST', '/v1/keys/enable', keys.enableMany),

  route('GET', '/v1/groups/{group_id}/lesson', lessons.get),
  route('POST', '/v1/groups/{group_id}/lesson/end', lessons.end),
  route('POST', '/v1/groups/{group_id}/lesson/pause', lessons.pause),
  route('POST', '/v1/groups/{group_id}/lesson/resume', lessons.resume),

  route('GET', '/v1/allocations', allocations.list),
  route('POST', '/v1/allocations', allocations.create, 201),

  route('GET', '/v1/models', models.list),
  route('GET', '/v1/models/{model_id}/prices', providers.listPrices),

  route('GET', '/v1/providers', providers.list),
  route('POST', '/v1/providers', providers.create, 201),
  route('GET', '/v1/providers/kinds', providers.listKinds),
  route('POST', '/v1/providers/try', providers.tryNew),
  route('GET', '/v1/providers/{id}', providers.get),
  route('PATCH', '/v1/providers/{id}', providers.update),
  route('POST', '/v1/providers/{id}/try', providers.tryAgain),
  route('POST', '/v1/providers/{id}/rotate_credential', providers.rotateCredential),
  route('POST', '/v1/providers/{id}/share', providers.share),
  route('POST', '/v1/providers/{id}/delete', providers.delete),
  route('GET', '/v1/providers/{id}/models', providers.listModels),
  route('POST', '/v1/providers/{id}/models', providers.setModels),
  {
    ...route('POST', '/v1/providers/{id}/preview_prices', providers.previewPrices),
    body_bytes_max: PRICES_BODY_BYTES_MAX,
  },
  {
    ...route('POST', '/v1/providers/{id}/import_prices', providers.importPrices),
    body_bytes_max: PRICES_BODY_BYTES_MAX,
  },

  route('GET', '/v1/rules', rules.list),
  route('POST', '/v1/rules', rules.create, 201),
  route('POST', '/v1/rules/reorder', rules.reorder),
  route('POST', '/v1/rules/try', rules.try),
  route('GET', '/v1/rules/{id}', rules.get),
  route('PATCH', '/v1/rules/{id}', rules.update),
  route('POST', '/v1/rules/{id}/delete', rules.delete),

  route('GET', '/v1/usage', usage.list),
  route('GET', '/v1/usage/summary', usage.summary),
  route('GET', '/v1/usage/report', coding.report),
  route('GET', '/v1/chats', chats.list),

  route('GET', '/v1/balance', balance.get),
  route('GET', '/v1/balance/level', balance.level),
  route('GET', '/v1/ledger', balance.listLedger),
  route('GET', '/v1/promotions', balance.listPromotions),

  route('GET', '/v1/top_ups', topUps.list),
  route('POST', '/v1/top_ups', topUps.create, 201),
  route('GET', '/v1/top_ups/{id}', topUps.get),
  route('POST', '/v1/top_ups/{id}/check', topUps.check),
  route('POST', '/v1/top_ups/{id}/cancel', topUps.cancel),

  route('GET', '/v1/billing', billing.get),
  route('POST', '/v1/billing/automatic', billing.setAutomatic),
  route('POST', '/v1/billing/automatic/stop', billing.stopAutomatic),
  route('POST', '/v1/billing/automatic/confirm', billing.confirm),
  route('POST', '/v1/billing/payment_method', billing.saveMethod),
  route('POST', '/v1/billing/payment_method/check', billing.checkMethod),
  route('POST', '/v1/billing/alert', billing.setAlert),
  route('POST', '/v1/billing/reconcile', billing.reconcile),

  route('GET', '/v1/statements', statements.list),
  route('GET', '/v1/statements/{month}', statements.get),

  route('GET', '/v1/service_tokens', serviceTokens.list),
  route('POST', '/v1/service_tokens', serviceTokens.create, 201),
  route('POST', '/v1/service_tokens/{id}/revoke', serviceTokens.revoke),

  route('GET', '/v1/audit', audit.list),
]

/** Bodies larger than this are refused before they are read. */
export const BODY_BYTES_MAX = 1024 * 1024

/** What the log wants to know of a request once it is answered. */
declare module 'fastify' {
  interface FastifyRequest {
    actor: Actor
    failure: DomainError | null
  }
  interface FastifyContextConfig {
    operation?: AnyOperation
  }
}

/**
 * Puts the routes on a server, and makes all its answers follow the API's conventions: a request id on each, errors as
 * `application/problem+json`. The server must make ids with `genReqId`.
 */
export function mountRest(server: FastifyInstance, deps: Dependencies): void {
  server.decorateRequest('actor')
  server.decorateRequest('failure', null)
  server.addHook('onRequest', async (request, reply) => {
    request.actor = { kind: 'anonymous' }
    reply.header('x-request-id', request.id)
  })
  server.addHook('onSend', async (request) => {
    if (!request.raw.complete) await drain(request.raw)
  })
  server.setErrorHandler((error, request, reply) => answerProblem(error, request, reply))
  server.setNotFoundHandler((request, reply) =>
    answerProblem(new DomainError('not_found', 'There is nothing at this address.'), request, reply),
  )
  server.removeAllContentTypeParsers()
  server.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX },
    // A command may need nothing but its path: an empty body is no field at all.
    async (_request: FastifyRequest, body: Buffer) => (body.length === 0 ? {} : parseJsonObject(body)),
  )

  for (const one of ROUTES) mountRoute(server, deps, one)
  for (const path of new Set(ROUTES.map(({ path }) => path))) refuseOtherMethods(server, path)
}

/** Answers any error as a problem. Fastify's own and unknown ones are put into words of ours first. */
export function answerProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  request.failure = asDomainError(ofFastify(thrown) ?? thrown)
  const { status, headers, body } = toProblem(request.failure, request.id)
  return reply.code(status).headers(headers).send(JSON.stringify(body))
}

const DRAIN_MS_MAX = 2_000

/**
 * Throws away what is left of a body that isn't wanted, for a moment. A client that is still sending doesn't read, and if the
 * connection were closed on it, it would never see why.
 */
async function drain(raw: IncomingMessage): Promise<void> {
  const late = new AbortController()
  const timeout = sleep(DRAIN_MS_MAX, undefined, { signal: late.signal }).catch(() => {})
  await Promise.race([finished(raw.resume(), { writable: false }).catch(() => {}), timeout])
  late.abort()
}

function mountRoute(server: FastifyInstance, deps: Dependencies, route: Route): void {
  const { method, path, operation, status, body_bytes_max: bodyLimit } = route
  server.route({
    method,
    url: fastifyPath(path),
    config: { operation },
    ...(bodyLimit === undefined ? {} : { bodyLimit }),
    // Before the body: a stranger's isn't worth reading.
    onRequest: async (request) => {
      request.actor = await authenticate(deps, request.headers.authorization)
    },
    handler: async (request, reply) => {
      const idempotency_key = method !== 'GET' ? idempotencyKey(request) : undefined
      const { output, replayed } = await execute(operation, deps, request.actor, inputOf(method, request), {
        request: { request_id: request.id, ip: request.ip },
        idempotency_key,
      })
      if (replayed) reply.header('idempotency-replayed', 'true')
      // Money and secrets: nothing for a cache on the way.
      reply.header('cache-control', 'no-store')
      return reply.code(status).send(output)
    },
  })
}

async function authenticate(deps: Dependencies, header: string | undefined): Promise<Actor> {
  const token = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1]
  if (token === undefined) {
    throw new DomainError('unauthenticated', 'Send a service token in the header `authorization: Bearer st-stp-…`.')
  }
  const actor = await resolveServiceToken(deps.database, token)
  if (actor !== null) return actor
  throw new DomainError(
    'unauthenticated',
    parseSecret(token) === 'key'
      ? 'This is an API key for the gateway. The management API takes service tokens, which begin with st-stp-.'
      : 'This service token is not valid: it is misspelt, was revoked, or was never one of ours.',
  )
}

function idempotencyKey(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && /^[\x20-\x7e]{1,255}$/.test(key)) return key
  throw new DomainError('invalid_request', 'Idempotency-Key must be 1 to 255 printable ASCII characters.', {
    param: 'Idempotency-Key',
    fields: [{ path: 'Idempotency-Key', message: 'Use 1 to 255 printable ASCII characters.' }],
  })
}

/** The fields of an operation's input, from where they stand in the request. None may come from two places. */
function inputOf(method: Route['method'], request: FastifyRequest): Record<string, unknown> {
  const fromPath = request.params as Record<string, string>
  const fromQuery = queryOf(request)
  const [stray] = Object.keys(fromQuery)
  if (method !== 'GET' && stray !== undefined) throw invalidField(stray, 'A command takes its fields in the body.')
  const fields = method === 'GET' ? fromQuery : ((request.body ?? {}) as Record<string, unknown>)
  for (const name of Object.keys(fromPath)) {
    if (Object.hasOwn(fields, name)) throw invalidField(name, 'This field stands in the address already.')
  }
  return { ...fields, ...fromPath }
}

function queryOf(request: FastifyRequest): Record<string, string> {
  const { url = '' } = request.raw
  const start = url.indexOf('?')
  const parameters = new URLSearchParams(start < 0 ? '' : url.slice(start))
  for (const name of parameters.keys()) {
    if (parameters.getAll(name).length > 1) throw invalidField(name, 'This parameter is given twice.')
  }
  return Object.fromEntries(parameters)
}

function refuseOtherMethods(server: FastifyInstance, path: string): void {
  const taken = ROUTES.filter((one) => one.path === path).map((one): string => one.method)
  const allowed = taken.includes('GET') ? [...taken, 'HEAD'] : taken
  server.route({
    method: server.supportedMethods.filter((method) => !allowed.includes(method)),
    url: fastifyPath(path),
    onRequest: async (request, reply) => {
      reply.header('allow', allowed.join(', '))
      throw new DomainError('method_not_allowed', `${request.method} is not possible here, only ${allowed.join(', ')}.`)
    },
    handler: () => undefined,
  })
}

function fastifyPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

/** What Fastify refuses by itself, by its code. */
const FASTIFY: Record<string, DomainError> = {
  FST_ERR_CTP_BODY_TOO_LARGE: new DomainError(
    'request_too_large',
    'The body is larger than 1 MiB, 17 MiB for a list of prices, or 33 MiB for an import of people.',
  ),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: new DomainError(
    'unsupported_media_type',
    'Send the body as JSON, with `content-type: application/json`.',
  ),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: new DomainError(
    'invalid_request',
    'The body is not as long as its content-length says.',
  ),
  FST_ERR_BAD_URL: new DomainError('invalid_request', 'The address is not valid.'),
  FST_ERR_MAX_PARAM_LENGTH: new DomainError('not_found', 'There is nothing at this address.'),
}

function ofFastify(thrown: unknown): DomainError | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined
  return FASTIFY[String(thrown.code)]
}

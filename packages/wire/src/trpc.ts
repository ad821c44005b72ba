import { billing, statements, topUps } from '@stipend/billing'
import {
  type Actor,
  type AnyOperation,
  allocations,
  audit,
  balance,
  type Command,
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
  type Query,
  type RequestFacts,
  rules,
  type Scope,
  search,
  serviceTokens,
  tenants,
  usage,
} from '@stipend/core'
import { DomainError, type ErrorCode, type FieldError } from '@stipend/core/errors'
import { type inferRouterInputs, initTRPC, TRPCError } from '@trpc/server'
import type { z } from 'zod'
import { asDomainError, ERRORS, isDomainError, toTrpc } from './errors.ts'

/** One call: who makes it, and with what. Made by the console for each request. */
export type TrpcContext = {
  deps: Dependencies
  actor: Actor
  request: RequestFacts
  idempotency_key?: string | undefined
}

/** What a client finds in `error.data`. */
export type TrpcErrorData = {
  code: TRPCError['code']
  httpStatus: number
  error: ErrorCode
  fields: FieldError[]
  retry_after_seconds: number | null
  request_id: string | null
}

const t = initTRPC.context<TrpcContext>().create({
  // tRPC's own answer would carry the text of whatever was thrown, SQL and its parameters included, and in development the stack.
  errorFormatter: ({ shape, error, ctx }) => {
    const shown = ours(error)
    const { status, trpc } = ERRORS[shown.code]
    const data: TrpcErrorData = {
      code: trpc,
      httpStatus: status,
      error: shown.code,
      fields: shown.details.fields ?? [],
      retry_after_seconds: shown.details.retry_after_seconds ?? null,
      request_id: ctx?.request.request_id ?? null,
    }
    return { code: shape.code, message: shown.message, data }
  },
})

/** The operations that the console offers. Everything but the name is the operation's own. */
export const appRouter = t.router({
  tenants: t.router({
    get: query(tenants.get),
    update: command(tenants.update),
  }),
  locations: t.router({
    list: query(locations.list),
    create: command(locations.create),
    update: command(locations.update),
    delete: command(locations.delete),
  }),
  groups: t.router({
    list: query(groups.list),
    get: query(groups.get),
    create: command(groups.create),
    update: command(groups.update),
    delete: command(groups.delete),
    addMembers: command(groups.addMembers),
    removeMembers: command(groups.removeMembers),
    setLeads: command(groups.setLeads),
  }),
  members: t.router({
    list: query(members.list),
    get: query(members.get),
    count: query(members.count),
    create: command(members.create),
    update: command(members.update),
    deactivate: command(members.deactivate),
    reactivate: command(members.reactivate),
    move: command(members.move),
    remove: command(members.remove),
  }),
  invitations: t.router({
    send: command(invitations.send),
    revoke: command(invitations.revoke),
  }),
  domains: t.router({
    list: query(domains.list),
    set: command(domains.set),
    remove: command(domains.remove),
  }),
  imports: t.router({
    create: command(imports.create),
    get: query(imports.get),
    listRows: query(imports.listRows),
    update: command(imports.update),
    run: command(imports.run),
  }),
  coding: t.router({
    listPeople: query(coding.listPeople),
    countPeople: query(coding.countPeople),
    listGroups: query(coding.listGroups),
    report: query(coding.report),
  }),
  chats: t.router({
    list: query(chats.list),
  }),
  rules: t.router({
    list: query(rules.list),
    get: query(rules.get),
    create: command(rules.create),
    update: command(rules.update),
    reorder: command(rules.reorder),
    delete: command(rules.delete),
    try: command(rules.try),
  }),
  search: t.router({
    all: query(search.all),
  }),
  keys: t.router({
    list: query(keys.list),
    listOwn: query(keys.listOwn),
    get: query(keys.get),
    create: command(keys.create),
    previewCreateMany: query(keys.previewCreateMany),
    createMany: command(keys.createMany),
    update: command(keys.update),
    raise: command(keys.raise),
    revoke: command(keys.revoke),
    disable: command(keys.disable),
    enable: command(keys.enable),
    previewMany: query(keys.previewMany),
    revokeMany: command(keys.revokeMany),
    replace: command(keys.replace),
    getOwn: query(keys.getOwn),
    getOwnLimits: query(keys.getOwnLimits),
    createOwn: command(keys.createOwn),
    revokeOwn: command(keys.revokeOwn),
    disableMany: command(keys.disableMany),
    enableMany: command(keys.enableMany),
  }),
  lessons: t.router({
    get: query(lessons.get),
    end: command(lessons.end),
    pause: command(lessons.pause),
    resume: command(lessons.resume),
  }),
  allocations: t.router({
    list: query(allocations.list),
    create: command(allocations.create),
  }),
  models: t.router({
    list: query(models.list),
  }),
  providers: t.router({
    list: query(providers.list),
    listKinds: query(providers.listKinds),
    get: query(providers.get),
    create: command(providers.create),
    update: command(providers.update),
    rotateCredential: command(providers.rotateCredential),
    share: command(providers.share),
    delete: command(providers.delete),
    tryNew: command(providers.tryNew),
    try: command(providers.tryAgain),
    listModels: query(providers.listModels),
    setModels: command(providers.setModels),
    listPrices: query(providers.listPrices),
    previewPrices: command(providers.previewPrices),
    importPrices: command(providers.importPrices),
  }),
  usage: t.router({
    list: query(usage.list),
    summary: query(usage.summary),
  }),
  balance: t.router({
    get: query(balance.get),
    level: query(balance.level),
    listLedger: query(balance.listLedger),
    listPromotions: query(balance.listPromotions),
  }),
  topUps: t.router({
    list: query(topUps.list),
    create: command(topUps.create),
    get: query(topUps.get),
    check: command(topUps.check),
    cancel: command(topUps.cancel),
  }),
  billing: t.router({
    get: query(billing.get),
    setAutomatic: command(billing.setAutomatic),
    stopAutomatic: command(billing.stopAutomatic),
    setAlert: command(billing.setAlert),
    saveMethod: command(billing.saveMethod),
    checkMethod: command(billing.checkMethod),
    confirm: command(billing.confirm),
    reconcile: command(billing.reconcile),
  }),
  statements: t.router({
    list: query(statements.list),
    get: query(statements.get),
  }),
  serviceTokens: t.router({
    list: query(serviceTokens.list),
    create: command(serviceTokens.create),
    revoke: command(serviceTokens.revoke),
  }),
  audit: t.router({
    list: query(audit.list),
  }),
})
export type AppRouter = typeof appRouter
/** What the operations take. */
export type Inputs = inferRouterInputs<AppRouter>

/** Calls operations in the same process: for loaders and actions. Throws TRPCError whose `cause` is the DomainError. */
export const createCaller = t.createCallerFactory(appRouter)

function query<S extends Scope, I extends z.ZodType, O extends z.ZodType>(operation: Query<S, I, O>) {
  return t.procedure.input(unchecked<I>).query(({ ctx, input }): Promise<z.output<O>> => run(operation, ctx, input))
}

function command<S extends Scope, I extends z.ZodType, O extends z.ZodType>(operation: Command<S, I, O>) {
  return t.procedure.input(unchecked<I>).mutation(({ ctx, input }): Promise<z.output<O>> => run(operation, ctx, input))
}

/** An operation that needs no field may be called without any. */
type InputOf<I extends z.ZodType> = Record<never, never> extends z.input<I> ? z.input<I> | undefined : z.input<I>

// For the type only: `execute` checks the input, after the permission.
function unchecked<I extends z.ZodType>(value: unknown): InputOf<I> {
  return value as InputOf<I>
}

async function run<O extends AnyOperation>(
  operation: O,
  ctx: TrpcContext,
  input: unknown,
): Promise<z.output<O['output']>> {
  try {
    const { request, idempotency_key } = ctx
    const options = { request, idempotency_key: operation.kind === 'command' ? idempotency_key : undefined }
    return (await execute(operation, ctx.deps, ctx.actor, input ?? {}, options)).output
  } catch (thrown) {
    throw new TRPCError(toTrpc(thrown))
  }
}

/** tRPC's own refusals, in words of ours. */
const FOREIGN: Partial<Record<TRPCError['code'], DomainError>> = {
  NOT_FOUND: new DomainError('not_found', 'There is no such operation.'),
  METHOD_NOT_SUPPORTED: new DomainError('method_not_allowed', 'Queries are called with GET, commands with POST.'),
  PARSE_ERROR: new DomainError('invalid_request', 'The body is not valid JSON.'),
  BAD_REQUEST: new DomainError('invalid_request', 'The request can’t be read.'),
  UNSUPPORTED_MEDIA_TYPE: new DomainError('unsupported_media_type', 'Send the body as application/json.'),
  PAYLOAD_TOO_LARGE: new DomainError('request_too_large', 'The body is too large.'),
}

function ours(error: TRPCError): DomainError {
  if (isDomainError(error.cause)) return error.cause
  return FOREIGN[error.code] ?? asDomainError(error)
}

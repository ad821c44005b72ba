import {
  type ActionFunctionArgs,
  type AppLoadContext,
  createCookie,
  data,
  type LoaderFunctionArgs,
  redirect,
} from '@remix-run/node'
import type { Caller, Explained, Membership, Session } from '../backend.ts'
import { paths } from './paths.ts'

type Args = LoaderFunctionArgs | ActionFunctionArgs

/** A request by a member of the tenant that the address names. */
export type TenantCall = {
  api: Caller
  session: Session
  membership: Membership
  slug: string
  now: Date
  request: Request
  url: URL
  context: AppLoadContext
  param: (name: string) => string
}

/** What a failed act tells the page it came from. */
export type Refusal = { error: Pick<Explained, 'code' | 'message' | 'fields'> & { request_id: string } }

/** A loader for members of the tenant in the address: signed in, and theirs. Anything else is answered before it runs. */
export function tenantLoader<T>(load: (call: TenantCall) => Promise<T>) {
  return async (args: LoaderFunctionArgs): Promise<T> => {
    const call = await enter(args)
    try {
      return await load(call)
    } catch (error) {
      throw toPage(error, args.context)
    }
  }
}

/** An action for members of the tenant in the address. What an operation refuses comes back as data, for the form to show. */
export function tenantAction<T>(act: (call: TenantCall, form: FormData) => Promise<T>) {
  return async (args: ActionFunctionArgs) => {
    const form = await args.request.formData()
    const call = await enter(args, text(form, 'idempotency_key') || undefined)
    try {
      return await act(call, form)
    } catch (error) {
      return toRefusal(error, args.context)
    }
  }
}

export function toRefusal(error: unknown, context: AppLoadContext) {
  if (error instanceof Response) throw error
  const { status, code, message, fields } = context.backend.explain(error, context.facts)
  const refusal: Refusal = { error: { code, message, fields, request_id: context.facts.request_id } }
  return data(refusal, { status })
}

/** A field of a form, trimmed; nothing where it is missing. */
export function text(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value.trim() : ''
}

export async function findSession({ request, context }: Pick<Args, 'request' | 'context'>): Promise<Session | null> {
  const token = await tokenOf(request, context)
  if (token === null) return null
  let found = context.memo.get('session')
  if (found === undefined) {
    found = context.backend.session(token)
    context.memo.set('session', found)
  }
  return found
}

export async function requireSession(args: Pick<Args, 'request' | 'context'>): Promise<Session> {
  const session = await findSession(args)
  if (session !== null) return session
  const { pathname, search } = new URL(args.request.url)
  throw redirect(paths.login(args.request.method === 'GET' ? pathname + search : undefined))
}

export function sessionCookie(context: AppLoadContext) {
  return createCookie(context.backend.cookie.name, context.backend.cookie.attributes)
}

export async function tokenOf(request: Request, context: AppLoadContext): Promise<string | null> {
  const token: unknown = await sessionCookie(context).parse(request.headers.get('cookie'))
  return typeof token === 'string' && token !== '' ? token : null
}

/** The answer for a tenant that isn't there and for one that isn't theirs. */
export function notFoundPage(context: AppLoadContext) {
  return errorPage(404, 'not_found', 'There is no such page.', context)
}

async function enter(args: Args, idempotency_key?: string): Promise<TenantCall> {
  const { request, context, params } = args
  const session = await requireSession(args)
  const membership = session.memberships.find((one) => one.tenant_slug === params.slug)
  if (membership === undefined) throw notFoundPage(context)
  return {
    api: context.backend.caller(session, membership, { ...context.facts, idempotency_key }),
    session,
    membership,
    slug: membership.tenant_slug,
    now: new Date(),
    request,
    url: new URL(request.url),
    context,
    param: (name) => params[name] ?? '',
  }
}

function toPage(error: unknown, context: AppLoadContext) {
  // Redirects and pages already made pass through.
  if (error instanceof Response || isDataResponse(error)) return error
  const { status, code, message } = context.backend.explain(error, context.facts)
  // What a page asks for comes from its address: an id or cursor that can't be one is an address of nothing.
  if (code === 'invalid_request') return notFoundPage(context)
  return errorPage(status, code, message, context)
}

function errorPage(status: number, code: string, message: string, context: AppLoadContext) {
  return data({ code, message, request_id: context.facts.request_id }, { status })
}

function isDataResponse(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'type' in error && error.type === 'DataWithResponseInit'
}

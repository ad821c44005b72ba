import type { ActionFunctionArgs, LoaderFunctionArgs } from '@remix-run/node'
import { paths } from '../paths.ts'
import { findSession } from '../session.server.ts'

/** The operations for views that refresh themselves. Same session, same tenant in the address, same rules as the pages. */
async function handle(args: LoaderFunctionArgs | ActionFunctionArgs): Promise<Response> {
  const { request, context, params } = args
  const session = await findSession(args)
  const membership = session?.memberships.find((one) => one.tenant_slug === params.slug)
  if (!session || membership === undefined) return new Response(null, { status: session === null ? 401 : 404 })
  return context.backend.trpc(request, paths.trpc(membership.tenant_slug), session, membership, context.facts)
}

export const loader = handle
export const action = handle

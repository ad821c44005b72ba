import { type LoaderFunctionArgs, redirect } from '@remix-run/node'
import { paths } from '../paths.ts'
import { notFoundPage, requireSession } from '../session.server.ts'

/** Signed in, the start page is a tenant's: the first by name, which its switcher leads on from. */
export async function loader(args: LoaderFunctionArgs) {
  const { memberships } = await requireSession(args)
  const [first] = memberships
  if (first === undefined) throw notFoundPage(args.context)
  throw redirect(paths.overview(first.tenant_slug))
}

import { type ActionFunctionArgs, redirect } from '@remix-run/node'
import { paths } from '../paths.ts'
import { sessionCookie, tokenOf } from '../session.server.ts'

export const loader = () => redirect(paths.home())

export async function action({ request, context }: ActionFunctionArgs) {
  const token = await tokenOf(request, context)
  if (token !== null) await context.backend.signOut(token)
  return redirect(paths.login(), {
    headers: { 'set-cookie': await sessionCookie(context).serialize('', { maxAge: 0 }) },
  })
}
